//! `ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM|MIN|MAX>]
//! [WITHSCORES]`
//!
//! Replies the members that all inputs have. Sets are inputs too: their members have score 1.
//!
//! Source: Redis documentation, ZINTER.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::combine::{Operation, reply};

const SPEC: CommandSpec = CommandSpec::new("zinter", Group::SortedSet, -3)
    .summary("Returns the intersect of multiple sorted sets.")
    .since("6.2.0")
    .complexity(
        "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the \
         number of input sorted sets and M being the number of elements in the resulting sorted \
         set.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]).counted(0, 1)])
    .args(&[
        Arg::integer("numkeys"),
        Arg::key("key", 0).multiple(),
        Arg::integer("weight").token("WEIGHTS").optional().multiple(),
        Arg::one_of(
            "aggregate",
            &[Arg::literal("sum", "SUM"), Arg::literal("min", "MIN"), Arg::literal("max", "MAX")],
        )
        .token("AGGREGATE")
        .optional(),
        Arg::literal("withscores", "WITHSCORES").optional(),
    ]);

/// ZINTER's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reply(cx, args, Operation::Intersection, "zinter")
}
