//! Several sets at once: how they are read, and what becomes of the result.
//!
//! Source: Redis documentation, SINTER, SUNION, SDIFF and their storing forms.

use std::ops::ControlFlow;

use dunlin_keyspace::{DatabaseIndex, ItemRef, Keyspace};
use dunlin_resp::Reply;
use dunlin_values::listpack::Element;
use dunlin_values::set::{SetLimits, SetMut, SetRef, for_each_common, for_each_missing};
use dunlin_values::{Entry, ValueMut};

use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::{CommandError, CommandResult};
use crate::set::{limits, reply_member, reply_members};

/// Most sets whose union is replied without putting it together: a member of the last one is looked
/// up in all others.
const STREAMED_SETS_MAX: usize = 4;

/// The sets that some keys hold; nothing for a key that does not exist.
pub(super) struct Sources<'k>(Vec<Option<&'k [u8]>>);

/// Entries of sets, held while they are read.
pub(super) struct Held<'a>(Vec<Option<ItemRef<'a, Entry>>>);

impl<'k> Sources<'k> {
    /// Looks the keys up.
    ///
    /// # Errors
    /// [`CommandError::WrongType`] if one of them holds something else.
    pub(super) fn read(cx: &mut Context<'_>, keys: &[&'k [u8]]) -> Result<Self, CommandError> {
        let mut sources = Vec::with_capacity(keys.len());
        for &key in keys {
            sources.push(match cx.keyspace.get(cx.db, key) {
                None => None,
                Some(entry) => entry.set().map(|_| Some(key)).ok_or(CommandError::WrongType)?,
            });
        }
        Ok(Self(sources))
    }

    /// Whether every key exists.
    pub(super) fn all_exist(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    /// The entries of all keys.
    pub(super) fn hold<'a>(&self, keyspace: &'a Keyspace, db: DatabaseIndex) -> Held<'a> {
        Held(self.0.iter().map(|key| keyspace.held(db, (*key)?)).collect())
    }
}

impl Held<'_> {
    /// The sets in the order of the keys.
    pub(super) fn sets(&self) -> Vec<Option<SetRef<'_>>> {
        self.0.iter().map(|entry| entry.as_ref().and_then(|entry| entry.set())).collect()
    }

    /// The sets that exist, the smallest first.
    pub(super) fn by_len(&self) -> Vec<SetRef<'_>> {
        let mut sets: Vec<SetRef<'_>> = self.sets().into_iter().flatten().collect();
        sets.sort_by_key(|set| set.len());
        sets
    }
}

/// Replies what all sets have in common: the work of SINTER.
pub(super) fn reply_intersection(cx: &mut Context<'_>, keys: &[&[u8]]) -> CommandResult {
    let sources = Sources::read(cx, keys)?;
    if !sources.all_exist() {
        cx.reply.set(0);
        return Ok(());
    }
    let held = sources.hold(cx.keyspace, cx.db);
    let sets = held.by_len();
    let (mark, mut found) = (cx.reply.deferred_set(), 0);
    for_each_common(sets[0], &sets[1..], |member| {
        reply_member(cx.reply, member);
        found += 1;
        unless_overflowed(cx.reply)
    });
    cx.reply.set_set(mark, found);
    Ok(())
}

/// What all sets have in common, as the value of `key`: an intset if the smallest is one, else a
/// listpack that becomes an intset if only integers are left.
pub(super) fn intersection(sets: &[SetRef<'_>], key: &[u8], limits: SetLimits) -> Entry {
    let first = match sets[0] {
        SetRef::Ints(_) => SetLimits::NO_INTS,
        SetRef::Packed(_) | SetRef::Table(_) => SetLimits::NO_MEMBERS,
    };
    let mut entry = Entry::new(key, first, None);
    let mut set = SetMut::new(ValueMut::new(&mut entry), limits);
    let mut only_integers = true;
    for_each_common(sets[0], &sets[1..], |member| {
        only_integers = only_integers && is_integer(member);
        set.add_element(member);
        ControlFlow::Continue(())
    });
    if only_integers {
        set.convert_to_ints();
    }
    entry
}

fn is_integer(member: Element<'_>) -> bool {
    match member {
        Element::Int(_) => true,
        Element::Text(text) => matches!(Element::of(text), Element::Int(_)),
    }
}

/// Everything in any of the sets, as the value of `key`.
pub(super) fn union(sets: &[SetRef<'_>], key: &[u8], limits: SetLimits) -> Entry {
    let mut entry = Entry::new(key, SetLimits::NO_INTS, None);
    let mut all = SetMut::new(ValueMut::new(&mut entry), limits);
    for member in sets.iter().flat_map(|set| set.iter()) {
        all.add_element(member);
    }
    entry
}

/// Replies everything in any of the sets. Where the result is a table in any case, it is not put
/// together: its members come from where they are, which spares a copy of each.
pub(super) fn reply_union(reply: &mut Reply, sets: &[SetRef<'_>], limits: SetLimits) {
    if sets.len() > STREAMED_SETS_MAX || !sets.iter().any(|set| is_large(*set, limits)) {
        return reply_set(reply, &union(sets, b"", limits));
    }
    let (mark, mut found) = (reply.deferred_set(), 0);
    for (index, set) in sets.iter().enumerate() {
        for_each_missing(*set, &sets[..index], |member| {
            reply_member(reply, member);
            found += 1;
            unless_overflowed(reply)
        });
    }
    reply.set_set(mark, found);
}

/// What the first set has and no other, as the value of `key`.
pub(super) fn difference(sets: &[Option<SetRef<'_>>], key: &[u8], limits: SetLimits) -> Entry {
    let mut entry = Entry::new(key, SetLimits::NO_INTS, None);
    let mut rest = SetMut::new(ValueMut::new(&mut entry), limits);
    let Some((Some(first), others)) = sets.split_first() else { return entry };
    let mut others: Vec<SetRef<'_>> = others.iter().copied().flatten().collect();
    if looks_up(*first, &others) {
        // The largest first: it is the most likely to have what must go.
        others.sort_by_key(|set| std::cmp::Reverse(set.len()));
        for_each_missing(*first, &others, |member| {
            rest.add_element(member);
            ControlFlow::Continue(())
        });
        return entry;
    }
    for member in first.iter() {
        rest.add_element(member);
    }
    let mut digits = dunlin_values::IntText::default();
    for member in others.iter().flat_map(|set| set.iter()) {
        rest.remove(member.as_bytes(&mut digits));
    }
    entry
}

/// Replies what the first set has and no other.
pub(super) fn reply_difference(reply: &mut Reply, sets: &[Option<SetRef<'_>>], limits: SetLimits) {
    let others: Vec<SetRef<'_>> = sets.iter().skip(1).copied().flatten().collect();
    match sets.first() {
        Some(Some(first)) if is_large(*first, limits) && looks_up(*first, &others) => {
            let (mark, mut found) = (reply.deferred_set(), 0);
            for_each_missing(*first, &others, |member| {
                reply_member(reply, member);
                found += 1;
                unless_overflowed(reply)
            });
            reply.set_set(mark, found);
        }
        _ => reply_set(reply, &difference(sets, b"", limits)),
    }
}

/// Whether looking every member of the first set up in the others costs less than taking a copy of
/// it and removing what the others have; halved, as in Redis, because many are found early.
fn looks_up(first: SetRef<'_>, others: &[SetRef<'_>]) -> bool {
    let look_ups = first.len().saturating_mul(others.len() + 1) / 2;
    look_ups <= first.len() + others.iter().map(|set| set.len()).sum::<usize>()
}

/// Whether a set of this many members is a table, whatever they are.
fn is_large(set: SetRef<'_>, limits: SetLimits) -> bool {
    set.len() > limits.intset_len.max(limits.listpack_len)
}

fn reply_set(reply: &mut Reply, entry: &Entry) {
    let set = entry.set().expect("made as a set");
    reply.set(set.len());
    reply_members(reply, set.iter());
}

/// Goes on unless nobody will read what follows.
fn unless_overflowed(reply: &Reply) -> ControlFlow<()> {
    if reply.output.has_overflowed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Makes `key` hold the set of `entry`, which bears its name, and replies its length. An empty set
/// removes the key.
pub(super) fn store(cx: &mut Context<'_>, key: &[u8], entry: Entry, event: &'static str) {
    let len = entry.set().map_or(0, SetRef::len);
    if len > 0 {
        cx.keyspace.replace(cx.db, entry);
        cx.changed(KeyEventClass::SET, event, key);
    } else if cx.keyspace.delete(cx.db, key, cx.config.memory.lazyfree_lazy_server_del) {
        cx.changed(KeyEventClass::GENERIC, "del", key);
    }
    cx.reply.integer(len as i64);
}

/// Runs a storing command: `combine` makes the value of `destination` from the sets of `keys`.
pub(super) fn store_combined(
    cx: &mut Context<'_>,
    destination: &[u8],
    keys: &[&[u8]],
    event: &'static str,
    combine: impl FnOnce(&[Option<SetRef<'_>>], SetLimits) -> Entry,
) -> CommandResult {
    let (sources, limits) = (Sources::read(cx, keys)?, limits(cx));
    let entry = combine(&sources.hold(cx.keyspace, cx.db).sets(), limits);
    store(cx, destination, entry, event);
    Ok(())
}
