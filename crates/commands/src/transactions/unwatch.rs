//! `UNWATCH`
//!
//! The client's next EXEC does not depend on keys.
//!
//! Source: redis.io, UNWATCH.

use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::connection::NO_CONNECTION;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("unwatch", Group::Transactions, 1)
    .summary("Forgets about watched keys of a transaction.")
    .since("2.2.0")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::ALLOW_BUSY])
    .categories(&[Categories::TRANSACTION]);

/// UNWATCH's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.sessions.unwatch(cx.caller.client().ok_or(NO_CONNECTION)?);
    cx.reply.ok();
    Ok(())
}
