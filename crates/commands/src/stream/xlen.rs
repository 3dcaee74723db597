//! XLEN key
//!
//! Replies the number of entries.
//!
//! Source: Redis documentation, XLEN.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::stream::stream_of;

const SPEC: CommandSpec = CommandSpec::new("xlen", Group::Stream, 2)
    .summary("Return the number of messages in a stream.")
    .since("5.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::STREAM])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO])])
    .args(&[Arg::key("key", 0)]);

/// XLEN's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let len = match cx.keyspace.get(cx.db, args.get(1)) {
        Some(entry) => stream_of(&entry)?.log.len(),
        None => 0,
    };
    cx.reply.integer(len as i64);
    Ok(())
}
