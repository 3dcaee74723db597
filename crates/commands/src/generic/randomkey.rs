//! `RANDOMKEY`
//!
//! Replies the name of a random key of the selected database, all with nearly the same chance; nil if
//! it is empty.
//!
//! Source: Redis documentation, RANDOMKEY.

use dunlin_spec::{Categories, CommandSpec, Flags, Group};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("randomkey", Group::Generic, 1)
    .summary("Returns a random key name from the database.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::TOUCHES_ARBITRARY_KEYS])
    .categories(&[Categories::KEYSPACE])
    .tips(&["request_policy:all_shards", "response_policy:special", "nondeterministic_output"]);

/// RANDOMKEY's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    match cx.keyspace.random_key(cx.db) {
        Some(key) => cx.reply.bulk(&key),
        None => cx.reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn keys_that_expired_are_not_chosen() {
        let mut trial = Trial::new();
        trial.run("SET a 1 PX 10");
        assert_eq!(trial.run("RANDOMKEY"), "$1\r\na\r\n");
        trial.advance_ms(10);
        assert_eq!(trial.run("RANDOMKEY"), "$-1\r\n");
    }
}
