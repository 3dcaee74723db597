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
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::string::limit::StringLimit;
use crate::table::Command;

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
