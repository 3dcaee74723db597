//! SETEX key seconds value
//!
//! Makes a key hold a string for some seconds; propagated as SET with the deadline.
//!
//! Source: Redis documentation, SETEX.

use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::error::CommandResult;
use crate::string::expiry::{Expiry, Unit};
use crate::string::set::{Condition, Deadline, propagate_deadline, store};

const SPEC: CommandSpec = CommandSpec::new("setex", Group::String, 4)
    .summary(
        "Sets the string value and expiration time of a key. Creates the key if it doesn't \
         exist.",
    )
    .since("2.0.0")
    .complexity("O(1)")
    .deprecated("2.6.12", "`SET` with the `EX` argument")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::OW, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::integer("seconds"), Arg::string("value")]);

/// SETEX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_for(cx, args, Unit::Ex, "setex")
}

/// SETEX and PSETEX: sets word 1 to word 3 for the time that word 2 says.
///
/// # Errors
/// Those of [`Expiry::deadline`], with the name of the command.
pub(super) fn set_for(
    cx: &mut Context<'_>,
    args: Args<'_>,
    unit: Unit,
    command: &'static str,
) -> CommandResult {
    let expiry = Expiry { unit, amount: args.get(2) };
    let at = expiry.deadline(cx.now.unix_ms(), command)?;
    store(cx, args, 3, Condition::Always, Deadline::At(at));
    propagate_deadline(cx, args, 3, at);
    cx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_value_for_some_seconds() {
        let mut trial = Trial::new();
        trial.check(&[
            ("SETEX k 10 v", "+OK"),
            ("PTTL k", ":10000"),
            ("SETEX k 0 v", "-ERR invalid expire time in 'setex' command"),
            ("SETEX k x v", "-ERR value is not an integer or out of range"),
            ("SETEX k 9223372036854776 v", "-ERR invalid expire time in 'setex' command"),
        ]);
        assert_eq!(trial.events(), ["set k", "expire k"]);
        assert_eq!(trial.propagated(), ["SET k v PXAT 11000"]);
    }
}
