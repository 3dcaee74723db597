//! SETNX key value
//!
//! Makes a key hold a string if it does not exist; replies 1 if it was set, else 0.
//!
//! Source: Redis documentation, SETNX.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::string::set::{Condition, Deadline, Outcome, store};

const SPEC: CommandSpec = CommandSpec::new("setnx", Group::String, 3)
    .summary("Set the string value of a key only when the key doesn't exist.")
    .since("1.0.0")
    .complexity("O(1)")
    .deprecated("2.6.12", "`SET` with the `NX` argument")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::OW, KeyFlags::INSERT])])
    .args(&[Arg::key("key", 0), Arg::string("value")]);

/// SETNX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let outcome = store(cx, args, 2, Condition::IfAbsent, Deadline::Clear);
    cx.reply.integer(i64::from(outcome == Outcome::Set));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn only_a_new_key_is_set() {
        let mut trial = Trial::new();
        trial.check(&[("SETNX k a", ":1"), ("SETNX k b", ":0"), ("GET k", "$1\r\na")]);
        assert_eq!(trial.events(), ["set k"]);
        assert_eq!(trial.propagated(), ["SETNX k a"]);
    }
}
