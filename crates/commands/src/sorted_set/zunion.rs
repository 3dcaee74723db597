//! `ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM|MIN|MAX>]
//! [WITHSCORES]`
//!
//! Replies the members of any of the inputs. Sets are inputs too: their members have score 1.
//!
//! Source: Redis documentation, ZUNION.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::combine::{Operation, reply};

const SPEC: CommandSpec = CommandSpec::new("zunion", Group::SortedSet, -3)
    .summary("Returns the union of multiple sorted sets.")
    .since("6.2.0")
    .complexity(
        "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M \
         being the number of elements in the resulting sorted set.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]).counted(0, 1)])
    .args(&[
        Arg::integer("numkeys"),
        Arg::key("key", 0).multiple(),
        Arg::integer("weight").token("WEIGHTS").optional().multiple(),
        Arg::one_of(
            "aggregate",
            &[Arg::literal("sum", "SUM"), Arg::literal("min", "MIN"), Arg::literal("max", "MAX")],
        )
        .token("AGGREGATE")
        .optional(),
        Arg::literal("withscores", "WITHSCORES").optional(),
    ]);

/// ZUNION's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reply(cx, args, Operation::Union, "zunion")
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    /// The words of an array reply.
    fn words(reply: &str) -> String {
        let words: Vec<_> =
            reply.split("\r\n").filter(|line| !line.starts_with(['*', '$'])).collect();
        words.join(" ").trim().to_owned()
    }

    #[test]
    fn scores_become_one() {
        let mut trial = Trial::new();
        trial.run("ZADD x 1 a 2 b 3 c");
        trial.run("ZADD y 10 b inf d");
        trial.run("SADD s b c");
        let mut check = |command: &str, expected: &str| {
            assert_eq!(words(&trial.run(command)), expected, "{command}");
        };
        check("ZUNION 2 x y WITHSCORES", "a 1 c 3 b 12 d inf");
        check("ZUNION 2 x y WEIGHTS 2 0 WITHSCORES", "d 0 a 2 b 4 c 6");
        check("ZUNION 2 x y AGGREGATE MIN WITHSCORES", "a 1 b 2 c 3 d inf");
        check("ZINTER 2 x y WITHSCORES", "b 12");
        check("ZINTER 3 x y s AGGREGATE MAX WITHSCORES", "b 10");
        check("ZINTER 2 x nosuch", "");
        check("ZDIFF 2 x y WITHSCORES", "a 1 c 3");
        check("ZDIFF 3 x y s", "a");
        check("ZDIFF 1 nosuch", "");
        check("ZUNION 2 y y WEIGHTS 1 -1 WITHSCORES", "b 0 d 0");
    }

    #[test]
    fn wrong_words() {
        let mut trial = Trial::new();
        trial.run("SET string v");
        trial.check(&[
            ("ZUNION 0 x", "-ERR at least 1 input key is needed for 'zunion' command"),
            ("ZUNION x x", "-ERR value is not an integer or out of range"),
            ("ZUNION 2 x", "-ERR syntax error"),
            (
                "ZUNION 1 string BOGUS",
                "-WRONGTYPE Operation against a key holding the wrong kind of value",
            ),
            ("ZUNION 1 x BOGUS", "-ERR syntax error"),
            ("ZUNION 2 x y WEIGHTS 1", "-ERR syntax error"),
            ("ZUNION 1 x WEIGHTS nan", "-ERR weight value is not a float"),
            ("ZUNION 1 x AGGREGATE AVG", "-ERR syntax error"),
            ("ZDIFF 1 x WEIGHTS 1", "-ERR syntax error"),
            ("ZUNIONSTORE d 1 x WITHSCORES", "-ERR syntax error"),
        ]);
    }
}
