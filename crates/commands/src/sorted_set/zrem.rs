//! `ZREM key member [member ...]`
//!
//! Removes members; replies how many were there. An empty sorted set is no key.
//!
//! Source: Redis documentation, ZREM.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::remove::{Removal, removed};

const SPEC: CommandSpec = CommandSpec::new("zrem", Group::SortedSet, -3)
    .summary(
        "Removes one or more members from a sorted set. Deletes the sorted set if all members \
         were removed.",
    )
    .since("1.2.0")
    .complexity(
        "O(M*log(N)) with N being the number of elements in the sorted set and M the number of \
         elements to be removed.",
    )
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::DELETE])])
    .history(&[("2.4.0", "Accepts multiple elements.")])
    .args(&[Arg::key("key", 0), Arg::string("member").multiple()]);

/// ZREM's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, removal) = (args.get(1), Removal::of(cx));
    let (count, is_emptied) = match cx.keyspace.slot(cx.db, key) {
        Slot::Vacant(_) => (0, false),
        Slot::Occupied(slot) => removal.remove_members(slot, &args.words()[2..])?,
    };
    removed(cx, key, "zrem", count, is_emptied);
    cx.reply.integer(count as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_last_member_takes_the_key_along() {
        let mut trial = Trial::new();
        trial.check(&[
            ("ZADD z 1 a 2 b 3 c", ":3"),
            ("ZREM z b nosuch b", ":1"),
            ("ZREM z nosuch", ":0"),
            ("ZREM z a c d", ":2"),
            ("EXISTS z", ":0"),
            ("ZREM z a", ":0"),
        ]);
        assert_eq!(trial.events(), ["zadd z", "zrem z", "zrem z", "del z"]);
    }
}
