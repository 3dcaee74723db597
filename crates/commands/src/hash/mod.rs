//! The hash commands.

use dunlin_keyspace::{Expiry, Occupied, Slot};
use dunlin_resp::Reply;
use dunlin_stdx::time::UnixMs;
use dunlin_values::hash::{HashLimits, HashMut};
use dunlin_values::listpack::Element;

use crate::args::Args;
use crate::command::Command;
use crate::context::Context;
use crate::effects::KeyEventClass;
use crate::error::CommandError;

mod hdel;
mod hexists;
mod hget;
mod hgetall;
mod hincrby;
mod hincrbyfloat;
mod hkeys;
mod hlen;
mod hmget;
mod hmset;
mod hrandfield;
mod hscan;
mod hset;
mod hsetnx;
mod hstrlen;
mod hvals;
mod sample;

/// The commands of this group.
pub(crate) const COMMANDS: &[Command] = &[
    hdel::COMMAND,
    hexists::COMMAND,
    hget::COMMAND,
    hgetall::COMMAND,
    hincrby::COMMAND,
    hincrbyfloat::COMMAND,
    hkeys::COMMAND,
    hlen::COMMAND,
    hmget::COMMAND,
    hmset::COMMAND,
    hrandfield::COMMAND,
    hscan::COMMAND,
    hset::COMMAND,
    hsetnx::COMMAND,
    hstrlen::COMMAND,
    hvals::COMMAND,
];

/// The time at which a command sees the fields of `key`. Fields `named` whose deadline has passed
/// are removed first, and some of the others.
#[inline]
pub(crate) fn seen_at(cx: &mut Context<'_>, _key: &[u8], _named: &[&[u8]]) -> UnixMs {
    match cx.keyspace.expiry() {
        Expiry::Ignore => UnixMs(i64::MIN),
        Expiry::Remove | Expiry::Hide => cx.now.unix_ms(),
    }
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
