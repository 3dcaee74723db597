//! `MULTI`
//!
//! From here on the client's commands are queued; EXEC runs them together.
//!
//! Source: redis.io, MULTI; "Transactions".

use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::connection::NO_CONNECTION;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("multi", Group::Transactions, 1)
    .summary("Starts a transaction.")
    .since("1.2.0")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::ALLOW_BUSY])
    .categories(&[Categories::TRANSACTION]);

/// MULTI's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let token = cx.caller.client().ok_or(NO_CONNECTION)?;
    if cx.sessions.get(token).is_some_and(|session| session.transaction.is_some()) {
        return Err(CommandError::fixed("ERR MULTI calls can not be nested"));
    }
    cx.sessions.start_transaction(token);
    cx.reply.ok();
    Ok(())
}
