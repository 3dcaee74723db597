//! `RESET`
//!
//! Source: redis.io, RESET.

use dunlin_resp::Protocol;
use dunlin_session::{Access, Session};
use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use super::connection;
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("reset", Group::Connection, 1)
    .summary("Resets the connection.")
    .since("6.2.0")
    .complexity("O(1)")
    .flags(&[
        Flags::NOSCRIPT,
        Flags::LOADING,
        Flags::STALE,
        Flags::FAST,
        Flags::NO_AUTH,
        Flags::ALLOW_BUSY,
    ])
    .categories(&[Categories::CONNECTION]);

/// RESET's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    const NOT_NORMAL: CommandError =
        CommandError::fixed("ERR can only reset normal client connections");
    let token = connection(cx.caller)?;
    if cx.sessions.get(token).is_some_and(Session::is_link) {
        return Err(NOT_NORMAL);
    }
    let access = Access { default_password: &cx.config.security.requirepass };
    cx.sessions.reset(token, access);
    cx.db = 0;
    cx.reply.protocol = Protocol::Resp2;
    cx.reply.simple("RESET");
    Ok(())
}
