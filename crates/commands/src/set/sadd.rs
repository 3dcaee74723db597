//! `SADD key member [member ...]`
//!
//! Adds members to a set; replies how many are new.
//!
//! Source: Redis documentation, SADD.

use dunlin_keyspace::Slot;
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::set::SetMut;
use dunlin_values::{Entry, ValueMut};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::set::limits;

const SPEC: CommandSpec = CommandSpec::new("sadd", Group::Set, -3)
    .summary("Adds one or more members to a set. Creates the key if it doesn't exist.")
    .since("1.0.0")
    .complexity(
        "O(1) for each element added, so O(N) to add N elements when the command is called with \
         multiple arguments.",
    )
    .flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST])
    .categories(&[Categories::SET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::INSERT])])
    .history(&[("2.4.0", "Accepts multiple `member` arguments.")])
    .args(&[Arg::key("key", 0), Arg::string("member").multiple()]);

/// SADD's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, members, limits) = (args.get(1), &args.words()[2..], limits(cx));
    let add_all = |set: &mut SetMut<'_>| members.iter().filter(|member| set.add(member)).count();
    let added = match cx.keyspace.slot(cx.db, key) {
        Slot::Occupied(mut slot) => {
            slot.set().ok_or(CommandError::WrongType)?;
            let mut set = SetMut::new(slot.value_mut(), limits);
            set.expect(members.len());
            add_all(&mut set)
        }
        Slot::Vacant(slot) => {
            let mut entry = Entry::new(key, limits.new_set(members[0], members.len()), None);
            let added = add_all(&mut SetMut::new(ValueMut::new(&mut entry), limits));
            slot.insert_entry(entry);
            added
        }
    };
    if added > 0 {
        cx.effects.changed(added as u64);
        cx.notify(KeyEventClass::SET, "sadd", cx.db, key);
    }
    cx.reply.integer(added as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn members_count_once() {
        let mut trial = Trial::new();
        trial.check(&[("SADD s a b a", ":2"), ("SADD s a", ":0"), ("SADD s c", ":1")]);
        assert_eq!(trial.events(), ["sadd s", "sadd s"]);
        assert_eq!(trial.propagated(), ["SADD s a b a", "SADD s c"]);
        trial.check(&[("SET k v", "+OK")]);
        assert!(trial.run("SADD k a").starts_with("-WRONGTYPE "));
    }

    #[test]
    fn the_encoding_follows_what_comes() {
        let mut trial = Trial::new();
        let mut check = |command: &str, encoding: &str| {
            trial.run(command);
            let reply = format!("${}\r\n{encoding}\r\n", encoding.len());
            assert_eq!(trial.run("OBJECT ENCODING s"), reply, "{command}");
        };
        check("SADD s 1 2 3", "intset");
        check("SADD s a", "listpack");
        let long = "x".repeat(65);
        check(&format!("SADD s {long}"), "hashtable");
        check(&format!("SREM s {long}"), "hashtable");
    }
}
