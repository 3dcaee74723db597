//! `BGSAVE [SCHEDULE]`
//!
//! Writes the data set as it is now to the snapshot file, while commands go on.
//!
//! Source: Redis documentation, BGSAVE; texts checked against a 7.2.6 server.

use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use super::save::FAILED;
use crate::args::Args;
use crate::command::Command;
use crate::context::{Caller, Context};
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("bgsave", Group::Server, -1)
    .summary("Asynchronously saves the database(s) to disk.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::NO_ASYNC_LOADING])
    .history(&[("3.2.2", "Added the `SCHEDULE` option.")])
    .args(&[Arg::literal("schedule", "SCHEDULE").optional().since("3.2.2")]);

/// BGSAVE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

pub(super) const ALREADY_SAVING: CommandError =
    CommandError::fixed("ERR Background save already in progress");

const BUSY: CommandError = CommandError::fixed(
    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in \
     order to schedule a BGSAVE whenever possible.",
);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let is_scheduled = match args.len() {
        1 => false,
        2 if args.is(1, "schedule") => true,
        _ => return Err(CommandError::Syntax),
    };
    if cx.persistence.is_saving() {
        return Err(ALREADY_SAVING);
    }
    let in_transaction = matches!(cx.caller, Caller::Transaction(_));
    if in_transaction || cx.persistence.is_busy() {
        if !in_transaction && !is_scheduled {
            return Err(BUSY);
        }
        cx.persistence.schedule_save();
        cx.reply.simple("Background saving scheduled");
        return Ok(());
    }
    cx.note_position();
    let changes = cx.metrics.counters.changes_since_save;
    if !cx.persistence.save_in_background(cx.keyspace, cx.config, changes, cx.now) {
        return Err(FAILED);
    }
    cx.reply.simple("Background saving started");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn words_that_nobody_knows_are_refused() {
        Trial::new().check(&[
            ("BGSAVE now", "-ERR syntax error"),
            ("BGSAVE SCHEDULE SCHEDULE", "-ERR syntax error"),
        ]);
    }
}
