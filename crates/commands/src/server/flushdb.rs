//! `FLUSHDB [ASYNC|SYNC]`
//!
//! Empties the selected database. ASYNC drops the keys on another thread; without a word
//! `lazyfree-lazy-user-flush` decides. Propagated even when there was nothing to remove.
//!
//! Source: Redis documentation, FLUSHDB.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("flushdb", Group::Server, -1)
    .summary("Remove all keys from the current database.")
    .since("1.0.0")
    .complexity("O(N) where N is the number of keys in the selected database")
    .flags(&[Flags::WRITE])
    .categories(&[Categories::KEYSPACE, Categories::DANGEROUS])
    .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
    .history(&[
        ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
        ("6.2.0", "Added the `SYNC` flushing mode modifier."),
    ])
    .args(&[Arg::one_of(
        "flush-type",
        &[
            Arg::literal("async", "ASYNC").since("4.0.0"),
            Arg::literal("sync", "SYNC").since("6.2.0"),
        ],
    )
    .optional()]);

/// FLUSHDB's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let lazily = is_lazy(cx, args)?;
    let removed = cx.keyspace.flush(cx.db, lazily);
    cx.effects.changed(removed as u64);
    cx.effects.propagate_unchanged();
    cx.reply.ok();
    Ok(())
}

/// Whether FLUSHDB or FLUSHALL drops the keys on another thread.
///
/// # Errors
/// [`CommandError::Syntax`].
pub(super) fn is_lazy(cx: &Context<'_>, args: Args<'_>) -> Result<bool, CommandError> {
    match args.len() {
        1 => Ok(cx.config.memory.lazyfree_lazy_user_flush),
        2 if args.is(1, "sync") => Ok(false),
        2 if args.is(1, "async") => Ok(true),
        _ => Err(CommandError::Syntax),
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn one_database_is_emptied() {
        let mut trial = Trial::new();
        trial.run("SET a 1");
        trial.db = 1;
        trial.run("SET a 1");
        trial.forget();
        for command in ["FLUSHDB", "flushdb async", "FLUSHDB SYNC"] {
            assert_eq!(trial.run(command), "+OK\r\n");
            assert_eq!(trial.propagated(), [command]);
            assert_eq!(trial.run("DBSIZE"), ":0\r\n");
        }
        trial.db = 0;
        assert_eq!(trial.run("DBSIZE"), ":1\r\n");
    }
}
