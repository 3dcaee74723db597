//! `SISMEMBER key member`
//!
//! Replies whether a set has a member.
//!
//! Source: Redis documentation, SISMEMBER.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("sismember", Group::Set, 3)
    .summary("Determines whether a member belongs to a set.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::SET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO])])
    .args(&[Arg::key("key", 0), Arg::string("member")]);

/// SISMEMBER's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let is_member = match cx.keyspace.get(cx.db, args.get(1)) {
        None => false,
        Some(entry) => entry.set().ok_or(CommandError::WrongType)?.contains(args.get(2)),
    };
    cx.reply.integer(i64::from(is_member));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn members_are_found_in_every_form() {
        let mut trial = Trial::new();
        trial.check(&[("SADD s 1", ":1"), ("SISMEMBER s 1", ":1"), ("SISMEMBER s a", ":0")]);
        trial.check(&[("SADD s a", ":1"), ("SISMEMBER s 1", ":1"), ("SISMEMBER s a", ":1")]);
        trial.check(&[("SISMEMBER nosuch a", ":0"), ("SISMEMBER s 01", ":0")]);
    }
}
