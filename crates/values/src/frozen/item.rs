//! What is handed out of a large collection.

use bytes::Bytes;
use dunlin_stdx::time::UnixMs;

use crate::kind::Encoding;
use crate::stream::{Stream, StreamId};

/// How a key was used, as files keep it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessHint {
    /// Nobody asks.
    #[default]
    None,
    /// Seconds since the last use (the LRU policies).
    IdleSeconds(u64),
    /// The decayed counter of uses (the LFU policies).
    Frequency(u8),
}

/// What a large collection was when it was frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrozenHeader {
    /// Its form: `Quicklist`, `Hashtable` (see `is_hash`), `Skiplist` or `Stream`.
    pub encoding: Encoding,
    /// Whether a `Hashtable` is a hash and not a set.
    pub is_hash: bool,
    /// Items that will follow: nodes of a list or stream, else members or fields.
    pub items: usize,
    /// The earliest deadline of a field, if any field has one.
    pub earliest_field_deadline: Option<UnixMs>,
}

/// A piece of a large collection.
#[derive(Clone, Copy, Debug)]
pub enum FrozenItem<'a> {
    /// A node of a list: a listpack.
    ListNode(&'a [u8]),
    /// A node of a list: one long element.
    LongElement(&'a Bytes),
    /// A member of a set.
    Member(&'a [u8]),
    /// A member of a sorted set.
    Scored(&'a [u8], f64),
    /// A field of a hash.
    Field {
        /// Its name.
        name: &'a [u8],
        /// Its value.
        value: &'a [u8],
        /// When it expires, if it does.
        deadline: Option<UnixMs>,
    },
    /// A node of a stream: the ID that its entries count from, and its listpack.
    StreamNode(StreamId, &'a [u8]),
    /// What a stream is besides its nodes, behind the last of them: its nodes are elsewhere. A clone
    /// of it takes some 2 ms for a million pending entries, which it shares: whoever encodes them
    /// may do so on another thread.
    StreamTail(&'a Stream),
}
