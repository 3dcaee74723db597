//! `MOVE key db`
//!
//! Moves a key, with its deadline, to another database, unless its name is taken there.
//!
//! Source: Redis documentation, MOVE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::generic::database_index;

const SPEC: CommandSpec = CommandSpec::new("move", Group::Generic, 3)
    .summary("Moves a key to another database.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::integer("db")]);

/// MOVE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if cx.config.cluster.cluster_enabled {
        return Err(CommandError::fixed("ERR MOVE is not allowed in cluster mode"));
    }
    let key = args.get(1);
    let to = database_index(cx, args.get(2))?;
    if to == cx.db {
        return Err(CommandError::fixed("ERR source and destination objects are the same"));
    }
    let is_there = cx.keyspace.peek(cx.db, key).is_some();
    if !is_there || cx.keyspace.peek(to, key).is_some() {
        cx.reply.integer(0);
        return Ok(());
    }
    if let Some(entry) = cx.keyspace.take(cx.db, key) {
        cx.keyspace.put(to, entry);
    }
    cx.changed(KeyEventClass::GENERIC, "move_from", key);
    cx.notify(KeyEventClass::GENERIC, "move_to", to, key);
    cx.reply.integer(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn value_and_deadline_move_to_the_other_database() {
        let mut trial = Trial::new();
        trial.run("SET a 1 EX 100");
        trial.forget();
        assert_eq!(trial.run("MOVE a 3"), ":1\r\n");
        assert_eq!(trial.propagated(), ["MOVE a 3"]);
        assert_eq!(trial.events(), ["move_from a", "3: move_to a"]);
        assert_eq!(trial.run("EXISTS a"), ":0\r\n");
        trial.db = 3;
        assert_eq!(trial.run("TTL a"), ":100\r\n");
        assert_eq!(trial.run("MOVE a 3"), "-ERR source and destination objects are the same\r\n");
        trial.db = 0;
        trial.run("SET a 2");
        assert_eq!(trial.run("MOVE a 3"), ":0\r\n");
        assert_eq!(trial.run("MOVE nosuch 3"), ":0\r\n");
    }

    #[test]
    fn a_cluster_has_one_database() {
        let mut trial = Trial::new();
        trial.config.cluster.cluster_enabled = true;
        assert_eq!(trial.run("MOVE a 3"), "-ERR MOVE is not allowed in cluster mode\r\n");
    }
}
