//! GETSET key value
//!
//! Replies the string a key holds, or nil, and makes it hold another; propagated as SET.
//!
//! Source: Redis documentation, GETSET.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::string::reply_value;
use crate::string::set::{Condition, Deadline, store};

const SPEC: CommandSpec = CommandSpec::new("getset", Group::String, 3)
    .summary("Returns the previous string value of a key after setting it to a new value.")
    .since("1.0.0")
    .complexity("O(1)")
    .deprecated("6.2.0", "`SET` with the `!GET` argument")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::string("value")]);

/// GETSET's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reply_value(cx, args.get(1))?;
    store(cx, args, 2, Condition::Always, Deadline::Clear);
    cx.effects.rewrite(&[b"SET", args.get(1), args.get(2)]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_old_value_is_replied_and_its_deadline_goes() {
        let mut trial = Trial::new();
        trial.check(&[
            ("GETSET k a", "$-1"),
            ("SET k b PX 100", "+OK"),
            ("GETSET k c", "$1\r\nb"),
            ("PTTL k", ":-1"),
        ]);
        assert_eq!(trial.events(), ["set k", "set k", "expire k", "set k"]);
        assert_eq!(trial.propagated(), ["SET k a", "SET k b PXAT 1100", "SET k c"]);
    }
}
