//! `ECHO message`
//!
//! Source: redis.io, ECHO.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("echo", Group::Connection, 2)
    .summary("Returns the given string.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE, Flags::FAST])
    .categories(&[Categories::CONNECTION])
    .args(&[Arg::string("message")]);

/// ECHO's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    cx.reply.bulk(args.get(1));
    Ok(())
}
