//! `ZDIFF numkeys key [key ...] [WITHSCORES]`
//!
//! Replies the members of the first input that no other has. Sets are inputs too: their members have score 1.
//!
//! Source: Redis documentation, ZDIFF.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::combine::{Operation, reply};

const SPEC: CommandSpec = CommandSpec::new("zdiff", Group::SortedSet, -3)
    .summary("Returns the difference between multiple sorted sets.")
    .since("6.2.0")
    .complexity(
        "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, \
         N is the size of the first set, and K is the size of the result set.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]).counted(0, 1)])
    .args(&[
        Arg::integer("numkeys"),
        Arg::key("key", 0).multiple(),
        Arg::literal("withscores", "WITHSCORES").optional(),
    ]);

/// ZDIFF's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reply(cx, args, Operation::Difference, "zdiff")
}
