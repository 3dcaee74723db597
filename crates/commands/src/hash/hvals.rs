//! `HVALS key`
//!
//! Replies the values of all fields, in no particular order.
//!
//! Source: Redis documentation, HVALS.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::hash::{reply_element, seen_at};

const SPEC: CommandSpec = CommandSpec::new("hvals", Group::Hash, 2)
    .summary("Returns all values in a hash.")
    .since("2.0.0")
    .complexity("O(N) where N is the size of the hash.")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output_order"])
    .args(&[Arg::key("key", 0)]);

/// HVALS's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = args.get(1);
    let now = seen_at(cx, key, &[]);
    let Some(entry) = cx.keyspace.get(cx.db, key) else {
        cx.reply.array(0);
        return Ok(());
    };
    let hash = entry.hash(now).ok_or(CommandError::WrongType)?;
    cx.reply.array(hash.len());
    for field in hash.iter() {
        // Nobody will read what follows.
        if cx.reply.output.has_overflowed() {
            break;
        }
        reply_element(cx.reply, field.value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn values_of_all_fields_come() {
        let mut trial = Trial::new();
        trial.run("HSET h a 1 b x");
        trial.check(&[("HVALS h", "*2\r\n$1\r\n1\r\n$1\r\nx"), ("HVALS nosuch", "*0")]);
    }
}
