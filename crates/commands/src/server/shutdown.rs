//! `SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] [ABORT]`
//!
//! Brings to disk what is to be kept and ends the server. Nothing is replied: the connection closes.
//! What cannot be kept keeps the server alive, unless FORCE lets it go. Replicas that lack something
//! are given time (`shutdown-timeout`); meanwhile ABORT takes the wish back.
//!
//! Source: Redis documentation, SHUTDOWN; texts checked against a 7.2.6 server.

use dunlin_config::ShutdownOptions;
use dunlin_persistence::Wish;
use dunlin_spec::{Arg, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("shutdown", Group::Server, -1)
    .summary("Synchronously saves the database(s) to disk and shuts down the Redis server.")
    .since("1.0.0")
    .complexity(
        "O(N) when saving, where N is the total number of keys in all databases when saving \
         data, otherwise O(1)",
    )
    .flags(&[
        Flags::ADMIN,
        Flags::NOSCRIPT,
        Flags::LOADING,
        Flags::STALE,
        Flags::NO_MULTI,
        Flags::SENTINEL,
        Flags::ALLOW_BUSY,
    ])
    .history(&[("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers.")])
    .args(&[
        Arg::one_of(
            "save-selector",
            &[Arg::literal("nosave", "NOSAVE"), Arg::literal("save", "SAVE")],
        )
        .optional(),
        Arg::literal("now", "NOW").optional().since("7.0.0"),
        Arg::literal("force", "FORCE").optional().since("7.0.0"),
        Arg::literal("abort", "ABORT").optional().since("7.0.0"),
    ]);

/// SHUTDOWN's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut options = ShutdownOptions::empty();
    let mut abort = false;
    for &word in &args.words()[1..] {
        match word.to_ascii_lowercase().as_slice() {
            b"nosave" => options |= ShutdownOptions::NOSAVE,
            b"save" => options |= ShutdownOptions::SAVE,
            b"now" => options |= ShutdownOptions::NOW,
            b"force" => options |= ShutdownOptions::FORCE,
            b"abort" => abort = true,
            _ => return Err(CommandError::Syntax),
        }
    }
    let both = ShutdownOptions::NOSAVE | ShutdownOptions::SAVE;
    if abort && !options.is_empty() || options.contains(both) {
        return Err(CommandError::Syntax);
    }
    if abort && cx.persistence.abort_shutdown() {
        cx.write_journal();
        cx.reply.ok();
        return Ok(());
    }
    if abort {
        return Err(CommandError::fixed("ERR No shutdown in progress."));
    }
    // The engine does it when this command has ended, and replies if it fails.
    cx.persistence.wish(Wish::Shutdown(options));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::Trial;

    #[test]
    fn the_engine_is_asked_and_nothing_is_replied() {
        for command in ["SHUTDOWN", "SHUTDOWN NOSAVE", "shutdown now force", "SHUTDOWN SAVE FORCE"]
        {
            let mut trial = Trial::new();
            assert_eq!(trial.run(command), "");
            let wish = trial.persistence.take_wish();
            assert!(matches!(wish, Some(Wish::Shutdown(_))), "{command}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let check = |command: &str, error: &str| {
            let mut trial = Trial::new();
            assert_eq!(trial.run(command), format!("-{error}\r\n"));
            assert_eq!(trial.persistence.take_wish(), None, "{command}");
        };
        check("SHUTDOWN SAVE NOSAVE", "ERR syntax error");
        check("SHUTDOWN ABORT NOW", "ERR syntax error");
        check("SHUTDOWN later", "ERR syntax error");
        check("SHUTDOWN ABORT", "ERR No shutdown in progress.");
    }
}
