//! `ASKING`
//!
//! The next command may use a slot that is being imported: the client has been sent here with ASK.
//!
//! Source: redis.io, ASKING; "Redis cluster specification", section "ASK redirection".

use dunlin_session::SessionFlags;
use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use super::DISABLED;
use crate::args::Args;
use crate::command::Command;
use crate::connection::NO_CONNECTION;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("asking", Group::Cluster, 1)
    .summary("Signals that a cluster client is following an -ASK redirect.")
    .since("3.0.0")
    .complexity("O(1)")
    .flags(&[Flags::FAST])
    .categories(&[Categories::CONNECTION]);

/// ASKING's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// Whoever runs commands takes the flag away behind the next one.
fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    if cx.cluster.is_none() {
        return Err(DISABLED);
    }
    cx.session().ok_or(NO_CONNECTION)?.flags.insert(SessionFlags::ASKING);
    cx.reply.ok();
    Ok(())
}
