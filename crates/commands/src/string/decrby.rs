//! DECRBY key decrement
//!
//! Subtracts from the integer a key holds (0 if there is no such key) and replies the result.
//!
//! Source: Redis documentation, DECRBY.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::{CommandError, CommandResult};
use crate::string::incr::add;

const SPEC: CommandSpec = CommandSpec::new("decrby", Group::String, 3)
    .summary(
        "Decrements a number from the integer value of a key. Uses 0 as initial value if the key \
         doesn't exist.",
    )
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::integer("decrement")]);

/// DECRBY's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let increment = args
        .integer(2)?
        .checked_neg()
        .ok_or(CommandError::fixed("ERR decrement would overflow"))?;
    add(cx, args.get(1), increment)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_least_integer_has_no_opposite() {
        let mut trial = Trial::new();
        trial.check(&[
            ("DECRBY k 5", ":-5"),
            ("DECRBY k -9223372036854775807", ":9223372036854775802"),
            ("DECRBY k -9223372036854775808", "-ERR decrement would overflow"),
            ("DECRBY k -6", "-ERR increment or decrement would overflow"),
            ("DECRBY k 1.5", "-ERR value is not an integer or out of range"),
        ]);
        assert_eq!(trial.events(), ["incrby k", "incrby k"]);
        assert_eq!(trial.propagated(), ["DECRBY k 5", "DECRBY k -9223372036854775807"]);
    }
}
