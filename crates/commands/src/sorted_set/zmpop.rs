//! `ZMPOP numkeys key [key ...] <MIN|MAX> [COUNT count]`
//!
//! Takes members from an end of the first sorted set that exists; replies its key and an array of pairs.
//! Propagated as ZPOPMIN or ZPOPMAX.
//!
//! Source: Redis documentation, ZMPOP.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::pop::Query;

const SPEC: CommandSpec = CommandSpec::new("zmpop", Group::SortedSet, -4)
    .summary(
        "Returns the highest- or lowest-scoring members from one or more sorted sets after \
         removing them. Deletes the sorted set if the last member was popped.",
    )
    .since("7.0.0")
    .complexity(
        "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of \
         elements in the sorted set, and M being the number of elements popped.",
    )
    .flags(&[Flags::WRITE])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]).counted(0, 1)])
    .args(&[
        Arg::integer("numkeys"),
        Arg::key("key", 0).multiple(),
        Arg::one_of("where", &[Arg::literal("min", "MIN"), Arg::literal("max", "MAX")]),
        Arg::integer("count").token("COUNT").optional(),
    ]);

/// ZMPOP's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    Query::parse(args, 1)?.pop(cx)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_first_key_that_exists_is_taken_from() {
        let mut trial = Trial::new();
        trial.check(&[
            ("ZADD z 1 a 2 b", ":2"),
            ("ZMPOP 2 x z MIN", "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\na\r\n$1\r\n1"),
            ("ZMPOP 1 z MAX COUNT 9", "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\nb\r\n$1\r\n2"),
            ("ZMPOP 1 z MAX COUNT 9", "*-1"),
            ("ZMPOP 0 z MIN", "-ERR numkeys should be greater than 0"),
            ("ZMPOP 2 z MIN", "-ERR syntax error"),
            ("ZMPOP 9223372036854775807 z MIN", "-ERR syntax error"),
            ("ZMPOP 1 z MIN COUNT 0", "-ERR count should be greater than 0"),
            ("ZMPOP 1 z MIN COUNT 1 COUNT 1", "-ERR syntax error"),
            ("ZMPOP 1 z MIN COUNT", "-ERR syntax error"),
        ]);
        assert_eq!(trial.propagated(), ["ZADD z 1 a 2 b", "ZPOPMIN z 1", "ZPOPMAX z 1"]);
    }
}
