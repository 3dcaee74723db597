//! Values too big for the entry's own allocation.

use bytes::Bytes;

use crate::ValueType;

/// A value in a box of its own.
#[derive(Debug)]
pub enum Object {
    /// A string longer than [`crate::INLINE_MAX`].
    String(LargeString),
}

impl Object {
    /// The type of the value.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::String(_) => ValueType::String,
        }
    }

    /// How much work dropping this value is, counted in allocations; lazy free hands over values
    /// above a threshold only, because a hand-over costs more than one `free`.
    ///
    /// Source: Redis documentation, UNLINK.
    #[must_use]
    pub const fn free_effort(&self) -> usize {
        match self {
            Self::String(_) => 1,
        }
    }

    /// Bytes of heap this value holds, the box itself included.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::String(text) => text.capacity(),
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
    /// Edited in place; grows by doubling.
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
}
