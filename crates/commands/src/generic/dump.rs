//! `DUMP key`
//!
//! The value of a key as bytes that RESTORE takes, here or on another server.
//!
//! Source: Redis documentation, DUMP.
//! Differs: the bytes are of the lowest version that holds the value, so that Redis 7.0 takes them
//! as well; 7.2 writes version 11 always.

use dunlin_rdb::{Version, dump};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;

const SPEC: CommandSpec = CommandSpec::new("dump", Group::Generic, 2)
    .summary("Returns a serialized representation of the value stored at a key.")
    .since("2.6.0")
    .complexity(
        "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of \
         Redis objects composing the value and M their average size. For small string values the \
         time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::KEYSPACE])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output"])
    .args(&[Arg::key("key", 0)]);

/// DUMP's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    match cx.keyspace.get(cx.db, args.get(1)) {
        Some(entry) => cx.reply.bulk(&dump(&entry, Version::default())),
        None => cx.reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_string_is_dumped_as_redis_7_0_does() {
        let mut trial = Trial::new();
        trial.run("SET k hello");
        // The reply is not UTF-8 as a whole: what can be read of it is compared.
        assert!(trial.run("DUMP k").starts_with("$17\r\n\0\x05hello\x0a\0"));
        assert_eq!(trial.run("DUMP nosuch"), "$-1\r\n");
    }
}
