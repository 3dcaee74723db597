//! `ZSCORE key member`
//!
//! Replies the score of a member, or nil.
//!
//! Source: Redis documentation, ZSCORE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("zscore", Group::SortedSet, 3)
    .summary("Returns the score of a member in a sorted set.")
    .since("1.2.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0), Arg::string("member")]);

/// ZSCORE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let score = match cx.keyspace.get(cx.db, args.get(1)) {
        None => None,
        Some(entry) => entry.sorted_set().ok_or(CommandError::WrongType)?.score(args.get(2)),
    };
    match score {
        Some(score) => cx.reply.double(score),
        None => cx.reply.null(),
    }
    Ok(())
}
