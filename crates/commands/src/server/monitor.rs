//! `MONITOR`
//!
//! The client receives a line for each command that others run; the engine writes it when the
//! command has run.
//!
//! Source: Redis documentation, "MONITOR"; texts and shapes of a 7.2.6 server.

use dunlin_spec::{CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

pub(crate) const SPEC: CommandSpec = CommandSpec::new("monitor", Group::Server, 1)
    .summary("Listens for all requests received by the server in real-time.")
    .since("1.0.0")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]);

/// The MONITOR command.
pub const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    // Whoever runs commands in between expects one reply for each.
    let Some(token) = cx.caller.client().filter(|_| cx.may_block()) else {
        return Err(CommandError::fixed("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    };
    if cx.sessions.start_monitor(token) {
        cx.reply.ok();
    }
    Ok(())
}
