//! `HSTRLEN key field`
//!
//! Replies the length of a field's value in bytes, 0 if the field is not there.
//!
//! Source: Redis documentation, HSTRLEN.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::hash::seen_at;

const SPEC: CommandSpec = CommandSpec::new("hstrlen", Group::Hash, 3)
    .summary("Returns the length of the value of a field.")
    .since("3.2.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO])])
    .args(&[Arg::key("key", 0), Arg::string("field")]);

/// HSTRLEN's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, name) = (args.get(1), args.get(2));
    let now = seen_at(cx, key, &[name]);
    let len = match cx.keyspace.get(cx.db, key) {
        None => 0,
        Some(entry) => {
            let hash = entry.hash(now).ok_or(CommandError::WrongType)?;
            hash.get(name).map_or(0, |field| field.value.text_len())
        }
    };
    cx.reply.integer(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn numbers_count_by_their_digits() {
        let mut trial = Trial::new();
        trial.run("HSET h a -12345 b \"\" c xyz");
        trial.check(&[
            ("HSTRLEN h a", ":6"),
            ("HSTRLEN h b", ":0"),
            ("HSTRLEN h c", ":3"),
            ("HSTRLEN h d", ":0"),
            ("HSTRLEN nosuch a", ":0"),
        ]);
    }
}
