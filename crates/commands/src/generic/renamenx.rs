//! `RENAMENX key newkey`
//!
//! As RENAME, unless the new name is taken.
//!
//! Source: Redis documentation, RENAMENX.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::generic::rename::{IfTaken, rename};

const SPEC: CommandSpec = CommandSpec::new("renamenx", Group::Generic, 3)
    .summary("Renames a key only when the target key name doesn't exist.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::KEYSPACE])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]),
        KeySpec::at(2, &[KeyFlags::OW, KeyFlags::INSERT]),
    ])
    .history(&[(
        "3.2.0",
        "The command no longer returns an error when source and destination names are the \
             same.",
    )])
    .args(&[Arg::key("key", 0), Arg::key("newkey", 1)]);

/// RENAMENX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let renamed = rename(cx, args, IfTaken::Leave)?;
    cx.reply.integer(i64::from(renamed));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_taken_name_is_left_alone() {
        let mut trial = Trial::new();
        trial.run("SET a 1");
        trial.run("SET b 2");
        trial.forget();
        assert_eq!(trial.run("RENAMENX a b"), ":0\r\n");
        assert!(trial.propagated().is_empty());
        assert_eq!(trial.run("RENAMENX a c"), ":1\r\n");
        assert_eq!(trial.propagated(), ["RENAMENX a c"]);
    }
}
