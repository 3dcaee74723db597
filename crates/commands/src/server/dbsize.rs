//! `DBSIZE`
//!
//! Replies the number of keys of the selected database; keys that have expired count until they are
//! met.
//!
//! Source: Redis documentation, DBSIZE.

use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("dbsize", Group::Server, 1)
    .summary("Returns the number of keys in the database.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::KEYSPACE])
    .tips(&["request_policy:all_shards", "response_policy:agg_sum"]);

/// DBSIZE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let keys = cx.keyspace.database(cx.db).len();
    cx.reply.integer(keys as i64);
    Ok(())
}
