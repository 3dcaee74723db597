//! `ZPOPMAX key [count]`
//!
//! Takes the members of the highest scores; replies them with their scores.
//!
//! Source: Redis documentation, ZPOPMAX.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::pop::{End, pop};

const SPEC: CommandSpec = CommandSpec::new("zpopmax", Group::SortedSet, -2)
    .summary(
        "Returns the highest-scoring members from a sorted set after removing them. Deletes the \
         sorted set if the last member was popped.",
    )
    .since("5.0.0")
    .complexity(
        "O(log(N)*M) with N being the number of elements in the sorted set, and M being the \
         number of elements popped.",
    )
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])])
    .args(&[Arg::key("key", 0), Arg::integer("count").optional()]);

/// ZPOPMAX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop(cx, args, End::Max)
}
