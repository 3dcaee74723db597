//! `ZREVRANK key member [WITHSCORE]`
//!
//! Replies how many members are behind a member, or nil; WITHSCORE adds its score.
//!
//! Source: Redis documentation, ZREVRANK.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::rank::{From, rank};

const SPEC: CommandSpec = CommandSpec::new("zrevrank", Group::SortedSet, -3)
    .summary("Returns the index of a member in a sorted set ordered by descending scores.")
    .since("2.0.0")
    .complexity("O(log(N))")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .history(&[("7.2.0", "Added the optional `WITHSCORE` argument.")])
    .args(&[
        Arg::key("key", 0),
        Arg::string("member"),
        Arg::literal("withscore", "WITHSCORE").optional(),
    ]);

/// ZREVRANK's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    rank(cx, args, From::Highest)
}
