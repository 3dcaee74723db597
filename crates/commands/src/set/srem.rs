//! `SREM key member [member ...]`
//!
//! Removes members from a set; replies how many there were. An empty set is no key.
//!
//! Source: Redis documentation, SREM.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::set::SetMut;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::set::limits;

const SPEC: CommandSpec = CommandSpec::new("srem", Group::Set, -3)
    .summary(
        "Removes one or more members from a set. Deletes the set if the last member was \
         removed.",
    )
    .since("1.0.0")
    .complexity("O(N) where N is the number of members to be removed.")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::SET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::DELETE])])
    .history(&[("2.4.0", "Accepts multiple `member` arguments.")])
    .args(&[Arg::key("key", 0), Arg::string("member").multiple()]);

/// SREM's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, limits) = (args.get(1), limits(cx));
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.integer(0);
        return Ok(());
    };
    let len = slot.set().ok_or(CommandError::WrongType)?.len();
    let mut set = SetMut::new(slot.value_mut(), limits);
    let mut removed = 0;
    for member in &args.words()[2..] {
        removed += usize::from(set.remove(member));
        if removed == len {
            break;
        }
    }
    let is_emptied = removed == len;
    if is_emptied {
        slot.delete(cx.config.memory.lazyfree_lazy_server_del);
    }
    if removed > 0 {
        cx.effects.changed(removed as u64);
        cx.effects.notify(KeyEventClass::SET, "srem", cx.db, key);
        if is_emptied {
            cx.effects.notify(KeyEventClass::GENERIC, "del", cx.db, key);
        }
    }
    cx.reply.integer(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn the_last_member_takes_the_key_with_it() {
        let mut trial = Trial::new();
        trial.run("SADD s a b c");
        trial.forget();
        trial.check(&[("SREM s a nosuch", ":1"), ("SREM s a", ":0"), ("SREM s c b a", ":2")]);
        assert_eq!(trial.events(), ["srem s", "srem s", "del s"]);
        assert_eq!(trial.propagated(), ["SREM s a nosuch", "SREM s c b a"]);
        trial.check(&[("EXISTS s", ":0"), ("SREM s a", ":0")]);
    }
}
