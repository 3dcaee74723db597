//! INCRBY key increment
//!
//! Adds to the integer a key holds (0 if there is no such key) and replies the sum.
//!
//! Source: Redis documentation, INCRBY.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::string::incr::add;

const SPEC: CommandSpec = CommandSpec::new("incrby", Group::String, 3)
    .summary(
        "Increments the integer value of a key by a number. Uses 0 as initial value if the key \
         doesn't exist.",
    )
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::integer("increment")]);

/// INCRBY's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    add(cx, args.get(1), args.integer(2)?)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn sums_stay_within_64_bits() {
        let mut trial = Trial::new();
        trial.check(&[
            ("INCRBY k 9223372036854775807", ":9223372036854775807"),
            ("INCRBY k 1", "-ERR increment or decrement would overflow"),
            ("INCRBY k -9223372036854775808", ":-1"),
            ("INCRBY k 9223372036854775808", "-ERR value is not an integer or out of range"),
            ("INCRBY k 01", "-ERR value is not an integer or out of range"),
        ]);
        assert_eq!(trial.events(), ["incrby k", "incrby k"]);
    }
}
