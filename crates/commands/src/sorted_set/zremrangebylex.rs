//! `ZREMRANGEBYLEX key min max`
//!
//! Removes the members of a range of bytes, where all scores are equal; replies how many.
//!
//! Source: Redis documentation, ZREMRANGEBYLEX.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::range::Order;
use crate::sorted_set::remove::remove_range;

const SPEC: CommandSpec = CommandSpec::new("zremrangebylex", Group::SortedSet, 4)
    .summary(
        "Removes members in a sorted set within a lexicographical range. Deletes the sorted set \
         if all members were removed.",
    )
    .since("2.8.9")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
         elements removed by the operation.",
    )
    .flags(&[Flags::WRITE])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::DELETE])])
    .args(&[Arg::key("key", 0), Arg::string("min"), Arg::string("max")]);

/// ZREMRANGEBYLEX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    remove_range(cx, args, Order::Lex, "zremrangebylex")
}
