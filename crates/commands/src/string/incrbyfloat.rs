//! INCRBYFLOAT key increment
//!
//! Adds to the number a key holds (0 if there is no such key) and replies the sum. It is propagated
//! as SET with the result, so that no other machine's arithmetic matters.
//!
//! Source: Redis documentation, INCRBYFLOAT.

use dunlin_keyspace::{Occupied, Slot};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_stdx::long_double::LongDouble;
use dunlin_values::{INLINE_MAX, NewValue, StringRef};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};

const SPEC: CommandSpec = CommandSpec::new("incrbyfloat", Group::String, 3)
    .summary(
        "Increment the floating point value of a key by a number. Uses 0 as initial value if the \
         key doesn't exist.",
    )
    .since("2.6.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::double("increment")]);

/// INCRBYFLOAT's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = args.get(1);
    let slot = cx.keyspace.slot(cx.db, key);
    let held = match &slot {
        Slot::Vacant(_) => LongDouble::from(0),
        Slot::Occupied(slot) => number(slot)?,
    };
    let increment = LongDouble::parse(args.get(2)).ok_or(CommandError::NotFloat)?;
    let sum = held + increment;
    if !sum.is_finite() {
        return Err(CommandError::fixed("ERR increment would produce NaN or Infinity"));
    }
    let text = sum.to_text();
    let deadline = match &slot {
        Slot::Vacant(_) => None,
        Slot::Occupied(slot) => slot.deadline(),
    };
    slot.set(as_text(&text), deadline);
    cx.changed(KeyEventClass::STRING, "incrbyfloat", key);
    cx.effects.rewrite(&[b"SET", key, &text, b"KEEPTTL"]);
    cx.reply.bulk(&text);
    Ok(())
}

fn number(slot: &Occupied<'_>) -> Result<LongDouble, CommandError> {
    let text: &[u8] = match slot.string().ok_or(CommandError::WrongType)? {
        StringRef::Int(number) => return Ok(number.into()),
        StringRef::Bytes(text) => text,
        StringRef::Shared(text) => text,
    };
    LongDouble::parse(text).ok_or(CommandError::NotFloat)
}

/// The sum is held as text even where it is an integer, as in Redis.
fn as_text(text: &[u8]) -> NewValue<'_> {
    if text.len() <= INLINE_MAX { NewValue::Inline(text) } else { NewValue::string(text) }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn sums_are_propagated_as_results() {
        let mut trial = Trial::new();
        trial.check(&[
            ("SET k 10.50 PX 100", "+OK"),
            ("INCRBYFLOAT k 0.1", "$4\r\n10.6"),
            ("PTTL k", ":100"),
            ("INCRBYFLOAT k -10.6", "$1\r\n0"),
            ("INCRBYFLOAT n 5e3", "$4\r\n5000"),
        ]);
        assert_eq!(
            trial.events(),
            ["set k", "expire k", "incrbyfloat k", "incrbyfloat k", "incrbyfloat n"]
        );
        assert_eq!(
            trial.propagated(),
            [
                "SET k 10.50 PXAT 1100",
                "SET k 10.6 KEEPTTL",
                "SET k 0 KEEPTTL",
                "SET n 5000 KEEPTTL"
            ]
        );
    }

    #[test]
    fn only_finite_numbers_count() {
        let mut trial = Trial::new();
        trial.check(&[
            ("INCRBYFLOAT k x", "-ERR value is not a valid float"),
            ("INCRBYFLOAT k nan", "-ERR value is not a valid float"),
            ("INCRBYFLOAT k inf", "-ERR increment would produce NaN or Infinity"),
            ("EXISTS k", ":0"),
            ("SET k abc", "+OK"),
            ("INCRBYFLOAT k 1", "-ERR value is not a valid float"),
            ("SET k 1e4000", "+OK"),
        ]);
    }
}
