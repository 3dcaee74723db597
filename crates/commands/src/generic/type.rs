//! `TYPE key`
//!
//! Replies the type of a value by name, `none` if there is no such key.
//!
//! Source: Redis documentation, TYPE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("type", Group::Generic, 2)
    .summary("Determines the type of value stored at a key.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO])])
    .args(&[Arg::key("key", 0)]);

/// TYPE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let entry = cx.keyspace.inspect(cx.db, args.get(1));
    cx.reply.simple(entry.map_or("none", |entry| entry.value_type().name()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_missing_key_has_no_type() {
        let mut trial = Trial::new();
        trial.run("SET a 1");
        assert_eq!(trial.run("TYPE a"), "+string\r\n");
        assert_eq!(trial.run("TYPE nosuch"), "+none\r\n");
    }
}
