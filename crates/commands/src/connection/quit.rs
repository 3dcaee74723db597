//! `QUIT`
//!
//! Source: redis.io, QUIT.

use dunlin_session::Closing;
use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("quit", Group::Connection, -1)
    .summary("Closes the connection.")
    .since("1.0.0")
    .complexity("O(1)")
    .deprecated("7.2.0", "just closing the connection")
    .flags(&[
        Flags::ALLOW_BUSY,
        Flags::NOSCRIPT,
        Flags::LOADING,
        Flags::STALE,
        Flags::FAST,
        Flags::NO_AUTH,
    ])
    .categories(&[Categories::CONNECTION]);

/// QUIT's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// Requests behind this one are not run: the client said that it is done.
fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.reply.ok();
    if let Some(token) = cx.caller.client() {
        cx.sessions.close(token, Closing::AfterReply);
    }
    Ok(())
}
