//! `HINCRBY key field increment`
//!
//! Adds to the integer a field holds (0 if there is no such field) and replies the sum. A field that
//! has a deadline keeps it.
//!
//! Source: Redis documentation, HINCRBY.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::listpack::Element;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::hash::{edit, limits, seen_at};

const SPEC: CommandSpec = CommandSpec::new("hincrby", Group::Hash, 4)
    .summary(
        "Increments the integer value of a field in a hash by a number. Uses 0 as initial value \
         if the field doesn't exist.",
    )
    .since("2.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::string("field"), Arg::integer("increment")]);

/// HINCRBY's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, name) = (args.get(1), args.get(2));
    let increment = args.integer(3)?;
    let (now, limits) = (seen_at(cx, key, &[name]), limits(cx));
    let mut digits = itoa::Buffer::new();
    let sum = match cx.keyspace.slot(cx.db, key) {
        Slot::Occupied(mut slot) => {
            let hash = slot.hash(now).ok_or(CommandError::WrongType)?;
            let held = hash.get(name).map_or(Ok(0), |field| integer(field.value))?;
            let sum = held
                .checked_add(increment)
                .ok_or(CommandError::fixed("ERR increment or decrement would overflow"))?;
            let text = digits.format(sum).as_bytes();
            edit(&mut slot, limits, now).set_keeping_deadline(name, text);
            sum
        }
        Slot::Vacant(slot) => {
            let words = [name, digits.format(increment).as_bytes()];
            slot.insert(limits.build(&words, &mut Vec::new()).0, None);
            increment
        }
    };
    cx.changed(KeyEventClass::HASH, "hincrby", key);
    cx.reply.integer(sum);
    Ok(())
}

fn integer(value: Element<'_>) -> Result<i64, CommandError> {
    match value {
        Element::Int(number) => Ok(number),
        Element::Text(text) => dunlin_stdx::number::parse_i64(text)
            .ok_or(CommandError::fixed("ERR hash value is not an integer")),
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn sums_stay_within_64_bits() {
        let mut trial = Trial::new();
        trial.run("HSET h text abc spaced \" 1\"");
        trial.forget();
        trial.check(&[
            ("HINCRBY h n 9223372036854775807", ":9223372036854775807"),
            ("HINCRBY h n 1", "-ERR increment or decrement would overflow"),
            ("HINCRBY h n -9223372036854775808", ":-1"),
            ("HINCRBY h n x", "-ERR value is not an integer or out of range"),
            ("HINCRBY h text 1", "-ERR hash value is not an integer"),
            ("HINCRBY h spaced 1", "-ERR hash value is not an integer"),
            ("HINCRBY new n 5", ":5"),
        ]);
        assert_eq!(trial.events(), ["hincrby h", "hincrby h", "hincrby new"]);
    }
}
