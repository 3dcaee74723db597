//! `HGET key field`
//!
//! Replies the value of a field.
//!
//! Source: Redis documentation, HGET.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::hash::{reply_element, seen_at};

const SPEC: CommandSpec = CommandSpec::new("hget", Group::Hash, 3)
    .summary("Returns the value of a field in a hash.")
    .since("2.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0), Arg::string("field")]);

/// HGET's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, name) = (args.get(1), args.get(2));
    let now = seen_at(cx, key, &[name]);
    let Some(entry) = cx.keyspace.get(cx.db, key) else {
        cx.reply.null();
        return Ok(());
    };
    match entry.hash(now).ok_or(CommandError::WrongType)?.get(name) {
        None => cx.reply.null(),
        Some(field) => reply_element(cx.reply, field.value),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_field_has_a_value_or_none() {
        let mut trial = Trial::new();
        trial.run("HSET h a 1 b x");
        trial.run("SET k v");
        trial.check(&[
            ("HGET h a", "$1\r\n1"),
            ("HGET h b", "$1\r\nx"),
            ("HGET h c", "$-1"),
            ("HGET nosuch a", "$-1"),
        ]);
        assert!(trial.run("HGET k a").starts_with("-WRONGTYPE "));
    }
}
