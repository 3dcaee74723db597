//! `ZCARD key`
//!
//! Replies the number of members.
//!
//! Source: Redis documentation, ZCARD.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("zcard", Group::SortedSet, 2)
    .summary("Returns the number of members in a sorted set.")
    .since("1.2.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO])])
    .args(&[Arg::key("key", 0)]);

/// ZCARD's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let len = match cx.keyspace.get(cx.db, args.get(1)) {
        None => 0,
        Some(entry) => entry.sorted_set().ok_or(CommandError::WrongType)?.len(),
    };
    cx.reply.integer(len as i64);
    Ok(())
}
