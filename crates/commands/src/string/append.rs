//! APPEND key value
//!
//! Puts a string behind the one a key holds, or makes the key hold it; replies the new length.
//!
//! Source: Redis documentation, APPEND.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::string::limit::StringLimit;
use crate::string::new_string;

const SPEC: CommandSpec = CommandSpec::new("append", Group::String, 3)
    .summary("Appends a string to the value of a key. Creates the key if it doesn't exist.")
    .since("2.0.0")
    .complexity(
        "O(1). The amortized time complexity is O(1) assuming the appended value is small and \
         the already present value is of any size, since the dynamic string library used by Redis \
         will double the free space available on every reallocation.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::STRING])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::INSERT])])
    .args(&[Arg::key("key", 0), Arg::string("value")]);

/// APPEND's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, added, limit) = (args.get(1), args.get(2), StringLimit::of(cx));
    let len = match cx.keyspace.slot(cx.db, key) {
        Slot::Vacant(slot) => {
            slot.insert(new_string(args, 2), None);
            added.len()
        }
        Slot::Occupied(mut slot) => {
            let held = slot.string().ok_or(CommandError::WrongType)?.len();
            let len = limit.sum(held, added.len())?;
            let bytes = slot.edit_string(len).ok_or(CommandError::WrongType)?;
            bytes[held..].copy_from_slice(added);
            len
        }
    };
    cx.changed(KeyEventClass::STRING, "append", key);
    cx.reply.integer(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_string_begins_or_grows() {
        let mut trial = Trial::new();
        trial.check(&[
            ("APPEND k ab", ":2"),
            ("APPEND k 12", ":4"),
            ("GET k", "$4\r\nab12"),
            ("APPEND k \"\"", ":4"),
        ]);
        assert_eq!(trial.events(), ["append k", "append k", "append k"]);
        assert_eq!(trial.propagated(), ["APPEND k ab", "APPEND k 12", "APPEND k "]);
    }

    #[test]
    fn an_integer_becomes_text() {
        let mut trial = Trial::new();
        trial.check(&[("SET k 12", "+OK"), ("APPEND k 3", ":3"), ("INCR k", ":124")]);
    }
}
