//! SETBIT key offset value
//!
//! Sets or clears the bit at an offset, lengthening the string with zeros where it ends before;
//! replies the bit that was there. Nobody is told where nothing changes.
//!
//! Source: Redis documentation, SETBIT.

use dunlin_keyspace::{Occupied, Slot};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::{IntText, NewValue};

use crate::args::Args;
use crate::bitmap::offset;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::string::limit::StringLimit;

const SPEC: CommandSpec = CommandSpec::new("setbit", Group::Bitmap, 4)
    .summary(
        "Sets or clears the bit at offset of the string value. Creates the key if it doesn't \
         exist.",
    )
    .since("2.2.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::BITMAP])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::integer("offset"), Arg::integer("value")]);

/// SETBIT's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// One bit of a string.
#[derive(Clone, Copy)]
struct Bit {
    byte: usize,
    mask: u8,
}

/// What SETBIT found and did.
struct Outcome {
    was_set: bool,
    changed: bool,
}

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let offset = offset::parse(args.get(2), StringLimit::of(cx))?;
    let on = match args.get(3) {
        b"0" => false,
        b"1" => true,
        _ => return Err(CommandError::fixed("ERR bit is not an integer or out of range")),
    };
    let bit = Bit { byte: (offset >> 3) as usize, mask: 0x80 >> (offset & 7) };
    let key = args.get(1);
    let outcome = match cx.keyspace.slot(cx.db, key) {
        Slot::Vacant(slot) => {
            let mut built = vec![0; bit.byte + 1];
            built[bit.byte] = if on { bit.mask } else { 0 };
            slot.insert(NewValue::raw(&mut built), None);
            Outcome { was_set: false, changed: true }
        }
        Slot::Occupied(mut slot) => set(&mut slot, bit, on)?,
    };
    if outcome.changed {
        cx.changed(KeyEventClass::STRING, "setbit", key);
    }
    cx.reply.integer(i64::from(outcome.was_set));
    Ok(())
}

fn set(slot: &mut Occupied<'_>, bit: Bit, on: bool) -> Result<Outcome, CommandError> {
    let string = slot.string().ok_or(CommandError::WrongType)?;
    let held = string.as_bytes(&mut IntText::default()).get(bit.byte).copied();
    let was_set = held.is_some_and(|byte| byte & bit.mask != 0);
    if held.is_some() && was_set == on {
        slot.make_raw();
        return Ok(Outcome { was_set, changed: false });
    }
    let bytes = slot.edit_string(bit.byte + 1).ok_or(CommandError::WrongType)?;
    if on {
        bytes[bit.byte] |= bit.mask;
    } else {
        bytes[bit.byte] &= !bit.mask;
    }
    Ok(Outcome { was_set, changed: true })
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_highest_bit_comes_first() {
        let mut trial = Trial::new();
        trial.check(&[
            ("SETBIT k 1 1", ":0"),
            ("GET k", "$1\r\n@"),
            ("SETBIT k 7 1", ":0"),
            ("GET k", "$1\r\nA"),
            ("SETBIT k 7 1", ":1"),
            ("SETBIT k 15 0", ":0"),
            ("STRLEN k", ":2"),
        ]);
        assert_eq!(trial.events(), ["setbit k", "setbit k", "setbit k"]);
        assert_eq!(trial.propagated(), ["SETBIT k 1 1", "SETBIT k 7 1", "SETBIT k 15 0"]);
    }

    #[test]
    fn only_bits_that_may_be() {
        let mut trial = Trial::of_client();
        trial.check(&[
            ("SETBIT k 0 2", "-ERR bit is not an integer or out of range"),
            ("SETBIT k 0 01", "-ERR bit is not an integer or out of range"),
            ("SETBIT k -1 1", "-ERR bit offset is not an integer or out of range"),
            ("SETBIT k 4294967296 1", "-ERR bit offset is not an integer or out of range"),
            ("SETBIT k x 2", "-ERR bit offset is not an integer or out of range"),
            ("EXISTS k", ":0"),
        ]);
        assert!(trial.events().is_empty());
        assert!(trial.propagated().is_empty());
    }
}
