//! `LASTSAVE`
//!
//! Replies when the last snapshot was completed, in Unix seconds; at first, when the server started.
//!
//! Source: Redis documentation, LASTSAVE.

use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("lastsave", Group::Server, 1)
    .summary("Returns the Unix timestamp of the last successful save to disk.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::LOADING, Flags::STALE, Flags::FAST])
    .categories(&[Categories::ADMIN, Categories::DANGEROUS])
    .tips(&["nondeterministic_output"]);

/// LASTSAVE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    cx.reply.integer(cx.persistence.saves().last_saved.seconds());
    Ok(())
}
