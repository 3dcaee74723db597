//! `HDEL key field [field ...]`
//!
//! Removes fields; replies how many there were. A hash without fields is no key.
//!
//! Source: Redis documentation, HDEL.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::hash::{edit, limits, seen_at};

const SPEC: CommandSpec = CommandSpec::new("hdel", Group::Hash, -3)
    .summary(
        "Deletes one or more fields and their values from a hash. Deletes the hash if no fields \
         remain.",
    )
    .since("2.0.0")
    .complexity("O(N) where N is the number of fields to be removed.")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::DELETE])])
    .history(&[("2.4.0", "Accepts multiple `field` arguments.")])
    .args(&[Arg::key("key", 0), Arg::string("field").multiple()]);

/// HDEL's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, names) = (args.get(1), &args.words()[2..]);
    let (now, limits) = (seen_at(cx, key, names), limits(cx));
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.integer(0);
        return Ok(());
    };
    let held = slot.hash(now).ok_or(CommandError::WrongType)?;
    if !names.iter().any(|name| held.get(name).is_some()) {
        cx.reply.integer(0);
        return Ok(());
    }
    let len = held.held_len();
    let mut hash = edit(&mut slot, limits, now);
    let mut removed = 0;
    for name in names {
        removed += usize::from(hash.remove(name));
        if removed == len {
            break;
        }
    }
    let is_emptied = removed == len;
    if is_emptied {
        slot.delete(cx.config.memory.lazyfree_lazy_server_del);
    } else {
        drop(slot);
    }
    cx.effects.changed(removed as u64);
    cx.notify(KeyEventClass::HASH, "hdel", cx.db, key);
    if is_emptied {
        cx.notify(KeyEventClass::GENERIC, "del", cx.db, key);
    }
    cx.reply.integer(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_last_field_takes_the_key_with_it() {
        let mut trial = Trial::new();
        trial.run("HSET h a 1 b 2 c 3");
        trial.forget();
        trial.check(&[("HDEL h a nosuch", ":1"), ("HDEL h a", ":0"), ("HDEL h c b a", ":2")]);
        assert_eq!(trial.events(), ["hdel h", "hdel h", "del h"]);
        assert_eq!(trial.propagated(), ["HDEL h a nosuch", "HDEL h c b a"]);
        trial.check(&[("EXISTS h", ":0"), ("HDEL h a", ":0"), ("SET k v", "+OK")]);
        assert!(trial.run("HDEL k a").starts_with("-WRONGTYPE "));
    }
}
