//! `SWAPDB index1 index2`
//!
//! Exchanges the contents of two databases: clients of one see at once what the other held.
//!
//! Source: Redis documentation, SWAPDB.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};
use dunlin_stdx::number::parse_i64;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("swapdb", Group::Server, 3)
    .summary("Swaps two Redis databases.")
    .since("4.0.0")
    .complexity(
        "O(N) where N is the count of clients watching or blocking on keys from both databases.",
    )
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::KEYSPACE, Categories::DANGEROUS])
    .args(&[Arg::integer("index1"), Arg::integer("index2")]);

/// SWAPDB's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if cx.config.cluster.cluster_enabled {
        return Err(CommandError::fixed("ERR SWAPDB is not allowed in cluster mode"));
    }
    let index = |word: usize, error| {
        parse_i64(args.get(word))
            .and_then(|index| i32::try_from(index).ok())
            .ok_or(CommandError::fixed(error))
    };
    let first = index(1, "ERR invalid first DB index")?;
    let second = index(2, "ERR invalid second DB index")?;
    let database = |index: i32| {
        u32::try_from(index)
            .ok()
            .filter(|index| *index < cx.keyspace.databases())
            .ok_or(CommandError::fixed("ERR DB index is out of range"))
    };
    let (first, second) = (database(first)?, database(second)?);
    if first != second {
        cx.keyspace.swap(first, second);
    }
    cx.effects.changed(1);
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn contents_change_places() {
        let mut trial = Trial::new();
        trial.run("SET a 1");
        trial.forget();
        assert_eq!(trial.run("SWAPDB 0 5"), "+OK\r\n");
        assert_eq!(trial.propagated(), ["SWAPDB 0 5"]);
        assert_eq!(trial.run("DBSIZE"), ":0\r\n");
        trial.db = 5;
        assert_eq!(trial.run("GET a"), "$1\r\n1\r\n");
        trial.config.cluster.cluster_enabled = true;
        assert_eq!(trial.run("SWAPDB 0 5"), "-ERR SWAPDB is not allowed in cluster mode\r\n");
    }
}
