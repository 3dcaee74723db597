//! `SMISMEMBER key member [member ...]`
//!
//! Replies for each of several words whether a set has it as a member.
//!
//! Source: Redis documentation, SMISMEMBER.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("smismember", Group::Set, -3)
    .summary("Determines whether multiple members belong to a set.")
    .since("6.2.0")
    .complexity("O(N) where N is the number of elements being checked for membership")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::SET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0), Arg::string("member").multiple()]);

/// SMISMEMBER's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let members = &args.words()[2..];
    let entry = cx.keyspace.get(cx.db, args.get(1));
    let set = match &entry {
        None => None,
        Some(entry) => Some(entry.set().ok_or(CommandError::WrongType)?),
    };
    cx.reply.array(members.len());
    for member in members {
        cx.reply.integer(i64::from(set.is_some_and(|set| set.contains(member))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn each_word_is_answered() {
        let mut trial = Trial::new();
        trial.run("SADD s a 1");
        trial.check(&[
            ("SMISMEMBER s a b 1", "*3\r\n:1\r\n:0\r\n:1"),
            ("SMISMEMBER nosuch a", "*1\r\n:0"),
        ]);
    }
}
