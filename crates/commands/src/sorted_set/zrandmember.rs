//! `ZRANDMEMBER key [count [WITHSCORES]]`
//!
//! Replies random members, each with the same chance: one, `count` different ones, or, if the count is
//! negative, as many draws from all.
//!
//! Source: Redis documentation, ZRANDMEMBER.

use dunlin_resp::Reply;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::listpack::Element;
use dunlin_values::sorted_set::SortedSetRef;
use fastrand::Rng;
use std::collections::BTreeSet;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::sorted_set::show;

const SPEC: CommandSpec = CommandSpec::new("zrandmember", Group::SortedSet, -2)
    .summary("Returns one or more random members from a sorted set.")
    .since("6.2.0")
    .complexity("O(N) where N is the number of members returned")
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .tips(&["nondeterministic_output"])
    .args(&[
        Arg::key("key", 0),
        Arg::block(
            "options",
            &[Arg::integer("count"), Arg::literal("withscores", "WITHSCORES").optional()],
        )
        .optional(),
    ]);

/// ZRANDMEMBER's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = match args.len() {
        2 => None,
        _ => Some(Count::parse(args)?),
    };
    let mut rng = Rng::with_seed(cx.keyspace.random());
    let entry = cx.keyspace.get(cx.db, args.get(1));
    let set = match &entry {
        None => None,
        Some(entry) => Some(entry.sorted_set().ok_or(CommandError::WrongType)?),
    };
    match (set, count) {
        (None, None) => cx.reply.null(),
        (None, Some(_)) | (Some(_), Some(Count { len: 0, .. })) => cx.reply.array(0),
        (Some(set), None) => {
            if let Some((member, _)) = set.at(rng.usize(..set.len())) {
                show::member(cx.reply, member);
            }
        }
        (Some(set), Some(count)) => {
            let len = if count.repeats { count.len } else { count.len.min(set.len()) };
            show::header(cx.reply, len, count.with_scores);
            let reply = &mut *cx.reply;
            let show = |(member, score)| show_unless_overflowed(reply, member, score, count);
            if count.repeats || len == 1 {
                for_each_draw(set, len, &mut rng, show);
            } else {
                for_each_distinct(set, len, &mut rng, show);
            }
        }
    }
    Ok(())
}

/// How many members are wanted, and how.
#[derive(Clone, Copy)]
struct Count {
    len: usize,
    /// Whether the same member may come again.
    repeats: bool,
    with_scores: bool,
}

impl Count {
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let count = args.integer(2)?;
        if count == i64::MIN {
            return Err(CommandError::fixed(
                "ERR value is out of range, value must between -9223372036854775807 and \
                 9223372036854775807",
            ));
        }
        let with_scores = args.len() == 4 && args.is(3, "WITHSCORES");
        if args.len() > 3 && !with_scores {
            return Err(CommandError::Syntax);
        }
        // With scores RESP2 counts two elements for each.
        if with_scores && !(-i64::MAX / 2..=i64::MAX / 2).contains(&count) {
            return Err(CommandError::fixed("ERR value is out of range"));
        }
        let len = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        Ok(Self { len, repeats: count < 0, with_scores })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    Stop,
}

/// Stops when nobody will read what follows: a client can ask for more than memory holds.
fn show_unless_overflowed(
    reply: &mut Reply,
    member: Element<'_>,
    score: f64,
    count: Count,
) -> Next {
    if reply.output.has_overflowed() {
        return Next::Stop;
    }
    show::pair(reply, member, score, count.with_scores);
    Next::GoOn
}

/// Draws `len` times from all members.
fn for_each_draw<'a>(
    set: SortedSetRef<'a>,
    len: usize,
    rng: &mut Rng,
    mut visit: impl FnMut((Element<'a>, f64)) -> Next,
) {
    // A listpack is walked once instead of once for each draw.
    let packed: Vec<_> =
        if set.is_indexed() || len == 1 { Vec::new() } else { set.iter().collect() };
    for _ in 0..len {
        let rank = rng.usize(..set.len());
        let drawn = packed.get(rank).copied().or_else(|| set.at(rank));
        if drawn.is_none_or(|drawn| visit(drawn) == Next::Stop) {
            return;
        }
    }
}

/// Draws `len` different members, at most all. Where that is a large part of them, all are walked:
/// each is taken with the chance that as many of the rest are still wanted.
fn for_each_distinct<'a>(
    set: SortedSetRef<'a>,
    len: usize,
    rng: &mut Rng,
    mut visit: impl FnMut((Element<'a>, f64)) -> Next,
) {
    /// Below one in so many, ranks are drawn until they differ.
    const SPARSE: usize = 3;
    if set.is_indexed() && len < set.len() / SPARSE {
        let mut drawn = BTreeSet::new();
        while drawn.len() < len {
            let rank = rng.usize(..set.len());
            if drawn.insert(rank) && set.at(rank).is_none_or(|member| visit(member) == Next::Stop) {
                return;
            }
        }
        return;
    }
    let mut wanted = len;
    for (member, rest) in set.iter().zip((1..=set.len()).rev()) {
        if rng.usize(..rest) < wanted {
            wanted -= 1;
            if visit(member) == Next::Stop {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::trial::Trial;

    #[test]
    fn counts_say_how_many_and_whether_again() {
        let mut trial = Trial::new();
        trial.check(&[
            ("ZADD one 1 a", ":1"),
            ("ZADD z 1 a 2 b 3 c", ":3"),
            ("ZRANDMEMBER one", "$1\r\na"),
            ("ZRANDMEMBER one 1", "*1\r\n$1\r\na"),
            ("ZRANDMEMBER one -2 WITHSCORES", "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\na\r\n$1\r\n1"),
            ("ZRANDMEMBER z 9", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc"),
            ("ZRANDMEMBER z 0", "*0"),
            ("ZRANDMEMBER nosuch", "$-1"),
            ("ZRANDMEMBER nosuch -3", "*0"),
            ("ZRANDMEMBER z 1 2", "-ERR syntax error"),
            ("ZRANDMEMBER z x", "-ERR value is not an integer or out of range"),
            ("ZRANDMEMBER z -4611686018427387904 WITHSCORES", "-ERR value is out of range"),
            (
                "ZRANDMEMBER z -9223372036854775808",
                "-ERR value is out of range, value must between -9223372036854775807 and \
                 9223372036854775807",
            ),
        ]);
    }

    /// How often each member came in so many calls.
    fn drawn(trial: &mut Trial, command: &str, calls: usize) -> BTreeMap<String, f64> {
        let mut counts = BTreeMap::new();
        for _ in 0..calls {
            let reply = trial.run(command);
            for line in reply.split("\r\n").filter(|line| line.starts_with('m')) {
                *counts.entry(line.to_owned()).or_insert(0.0) += 1.0;
            }
        }
        counts
    }

    #[test]
    fn every_member_has_the_same_chance() {
        const MEMBERS: usize = 50;
        let mut trial = Trial::new();
        for limit in [128, 0] {
            trial.config.encodings.zset_max_listpack_entries = limit;
            trial.run("DEL z");
            for n in 0..MEMBERS {
                trial.run(&format!("ZADD z {} m{n}", n % 3));
            }
            for (command, per_call) in [
                ("ZRANDMEMBER z", 1),
                ("ZRANDMEMBER z -7", 7),
                ("ZRANDMEMBER z 5", 5),
                ("ZRANDMEMBER z 40", 40),
            ] {
                let calls = 20_000 / per_call;
                let counts = drawn(&mut trial, command, calls);
                let expected = (calls * per_call) as f64 / MEMBERS as f64;
                let square: f64 =
                    counts.values().map(|count| (count - expected).powi(2) / expected).sum();
                // 49 degrees of freedom: one in a thousand fair draws exceeds 85.4.
                assert_eq!(counts.len(), MEMBERS, "{command}");
                assert!(square < 85.4, "{command}: {square}");
            }
        }
    }
}
