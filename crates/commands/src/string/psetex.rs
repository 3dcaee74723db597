//! PSETEX key milliseconds value
//!
//! Makes a key hold a string for some milliseconds; propagated as SET with the deadline.
//!
//! Source: Redis documentation, PSETEX.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::string::expiry::Unit;
use crate::string::setex::set_for;

const SPEC: CommandSpec = CommandSpec::new("psetex", Group::String, 4)
    .summary(
        "Sets both string value and expiration time in milliseconds of a key. The key is created \
         if it doesn't exist.",
    )
    .since("2.6.0")
    .complexity("O(1)")
    .deprecated("2.6.12", "`SET` with the `PX` argument")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::OW, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::integer("milliseconds"), Arg::string("value")]);

/// PSETEX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_for(cx, args, Unit::Px, "psetex")
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_value_for_some_milliseconds() {
        let mut trial = Trial::new();
        trial.check(&[
            ("PSETEX k 10 v", "+OK"),
            ("PTTL k", ":10"),
            ("PSETEX k -1 v", "-ERR invalid expire time in 'psetex' command"),
        ]);
        assert_eq!(trial.events(), ["set k", "expire k"]);
        assert_eq!(trial.propagated(), ["SET k v PXAT 1010"]);
    }
}
