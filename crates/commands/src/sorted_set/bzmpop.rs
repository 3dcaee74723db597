//! `BZMPOP timeout numkeys key [key ...] <MIN|MAX> [COUNT count]`
//!
//! Takes members from an end of the first sorted set that exists, or waits until there is one. Propagated
//! as ZPOPMIN or ZPOPMAX.
//!
//! Source: Redis documentation, BZMPOP.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::blocking::Timeout;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::pop::Query;

const SPEC: CommandSpec = CommandSpec::new("bzmpop", Group::SortedSet, -5)
    .summary(
        "Removes and returns a member by score from one or more sorted sets. Blocks until a \
         member is available otherwise. Deletes the sorted set if the last element was popped.",
    )
    .since("7.0.0")
    .complexity(
        "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of \
         elements in the sorted set, and M being the number of elements popped.",
    )
    .flags(&[Flags::WRITE, Flags::BLOCKING])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(2, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]).counted(0, 1)])
    .args(&[
        Arg::double("timeout"),
        Arg::integer("numkeys"),
        Arg::key("key", 0).multiple(),
        Arg::one_of("where", &[Arg::literal("min", "MIN"), Arg::literal("max", "MAX")]),
        Arg::integer("count").token("COUNT").optional(),
    ]);

/// BZMPOP's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let query = Query::parse(args, 2)?;
    let timeout = Timeout::seconds(args.get(1), cx.now)?;
    query.pop_or_wait(cx, timeout)
}
