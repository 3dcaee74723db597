//! `HEXISTS key field`
//!
//! Replies whether a field is there.
//!
//! Source: Redis documentation, HEXISTS.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::hash::seen_at;

const SPEC: CommandSpec = CommandSpec::new("hexists", Group::Hash, 3)
    .summary("Determines whether a field exists in a hash.")
    .since("2.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO])])
    .args(&[Arg::key("key", 0), Arg::string("field")]);

/// HEXISTS's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, name) = (args.get(1), args.get(2));
    let now = seen_at(cx, key, &[name]);
    let exists = match cx.keyspace.get(cx.db, key) {
        None => false,
        Some(entry) => entry.hash(now).ok_or(CommandError::WrongType)?.get(name).is_some(),
    };
    cx.reply.integer(i64::from(exists));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_field_is_there_or_not() {
        let mut trial = Trial::new();
        trial.run("HSET h a 1");
        trial.check(&[("HEXISTS h a", ":1"), ("HEXISTS h b", ":0"), ("HEXISTS nosuch a", ":0")]);
    }
}
