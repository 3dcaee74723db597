//! `ZINCRBY key increment member`
//!
//! Adds to the score of a member (0 if it is not there) and replies the sum.
//!
//! Source: Redis documentation, ZINCRBY.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::sorted_set::add::{Comparison, Conditions, Presence, add};

const SPEC: CommandSpec = CommandSpec::new("zincrby", Group::SortedSet, 4)
    .summary("Increments the score of a member in a sorted set.")
    .since("1.2.0")
    .complexity("O(log(N)) where N is the number of elements in the sorted set.")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::SORTEDSET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::integer("increment"), Arg::string("member")]);

/// ZINCRBY's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let conditions =
        Conditions { presence: Presence::Any, comparison: Comparison::Any, increment: true };
    if let Some(score) = add(cx, args, 2, conditions)?.score {
        cx.reply.double(score);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn sums() {
        let mut trial = Trial::new();
        trial.check(&[
            ("ZINCRBY z 1.5 a", "$3\r\n1.5"),
            ("ZINCRBY z -1.5 a", "$1\r\n0"),
            ("ZINCRBY z x a", "-ERR value is not a valid float"),
            ("ZINCRBY z inf a", "$3\r\ninf"),
            ("ZINCRBY z -inf a", "-ERR resulting score is not a number (NaN)"),
        ]);
        assert_eq!(trial.events(), ["zincr z", "zincr z", "zincr z"]);
    }
}
