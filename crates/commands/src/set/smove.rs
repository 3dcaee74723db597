//! `SMOVE source destination member`
//!
//! Moves a member from one set to another; replies whether it was in the first.
//!
//! Source: Redis documentation, SMOVE.

use dunlin_keyspace::{DatabaseIndex, Keyspace, Slot};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::set::{SetLimits, SetMut};
use dunlin_values::{Entry, ValueMut};

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::set::limits;

const SPEC: CommandSpec = CommandSpec::new("smove", Group::Set, 4)
    .summary("Moves a member from one set to another.")
    .since("1.0.0")
    .complexity("O(1)")
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::SET])
    .keys(&[
        KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE]),
        KeySpec::at(2, &[KeyFlags::RW, KeyFlags::INSERT]),
    ])
    .args(&[Arg::key("source", 0), Arg::key("destination", 1), Arg::string("member")]);

/// SMOVE's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (source, destination, member) = (args.get(1), args.get(2), args.get(3));
    let limits = limits(cx);
    let is_member = match cx.keyspace.peek(cx.db, source) {
        None => None,
        Some(entry) => Some(entry.set().ok_or(CommandError::WrongType)?.contains(member)),
    };
    if let (Some(_), Some(entry)) = (is_member, cx.keyspace.peek(cx.db, destination)) {
        entry.set().ok_or(CommandError::WrongType)?;
    }
    let is_member = is_member.unwrap_or_default();
    if !is_member || source == destination {
        cx.reply.integer(i64::from(is_member));
        return Ok(());
    }
    if let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, source) {
        let mut set = SetMut::new(slot.value_mut(), limits);
        set.remove(member);
        let is_emptied = set.view().is_empty();
        cx.effects.notify(KeyEventClass::SET, "srem", cx.db, source);
        if is_emptied {
            slot.delete(cx.config.memory.lazyfree_lazy_server_del);
            cx.effects.notify(KeyEventClass::GENERIC, "del", cx.db, source);
        }
    }
    cx.effects.changed(1);
    if add(cx.keyspace, cx.db, destination, member, limits) {
        cx.changed(KeyEventClass::SET, "sadd", destination);
    }
    cx.reply.integer(1);
    Ok(())
}

/// Adds a member to the set at `key`, which is one or does not exist; returns whether it is new.
fn add(
    keyspace: &mut Keyspace,
    db: DatabaseIndex,
    key: &[u8],
    member: &[u8],
    limits: SetLimits,
) -> bool {
    match keyspace.slot(db, key) {
        Slot::Occupied(mut slot) => {
            let is_member = slot.set().is_some_and(|set| set.contains(member));
            !is_member && SetMut::new(slot.value_mut(), limits).add(member)
        }
        Slot::Vacant(slot) => {
            let mut entry = Entry::new(key, limits.new_set(member, 1), None);
            SetMut::new(ValueMut::new(&mut entry), limits).add(member);
            slot.insert_entry(entry);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    #[test]
    fn a_member_changes_its_set() {
        let mut trial = Trial::new();
        trial.run("SADD a 1 2");
        trial.run("SADD b 2");
        trial.forget();
        trial.check(&[("SMOVE a b 1", ":1"), ("SMOVE a b 2", ":1"), ("SMOVE a b 2", ":0")]);
        assert_eq!(trial.events(), ["srem a", "sadd b", "srem a", "del a"]);
        assert_eq!(trial.propagated(), ["SMOVE a b 1", "SMOVE a b 2"]);
        trial.check(&[("SMOVE b b 1", ":1"), ("SMOVE b b 9", ":0"), ("SMOVE b c 1", ":1")]);
        trial.check(&[("SET k v", "+OK"), ("SMOVE nosuch k x", ":0")]);
        assert!(trial.run("SMOVE b k nosuch").starts_with("-WRONGTYPE "));
    }
}
