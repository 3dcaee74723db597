//! INCR key
//!
//! Adds 1 to the integer a key holds (0 if there is no such key) and replies the sum. The deadline
//! stays. The operation of INCRBY, DECR and DECRBY too.
//!
//! Source: Redis documentation, INCR.

use dunlin_keyspace::{Occupied, Slot};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_stdx::number::parse_i64;
use dunlin_values::{NewValue, StringRef};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("incr", Group::String, 2)
    .summary(
        "Increments the integer value of a key by one. Uses 0 as initial value if the key \
         doesn't exist.",
    )
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0)]);

/// INCR's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    add(cx, args.get(1), 1)
}

/// Adds to the integer a key holds and replies the sum.
///
/// # Errors
/// [`CommandError::WrongType`], [`CommandError::NotInteger`] for a string that is none,
/// `ERR increment or decrement would overflow`.
pub(super) fn add(cx: &mut Context<'_>, key: &[u8], increment: i64) -> CommandResult {
    let sum = match cx.keyspace.slot(cx.db, key) {
        Slot::Vacant(slot) => {
            slot.insert(NewValue::Int(increment), None);
            increment
        }
        Slot::Occupied(mut slot) => {
            let sum = integer(&slot)?
                .checked_add(increment)
                .ok_or(CommandError::fixed("ERR increment or decrement would overflow"))?;
            let deadline = slot.deadline();
            slot.assign(NewValue::Int(sum), deadline);
            sum
        }
    };
    cx.changed(KeyEventClass::STRING, "incrby", key);
    cx.reply.integer(sum);
    Ok(())
}

fn integer(slot: &Occupied<'_>) -> Result<i64, CommandError> {
    let text: &[u8] = match slot.string().ok_or(CommandError::WrongType)? {
        StringRef::Int(number) => return Ok(number),
        StringRef::Bytes(text) => text,
        StringRef::Shared(text) => text,
    };
    parse_i64(text).ok_or(CommandError::NotInteger)
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn counting_starts_at_zero_and_stops_at_the_end() {
        let mut trial = Trial::new();
        trial.check(&[
            ("INCR k", ":1"),
            ("INCR k", ":2"),
            ("SET k 9223372036854775807", "+OK"),
            ("INCR k", "-ERR increment or decrement would overflow"),
            ("GET k", "$19\r\n9223372036854775807"),
            ("SET k 1.0", "+OK"),
            ("INCR k", "-ERR value is not an integer or out of range"),
            ("SET k \" 1\"", "+OK"),
            ("INCR k", "-ERR value is not an integer or out of range"),
        ]);
    }

    #[test]
    fn a_deadline_stays() {
        let mut trial = Trial::new();
        trial.check(&[("SET k 9 PX 100", "+OK"), ("INCR k", ":10"), ("PTTL k", ":100")]);
        assert_eq!(trial.events(), ["set k", "expire k", "incrby k"]);
        assert_eq!(trial.propagated(), ["SET k 9 PXAT 1100", "INCR k"]);
    }
}
