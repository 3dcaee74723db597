//! `ZRANK key member [WITHSCORE]`
//!
//! Replies how many members are in front of a member, or nil; WITHSCORE adds its score.
//!
//! Source: Redis documentation, ZRANK.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::rank::{From, rank};

const SPEC: CommandSpec = CommandSpec::new("zrank", Group::SortedSet, -3)
    .summary("Returns the index of a member in a sorted set ordered by ascending scores.")
    .since("2.0.0")
    .complexity("O(log(N))")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .history(&[("7.2.0", "Added the optional `WITHSCORE` argument.")])
    .args(&[
        Arg::key("key", 0),
        Arg::string("member"),
        Arg::literal("withscore", "WITHSCORE").optional(),
    ]);

/// ZRANK's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    rank(cx, args, From::Lowest)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn ranks_from_either_end() {
        let mut trial = Trial::new();
        trial.check(&[
            ("ZADD z 1 a 2 b 2 c", ":3"),
            ("ZRANK z a", ":0"),
            ("ZRANK z c WITHSCORE", "*2\r\n:2\r\n$1\r\n2"),
            ("ZREVRANK z c", ":0"),
            ("ZREVRANK z a withscore", "*2\r\n:2\r\n$1\r\n1"),
            ("ZRANK z nosuch", "$-1"),
            ("ZRANK z nosuch WITHSCORE", "*-1"),
            ("ZRANK nosuch a WITHSCORE", "*-1"),
            ("ZRANK z a WITHSCORES", "-ERR syntax error"),
            ("ZRANK z a WITHSCORE x", "-ERR wrong number of arguments for 'zrank' command"),
        ]);
    }
}
