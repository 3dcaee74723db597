//! `PERSIST key`
//!
//! Takes the deadline of a key away; replies 1 if it had one.
//!
//! Source: Redis documentation, PERSIST.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("persist", Group::Generic, 2)
    .summary("Removes the expiration time of a key.")
    .since("2.2.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0)]);

/// PERSIST's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = args.get(1);
    let Slot::Occupied(mut held) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.integer(0);
        return Ok(());
    };
    if held.deadline().is_none() {
        cx.reply.integer(0);
        return Ok(());
    }
    held.set_deadline(None);
    drop(held);
    cx.changed(KeyEventClass::GENERIC, "persist", key);
    cx.reply.integer(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn only_a_deadline_taken_away_is_a_change() {
        let mut trial = Trial::new();
        trial.run("SET a 1 EX 10");
        trial.forget();
        assert_eq!(trial.run("PERSIST a"), ":1\r\n");
        assert_eq!(trial.propagated(), ["PERSIST a"]);
        assert_eq!(trial.events(), ["persist a"]);
        assert_eq!(trial.run("PERSIST a"), ":0\r\n");
        assert_eq!(trial.run("PERSIST nosuch"), ":0\r\n");
        assert!(trial.propagated().is_empty());
        assert_eq!(trial.run("TTL a"), ":-1\r\n");
    }
}
