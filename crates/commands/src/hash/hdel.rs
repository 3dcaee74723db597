//! `HDEL key field [field ...]`
//!
//! Removes fields; replies how many there were. A hash without fields is no key.
//!
//! Source: Redis documentation, HDEL.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::hash::{remove_fields, seen_at};

const SPEC: CommandSpec = CommandSpec::new("hdel", Group::Hash, -3)
    .summary(
        "Deletes one or more fields and their values from a hash. Deletes the hash if no fields \
         remain.",
    )
    .since("2.0.0")
    .complexity("O(N) where N is the number of fields to be removed.")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::DELETE])])
    .history(&[("2.4.0", "Accepts multiple `field` arguments.")])
    .args(&[Arg::key("key", 0), Arg::string("field").multiple()]);

/// HDEL's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, names) = (args.get(1), &args.words()[2..]);
    let now = seen_at(cx, key, names);
    let removed = remove_fields(cx, key, names, now)?;
    cx.reply.integer(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_last_field_takes_the_key_with_it() {
        let mut trial = Trial::new();
        trial.run("HSET h a 1 b 2 c 3");
        trial.forget();
        trial.check(&[("HDEL h a nosuch", ":1"), ("HDEL h a", ":0"), ("HDEL h c b a", ":2")]);
        assert_eq!(trial.events(), ["hdel h", "hdel h", "del h"]);
        assert_eq!(trial.propagated(), ["HDEL h a nosuch", "HDEL h c b a"]);
        trial.check(&[("EXISTS h", ":0"), ("HDEL h a", ":0"), ("SET k v", "+OK")]);
        assert!(trial.run("HDEL k a").starts_with("-WRONGTYPE "));
    }
}
