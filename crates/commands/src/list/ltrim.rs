//! LTRIM key start stop
//!
//! Keeps the elements from one number to another, both included and counted from the back if
//! negative, and removes the others.
//!
//! Differs: a call that removes nothing leaves transactions that watch the key alone.
//!
//! Source: Redis documentation, LTRIM.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::list::ListMut;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::CommandError;
use crate::error::CommandResult;
use crate::list::{list_limits, range_of};

const SPEC: CommandSpec = CommandSpec::new("ltrim", Group::List, 4)
    .summary(
        "Removes elements from both ends a list. Deletes the list if all elements were trimmed.",
    )
    .since("1.0.0")
    .complexity("O(N) where N is the number of elements to be removed by the operation.")
    .flags(&[Flags::WRITE])
    .categories(&[Categories::LIST])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::DELETE])])
    .args(&[Arg::key("key", 0), Arg::integer("start"), Arg::integer("stop")]);

/// LTRIM's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (start, stop) = (args.integer(2)?, args.integer(3)?);
    let (key, limits) = (args.get(1), list_limits(cx));
    let lazily = cx.config.memory.lazyfree_lazy_server_del;
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.ok();
        return Ok(());
    };
    let len = slot.list().ok_or(CommandError::WrongType)?.len();
    let kept = range_of(start, stop, len);
    if kept.is_empty() {
        slot.delete(lazily);
    } else if kept.len() < len {
        let mut list = ListMut::new(slot.value_mut(), limits);
        list.remove_range(kept.end, len - kept.end);
        list.remove_range(0, kept.start);
    }
    // Told even if nothing went, as in Redis.
    cx.effects.changed((len - kept.len()) as u64);
    cx.effects.notify(KeyEventClass::LIST, "ltrim", cx.db, key);
    if kept.is_empty() {
        cx.effects.notify(KeyEventClass::GENERIC, "del", cx.db, key);
    }
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn what_is_outside_goes() {
        let mut trial = Trial::new();
        trial.check(&[
            ("LTRIM l 0 -1", "+OK"),
            ("RPUSH l a b c d", ":4"),
            ("LTRIM l 0 -1", "+OK"),
            ("LTRIM l 1 -2", "+OK"),
            ("LRANGE l 0 -1", "*2\r\n$1\r\nb\r\n$1\r\nc"),
            ("LTRIM l 5 9", "+OK"),
            ("EXISTS l", ":0"),
        ]);
        assert_eq!(trial.events(), ["rpush l", "ltrim l", "ltrim l", "ltrim l", "del l"]);
        assert_eq!(trial.propagated(), ["RPUSH l a b c d", "LTRIM l 1 -2", "LTRIM l 5 9"]);
    }
}
