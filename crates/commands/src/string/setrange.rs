//! SETRANGE key offset value
//!
//! Overwrites a part of the string a key holds, lengthening it with zero bytes where it ends
//! before; replies the length. An empty value changes nothing and creates nothing.
//!
//! Source: Redis documentation, SETRANGE.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::NewValue;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::string::limit::StringLimit;

const SPEC: CommandSpec = CommandSpec::new("setrange", Group::String, 4)
    .summary(
        "Overwrites a part of a string value with another by an offset. Creates the key if it \
         doesn't exist.",
    )
    .since("2.2.0")
    .complexity(
        "O(1), not counting the time taken to copy the new string in place. Usually, this string \
         is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M \
         being the length of the value argument.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), Arg::integer("offset"), Arg::string("value")]);

/// SETRANGE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, value, limit) = (args.get(1), args.get(3), StringLimit::of(cx));
    let offset = usize::try_from(args.integer(2)?)
        .map_err(|_| CommandError::fixed("ERR offset is out of range"))?;
    let len = match cx.keyspace.slot(cx.db, key) {
        Slot::Vacant(_) if value.is_empty() => 0,
        Slot::Vacant(slot) => {
            let len = limit.sum(offset, value.len())?;
            let mut built = vec![0; len];
            built[offset..].copy_from_slice(value);
            slot.insert(NewValue::raw(&mut built), None);
            len
        }
        Slot::Occupied(mut slot) => {
            let held = slot.string().ok_or(CommandError::WrongType)?.len();
            if value.is_empty() {
                held
            } else {
                let end = limit.sum(offset, value.len())?;
                let bytes = slot.edit_string(end).ok_or(CommandError::WrongType)?;
                bytes[offset..end].copy_from_slice(value);
                bytes.len()
            }
        }
    };
    if !value.is_empty() {
        cx.changed(KeyEventClass::STRING, "setrange", key);
    }
    cx.reply.integer(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn gaps_are_filled_with_zeros() {
        let mut trial = Trial::new();
        trial.check(&[
            ("SETRANGE k 2 ab", ":4"),
            ("GETRANGE k 0 -1", "$4\r\n\0\0ab"),
            ("SETRANGE k 0 xy", ":4"),
            ("SETRANGE k 9 \"\"", ":4"),
            ("SETRANGE nosuch 9 \"\"", ":0"),
            ("EXISTS nosuch", ":0"),
            ("SETRANGE k -1 x", "-ERR offset is out of range"),
            ("SETRANGE k x y", "-ERR value is not an integer or out of range"),
        ]);
        assert_eq!(trial.events(), ["setrange k", "setrange k"]);
        assert_eq!(trial.propagated(), ["SETRANGE k 2 ab", "SETRANGE k 0 xy"]);
    }

    #[test]
    fn nothing_longer_than_the_limit() {
        let mut trial = Trial::of_client();
        trial.check(&[
            (
                "SETRANGE k 536870911 xy",
                "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            ),
            ("EXISTS k", ":0"),
        ]);
        assert!(trial.events().is_empty());
        assert!(trial.propagated().is_empty());
    }
}
