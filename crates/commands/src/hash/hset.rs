//! `HSET key field value [field value ...]`
//!
//! Sets fields and creates the hash if there is none; replies how many fields are new. A field that
//! had a deadline loses it.
//!
//! Source: Redis documentation, HSET.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::hash::set_fields;

const SPEC: CommandSpec = CommandSpec::new("hset", Group::Hash, -4)
    .summary("Creates or modifies the value of a field in a hash.")
    .since("2.0.0")
    .complexity(
        "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the \
         command is called with multiple field/value pairs.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .history(&[("4.0.0", "Accepts multiple `field` and `value` arguments.")])
    .args(&[
        Arg::key("key", 0),
        Arg::block("data", &[Arg::string("field"), Arg::string("value")]).multiple(),
    ]);

/// HSET's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let created = set_fields(cx, args, "hset")?;
    cx.reply.integer(created as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn new_fields_are_counted() {
        let mut trial = Trial::new();
        trial.run("SET k v");
        trial.forget();
        trial.check(&[
            ("HSET h a 1 b 2 a 3", ":2"),
            ("HSET h a 4 c 5", ":1"),
            ("HGET h a", "$1\r\n4"),
            ("HSET h a 1 b", "-ERR wrong number of arguments for 'hset' command"),
        ]);
        assert_eq!(trial.events(), ["hset h", "hset h"]);
        assert_eq!(trial.propagated(), ["HSET h a 1 b 2 a 3", "HSET h a 4 c 5"]);
        assert!(trial.run("HSET k a 1").starts_with("-WRONGTYPE "));
    }

    #[test]
    fn the_encoding_follows_what_comes() {
        let check = |commands: &[&str], encoding: &str| {
            let mut trial = Trial::new();
            for command in commands {
                trial.run(command);
            }
            let expected = format!("${}\r\n{encoding}\r\n", encoding.len());
            assert_eq!(trial.run("OBJECT ENCODING h"), expected, "{commands:?}");
        };
        let fitting = "x".repeat(64);
        let long = "x".repeat(65);
        check(&[&format!("HSET h {fitting} {fitting}")], "listpack");
        check(&[&format!("HSET h a {long}")], "hashtable");
        check(&[&format!("HSET h {long} a")], "hashtable");
        check(&["HSET h a 1", &format!("HSET h b 1 a {long}")], "hashtable");
        check(&[&format!("HSET h a {long}"), "HSET h a 1"], "hashtable");
        let fields = |count: usize| -> String { (0..count).map(|n| format!(" f{n} v")).collect() };
        check(&[&format!("HSET h{}", fields(512))], "listpack");
        check(&[&format!("HSET h{}", fields(513))], "hashtable");
        check(&[&format!("HSET h{}", fields(512)), "HSET h f0 w"], "listpack");
        check(&[&format!("HSET h{}", fields(512)), "HSET h g w"], "hashtable");
        // The arguments are counted before the first is set, whether they are new or not.
        check(&[&format!("HSET h{}", " a v".repeat(513))], "hashtable");
    }
}
