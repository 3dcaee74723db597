//! What XCLAIM and XAUTOCLAIM share: a pending entry gets another consumer.

use dunlin_resp::Reply;
use dunlin_stdx::time::UnixMs;
use dunlin_values::stream::{Direction, Log, StreamId};

use crate::stream::entry_reply::{reply_entry, reply_id};

/// Which entries are claimed, and what is said of them.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    /// Least time since the last delivery.
    pub(super) idle_ms_min: i64,
    /// Reply IDs alone, and count no delivery.
    pub(super) only_ids: bool,
    pub(super) now: UnixMs,
}

impl Claim {
    /// Whether an entry that was delivered then may be taken from its consumer.
    pub(super) const fn may_take(&self, delivered: UnixMs) -> bool {
        self.idle_ms_min <= 0 || self.now.0.saturating_sub(delivered.0) >= self.idle_ms_min
    }

    /// How often an entry has been delivered that was `before`.
    pub(super) const fn count(&self, before: u64) -> u64 {
        if self.only_ids { before } else { before.wrapping_add(1) }
    }

    /// Writes an entry that was claimed.
    pub(super) fn reply(&self, reply: &mut Reply, log: &Log, id: StreamId) {
        if self.only_ids {
            return reply_id(reply, id);
        }
        let mut entries = log.entries(id, id, Direction::Forward);
        if let Some(id) = entries.next_id() {
            reply_entry(reply, id, &mut entries);
        }
    }
}
