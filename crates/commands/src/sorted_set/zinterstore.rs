//! `ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE
//! <SUM|MIN|MAX>]`
//!
//! Makes a key hold the members that all inputs have. Replies how many they are.
//!
//! Source: Redis documentation, ZINTERSTORE.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::combine::{Operation, store};

const SPEC: CommandSpec = CommandSpec::new("zinterstore", Group::SortedSet, -4)
    .summary("Stores the intersect of multiple sorted sets in a key.")
    .since("2.0.0")
    .complexity(
        "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the \
         number of input sorted sets and M being the number of elements in the resulting sorted \
         set.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::SORTEDSET])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::OW, KeyFlags::UPDATE]),
        KeySpec::at(2, &[KeyFlags::RO, KeyFlags::ACCESS]).counted(0, 1),
    ])
    .args(&[
        Arg::key("destination", 0),
        Arg::integer("numkeys"),
        Arg::key("key", 1).multiple(),
        Arg::integer("weight").token("WEIGHTS").optional().multiple(),
        Arg::one_of(
            "aggregate",
            &[Arg::literal("sum", "SUM"), Arg::literal("min", "MIN"), Arg::literal("max", "MAX")],
        )
        .token("AGGREGATE")
        .optional(),
    ]);

/// ZINTERSTORE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    store(cx, args, Operation::Intersection, "zinterstore")
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn results_take_the_place_of_what_was_there() {
        let mut trial = Trial::new();
        trial.run("ZADD x 1 a 2 b");
        trial.run("ZADD y 3 b 4 c");
        trial.run("SET d v EX 100");
        trial.forget();
        trial.check(&[
            ("ZINTERSTORE d 2 x y WEIGHTS 1 10", ":1"),
            ("TTL d", ":-1"),
            ("ZSCORE d b", "$2\r\n32"),
            ("OBJECT ENCODING d", "$8\r\nlistpack"),
            ("ZUNIONSTORE x 2 x y", ":3"),
            ("ZDIFFSTORE d 2 y x", ":0"),
            ("ZDIFFSTORE d 2 y x", ":0"),
            ("EXISTS d", ":0"),
        ]);
        assert_eq!(trial.events(), ["zinterstore d", "zunionstore x", "del d"]);
        trial.config.encodings.zset_max_listpack_entries = 2;
        trial.check(&[("ZUNIONSTORE d 1 x", ":3"), ("OBJECT ENCODING d", "$8\r\nskiplist")]);
    }
}
