//! `ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]`
//!
//! Gives members scores. Replies how many members are new (CH: or have another score), with INCR the
//! resulting score, or nil if a condition did not hold.
//!
//! Source: Redis documentation, ZADD.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::sorted_set::add::{Comparison, Conditions, Presence, add};

const SPEC: CommandSpec = CommandSpec::new("zadd", Group::SortedSet, -4)
    .summary(
        "Adds one or more members to a sorted set, or updates their scores. Creates the key if \
         it doesn't exist.",
    )
    .since("1.2.0")
    .complexity(
        "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .history(&[
        ("2.4.0", "Accepts multiple elements."),
        ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
        ("6.2.0", "Added the `GT` and `LT` options."),
    ])
    .args(&[
        Arg::key("key", 0),
        Arg::one_of("condition", &[Arg::literal("nx", "NX"), Arg::literal("xx", "XX")])
            .optional()
            .since("3.0.2"),
        Arg::one_of("comparison", &[Arg::literal("gt", "GT"), Arg::literal("lt", "LT")])
            .optional()
            .since("6.2.0"),
        Arg::literal("change", "CH").optional().since("3.0.2"),
        Arg::literal("increment", "INCR").optional().since("3.0.2"),
        Arg::block("data", &[Arg::double("score"), Arg::string("member")]).multiple(),
    ]);

/// ZADD's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// Runs ZADD; GEOADD does, too.
pub(crate) fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (options, first) = Options::parse(args)?;
    let outcome = add(cx, args, first, options.conditions)?;
    if options.conditions.increment {
        match outcome.score {
            Some(score) => cx.reply.double(score),
            None => cx.reply.null(),
        }
    } else {
        let counted = if options.count_updated { outcome.updated } else { 0 };
        cx.reply.integer((outcome.added + counted) as i64);
    }
    Ok(())
}

struct Options {
    conditions: Conditions,
    count_updated: bool,
}

impl Options {
    /// The options, and the index of the first score behind them.
    fn parse(args: Args<'_>) -> Result<(Self, usize), CommandError> {
        let (mut absent, mut present, mut greater, mut less) = (false, false, false, false);
        let (mut increment, mut count_updated) = (false, false);
        let mut first = 2;
        while let Some(word) = args.words().get(first) {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            match word {
                _ if is("NX") => absent = true,
                _ if is("XX") => present = true,
                _ if is("GT") => greater = true,
                _ if is("LT") => less = true,
                _ if is("CH") => count_updated = true,
                _ if is("INCR") => increment = true,
                _ => break,
            }
            first += 1;
        }
        let words = args.len() - first;
        if words == 0 || !words.is_multiple_of(2) {
            return Err(CommandError::Syntax);
        }
        let presence = match (absent, present) {
            (true, true) => {
                return Err(CommandError::fixed(
                    "ERR XX and NX options at the same time are not compatible",
                ));
            }
            (true, false) => Presence::Absent,
            (false, true) => Presence::Present,
            (false, false) => Presence::Any,
        };
        let comparison = match (greater, less) {
            (false, false) => Comparison::Any,
            (true, false) if !absent => Comparison::Greater,
            (false, true) if !absent => Comparison::Less,
            _ => {
                return Err(CommandError::fixed(
                    "ERR GT, LT, and/or NX options at the same time are not compatible",
                ));
            }
        };
        if increment && words > 2 {
            return Err(CommandError::fixed(
                "ERR INCR option supports a single increment-element pair",
            ));
        }
        let conditions = Conditions { presence, comparison, increment };
        Ok((Self { conditions, count_updated }, first))
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn conditions() {
        let mut trial = Trial::new();
        trial.check(&[
            ("ZADD z XX 1 a", ":0"),
            ("EXISTS z", ":0"),
            ("ZADD z 1 a 2 b", ":2"),
            ("ZADD z NX CH 5 a 3 c", ":1"),
            ("ZADD z XX CH 5 a 3 d", ":1"),
            ("ZADD z GT CH 4 a 6 b 1 e", ":2"),
            ("ZADD z LT CH 4 a 7 b", ":1"),
            ("ZADD z 4 a", ":0"),
            ("ZRANGE z 0 -1", "*4\r\n$1\r\ne\r\n$1\r\nc\r\n$1\r\na\r\n$1\r\nb"),
            ("ZADD z INCR 2.5 a", "$3\r\n6.5"),
            ("ZADD z NX INCR 1 a", "$-1"),
            ("ZADD z GT INCR -1 a", "$-1"),
            ("ZADD z XX INCR 1 nosuch", "$-1"),
        ]);
        assert_eq!(trial.events(), ["zadd z", "zadd z", "zadd z", "zadd z", "zadd z", "zincr z"]);
    }

    #[test]
    fn nothing_changes_if_a_score_is_wrong() {
        let mut trial = Trial::new();
        trial.check(&[
            ("ZADD z 1 a x b", "-ERR value is not a valid float"),
            ("ZADD z nan a", "-ERR value is not a valid float"),
            ("EXISTS z", ":0"),
            ("ZADD z 1 a 2", "-ERR syntax error"),
            ("ZADD z NX XX 1 a", "-ERR XX and NX options at the same time are not compatible"),
            (
                "ZADD z GT LT 1 a",
                "-ERR GT, LT, and/or NX options at the same time are not compatible",
            ),
            ("ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair"),
            ("ZADD z inf a", ":1"),
            ("ZADD z INCR -inf a", "-ERR resulting score is not a number (NaN)"),
            ("ZSCORE z a", "$3\r\ninf"),
        ]);
    }
}
