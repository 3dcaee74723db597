//! `FLUSHALL [ASYNC|SYNC]`
//!
//! Empties all databases, as FLUSHDB does one.
//!
//! Source: Redis documentation, FLUSHALL.

use dunlin_persistence::Wish;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::server::flushdb::is_lazy;

const SPEC: CommandSpec = CommandSpec::new("flushall", Group::Server, -1)
    .summary("Removes all keys from all databases.")
    .since("1.0.0")
    .complexity("O(N) where N is the total number of keys in all databases")
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

/// FLUSHALL's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let lazily = is_lazy(cx, args)?;
    for db in 0..cx.keyspace.databases() {
        // One at least, so that caches are told to forget keys that were gone already.
        if db == cx.db || !cx.keyspace.database(db).is_empty() {
            let removed = cx.keyspace.flush(db, lazily);
            cx.effects.changed(removed as u64);
        }
    }
    cx.effects.propagate_unchanged();
    // The snapshot file follows at once, so that a crash does not bring back what was to go.
    cx.persistence.abort_save(cx.keyspace);
    if !cx.config.persistence.save.0.is_empty() && cx.caller.client().is_some() {
        cx.persistence.wish(Wish::Save);
    }
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn every_database_is_emptied() {
        let mut trial = Trial::new();
        for db in [0, 7, 15] {
            trial.db = db;
            trial.run("SET a 1");
        }
        trial.forget();
        assert_eq!(trial.run("FLUSHALL"), "+OK\r\n");
        assert_eq!(trial.propagated(), ["FLUSHALL"]);
        for db in [0, 7, 15] {
            trial.db = db;
            assert_eq!(trial.run("DBSIZE"), ":0\r\n");
        }
    }
}
