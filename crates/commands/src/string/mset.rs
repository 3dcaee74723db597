//! `MSET key value [key value ...]`
//!
//! Makes each key hold its string, whatever it held before.
//!
//! Source: Redis documentation, MSET.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::string::new_string;

const SPEC: CommandSpec = CommandSpec::new("mset", Group::String, -3)
    .summary("Atomically creates or modifies the string values of one or more keys.")
    .since("1.0.1")
    .complexity("O(N) where N is the number of keys to set.")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::OW, KeyFlags::UPDATE]).to(-1).step(2)])
    .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
    .args(&[Arg::block("data", &[Arg::key("key", 0), Arg::string("value")]).multiple()]);

/// MSET's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    check_pairs(args, "mset")?;
    set_all(cx, args);
    cx.reply.ok();
    Ok(())
}

/// Every key has a value.
///
/// # Errors
/// [`CommandError::WrongArity`] with the name of the command.
pub(super) fn check_pairs(args: Args<'_>, command: &'static str) -> CommandResult {
    if args.len().is_multiple_of(2) {
        return Err(CommandError::WrongArity(command.into()));
    }
    Ok(())
}

/// MSET and MSETNX: sets each key to the word behind it.
pub(super) fn set_all(cx: &mut Context<'_>, args: Args<'_>) {
    for (index, &key) in args.words().iter().enumerate().skip(1).step_by(2) {
        cx.keyspace.slot(cx.db, key).set(new_string(args, index + 1), None);
        cx.changed(KeyEventClass::STRING, "set", key);
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn each_key_gets_its_value() {
        let mut trial = Trial::new();
        trial.check(&[
            ("SET a 0 PX 100", "+OK"),
            ("MSET a 1 b 2 a 3", "+OK"),
            ("GET a", "$1\r\n3"),
            ("PTTL a", ":-1"),
            ("GET b", "$1\r\n2"),
            ("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"),
        ]);
        assert_eq!(trial.events(), ["set a", "expire a", "set a", "set b", "set a"]);
        assert_eq!(trial.propagated(), ["SET a 0 PXAT 1100", "MSET a 1 b 2 a 3"]);
    }
}
