//! `ZINTERCARD numkeys key [key ...] [LIMIT limit]`
//!
//! Replies the number of members that all inputs have, counted up to LIMIT.
//!
//! Source: Redis documentation, ZINTERCARD.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::combine::count_common;

const SPEC: CommandSpec = CommandSpec::new("zintercard", Group::SortedSet, -3)
    .summary("Returns the number of members of the intersect of multiple sorted sets.")
    .since("7.0.0")
    .complexity(
        "O(N*K) worst case with N being the smallest input sorted set, K being the number of \
         input sorted sets.",
    )
    .flags(&[Flags::READONLY])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS]).counted(0, 1)])
    .args(&[
        Arg::integer("numkeys"),
        Arg::key("key", 0).multiple(),
        Arg::integer("limit").token("LIMIT").optional(),
    ]);

/// ZINTERCARD's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    count_common(cx, args)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn counting_stops_at_the_limit() {
        let mut trial = Trial::new();
        trial.check(&[
            ("ZADD x 1 a 2 b 3 c", ":3"),
            ("ZADD y 1 b 2 c 3 a", ":3"),
            ("ZINTERCARD 2 x y", ":3"),
            ("ZINTERCARD 2 x y LIMIT 2", ":2"),
            ("ZINTERCARD 2 x y LIMIT 0", ":3"),
            ("ZINTERCARD 2 x nosuch", ":0"),
            ("ZINTERCARD 1 x LIMIT -1", "-ERR LIMIT can't be negative"),
            ("ZINTERCARD 1 x LIMIT", "-ERR syntax error"),
            ("ZINTERCARD 0 x", "-ERR at least 1 input key is needed for 'zintercard' command"),
        ]);
    }
}
