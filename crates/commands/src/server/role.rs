//! `ROLE`
//!
//! Role, replication offset and replicas: a primary without replicas.
//!
//! Source: Redis documentation, "ROLE"; texts and shapes of a 7.2.6 server.

use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

pub(crate) const SPEC: CommandSpec = CommandSpec::new("role", Group::Server, 1)
    .summary("Returns the replication role.")
    .since("2.8.12")
    .complexity("O(1)")
    .flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::SENTINEL])
    .categories(&[Categories::ADMIN, Categories::DANGEROUS]);

/// The ROLE command.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.reply.array(3);
    cx.reply.bulk(b"master");
    cx.reply.integer(0);
    cx.reply.array(0);
    Ok(())
}
