//! Which entries are trimmed from the front of a stream.

use super::id::StreamId;

/// What stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// This many of the newest entries.
    Newest(u64),
    /// Entries from this ID on.
    From(StreamId),
}

/// How a stream is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    /// What stays.
    pub keep: Keep,
    /// Whether more may stay: then only whole nodes go, which costs O(1) for each.
    pub approximate: bool,
    /// Stop before more than this many entries have gone; the next node counts as a whole.
    pub limit: Option<u64>,
}
