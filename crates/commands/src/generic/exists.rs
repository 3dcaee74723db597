//! `EXISTS key [key ...]`
//!
//! Replies how many of the keys exist; one named twice counts twice. Does not count as a use.
//!
//! Source: Redis documentation, EXISTS.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("exists", Group::Generic, -2)
    .summary("Determines whether one or more keys exist.")
    .since("1.0.0")
    .complexity("O(N) where N is the number of keys to check.")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO]).to(-1)])
    .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
    .history(&[("3.0.3", "Accepts multiple `key` arguments.")])
    .args(&[Arg::key("key", 0).multiple()]);

/// EXISTS's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let keys = args.words()[1..].iter();
    let found = keys.filter(|key| cx.keyspace.inspect(cx.db, key).is_some()).count();
    cx.reply.integer(found as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_key_named_twice_counts_twice() {
        let mut trial = Trial::new();
        trial.run("SET a 1");
        assert_eq!(trial.run("EXISTS a nosuch a"), ":2\r\n");
    }
}
