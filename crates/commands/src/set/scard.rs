//! `SCARD key`
//!
//! Replies the number of members; 0 if there is no such key.
//!
//! Source: Redis documentation, SCARD.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("scard", Group::Set, 2)
    .summary("Returns the number of members in a set.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::SET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO])])
    .args(&[Arg::key("key", 0)]);

/// SCARD's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let len = match cx.keyspace.get(cx.db, args.get(1)) {
        None => 0,
        Some(entry) => entry.set().ok_or(CommandError::WrongType)?.len(),
    };
    cx.reply.integer(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn members_are_counted() {
        let mut trial = Trial::new();
        trial.check(&[("SCARD s", ":0"), ("SADD s 1 2", ":2"), ("SCARD s", ":2")]);
    }
}
