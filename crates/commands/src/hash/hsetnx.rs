//! `HSETNX key field value`
//!
//! Sets a field if it is not there; replies whether it did.
//!
//! Source: Redis documentation, HSETNX.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::hash::{edit, limits, seen_at};

const SPEC: CommandSpec = CommandSpec::new("hsetnx", Group::Hash, 4)
    .summary("Sets the value of a field in a hash only when the field doesn't exist.")
    .since("2.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::INSERT])])
    .args(&[Arg::key("key", 0), Arg::string("field"), Arg::string("value")]);

/// HSETNX's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, words) = (args.get(1), &args.words()[2..]);
    let (now, limits) = (seen_at(cx, key, &words[..1]), limits(cx));
    let is_new = match cx.keyspace.slot(cx.db, key) {
        Slot::Occupied(mut slot) => {
            let is_there = slot.hash(now).ok_or(CommandError::WrongType)?.get(words[0]).is_some();
            if !is_there {
                let mut hash = edit(&mut slot, limits, now);
                hash.expect(words);
                hash.set(words[0], words[1]);
            }
            !is_there
        }
        Slot::Vacant(slot) => {
            slot.insert(limits.build(words, &mut Vec::new()).0, None);
            true
        }
    };
    if is_new {
        cx.changed(KeyEventClass::HASH, "hset", key);
    }
    cx.reply.integer(i64::from(is_new));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_field_is_set_once() {
        let mut trial = Trial::new();
        trial.check(&[
            ("HSETNX h a 1", ":1"),
            ("HSETNX h a 2", ":0"),
            ("HGET h a", "$1\r\n1"),
            ("HSETNX h b 2", ":1"),
        ]);
        assert_eq!(trial.events(), ["hset h", "hset h"]);
        assert_eq!(trial.propagated(), ["HSETNX h a 1", "HSETNX h b 2"]);
    }
}
