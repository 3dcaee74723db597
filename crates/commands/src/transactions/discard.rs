//! `DISCARD`
//!
//! Forgets what was queued since MULTI, and what was watched for it.
//!
//! Source: redis.io, DISCARD.

use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::connection::NO_CONNECTION;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("discard", Group::Transactions, 1)
    .summary("Discards a transaction.")
    .since("2.0.0")
    .complexity("O(N), when N is the number of queued commands")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::ALLOW_BUSY])
    .categories(&[Categories::TRANSACTION]);

/// DISCARD's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let token = cx.caller.client().ok_or(NO_CONNECTION)?;
    if cx.sessions.get(token).is_none_or(|session| session.transaction.is_none()) {
        return Err(CommandError::fixed("ERR DISCARD without MULTI"));
    }
    cx.sessions.end_transaction(token);
    cx.reply.ok();
    Ok(())
}
