//! `ZRANGEBYLEX key min max [LIMIT offset count]`
//!
//! Replies the members of a range of bytes, where all scores are equal.
//!
//! Source: Redis documentation, ZRANGEBYLEX.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::range::{Order, Selection, Wording};
use crate::sorted_set::show::reply_selection;

const SPEC: CommandSpec = CommandSpec::new("zrangebylex", Group::SortedSet, -4)
    .summary("Returns members in a sorted set within a lexicographical range.")
    .since("2.8.9")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
         elements being returned. If M is constant (e.g. always asking for the first 10 elements \
         with LIMIT), you can consider it O(log(N)).",
    )
    .deprecated("6.2.0", "`ZRANGE` with the `BYLEX` argument")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[
        Arg::key("key", 0),
        Arg::string("min"),
        Arg::string("max"),
        Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")])
            .token("LIMIT")
            .optional(),
    ]);

/// ZRANGEBYLEX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let wording =
        Wording { order: Some(Order::Lex), backwards: Some(false), may_show_scores: true };
    reply_selection(cx, args.get(1), &Selection::parse(args, 2, wording)?)
}
