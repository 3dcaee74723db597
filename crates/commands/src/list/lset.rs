//! LSET key index element
//!
//! Replaces an element, named by its number, counted from the back if negative.
//!
//! Source: Redis documentation, LSET.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::list::ListMut;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::CommandError;
use crate::error::CommandResult;
use crate::list::{element, index_of, list_limits, widen};

const SPEC: CommandSpec = CommandSpec::new("lset", Group::List, 4)
    .summary("Sets the value of an element in a list by its index.")
    .since("1.0.0")
    .complexity(
        "O(N) where N is the length of the list. Setting either the first or the last element of \
         the list is O(1).",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::LIST])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::integer("index"), Arg::string("element")]);

/// LSET's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, limits) = (args.get(1), list_limits(cx));
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else {
        return Err(CommandError::NoSuchKey);
    };
    let len = slot.list().ok_or(CommandError::WrongType)?.len();
    let Some(index) = index_of(args.integer(2)?, len) else {
        widen(slot, element(args, 3), limits);
        return Err(CommandError::OutOfRange);
    };
    ListMut::new(slot.value_mut(), limits).set(index, element(args, 3));
    cx.effects.changed(1);
    cx.effects.notify(KeyEventClass::LIST, "lset", cx.db, key);
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn an_element_is_replaced() {
        let mut trial = Trial::new();
        trial.check(&[
            ("LSET l 0 x", "-ERR no such key"),
            ("RPUSH l a b c", ":3"),
            ("LSET l x y", "-ERR value is not an integer or out of range"),
            ("LSET l 3 y", "-ERR index out of range"),
            ("LSET l -4 y", "-ERR index out of range"),
            ("LSET l -1 z", "+OK"),
            ("LSET l 0 12", "+OK"),
            ("LRANGE l 0 -1", "*3\r\n$2\r\n12\r\n$1\r\nb\r\n$1\r\nz"),
        ]);
        assert_eq!(trial.events(), ["rpush l", "lset l", "lset l"]);
    }
}
