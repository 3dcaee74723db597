//! `MGET key [key ...]`
//!
//! Replies the string each key holds, or nil where there is no string.
//!
//! Source: Redis documentation, MGET.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::string::reply_string;

const SPEC: CommandSpec = CommandSpec::new("mget", Group::String, -2)
    .summary("Atomically returns the string values of one or more keys.")
    .since("1.0.0")
    .complexity("O(N) where N is the number of keys to retrieve.")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]).to(-1)])
    .tips(&["request_policy:multi_shard"])
    .args(&[Arg::key("key", 0).multiple()]);

/// MGET's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let keys = &args.words()[1..];
    cx.reply.array(keys.len());
    for key in keys {
        let entry = cx.keyspace.get(cx.db, key);
        match entry.as_ref().and_then(|entry| entry.string()) {
            Some(string) => reply_string(cx.reply, string),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn strings_and_gaps() {
        let mut trial = Trial::new();
        trial.check(&[
            ("MSET a 1 b two", "+OK"),
            ("MGET a nosuch b a", "*4\r\n$1\r\n1\r\n$-1\r\n$3\r\ntwo\r\n$1\r\n1"),
        ]);
    }
}
