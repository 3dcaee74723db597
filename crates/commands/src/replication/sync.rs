//! `SYNC`
//!
//! A replica of old asks for a snapshot and what follows it. It acknowledges nothing.
//!
//! Source: the protocol as observed on 7.0.15 and 7.2.6 servers.

use dunlin_replication::Wish;
use dunlin_spec::{CommandSpec, Group};

use super::psync::{FLAGS, check};
use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("sync", Group::Server, 1)
    .summary("An internal command used in replication.")
    .since("1.0.0")
    .flags(FLAGS);

/// SYNC's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    if cx.is_for_replica() {
        return Ok(());
    }
    check(cx)?;
    if let Some(number) = cx.replica_number() {
        cx.replication.wish(Wish::Attach { number, position: None });
    }
    Ok(())
}
