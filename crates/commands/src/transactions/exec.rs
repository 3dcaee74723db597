//! `EXEC`
//!
//! Runs what was queued since MULTI. Whoever queues commands runs them too, through the same entry
//! point as all others: in the server that is the engine's `transaction` module, which also decides
//! whether they run at all. What is left to say here is that there is no transaction.
//!
//! Source: redis.io, EXEC.

use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("exec", Group::Transactions, 1)
    .summary("Executes all commands in a transaction.")
    .since("1.2.0")
    .complexity("Depends on commands in the transaction")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SKIP_SLOWLOG])
    .categories(&[Categories::TRANSACTION]);

/// EXEC's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(_: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    Err(CommandError::fixed("ERR EXEC without MULTI"))
}
