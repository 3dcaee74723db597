//! `COPY source destination [DB destination-db] [REPLACE]`
//!
//! Copies a value with its deadline.
//!
//! Source: Redis documentation, COPY.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::generic::database_index;

const SPEC: CommandSpec = CommandSpec::new("copy", Group::Generic, -3)
    .summary("Copies the value of a key to a new key.")
    .since("6.2.0")
    .complexity(
        "O(N) worst case for collections, where N is the number of nested items. O(1) for string \
         values.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::KEYSPACE])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]),
        KeySpec::at(2, &[KeyFlags::OW, KeyFlags::UPDATE]),
    ])
    .args(&[
        Arg::key("source", 0),
        Arg::key("destination", 1),
        Arg::integer("destination-db").token("DB").optional(),
        Arg::literal("replace", "REPLACE").optional(),
    ]);

/// COPY's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (mut to, mut replace) = (cx.db, false);
    let mut words = args.cursor(3);
    while let Some(word) = words.next_word() {
        if word.eq_ignore_ascii_case(b"replace") {
            replace = true;
        } else if word.eq_ignore_ascii_case(b"db") {
            to = database_index(cx, words.value()?)?;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    if cx.config.cluster.cluster_enabled && (cx.db != 0 || to != 0) {
        return Err(CommandError::fixed(
            "ERR Copying to another database is not allowed in cluster mode",
        ));
    }
    let (source, destination) = (args.get(1), args.get(2));
    if to == cx.db && source == destination {
        return Err(CommandError::fixed("ERR source and destination objects are the same"));
    }
    let copy =
        cx.keyspace.get(cx.db, source).map(|entry| entry.duplicate(destination, entry.deadline()));
    let Some(copy) = copy else {
        cx.reply.integer(0);
        return Ok(());
    };
    if cx.keyspace.peek(to, destination).is_some() && !replace {
        cx.reply.integer(0);
        return Ok(());
    }
    cx.keyspace.put(to, copy);
    cx.effects.changed(1);
    cx.notify(KeyEventClass::GENERIC, "copy_to", to, destination);
    cx.reply.integer(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_copy_has_the_deadline_and_a_life_of_its_own() {
        let mut trial = Trial::new();
        trial.run("SET a 1 EX 100");
        trial.forget();
        assert_eq!(trial.run("COPY a b"), ":1\r\n");
        assert_eq!(trial.propagated(), ["COPY a b"]);
        assert_eq!(trial.events(), ["copy_to b"]);
        trial.run("SET a 2");
        assert_eq!(trial.run("GET b"), "$1\r\n1\r\n");
        assert_eq!(trial.run("TTL b"), ":100\r\n");
        assert_eq!(trial.run("COPY a b"), ":0\r\n");
        assert_eq!(trial.run("COPY a b DB 2 REPLACE"), ":1\r\n");
        assert_eq!(trial.run("COPY a b REPLACE"), ":1\r\n");
        assert_eq!(trial.run("GET b"), "$1\r\n2\r\n");
    }

    #[test]
    fn a_cluster_has_one_database() {
        let mut trial = Trial::new();
        trial.config.cluster.cluster_enabled = true;
        assert_eq!(
            trial.run("COPY a b DB 1"),
            "-ERR Copying to another database is not allowed in cluster mode\r\n"
        );
        assert_eq!(trial.run("COPY a b DB 0"), ":0\r\n");
    }
}
