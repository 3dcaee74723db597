//! `KEYS pattern`
//!
//! Replies the names of all keys of the selected database that match a glob-style pattern, in one
//! sweep: for people looking around, not for programs, which use SCAN. A pattern without wildcards
//! is looked up.
//!
//! Source: Redis documentation, KEYS.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group};
use dunlin_stdx::glob::{self, Case};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("keys", Group::Generic, 2)
    .summary("Returns all key names that match a pattern.")
    .since("1.0.0")
    .complexity(
        "O(N) with N being the number of keys in the database, under the assumption that the key \
         names in the database and the given pattern have limited length.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::KEYSPACE, Categories::DANGEROUS])
    .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
    .args(&[Arg::pattern("pattern")]);

/// KEYS's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let pattern = args.get(1);
    if glob::is_literal(pattern) {
        let found = cx.keyspace.peek(cx.db, pattern).is_some();
        cx.reply.array(usize::from(found));
        if found {
            cx.reply.bulk(pattern);
        }
        return Ok(());
    }
    let everything = pattern == b"*";
    let mut count = 0;
    let names = cx.reply.deferred_array();
    cx.keyspace.for_each_visible(cx.db, |entry| {
        if everything || glob::matches(pattern, entry.key(), Case::Sensitive) {
            cx.reply.bulk(entry.key());
            count += 1;
        }
    });
    cx.reply.set_array(names, count);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn expired_keys_are_not_listed() {
        let mut trial = Trial::new();
        trial.run("SET a 1 PX 10");
        trial.run("SET b 1");
        trial.advance_ms(10);
        assert_eq!(trial.run("KEYS *"), "*1\r\n$1\r\nb\r\n");
        assert_eq!(trial.run("KEYS [ab]"), "*1\r\n$1\r\nb\r\n");
        assert_eq!(trial.run("KEYS a"), "*0\r\n");
        assert_eq!(trial.run("KEYS b"), "*1\r\n$1\r\nb\r\n");
    }

    #[test]
    fn many_names_make_one_array() {
        let mut trial = Trial::new();
        for n in 0..5000 {
            trial.run(&format!("SET key:{n} 1"));
        }
        let reply = trial.run("KEYS *");
        assert!(reply.starts_with("*5000\r\n$"), "{}", &reply[..20]);
        assert_eq!(reply.matches("\r\nkey:").count(), 5000);
        assert!(trial.run("KEYS key:1?").starts_with("*10\r\n"));
    }
}
