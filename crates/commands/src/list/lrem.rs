//! LREM key count element
//!
//! Removes elements that equal `element`: the first `count` from the front, from the back if
//! negative, all if 0. Replies how many.
//!
//! Source: Redis documentation, LREM.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::list::{End, ListMut};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::CommandError;
use crate::error::CommandResult;
use crate::list::list_limits;

const SPEC: CommandSpec = CommandSpec::new("lrem", Group::List, 4)
    .summary("Removes elements from a list. Deletes the list if the last element was removed.")
    .since("1.0.0")
    .complexity("O(N+M) where N is the length of the list and M is the number of elements removed.")
    .flags(&[Flags::WRITE])
    .categories(&[Categories::LIST])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::DELETE])])
    .args(&[Arg::key("key", 0), Arg::integer("count"), Arg::string("element")]);

/// LREM's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (from, most) = match args.integer(2)? {
        0 => (End::Front, usize::MAX),
        count if count < 0 => (End::Back, count.unsigned_abs() as usize),
        count => (End::Front, count as usize),
    };
    let (key, limits) = (args.get(1), list_limits(cx));
    let lazily = cx.config.memory.lazyfree_lazy_server_del;
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.integer(0);
        return Ok(());
    };
    if slot.list().ok_or(CommandError::WrongType)?.find(args.get(3)).is_none() {
        cx.reply.integer(0);
        return Ok(());
    }
    let mut list = ListMut::new(slot.value_mut(), limits);
    let removed = list.remove_equal(args.get(3), from, most);
    let is_empty = list.is_empty();
    if is_empty {
        slot.delete(lazily);
    }
    cx.effects.changed(removed as u64);
    cx.effects.notify(KeyEventClass::LIST, "lrem", cx.db, key);
    if is_empty {
        cx.effects.notify(KeyEventClass::GENERIC, "del", cx.db, key);
    }
    cx.reply.integer(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn equal_elements_go_from_the_end_that_is_asked_for() {
        let mut trial = Trial::new();
        trial.check(&[
            ("LREM l 0 a", ":0"),
            ("RPUSH l a b a c a 1", ":6"),
            ("LREM l 0 x", ":0"),
            ("LREM l x a", "-ERR value is not an integer or out of range"),
            ("LREM l -2 a", ":2"),
            ("LRANGE l 0 -1", "*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\n1"),
            ("LREM l 1 1", ":1"),
            ("LREM l -9223372036854775808 a", ":1"),
            ("LTRIM l 0 0", "+OK"),
            ("LREM l 0 b", ":1"),
            ("EXISTS l", ":0"),
        ]);
        assert_eq!(
            trial.events(),
            ["rpush l", "lrem l", "lrem l", "lrem l", "ltrim l", "lrem l", "del l"]
        );
    }
}
