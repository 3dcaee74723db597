//! DECR key
//!
//! Subtracts 1 from the integer a key holds (0 if there is no such key) and replies the result.
//!
//! Source: Redis documentation, DECR.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::string::incr::add;

const SPEC: CommandSpec = CommandSpec::new("decr", Group::String, 2)
    .summary(
        "Decrements the integer value of a key by one. Uses 0 as initial value if the key \
         doesn't exist.",
    )
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0)]);

/// DECR's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    add(cx, args.get(1), -1)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn counting_down_starts_at_zero() {
        let mut trial = Trial::new();
        trial.check(&[
            ("DECR k", ":-1"),
            ("DECR k", ":-2"),
            ("SET k -9223372036854775808", "+OK"),
            ("DECR k", "-ERR increment or decrement would overflow"),
        ]);
        assert_eq!(trial.events(), ["incrby k", "incrby k", "set k"]);
    }
}
