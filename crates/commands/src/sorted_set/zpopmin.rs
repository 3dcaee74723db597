//! `ZPOPMIN key [count]`
//!
//! Takes the members of the lowest scores; replies them with their scores.
//!
//! Source: Redis documentation, ZPOPMIN.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::pop::{End, pop};

const SPEC: CommandSpec = CommandSpec::new("zpopmin", Group::SortedSet, -2)
    .summary(
        "Returns the lowest-scoring members from a sorted set after removing them. Deletes the \
         sorted set if the last member was popped.",
    )
    .since("5.0.0")
    .complexity(
        "O(log(N)*M) with N being the number of elements in the sorted set, and M being the \
         number of elements popped.",
    )
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])])
    .args(&[Arg::key("key", 0), Arg::integer("count").optional()]);

/// ZPOPMIN's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop(cx, args, End::Min)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn members_are_taken_from_an_end() {
        let mut trial = Trial::new();
        trial.check(&[
            ("ZADD z 1 a 2 b 3 c 4 d 5 e", ":5"),
            ("ZPOPMIN z", "*2\r\n$1\r\na\r\n$1\r\n1"),
            ("ZPOPMAX z 2", "*4\r\n$1\r\ne\r\n$1\r\n5\r\n$1\r\nd\r\n$1\r\n4"),
            ("ZPOPMIN z 0", "*0"),
            ("ZPOPMIN z -1", "-ERR value is out of range, must be positive"),
            ("ZPOPMIN z x", "-ERR value is out of range, must be positive"),
            ("ZPOPMIN z 1 2", "-ERR syntax error"),
            ("ZPOPMIN z 99", "*4\r\n$1\r\nb\r\n$1\r\n2\r\n$1\r\nc\r\n$1\r\n3"),
            ("ZPOPMIN z", "*0"),
        ]);
        assert_eq!(trial.events(), ["zadd z", "zpopmin z", "zpopmax z", "zpopmin z", "del z"]);
        assert_eq!(
            trial.propagated(),
            ["ZADD z 1 a 2 b 3 c 4 d 5 e", "ZPOPMIN z", "ZPOPMAX z 2", "ZPOPMIN z 99"]
        );
    }
}
