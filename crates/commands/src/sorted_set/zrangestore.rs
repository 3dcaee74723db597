//! `ZRANGESTORE dst src min max [BYSCORE|BYLEX] [REV] [LIMIT offset count]`
//!
//! Makes a key hold the members of a range of another (or of itself); replies how many they are.
//!
//! Source: Redis documentation, ZRANGESTORE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::IntText;
use dunlin_values::sorted_set::SortedSet;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::sorted_set::combine::store_result;
use crate::sorted_set::packed_limits;
use crate::sorted_set::range::{Selection, Wording};

const SPEC: CommandSpec = CommandSpec::new("zrangestore", Group::SortedSet, -5)
    .summary("Stores a range of members from sorted set in a key.")
    .since("6.2.0")
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
         elements stored into the destination key.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::SORTEDSET])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::OW, KeyFlags::UPDATE]),
        KeySpec::at(2, &[KeyFlags::RO, KeyFlags::ACCESS]),
    ])
    .args(&[
        Arg::key("dst", 0),
        Arg::key("src", 1),
        Arg::string("min"),
        Arg::string("max"),
        Arg::one_of(
            "sortby",
            &[Arg::literal("byscore", "BYSCORE"), Arg::literal("bylex", "BYLEX")],
        )
        .optional(),
        Arg::literal("rev", "REV").optional(),
        Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")])
            .token("LIMIT")
            .optional(),
    ]);

/// ZRANGESTORE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let wording = Wording { order: None, backwards: None, may_show_scores: false };
    let selection = Selection::parse(args, 3, wording)?;
    let (limits, hasher) = (packed_limits(cx.config), cx.keyspace.member_hasher());
    let mut result = SortedSet::new(limits, hasher, 0, 0);
    if let Some(entry) = cx.keyspace.get(cx.db, args.get(2)) {
        let members = selection.members(entry.sorted_set().ok_or(CommandError::WrongType)?);
        if selection.is_by_rank() {
            result = SortedSet::new(limits, hasher, members.len(), 0);
        }
        let mut digits = IntText::default();
        for (member, score) in members {
            result.set(member.as_bytes(&mut digits), score);
        }
    }
    store_result(cx, args.get(1), result, "zrangestore");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_range_may_replace_its_own_source() {
        let mut trial = Trial::new();
        trial.check(&[
            ("ZADD z 1 a 2 b 3 c", ":3"),
            ("ZRANGESTORE z z 1 5", ":2"),
            ("ZRANGE z 0 -1", "*2\r\n$1\r\nb\r\n$1\r\nc"),
            ("ZRANGESTORE d z 3 inf BYSCORE", ":1"),
            ("ZRANGESTORE d z 4 inf BYSCORE", ":0"),
            ("ZRANGESTORE d nosuch 0 -1", ":0"),
            ("EXISTS d", ":0"),
            ("ZRANGESTORE d z 0 -1 WITHSCORES", "-ERR syntax error"),
        ]);
        assert_eq!(trial.events(), ["zadd z", "zrangestore z", "zrangestore d", "del d"]);
    }
}
