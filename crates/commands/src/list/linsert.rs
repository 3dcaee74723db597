//! `LINSERT key <BEFORE|AFTER> pivot element`
//!
//! Puts an element in front of or behind the first one that equals `pivot`; replies the new length,
//! -1 if there is no such element.
//!
//! Source: Redis documentation, LINSERT.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::list::{End, ListMut};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::CommandError;
use crate::error::CommandResult;
use crate::list::{element, list_limits, widen};

const SPEC: CommandSpec = CommandSpec::new("linsert", Group::List, 5)
    .summary("Inserts an element before or after another element in a list.")
    .since("2.2.0")
    .complexity(
        "O(N) where N is the number of elements to traverse before seeing the value pivot. This \
         means that inserting somewhere on the left end on the list (head) can be considered O(1) \
         and inserting somewhere on the right end (tail) is O(N).",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::LIST])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::INSERT])])
    .args(&[
        Arg::key("key", 0),
        Arg::one_of("where", &[Arg::literal("before", "BEFORE"), Arg::literal("after", "AFTER")]),
        Arg::string("pivot"),
        Arg::string("element"),
    ]);

/// LINSERT's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let side = if args.is(2, "BEFORE") {
        End::Front
    } else if args.is(2, "AFTER") {
        End::Back
    } else {
        return Err(CommandError::Syntax);
    };
    let (key, limits) = (args.get(1), list_limits(cx));
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.integer(0);
        return Ok(());
    };
    let list = slot.list().ok_or(CommandError::WrongType)?;
    let Some(pivot) = list.find(args.get(3)) else {
        widen(slot, element(args, 4), limits);
        cx.reply.integer(-1);
        return Ok(());
    };
    let len = list.len() + 1;
    ListMut::new(slot.value_mut(), limits).insert(pivot, side, element(args, 4));
    cx.effects.changed(1);
    cx.effects.notify(KeyEventClass::LIST, "linsert", cx.db, key);
    cx.reply.integer(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn an_element_is_put_beside_another() {
        let mut trial = Trial::new();
        trial.check(&[
            ("LINSERT l before a b", ":0"),
            ("RPUSH l a 5 a", ":3"),
            ("LINSERT l beside a b", "-ERR syntax error"),
            ("LINSERT l before x b", ":-1"),
            ("LINSERT l before a b", ":4"),
            ("LINSERT l AFTER 5 6", ":5"),
            ("LRANGE l 0 -1", "*5\r\n$1\r\nb\r\n$1\r\na\r\n$1\r\n5\r\n$1\r\n6\r\n$1\r\na"),
        ]);
        assert_eq!(trial.events(), ["rpush l", "linsert l", "linsert l"]);
    }
}
