//! `BGREWRITEAOF`
//!
//! Replaces the append-only file by the shortest one that gives the same data, while commands go on.
//!
//! Source: Redis documentation, BGREWRITEAOF; texts checked against a 7.2.6 server.

use dunlin_spec::{CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::{Caller, Context};
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("bgrewriteaof", Group::Server, 1)
    .summary("Asynchronously rewrites the append-only file to disk.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::NO_ASYNC_LOADING]);

/// BGREWRITEAOF's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    if cx.persistence.is_rewriting() {
        return Err(CommandError::fixed(
            "ERR Background append only file rewriting already in progress",
        ));
    }
    let is_now = !matches!(cx.caller, Caller::Transaction(_)) && !cx.persistence.is_busy();
    cx.persistence.request_rewrite(is_now);
    cx.reply.simple(if is_now {
        // The engine begins it when this command has ended.
        "Background append only file rewriting started"
    } else {
        "Background append only file rewriting scheduled"
    });
    Ok(())
}
