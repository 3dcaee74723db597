//! `HGETDEL key FIELDS numfields field [field ...]`
//!
//! Replies the values of fields, nil for those that are not there, and removes them. Propagated as HDEL.
//!
//! Source: Redis documentation, HGETDEL.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::hash::field_names::{self, NAMES};
use crate::hash::{propagate_removal, remove_fields, reply_values, seen_at};

const SPEC: CommandSpec = CommandSpec::new("hgetdel", Group::Hash, -5)
    .summary("Returns the value of a field and deletes it from the hash.")
    .since("8.0.0")
    .complexity("O(N) where N is the number of specified fields")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])])
    .args(&[Arg::key("key", 0), NAMES]);

/// HGETDEL's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, names) = (args.get(1), field_names::parse(args, 2)?);
    let now = seen_at(cx, key, names);
    reply_values(cx, key, names, now)?;
    if remove_fields(cx, key, names, now)? > 0 {
        propagate_removal(cx, key, names);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn values_are_replied_and_gone() {
        let mut trial = Trial::new();
        trial.run("HSET h a 1 b x c y");
        trial.forget();
        trial.check(&[
            ("HGETDEL h FIELDS 2 a nosuch", "*2\r\n$1\r\n1\r\n$-1"),
            ("HGETDEL h FIELDS 1 a", "*1\r\n$-1"),
            ("HGETDEL h FIELDS 2 b c", "*2\r\n$1\r\nx\r\n$1\r\ny"),
            ("EXISTS h", ":0"),
            ("HGETDEL nosuch FIELDS 1 a", "*1\r\n$-1"),
            (
                "HGETDEL h FIELDS 2 a",
                "-ERR The `numfields` parameter must match the number of arguments",
            ),
            (
                "HGETDEL h BOGUS 1 a",
                "-ERR Mandatory argument FIELDS is missing or not at the right position",
            ),
        ]);
        assert_eq!(trial.events(), ["hdel h", "hdel h", "del h"]);
        assert_eq!(trial.propagated(), ["HDEL h a nosuch", "HDEL h b c"]);
    }

    #[test]
    fn a_field_named_twice_is_replied_twice() {
        let mut trial = Trial::new();
        trial.run("HSET h a 1 b 2");
        trial.check(&[("HGETDEL h FIELDS 2 a a", "*2\r\n$1\r\n1\r\n$1\r\n1"), ("HLEN h", ":1")]);
    }
}
