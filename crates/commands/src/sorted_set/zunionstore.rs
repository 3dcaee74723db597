//! `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE
//! <SUM|MIN|MAX>]`
//!
//! Makes a key hold the members of any of the inputs. Replies how many they are.
//!
//! Source: Redis documentation, ZUNIONSTORE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::combine::{Operation, store};

const SPEC: CommandSpec = CommandSpec::new("zunionstore", Group::SortedSet, -4)
    .summary("Stores the union of multiple sorted sets in a key.")
    .since("2.0.0")
    .complexity(
        "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M \
         being the number of elements in the resulting sorted set.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::SORTEDSET])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::OW, KeyFlags::UPDATE]),
        KeySpec::at(2, &[KeyFlags::RO, KeyFlags::ACCESS]).counted(0, 1),
    ])
    .args(&[
        Arg::key("destination", 0),
        Arg::integer("numkeys"),
        Arg::key("key", 1).multiple(),
        Arg::integer("weight").token("WEIGHTS").optional().multiple(),
        Arg::one_of(
            "aggregate",
            &[Arg::literal("sum", "SUM"), Arg::literal("min", "MIN"), Arg::literal("max", "MAX")],
        )
        .token("AGGREGATE")
        .optional(),
    ]);

/// ZUNIONSTORE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    store(cx, args, Operation::Union, "zunionstore")
}
