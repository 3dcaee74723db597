//! What the cluster is told of the server.

use dunlin_cluster::{Facts, PrimaryLink, SlotKeys};
use dunlin_keyspace::{DatabaseIndex, Keyspace};
use dunlin_replication::Replication;

/// The database of a cluster.
const DB: DatabaseIndex = 0;

/// Counts keys for the cluster.
#[derive(Clone, Copy)]
pub struct KeysBySlot<'a>(pub &'a Keyspace);

impl SlotKeys for KeysBySlot<'_> {
    fn count(&self, slot: u16) -> usize {
        self.0.database(DB).slot_len(slot)
    }

    fn is_empty(&self) -> bool {
        self.0.database(DB).is_empty()
    }
}

/// How the server stands. Of a primary's offset, what has not been fed to the backlog is missing; a
/// replica that has no data yet, or not all of it, has processed nothing.
#[must_use]
pub fn facts<'a>(keys: &'a KeysBySlot<'a>, replication: &Replication) -> Facts<'a> {
    let primary_link = match &replication.link {
        None => PrimaryLink::Never,
        Some(link) if link.is_up() => PrimaryLink::Up { last_interaction: link.last_io() },
        Some(link) => match link.down_since() {
            Some(since) => PrimaryLink::Down { since },
            None => PrimaryLink::Never,
        },
    };
    let has_data = !replication.is_replica() || replication.has_position;
    let offset = if has_data { replication.history.offset() } else { 0 };
    Facts { offset, primary_link, keys }
}
