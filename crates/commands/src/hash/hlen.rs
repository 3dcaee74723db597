//! `HLEN key`
//!
//! Replies the number of fields.
//!
//! Source: Redis documentation, HLEN.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::hash::seen_at;

const SPEC: CommandSpec = CommandSpec::new("hlen", Group::Hash, 2)
    .summary("Returns the number of fields in a hash.")
    .since("2.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO])])
    .args(&[Arg::key("key", 0)]);

/// HLEN's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = args.get(1);
    let now = seen_at(cx, key, &[]);
    let len = match cx.keyspace.get(cx.db, key) {
        None => 0,
        Some(entry) => entry.hash(now).ok_or(CommandError::WrongType)?.len(),
    };
    cx.reply.integer(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn fields_are_counted() {
        let mut trial = Trial::new();
        trial.run("HSET h a 1 b 2");
        trial.check(&[("HLEN h", ":2"), ("HLEN nosuch", ":0")]);
    }
}
