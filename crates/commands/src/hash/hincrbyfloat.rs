//! `HINCRBYFLOAT key field increment`
//!
//! Adds to the number a field holds (0 if there is no such field) and replies the sum. It is
//! propagated as HSET with the result, so that no other machine's arithmetic matters; a field that has a
//! deadline keeps it, which followers are told behind that.
//!
//! Source: Redis documentation, HINCRBYFLOAT.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_stdx::long_double::LongDouble;
use dunlin_values::listpack::Element;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::hash::{edit, limits, seen_at};

const SPEC: CommandSpec = CommandSpec::new("hincrbyfloat", Group::Hash, 4)
    .summary(
        "Increments the floating point value of a field by a number. Uses 0 as initial value if \
         the field doesn't exist.",
    )
    .since("2.6.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::string("field"), Arg::double("increment")]);

/// HINCRBYFLOAT's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, name) = (args.get(1), args.get(2));
    let increment = LongDouble::parse(args.get(3)).ok_or(CommandError::NotFloat)?;
    if !increment.is_finite() {
        return Err(CommandError::fixed("ERR value is NaN or Infinity"));
    }
    let (now, limits) = (seen_at(cx, key, &[name]), limits(cx));
    let mut deadline = None;
    let text = match cx.keyspace.slot(cx.db, key) {
        Slot::Occupied(mut slot) => {
            let field = slot.hash(now).ok_or(CommandError::WrongType)?.get(name);
            let held = field.map_or(Ok(LongDouble::from(0)), |field| number(field.value))?;
            deadline = field.and_then(|field| field.deadline);
            let text = finite(held + increment)?;
            edit(&mut slot, limits, now).set_keeping_deadline(name, &text);
            text
        }
        Slot::Vacant(slot) => {
            let text = finite(increment)?;
            slot.insert(limits.build(&[name, &text], &mut Vec::new()).0, None);
            text
        }
    };
    cx.changed(KeyEventClass::HASH, "hincrbyfloat", key);
    cx.effects.rewrite(&[b"HSET", key, name, &text]);
    if let Some(deadline) = deadline {
        let mut digits = itoa::Buffer::new();
        let at = digits.format(deadline.0).as_bytes();
        cx.effects.rewrite(&[b"HPEXPIREAT", key, at, b"FIELDS", b"1", name]);
    }
    cx.reply.bulk(&text);
    Ok(())
}

fn number(value: Element<'_>) -> Result<LongDouble, CommandError> {
    match value {
        Element::Int(number) => Ok(number.into()),
        Element::Text(text) => {
            LongDouble::parse(text).ok_or(CommandError::fixed("ERR hash value is not a float"))
        }
    }
}

fn finite(sum: LongDouble) -> Result<Vec<u8>, CommandError> {
    if sum.is_finite() {
        Ok(sum.to_text())
    } else {
        Err(CommandError::fixed("ERR increment would produce NaN or Infinity"))
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn sums_are_propagated_as_results() {
        let mut trial = Trial::new();
        trial.check(&[
            ("HINCRBYFLOAT h f 10.50", "$4\r\n10.5"),
            ("HINCRBYFLOAT h f 0.1", "$4\r\n10.6"),
            ("HINCRBYFLOAT h f -10.6", "$1\r\n0"),
        ]);
        assert_eq!(trial.events(), ["hincrbyfloat h"; 3]);
        assert_eq!(trial.propagated(), ["HSET h f 10.5", "HSET h f 10.6", "HSET h f 0"]);
    }

    #[test]
    fn only_finite_numbers_count() {
        let mut trial = Trial::new();
        trial.run("HSET h text abc spaced \" 1\" huge 1e4932");
        trial.check(&[
            ("HINCRBYFLOAT h f x", "-ERR value is not a valid float"),
            ("HINCRBYFLOAT h f nan", "-ERR value is not a valid float"),
            ("HINCRBYFLOAT h f inf", "-ERR value is NaN or Infinity"),
            ("HINCRBYFLOAT h text 1", "-ERR hash value is not a float"),
            ("HINCRBYFLOAT h spaced 1", "-ERR hash value is not a float"),
            ("HINCRBYFLOAT h huge 1e4932", "-ERR increment would produce NaN or Infinity"),
            ("HLEN h", ":3"),
        ]);
    }
}
