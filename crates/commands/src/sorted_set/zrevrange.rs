//! `ZREVRANGE key start stop [WITHSCORES]`
//!
//! Replies the members of a range of ranks, from the highest score down.
//!
//! Source: Redis documentation, ZREVRANGE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::range::{Order, Selection, Wording};
use crate::sorted_set::show::reply_selection;

const SPEC: CommandSpec = CommandSpec::new("zrevrange", Group::SortedSet, -4)
    .summary("Returns members in a sorted set within a range of indexes in reverse order.")
    .since("1.2.0")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
         elements returned.",
    )
    .deprecated("6.2.0", "`ZRANGE` with the `REV` argument")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[
        Arg::key("key", 0),
        Arg::integer("start"),
        Arg::integer("stop"),
        Arg::literal("withscores", "WITHSCORES").optional(),
    ]);

/// ZREVRANGE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let wording =
        Wording { order: Some(Order::Rank), backwards: Some(true), may_show_scores: true };
    reply_selection(cx, args.get(1), &Selection::parse(args, 2, wording)?)
}
