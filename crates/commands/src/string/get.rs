//! GET key
//!
//! Replies the string a key holds, or nil.
//!
//! Source: Redis documentation, GET.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::string::reply_value;

const SPEC: CommandSpec = CommandSpec::new("get", Group::String, 2)
    .summary("Returns the string value of a key.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::READONLY, Flags::FAST])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RO, KeyFlags::ACCESS])])
    .args(&[Arg::key("key", 0)]);

/// GET's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reply_value(cx, args.get(1)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn what_is_set_is_got() {
        let mut trial = Trial::new();
        trial.check(&[
            ("GET k", "$-1"),
            ("SET k 0012", "+OK"),
            ("GET k", "$4\r\n0012"),
            ("SET k -12", "+OK"),
            ("GET k", "$3\r\n-12"),
            ("SET k \"\"", "+OK"),
            ("GET k", "$0\r\n"),
        ]);
        assert_eq!(trial.propagated(), ["SET k 0012", "SET k -12", "SET k "]);
    }
}
