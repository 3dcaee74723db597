//! LLEN key
//!
//! Replies the number of elements of a list, 0 if the key does not exist.
//!
//! Source: Redis documentation, LLEN.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandError;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("llen", Group::List, 2)
    .summary("Returns the length of a list.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::LIST])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO])])
    .args(&[Arg::key("key", 0)]);

/// LLEN's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let len = match cx.keyspace.get(cx.db, args.get(1)) {
        None => 0,
        Some(entry) => entry.list().ok_or(CommandError::WrongType)?.len(),
    };
    cx.reply.integer(len as i64);
    Ok(())
}
