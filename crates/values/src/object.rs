//! Values too big for the entry's own allocation.

use bytes::Bytes;

use crate::hash::HashTable;
use crate::kind::{Encoding, ValueType};
use crate::list::Quicklist;
use crate::set::SetTable;
use crate::sorted_set::ScoreIndex;
use crate::stream::Stream;

/// A value in a box of its own.
#[derive(Debug)]
pub enum Object {
    /// A string longer than [`crate::INLINE_MAX`].
    String(LargeString),
    /// A list of more than one node.
    List(Box<Quicklist>),
    /// A set in a table.
    Set(Box<SetTable>),
    /// A sorted set with its indexes.
    SortedSet(Box<ScoreIndex>),
    /// A hash in a table.
    Hash(Box<HashTable>),
    /// A stream.
    Stream(Box<Stream>),
}

impl Object {
    /// The type of the value.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::String(_) => ValueType::String,
            Self::List(_) => ValueType::List,
            Self::Set(_) => ValueType::Set,
            Self::SortedSet(_) => ValueType::SortedSet,
            Self::Hash(_) => ValueType::Hash,
            Self::Stream(_) => ValueType::Stream,
        }
    }

    /// How the value is held, by the name clients see.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        match self {
            Self::String(_) => Encoding::Raw,
            Self::List(_) => Encoding::Quicklist,
            Self::Set(_) | Self::Hash(_) => Encoding::Hashtable,
            Self::SortedSet(_) => Encoding::Skiplist,
            Self::Stream(_) => Encoding::Stream,
        }
    }

    /// How much work dropping this value is, counted in allocations; lazy free hands over values
    /// above a threshold only, because a hand-over costs more than one `free`.
    ///
    /// Source: Redis documentation, UNLINK.
    #[must_use]
    pub fn free_effort(&self) -> usize {
        match self {
            Self::String(_) => 1,
            Self::List(list) => list.free_effort(),
            Self::Set(set) => set.free_effort(),
            Self::SortedSet(set) => set.free_effort(),
            Self::Hash(hash) => hash.free_effort(),
            Self::Stream(stream) => stream.free_effort(),
        }
    }

    /// Bytes of heap this value holds, the box itself included.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::String(text) => text.capacity(),
                Self::List(list) => list.heap_bytes(),
                Self::Set(set) => set.heap_bytes(),
                Self::SortedSet(set) => set.heap_bytes(),
                Self::Hash(hash) => hash.heap_bytes(),
                Self::Stream(stream) => stream.heap_bytes(),
            }
    }

    /// A copy; a large string shares its bytes.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        match self {
            Self::String(text) => Self::String(LargeString::Shared(match text {
                LargeString::Shared(bytes) => bytes.clone(),
                LargeString::Owned(bytes) => Bytes::copy_from_slice(bytes),
            })),
            Self::List(list) => Self::List(list.clone()),
            Self::Set(set) => Self::Set(set.clone()),
            Self::SortedSet(set) => Self::SortedSet(set.clone()),
            Self::Hash(hash) => Self::Hash(hash.clone()),
            Self::Stream(stream) => Self::Stream(stream.clone()),
        }
    }
}

/// A large string: shared with replies while nobody edits it, owned once somebody has.
///
/// Sharing lets a 100 MB argument become the value without a copy, and lets a reply carry it to a
/// slow reader without a copy per reader.
#[derive(Debug)]
pub enum LargeString {
    /// Set as a whole; clones share the bytes.
    Shared(Bytes),
    /// Edited in place; see [`LargeString::grow`].
    Owned(Vec<u8>),
}

impl LargeString {
    /// The bytes of the string.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }

    /// Room the string holds, in bytes.
    #[must_use]
    pub fn capacity(&self) -> usize {
        match self {
            Self::Shared(bytes) => bytes.len(),
            Self::Owned(bytes) => bytes.capacity(),
        }
    }

    /// The bytes for editing; a string that replies still share is copied first.
    pub fn to_mut(&mut self) -> &mut Vec<u8> {
        if let Self::Shared(bytes) = self {
            *self = Self::Owned(Vec::from(std::mem::take(bytes)));
        }
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(_) => unreachable!("just made owned"),
        }
    }

    /// Makes the bytes shareable without copying them.
    pub fn share(&mut self) {
        if let Self::Owned(bytes) = self {
            *self = Self::Shared(Bytes::from(std::mem::take(bytes)));
        }
    }

    /// Lengthens the string with zeros to `len` if it is shorter. With room to spare, so that a
    /// series of appends costs O(1) each; where most of it is zeros, fresh memory is taken, which
    /// the system hands out zeroed and does not touch before somebody does.
    pub fn grow(&mut self, len: usize) {
        let bytes = self.to_mut();
        if len <= bytes.len() {
            return;
        }
        if len > bytes.capacity() {
            if len / 2 >= bytes.len() {
                let mut grown = vec![0; len];
                grown[..bytes.len()].copy_from_slice(bytes);
                *bytes = grown;
                return;
            }
            bytes.reserve_exact(len - bytes.len() + spare_bytes(len));
        }
        bytes.resize(len, 0);
    }
}

/// Room to leave behind a string that grew to `len` bytes: as much again for small ones, an eighth
/// for large ones, where doubling would keep more memory than it saves time.
fn spare_bytes(len: usize) -> usize {
    const SMALL_MAX: usize = 1024 * 1024;
    if len <= SMALL_MAX { len } else { SMALL_MAX.max(len / 8) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_byte_by_byte_moves_the_string_rarely() {
        let mut text = LargeString::Shared(Bytes::from(vec![b'x'; 5000]));
        let mut moves = 0;
        for len in 5001..3_000_000 {
            let before = text.capacity();
            text.grow(len);
            moves += usize::from(text.capacity() != before);
            assert!(text.capacity() <= 2 * len);
        }
        assert!(moves < 20, "{moves}");
        assert_eq!(text.as_slice()[..5001], [[b'x'; 5000].as_slice(), &[0]].concat());
    }

    #[test]
    fn a_far_end_takes_no_room_to_spare() {
        let mut text = LargeString::Owned(vec![b'x'; 5000]);
        text.grow(50_000_000);
        assert_eq!((text.as_slice().len(), text.capacity()), (50_000_000, 50_000_000));
        assert_eq!(text.as_slice()[4998..5003], *b"xx\0\0\0");
        text.grow(10);
        assert_eq!(text.as_slice().len(), 50_000_000);
    }
}
