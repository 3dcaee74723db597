//! `ZREMRANGEBYRANK key start stop`
//!
//! Removes the members of a range of ranks; replies how many.
//!
//! Source: Redis documentation, ZREMRANGEBYRANK.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::range::Order;
use crate::sorted_set::remove::remove_range;

const SPEC: CommandSpec = CommandSpec::new("zremrangebyrank", Group::SortedSet, 4)
    .summary(
        "Removes members in a sorted set within a range of indexes. Deletes the sorted set if \
         all members were removed.",
    )
    .since("2.0.0")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
         elements removed by the operation.",
    )
    .flags(&[Flags::WRITE])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::DELETE])])
    .args(&[Arg::key("key", 0), Arg::integer("start"), Arg::integer("stop")]);

/// ZREMRANGEBYRANK's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    remove_range(cx, args, Order::Rank, "zremrangebyrank")
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn ranges_of_every_kind() {
        let mut trial = Trial::new();
        for limit in [128, 0] {
            trial.config.encodings.zset_max_listpack_entries = limit;
            trial.check(&[
                ("ZADD z 1 a 2 b 3 c 4 d 5 e", ":5"),
                ("ZREMRANGEBYRANK z -1 -1", ":1"),
                ("ZREMRANGEBYRANK z 7 9", ":0"),
                ("ZREMRANGEBYSCORE z (1 2", ":1"),
                ("ZREMRANGEBYLEX z [c [c", ":1"),
                ("ZRANGE z 0 -1", "*2\r\n$1\r\na\r\n$1\r\nd"),
                ("ZREMRANGEBYSCORE z -inf inf", ":2"),
                ("EXISTS z", ":0"),
                ("ZREMRANGEBYRANK z 0 -1", ":0"),
                ("ZREMRANGEBYRANK z 0 x", "-ERR value is not an integer or out of range"),
            ]);
            assert_eq!(
                trial.events(),
                [
                    "zadd z",
                    "zremrangebyrank z",
                    "zremrangebyscore z",
                    "zremrangebylex z",
                    "zremrangebyscore z",
                    "del z"
                ]
            );
        }
    }
}
