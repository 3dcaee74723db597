//! `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`
//!
//! Replies the members of a range of scores.
//!
//! Source: Redis documentation, ZRANGEBYSCORE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::range::{Order, Selection, Wording};
use crate::sorted_set::show::reply_selection;

const SPEC: CommandSpec = CommandSpec::new("zrangebyscore", Group::SortedSet, -4)
    .summary("Returns members in a sorted set within a range of scores.")
    .since("1.0.5")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
         elements being returned. If M is constant (e.g. always asking for the first 10 elements \
         with LIMIT), you can consider it O(log(N)).",
    )
    .deprecated("6.2.0", "`ZRANGE` with the `BYSCORE` argument")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .history(&[("2.0.0", "Added the `WITHSCORES` modifier.")])
    .args(&[
        Arg::key("key", 0),
        Arg::double("min"),
        Arg::double("max"),
        Arg::literal("withscores", "WITHSCORES").optional().since("2.0.0"),
        Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")])
            .token("LIMIT")
            .optional(),
    ]);

/// ZRANGEBYSCORE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let wording =
        Wording { order: Some(Order::Score), backwards: Some(false), may_show_scores: true };
    reply_selection(cx, args.get(1), &Selection::parse(args, 2, wording)?)
}
