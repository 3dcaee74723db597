//! `ZREMRANGEBYSCORE key min max`
//!
//! Removes the members of a range of scores; replies how many.
//!
//! Source: Redis documentation, ZREMRANGEBYSCORE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::range::Order;
use crate::sorted_set::remove::remove_range;

const SPEC: CommandSpec = CommandSpec::new("zremrangebyscore", Group::SortedSet, 4)
    .summary(
        "Removes members in a sorted set within a range of scores. Deletes the sorted set if all \
         members were removed.",
    )
    .since("1.2.0")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
         elements removed by the operation.",
    )
    .flags(&[Flags::WRITE])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::DELETE])])
    .args(&[Arg::key("key", 0), Arg::double("min"), Arg::double("max")]);

/// ZREMRANGEBYSCORE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    remove_range(cx, args, Order::Score, "zremrangebyscore")
}
