//! `SPOP key [count]`
//!
//! Removes random members and replies them. Propagated as SREM of those members, or as the removal of
//! the key where a count takes all.
//!
//! Source: Redis documentation, SPOP.

use dunlin_keyspace::{Occupied, Slot};
use dunlin_spec::{Arg, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};
use dunlin_values::set::{SetLimits, SetMut, SetRef};
use dunlin_values::{Entry, IntText, NewValue, ValueMut};
use fastrand::Rng;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::Effects;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::set::combine::reply_union;
use crate::set::limits;
use crate::set::sample::choose;

const SPEC: CommandSpec = CommandSpec::new("spop", Group::Set, -2)
    .summary(
        "Returns one or more random members from a set after removing them. Deletes the set if \
         the last member was popped.",
    )
    .since("1.0.0")
    .complexity(
        "Without the count argument O(1), otherwise O(N) where N is the value of the passed \
         count.",
    )
    .flags(&[Flags::WRITE, Flags::FAST])
    .categories(&[Categories::SET])
    .keys(&[KeySpec::at(1, &[KeyFlags::RW, KeyFlags::ACCESS, KeyFlags::DELETE])])
    .tips(&["nondeterministic_output"])
    .history(&[("3.2.0", "Added the `count` argument.")])
    .args(&[Arg::key("key", 0), Arg::integer("count").optional().since("3.2.0")]);

/// SPOP's entry in the command table.
pub(super) const COMMAND: Command = Command::new(SPEC, run);

/// Members in one SREM that is propagated.
const BATCH_LEN: usize = 1024;

/// While more than one in so many of the popped members would be kept, the popped ones are drawn one
/// by one; else it is the kept ones that are picked out. As in Redis, because it decides the
/// encoding of what is left.
const KEPT_SHARE: usize = 5;

fn run(cx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    match args.len() {
        2 => pop_one(cx, args.get(1)),
        3 => pop_many(cx, args.get(1), args.non_negative(2)? as usize),
        _ => Err(CommandError::Syntax),
    }
}

fn pop_one(cx: &mut Context<'_>, key: &[u8]) -> CommandResult {
    let (limits, random) = (limits(cx), cx.keyspace.random());
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.null();
        return Ok(());
    };
    let len = slot.set().ok_or(CommandError::WrongType)?.len();
    let member = SetMut::new(slot.value_mut(), limits).pop(random).unwrap_or_default();
    cx.effects.notify(KeyEventClass::SET, "spop", cx.db, key);
    cx.effects.rewrite(&[b"SREM", key, &member]);
    if len == 1 {
        slot.delete(cx.config.memory.lazyfree_lazy_server_del);
        cx.effects.notify(KeyEventClass::GENERIC, "del", cx.db, key);
    }
    cx.effects.changed(1);
    cx.reply.bulk(&member);
    Ok(())
}

fn pop_many(cx: &mut Context<'_>, key: &[u8], count: usize) -> CommandResult {
    let (limits, mut rng) = (limits(cx), Rng::with_seed(cx.keyspace.random()));
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else {
        cx.reply.set(0);
        return Ok(());
    };
    let set = slot.set().ok_or(CommandError::WrongType)?;
    let len = set.len();
    if count == 0 {
        cx.reply.set(0);
        return Ok(());
    }
    cx.effects.notify(KeyEventClass::SET, "spop", cx.db, key);
    cx.effects.changed(count.min(len) as u64);
    if count >= len {
        let lazily = cx.config.memory.lazyfree_lazy_server_del;
        reply_union(cx.reply, &[set], limits);
        slot.delete(lazily);
        cx.effects.notify(KeyEventClass::GENERIC, "del", cx.db, key);
        cx.effects.rewrite(&[if lazily { b"UNLINK" } else { b"DEL" }, key]);
        return Ok(());
    }
    cx.reply.set(count);
    let mut removals = Removals { key, effects: cx.effects, members: Vec::new() };
    let mut pop = |member: &[u8]| {
        cx.reply.bulk(member);
        removals.push(member);
    };
    if (len - count).saturating_mul(KEPT_SHARE) > count {
        pop_drawn(&mut slot, limits, count, &mut rng, &mut pop);
    } else {
        pop_all_but(&mut slot, limits, len - count, &mut rng, &mut pop);
    }
    removals.flush();
    Ok(())
}

/// Removes `count` random members.
fn pop_drawn(
    slot: &mut Occupied<'_>,
    limits: SetLimits,
    count: usize,
    rng: &mut Rng,
    pop: &mut dyn FnMut(&[u8]),
) {
    let chosen = match slot.set() {
        // One walk instead of one for each.
        Some(set @ SetRef::Packed(_)) => {
            let mut chosen = Vec::with_capacity(count);
            choose(set, count, rng, |member, is_chosen| {
                if is_chosen {
                    chosen.push(member.to_vec());
                }
            });
            chosen
        }
        _ => Vec::new(),
    };
    let mut set = SetMut::new(slot.value_mut(), limits);
    for member in &chosen {
        set.remove(member);
        pop(member);
    }
    for _ in chosen.len()..count {
        if let Some(member) = set.pop(rng.u64(..)) {
            pop(&member);
        }
    }
}

/// Removes all but `kept` random members: those are put into a new set, which takes the old one's
/// place and may be of a smaller form.
fn pop_all_but(
    slot: &mut Occupied<'_>,
    limits: SetLimits,
    kept: usize,
    rng: &mut Rng,
    pop: &mut dyn FnMut(&[u8]),
) {
    let Some(set) = slot.set() else { return };
    let empty = match set {
        SetRef::Ints(_) => SetLimits::NO_INTS,
        SetRef::Packed(_) | SetRef::Table(_) => SetLimits::NO_MEMBERS,
    };
    let mut rest = Entry::new(b"", empty, None);
    let mut rest_set = SetMut::new(ValueMut::new(&mut rest), limits);
    let mut digits = IntText::default();
    choose(set, kept, rng, |member, is_kept| {
        let member = member.as_bytes(&mut digits);
        if is_kept {
            rest_set.add(member);
        } else {
            pop(member);
        }
    });
    let deadline = slot.deadline();
    match rest.packed().map(|(kind, bytes)| (kind, bytes.to_vec())) {
        Some((kind, bytes)) => slot.assign(NewValue::Packed(kind, &bytes), deadline),
        None => {
            if let Some(object) = rest.convert(SetLimits::NO_INTS) {
                slot.assign(NewValue::Boxed(object), deadline);
            }
        }
    }
}

/// What is propagated: the removal of members in batches.
struct Removals<'a> {
    key: &'a [u8],
    effects: &'a mut Effects,
    members: Vec<Vec<u8>>,
}

impl Removals<'_> {
    fn push(&mut self, member: &[u8]) {
        self.members.push(member.to_vec());
        if self.members.len() == BATCH_LEN {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.members.is_empty() {
            return;
        }
        let mut words: Vec<&[u8]> = vec![b"SREM", self.key];
        words.extend(self.members.iter().map(Vec::as_slice));
        self.effects.rewrite(&words);
        self.members.clear();
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::Trial;

    use std::collections::BTreeSet;

    /// The words of a reply.
    fn words(reply: &str) -> BTreeSet<String> {
        let words = reply.split("\r\n").filter(|line| !line.starts_with(['*', '$', '~']));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn what_was_popped_is_propagated() {
        let mut trial = Trial::new();
        trial.run("SADD s a b");
        trial.forget();
        let first = words(&trial.run("SPOP s")).pop_first().expect("a member");
        let second = words(&trial.run("SPOP s")).pop_first().expect("a member");
        assert_eq!(trial.propagated(), [format!("SREM s {first}"), format!("SREM s {second}")]);
        assert_eq!(trial.events(), ["spop s", "spop s", "del s"]);
        trial.check(&[
            ("SPOP s", "$-1"),
            ("SPOP s 3", "*0"),
            ("SPOP s -1", "-ERR value is out of range, must be positive"),
            ("SPOP s 1 2", "-ERR syntax error"),
        ]);
    }

    #[test]
    fn a_count_that_takes_all_removes_the_key() {
        let mut trial = Trial::new();
        trial.run("SADD s a b");
        trial.forget();
        trial.check(&[("SPOP s 0", "*0"), ("SPOP s 2", "*2\r\n$1\r\na\r\n$1\r\nb")]);
        assert_eq!(trial.propagated(), ["DEL s"]);
        trial.config.memory.lazyfree_lazy_server_del = true;
        trial.run("SADD s a");
        trial.forget();
        trial.run("SPOP s 5");
        assert_eq!(trial.propagated(), ["UNLINK s"]);
        assert_eq!(trial.events(), ["spop s", "del s"]);
    }

    #[test]
    fn popped_and_kept_members_are_all() {
        for (len, prefix) in [(20, ""), (100, "m"), (600, "m"), (3000, "")] {
            for count in [1, len / 2, len - len / 10, len - 1] {
                let mut trial = Trial::new();
                let members: Vec<String> = (0..len).map(|n| format!("{prefix}{n}")).collect();
                members.iter().for_each(|member| drop(trial.run(&format!("SADD s {member}"))));
                trial.run("EXPIRE s 100");
                trial.forget();
                let popped = words(&trial.run(&format!("SPOP s {count}")));
                let kept = words(&trial.run("SMEMBERS s"));
                assert_eq!((popped.len(), kept.len()), (count, len - count));
                assert!(popped.union(&kept).eq(&members.into_iter().collect::<BTreeSet<_>>()));
                assert_eq!(trial.run("TTL s"), ":100\r\n");
                let propagated = trial.propagated();
                assert_eq!(propagated.len(), count.div_ceil(1024));
                let removed: BTreeSet<String> = propagated
                    .iter()
                    .flat_map(|command| command.split(' ').skip(2))
                    .map(str::to_owned)
                    .collect();
                assert_eq!(removed, popped);
            }
        }
    }

    #[test]
    fn a_few_kept_members_are_held_in_a_smaller_form() {
        let mut trial = Trial::new();
        (0..600).for_each(|n| drop(trial.run(&format!("SADD s m{n}"))));
        trial.check(&[("OBJECT ENCODING s", "$9\r\nhashtable")]);
        trial.run("SPOP s 590");
        trial.check(&[("OBJECT ENCODING s", "$8\r\nlistpack")]);
    }
}
