//! `BZPOPMIN key [key ...] timeout`
//!
//! Takes the member of the lowest score from the first sorted set that exists, or waits until there is one.
//! Propagated as ZPOPMIN.
//!
//! Source: Redis documentation, BZPOPMIN.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::pop::{End, pop_or_wait};

const SPEC: CommandSpec = CommandSpec::new("bzpopmin", Group::SortedSet, -3)
    .summary(
        "Removes and returns the member with the lowest score from one or more sorted sets. \
         Blocks until a member is available otherwise. Deletes the sorted set if the last element \
         was popped.",
    )
    .since("5.0.0")
    .complexity("O(log(N)) with N being the number of elements in the sorted set.")
    .flags(&[Flags::WRITE, Flags::FAST, Flags::BLOCKING])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]).to(-2)])
    .history(&[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")])
    .args(&[Arg::key("key", 0).multiple(), Arg::double("timeout")]);

/// BZPOPMIN's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop_or_wait(cx, args, End::Min)
}
