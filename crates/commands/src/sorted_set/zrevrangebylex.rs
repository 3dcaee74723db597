//! `ZREVRANGEBYLEX key max min [LIMIT offset count]`
//!
//! Replies the members of a range of bytes from the highest down, where all scores are equal.
//!
//! Source: Redis documentation, ZREVRANGEBYLEX.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::range::{Order, Selection, Wording};
use crate::sorted_set::show::reply_selection;

const SPEC: CommandSpec = CommandSpec::new("zrevrangebylex", Group::SortedSet, -4)
    .summary("Returns members in a sorted set within a lexicographical range in reverse order.")
    .since("2.8.9")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
         elements being returned. If M is constant (e.g. always asking for the first 10 elements \
         with LIMIT), you can consider it O(log(N)).",
    )
    .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[
        Arg::key("key", 0),
        Arg::string("max"),
        Arg::string("min"),
        Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")])
            .token("LIMIT")
            .optional(),
    ]);

/// ZREVRANGEBYLEX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let wording = Wording { order: Some(Order::Lex), backwards: Some(true), may_show_scores: true };
    reply_selection(cx, args.get(1), &Selection::parse(args, 2, wording)?)
}
