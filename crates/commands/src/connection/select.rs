//! `SELECT index`
//!
//! Source: redis.io, SELECT.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

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
    let index = i32::try_from(args.integer(1)?).map_err(|_| OUT_OF_INT)?;
    if cx.config.cluster.cluster_enabled && index != 0 {
        return Err(CommandError::fixed("ERR SELECT is not allowed in cluster mode"));
    }
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

const OUT_OF_INT: CommandError =
    CommandError::fixed("ERR value is out of range, value must between -2147483648 and 2147483647");
