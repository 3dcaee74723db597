//! `HMGET key field [field ...]`
//!
//! Replies the values of fields, nil for those that are not there.
//!
//! Source: Redis documentation, HMGET.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::hash::{reply_values, seen_at};

const SPEC: CommandSpec = CommandSpec::new("hmget", Group::Hash, -3)
    .summary("Returns the values of all fields in a hash.")
    .since("2.0.0")
    .complexity("O(N) where N is the number of fields being requested.")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0), Arg::string("field").multiple()]);

/// HMGET's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, names) = (args.get(1), &args.words()[2..]);
    let now = seen_at(cx, key, names);
    reply_values(cx, key, names, now)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn every_name_has_an_answer() {
        let mut trial = Trial::new();
        trial.run("HSET h a 1 b x");
        trial.run("SET k v");
        trial.check(&[
            ("HMGET h b nosuch a b", "*4\r\n$1\r\nx\r\n$-1\r\n$1\r\n1\r\n$1\r\nx"),
            ("HMGET nosuch a", "*1\r\n$-1"),
        ]);
        assert!(trial.run("HMGET k a").starts_with("-WRONGTYPE "));
    }
}
