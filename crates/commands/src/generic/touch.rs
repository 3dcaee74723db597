//! `TOUCH key [key ...]`
//!
//! Marks keys as used now and replies how many of them exist.
//!
//! Source: Redis documentation, TOUCH.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("touch", Group::Generic, -2)
    .summary(
        "Returns the number of existing keys out of those specified after updating the time they \
         were last accessed.",
    )
    .since("3.2.1")
    .complexity("O(N) where N is the number of keys that will be touched.")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO]).to(-1)])
    .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
    .args(&[Arg::key("key", 0).multiple()]);

/// TOUCH's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    // The one command that counts as a use even for a client that asked for CLIENT NO-TOUCH.
    let touch = std::mem::replace(&mut cx.keyspace.touch, true);
    let keys = args.words()[1..].iter();
    let found = keys.filter(|key| cx.keyspace.get(cx.db, key).is_some()).count();
    cx.keyspace.touch = touch;
    cx.reply.integer(found as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn it_ends_the_idle_time() {
        let mut trial = Trial::new();
        trial.run("SET a 1");
        trial.advance_ms(5000);
        assert_eq!(trial.run("OBJECT IDLETIME a"), ":5\r\n");
        assert_eq!(trial.run("EXISTS a"), ":1\r\n");
        assert_eq!(trial.run("OBJECT IDLETIME a"), ":5\r\n");
        assert_eq!(trial.run("TOUCH a nosuch"), ":1\r\n");
        assert_eq!(trial.run("OBJECT IDLETIME a"), ":0\r\n");
    }
}
