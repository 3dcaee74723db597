//! `DEL key [key ...]`
//!
//! Removes keys and replies how many there were. Large values are dropped on another thread only if
//! `lazyfree-lazy-user-del` says so; UNLINK always does.
//!
//! Source: Redis documentation, DEL.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("del", Group::Generic, -2)
    .summary("Deletes one or more keys.")
    .since("1.0.0")
    .complexity(
        "O(N) where N is the number of keys that will be removed. When a key to remove holds a \
         value other than a string, the individual complexity for this key is O(M) where M is the \
         number of elements in the list, set, sorted set or hash. Removing a single key that \
         holds a string value is O(1).",
    )
    .flags(&[Flags::WRITE])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(1, &[KeyFlags::RM, KeyFlags::DELETE]).to(-1)])
    .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
    .args(&[Arg::key("key", 0).multiple()]);

/// DEL's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let lazily = cx.config.memory.lazyfree_lazy_user_del;
    delete(cx, args, lazily);
    Ok(())
}

/// Removes the keys of DEL or UNLINK.
pub(super) fn delete(cx: &mut Context<'_>, args: Args<'_>, lazily: bool) {
    let mut removed = 0;
    for &key in &args.words()[1..] {
        if cx.keyspace.delete(cx.db, key, lazily) {
            cx.changed(KeyEventClass::GENERIC, "del", key);
            removed += 1;
        }
    }
    cx.reply.integer(removed);
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn keys_that_were_there_count_once() {
        let mut trial = Trial::new();
        trial.run("SET a 1");
        trial.run("SET b 1");
        trial.forget();
        assert_eq!(trial.run("DEL a b a nosuch"), ":2\r\n");
        assert_eq!(trial.propagated(), ["DEL a b a nosuch"]);
        assert_eq!(trial.events(), ["del a", "del b"]);
        assert_eq!(trial.run("DEL a"), ":0\r\n");
        assert!(trial.propagated().is_empty());
    }

    #[test]
    fn an_expired_key_is_not_there() {
        let mut trial = Trial::new();
        trial.run("SET a 1 PX 10");
        trial.advance_ms(10);
        assert_eq!(trial.run("DEL a"), ":0\r\n");
    }
}
