//! The hash commands.

use dunlin_keyspace::{Occupied, Slot};
use dunlin_resp::Reply;
use dunlin_stdx::time::UnixMs;
use dunlin_values::hash::{HashLimits, HashMut};
use dunlin_values::listpack::Element;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::CommandError;

mod field_names;
mod hdel;
mod hexists;
mod hexpire;
mod hexpireat;
mod hexpiretime;
mod hget;
mod hgetall;
mod hgetdel;
mod hgetex;
mod hincrby;
mod hincrbyfloat;
mod hkeys;
mod hlen;
mod hmget;
mod hmset;
mod hpersist;
mod hpexpire;
mod hpexpireat;
mod hpexpiretime;
mod hpttl;
mod hrandfield;
mod hscan;
mod hset;
mod hsetex;
mod hsetnx;
mod hstrlen;
mod httl;
mod hvals;
mod sample;

/// The commands of this group.
pub(crate) const COMMANDS: &[Command] = &[
    hdel::COMMAND,
    hexists::COMMAND,
    hexpire::COMMAND,
    hexpireat::COMMAND,
    hexpiretime::COMMAND,
    hget::COMMAND,
    hgetall::COMMAND,
    hgetdel::COMMAND,
    hgetex::COMMAND,
    hincrby::COMMAND,
    hincrbyfloat::COMMAND,
    hkeys::COMMAND,
    hlen::COMMAND,
    hmget::COMMAND,
    hmset::COMMAND,
    hpersist::COMMAND,
    hpexpire::COMMAND,
    hpexpireat::COMMAND,
    hpexpiretime::COMMAND,
    hpttl::COMMAND,
    hrandfield::COMMAND,
    hscan::COMMAND,
    hset::COMMAND,
    hsetex::COMMAND,
    hsetnx::COMMAND,
    hstrlen::COMMAND,
    httl::COMMAND,
    hvals::COMMAND,
];

/// The time at which a command sees the fields of `key`. Fields `named` whose deadline has passed
/// are removed first, and some of the others.
#[inline]
pub(crate) fn seen_at(cx: &mut Context<'_>, key: &[u8], named: &[&[u8]]) -> UnixMs {
    cx.keyspace.expire_fields(cx.db, key, named);
    cx.keyspace.fields_seen_at()
}

/// The limits that the configuration sets, for hashes that are edited.
#[inline]
fn limits(cx: &Context<'_>) -> HashLimits {
    /// A limit beyond what memory holds is none.
    fn len(limit: u64) -> usize {
        usize::try_from(limit).unwrap_or(usize::MAX)
    }
    let encodings = &cx.config.encodings;
    HashLimits {
        listpack_len: len(encodings.hash_max_listpack_entries),
        listpack_value_len: len(encodings.hash_max_listpack_value),
        hasher: cx.keyspace.member_hasher(),
    }
}

/// The hash in a slot for editing: look first, and call this only when something is going to change.
#[inline]
fn edit<'a>(slot: &'a mut Occupied<'_>, limits: HashLimits, now: UnixMs) -> HashMut<'a> {
    HashMut::new(slot.value_mut(), limits, now)
}

/// Replies a name or a value.
#[inline]
fn reply_element(reply: &mut Reply, element: Element<'_>) {
    match element {
        Element::Int(number) => reply.bulk_integer(number),
        Element::Text(text) => reply.bulk(text),
    }
}

/// HSET and HMSET: sets fields; returns how many are new.
///
/// # Errors
/// [`CommandError::WrongArity`] if a value is missing; [`CommandError::WrongType`].
fn set_fields(
    cx: &mut Context<'_>,
    args: Args<'_>,
    name: &'static str,
) -> Result<usize, CommandError> {
    let (key, words) = (args.get(1), &args.words()[2..]);
    if !words.len().is_multiple_of(2) {
        return Err(CommandError::WrongArity(name.into()));
    }
    let (now, limits) = (seen_at(cx, key, &[]), limits(cx));
    let created = match cx.keyspace.slot(cx.db, key) {
        Slot::Occupied(mut slot) => {
            slot.hash(now).ok_or(CommandError::WrongType)?;
            let mut hash = edit(&mut slot, limits, now);
            hash.expect(words);
            words.chunks_exact(2).filter(|pair| hash.set(pair[0], pair[1])).count()
        }
        Slot::Vacant(slot) => {
            let mut bytes = Vec::new();
            let (hash, created) = limits.build(words, &mut bytes);
            slot.insert(hash, None);
            created
        }
    };
    cx.effects.changed(words.len() as u64 / 2);
    cx.notify(KeyEventClass::HASH, "hset", cx.db, key);
    Ok(created)
}

/// Removes fields and, with the last of them, the key; returns how many were there. Counts the
/// changes and tells subscribers.
///
/// # Errors
/// [`CommandError::WrongType`].
fn remove_fields(
    cx: &mut Context<'_>,
    key: &[u8],
    names: &[&[u8]],
    now: UnixMs,
) -> Result<usize, CommandError> {
    let limits = limits(cx);
    let Slot::Occupied(mut slot) = cx.keyspace.slot(cx.db, key) else { return Ok(0) };
    let len = slot.hash(now).ok_or(CommandError::WrongType)?.held_len();
    let mut hash = edit(&mut slot, limits, now);
    let mut removed = 0;
    for name in names {
        removed += usize::from(hash.remove(name));
        if removed == len {
            break;
        }
    }
    let is_emptied = remove_if_empty(slot, now, cx.config.memory.lazyfree_lazy_server_del);
    tell_removed(cx, key, removed, is_emptied);
    Ok(removed)
}

/// Removes the key of a hash without fields; returns whether it did.
fn remove_if_empty(slot: Occupied<'_>, now: UnixMs, lazily: bool) -> bool {
    let is_empty = slot.hash(now).is_some_and(|hash| hash.held_len() == 0);
    if is_empty {
        slot.delete(lazily);
    }
    is_empty
}

/// Counts fields that a command removed, and tells subscribers of them.
fn tell_removed(cx: &mut Context<'_>, key: &[u8], removed: usize, is_emptied: bool) {
    if removed > 0 {
        cx.effects.changed(removed as u64);
        cx.notify(KeyEventClass::HASH, "hdel", cx.db, key);
    }
    if is_emptied {
        cx.notify(KeyEventClass::GENERIC, "del", cx.db, key);
    }
}

/// Replies the values of fields, nil for those that are not there.
///
/// # Errors
/// [`CommandError::WrongType`]; then nothing is written.
fn reply_values(
    cx: &mut Context<'_>,
    key: &[u8],
    names: &[&[u8]],
    now: UnixMs,
) -> Result<(), CommandError> {
    let entry = cx.keyspace.get(cx.db, key);
    let hash = match &entry {
        None => None,
        Some(entry) => Some(entry.hash(now).ok_or(CommandError::WrongType)?),
    };
    cx.reply.array(names.len());
    for name in names {
        match hash.and_then(|hash| hash.get(name)) {
            None => cx.reply.null(),
            Some(field) => reply_element(cx.reply, field.value),
        }
    }
    Ok(())
}

/// Followers are told that fields are gone.
fn propagate_removal(cx: &mut Context<'_>, key: &[u8], names: &[&[u8]]) {
    let words: Vec<&[u8]> = [b"HDEL", key].into_iter().chain(names.iter().copied()).collect();
    cx.effects.rewrite(&words);
}

/// Followers are told a deadline of fields as a point in time.
fn propagate_deadline(cx: &mut Context<'_>, key: &[u8], deadline: UnixMs, names: &[&[u8]]) {
    let mut digits = itoa::Buffer::new();
    let at = digits.format(deadline.0).as_bytes();
    propagate_names(cx, &[b"HPEXPIREAT", key, at], names);
}

/// Followers are told these words, followed by the names of fields.
fn propagate_names(cx: &mut Context<'_>, words: &[&[u8]], names: &[&[u8]]) {
    let mut digits = itoa::Buffer::new();
    let count = digits.format(names.len()).as_bytes();
    let block = [b"FIELDS", count].into_iter().chain(names.iter().copied());
    let words: Vec<&[u8]> = words.iter().copied().chain(block).collect();
    cx.effects.rewrite(&words);
}
