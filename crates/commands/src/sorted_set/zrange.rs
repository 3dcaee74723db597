//! `ZRANGE key start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`
//!
//! Replies the members of a range of ranks, of scores or of bytes, in either direction. An offset costs
//! no more than O(log n).
//!
//! Source: Redis documentation, ZRANGE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::range::{Selection, Wording};
use crate::sorted_set::show::reply_selection;

const SPEC: CommandSpec = CommandSpec::new("zrange", Group::SortedSet, -4)
    .summary("Returns members in a sorted set within a range of indexes.")
    .since("1.2.0")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
         elements returned.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .history(&[("6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.")])
    .args(&[
        Arg::key("key", 0),
        Arg::string("start"),
        Arg::string("stop"),
        Arg::one_of(
            "sortby",
            &[Arg::literal("byscore", "BYSCORE"), Arg::literal("bylex", "BYLEX")],
        )
        .optional()
        .since("6.2.0"),
        Arg::literal("rev", "REV").optional().since("6.2.0"),
        Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")])
            .token("LIMIT")
            .optional()
            .since("6.2.0"),
        Arg::literal("withscores", "WITHSCORES").optional(),
    ]);

/// ZRANGE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let wording = Wording { order: None, backwards: None, may_show_scores: true };
    reply_selection(cx, args.get(1), &Selection::parse(args, 2, wording)?)
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
    fn ranges_in_every_order() {
        let mut trial = Trial::new();
        for limit in [128, 0] {
            trial.config.encodings.zset_max_listpack_entries = limit;
            trial.run("DEL z l");
            trial.run("ZADD z 1 a 2 b 3 c 4 d 5 e");
            trial.run("ZADD l 0 a 0 b 0 c 0 d");
            let mut check = |command: &str, expected: &str| {
                assert_eq!(words(&trial.run(command)), expected, "{command}");
            };
            check("ZRANGE z 0 -1", "a b c d e");
            check("ZRANGE z 1 2 WITHSCORES", "b 2 c 3");
            check("ZRANGE z 0 1 REV", "e d");
            check("ZRANGE z 5 9", "");
            check("ZRANGE z 0 -1 LIMIT 2 -1", "a b c d e");
            check("ZRANGE z 2 (4 BYSCORE", "b c");
            check("ZRANGE z +inf (2 BYSCORE REV LIMIT 1 1 WITHSCORES", "d 4");
            check("ZRANGE z -inf +inf BYSCORE LIMIT 3 -5", "d e");
            check("ZRANGE z -inf +inf BYSCORE LIMIT -1 5", "");
            check("ZRANGE z -inf +inf BYSCORE LIMIT 0 0", "");
            check("ZRANGE l [b + BYLEX", "b c d");
            check("ZRANGE l (c - BYLEX REV LIMIT 0 1", "b");
            check("ZREVRANGE z 1 1", "d");
            check("ZRANGEBYSCORE z (1 3", "b c");
            check("ZREVRANGEBYSCORE z 3 (1", "c b");
            check("ZRANGEBYLEX l - [b", "a b");
            check("ZREVRANGEBYLEX l + (b", "d c");
            check("ZRANGEBYSCORE z 3 1", "");
            check("ZRANGE nosuch 0 -1", "");
        }
    }

    #[test]
    fn options_that_do_not_go_together() {
        let mut trial = Trial::new();
        trial.check(&[
            ("ZRANGE z 0 -1 BYLEX BYSCORE", "-ERR syntax error"),
            ("ZRANGE z 0 -1 REV REV", "-ERR syntax error"),
            ("ZREVRANGE z 0 -1 REV", "-ERR syntax error"),
            ("ZRANGEBYLEX z - + BYSCORE", "-ERR syntax error"),
            ("ZRANGE z 0 -1 LIMIT 0", "-ERR syntax error"),
            (
                "ZRANGE z 0 -1 LIMIT 0 1",
                "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or \
                 BYLEX",
            ),
            (
                "ZRANGE z - + BYLEX WITHSCORES",
                "-ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ),
            ("ZRANGE z x -1", "-ERR value is not an integer or out of range"),
            ("ZRANGE z x 1 BYSCORE", "-ERR min or max is not a float"),
            ("ZRANGE z a b BYLEX", "-ERR min or max not valid string range item"),
        ]);
    }
}
