//! `HPERSIST key FIELDS numfields field [field ...]`
//!
//! Takes deadlines away from fields. Replies a number for each: 1 if it had one, -1 if it had none, -2
//! if there is no such field.
//!
//! Source: Redis documentation, HPERSIST.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::hash::field_names::{self, NAMES};
use crate::hash::{edit, limits, seen_at};

const SPEC: CommandSpec = CommandSpec::new("hpersist", Group::Hash, -5)
    .summary("Removes the expiration time for each specified field")
    .since("7.4.0")
    .complexity("O(N) where N is the number of specified fields")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::HASH])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::UPDATE])])
    .args(&[Arg::key("key", 0), NAMES]);

/// HPERSIST's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, names) = (args.get(1), field_names::parse(args, 2)?);
    let (now, limits) = (seen_at(cx, key, names), limits(cx));
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.array(names.len());
        names.iter().for_each(|_| cx.reply.integer(-2));
        return Ok(());
    };
    slot.hash(now).ok_or(CommandError::WrongType)?;
    cx.reply.array(names.len());
    let mut persisted = 0;
    for name in names {
        let field = slot.hash(now).and_then(|hash| hash.get(name));
        let answer = match field.map(|field| field.deadline) {
            None => -2,
            Some(None) => -1,
            Some(Some(_)) => {
                edit(&mut slot, limits, now).set_deadline(name, None);
                persisted += 1;
                1
            }
        };
        cx.reply.integer(answer);
    }
    if persisted > 0 {
        slot.field_deadlines_changed();
        drop(slot);
        cx.effects.changed(persisted);
        cx.notify(KeyEventClass::HASH, "hpersist", cx.db, key);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn fields_stay_for_good() {
        let mut trial = Trial::new();
        trial.at_ms(1_000_000);
        trial.run("HSET h a 1 b 2");
        trial.run("HPEXPIRE h 100 FIELDS 1 a");
        trial.forget();
        trial.check(&[
            ("HPERSIST h FIELDS 3 a b c", "*3\r\n:1\r\n:-1\r\n:-2"),
            ("HPERSIST h FIELDS 1 a", "*1\r\n:-1"),
            ("HPERSIST nosuch FIELDS 2 a b", "*2\r\n:-2\r\n:-2"),
            ("SET k v", "+OK"),
        ]);
        assert!(trial.run("HPERSIST k FIELDS 1 a").starts_with("-WRONGTYPE "));
        assert_eq!(trial.events(), ["hpersist h", "set k"]);
        assert_eq!(trial.propagated(), ["HPERSIST h FIELDS 3 a b c", "SET k v"]);
        trial.advance_ms(200);
        trial.check(&[("HLEN h", ":2")]);
    }
}
