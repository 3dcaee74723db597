//! STRLEN key
//!
//! Replies the length of the string a key holds, in bytes; 0 if there is no such key.
//!
//! Source: Redis documentation, STRLEN.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("strlen", Group::String, 2)
    .summary("Returns the length of a string value.")
    .since("2.2.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO])])
    .args(&[Arg::key("key", 0)]);

/// STRLEN's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let len = match cx.keyspace.get(cx.db, args.get(1)) {
        None => 0,
        Some(entry) => entry.string().ok_or(CommandError::WrongType)?.len(),
    };
    cx.reply.integer(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn lengths() {
        let mut trial = Trial::new();
        trial.check(&[
            ("STRLEN nosuch", ":0"),
            ("SET k -1234", "+OK"),
            ("STRLEN k", ":5"),
            ("SET k \"\"", "+OK"),
            ("STRLEN k", ":0"),
        ]);
    }
}
