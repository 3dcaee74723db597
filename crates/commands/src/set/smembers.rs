//! `SMEMBERS key`
//!
//! Replies all members, in no particular order.
//!
//! Source: Redis documentation, SMEMBERS.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::set::reply_members;

const SPEC: CommandSpec = CommandSpec::new("smembers", Group::Set, 2)
    .summary("Returns all members of a set.")
    .since("1.0.0")
    .complexity("O(N) where N is the set cardinality.")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output_order"])
    .args(&[Arg::key("key", 0)]);

/// SMEMBERS's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    match cx.keyspace.get(cx.db, args.get(1)) {
        None => cx.reply.set(0),
        Some(entry) => {
            let set = entry.set().ok_or(CommandError::WrongType)?;
            cx.reply.set(set.len());
            reply_members(cx.reply, set.iter());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn members_come_once() {
        let mut trial = Trial::new();
        trial.run("SADD s 3 1 2");
        trial.check(&[
            ("SMEMBERS s", "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3"),
            ("SMEMBERS nosuch", "*0"),
        ]);
    }
}
