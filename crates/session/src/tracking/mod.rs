//! Client-side caching: which clients are to be told when a key changes.
//!
//! A client that tracks is told of the keys it has read ([`TrackedKeys`]), each once, or of all
//! keys with a prefix of its choice ([`Prefixes`]), gathered until the end of the turn. What it is
//! told goes to itself, as a push of RESP3, or to another client, which receives a push or a message
//! on the channel `__redis__:invalidate`.
//!
//! A client is told behind the reply of its own command, never in front of it: what is due to the
//! client whose command runs waits in `pending` until [`Sessions::send_pending`].
//!
//! Source: redis.io, "Client-side caching in Redis"; CLIENT TRACKING.
//!
//! [`Sessions::send_pending`]: crate::Sessions::send_pending

mod client;
mod invalidate;
mod keys;
mod prefixes;

pub use client::{ClientTracking, TrackingMode, TrackingOptions};
pub use invalidate::Modification;

use keys::TrackedKeys;
use prefixes::Prefixes;

/// All that is tracked.
#[derive(Debug, Default)]
pub struct Tracking {
    /// How many clients have tracking on.
    pub(crate) clients: usize,
    pub(crate) keys: TrackedKeys,
    pub(crate) prefixes: Prefixes,
    /// What the client is to be told whose command runs; `None` is "all keys".
    pub(crate) pending: Vec<Option<Box<[u8]>>>,
    /// How often in a row the table was found too large, and remained so.
    pub(crate) overfull_looks: usize,
}

impl Tracking {
    /// Number of clients that have tracking on (`tracking_clients`).
    #[must_use]
    #[inline]
    pub const fn clients(&self) -> usize {
        self.clients
    }

    /// Number of keys that a client may have cached (`tracking_total_keys`).
    #[must_use]
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// Number of pairs of key and client (`tracking_total_items`).
    #[must_use]
    pub const fn item_count(&self) -> usize {
        self.keys.items()
    }

    /// Number of prefixes that somebody tracks (`tracking_total_prefixes`).
    #[must_use]
    pub fn prefix_count(&self) -> usize {
        self.prefixes.len()
    }

    /// Whether a change of a key may be of interest.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.clients > 0 || self.keys.len() > 0
    }

    /// Whether clients are to be told of keys by prefix at the end of this turn.
    #[must_use]
    #[inline]
    pub const fn has_broadcasts(&self) -> bool {
        self.prefixes.has_changes()
    }
}

#[cfg(test)]
mod tests;
