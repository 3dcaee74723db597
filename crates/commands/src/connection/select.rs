//! SELECT index
//!
//! Source: Redis documentation, SELECT.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::table::Command;

const SPEC: CommandSpec = CommandSpec::new("select", Group::Connection, 2)
    .summary("Changes the selected database.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE, Flags::FAST])
    .categories(&[Categories::CONNECTION])
    .args(&[Arg::integer("index")]);

/// SELECT's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let index = args.integer(1)?;
    let db = u32::try_from(index)
        .ok()
        .filter(|db| *db < cx.keyspace.databases())
        .ok_or(CommandError::fixed("ERR DB index is out of range"))?;
    cx.db = db;
    if let Some(session) = cx.session() {
        session.db = db;
    }
    cx.reply.ok();
    Ok(())
}
