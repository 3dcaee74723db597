//! A snapshot on the spot, where nothing else is to be done meanwhile.

use std::sync::Arc;

use dunlin_keyspace::{AccessPolicy, Emitter, Keyspace, SnapshotSink};
use dunlin_values::{AccessHint, Entry};

use super::writer::{SnapshotEvent, SnapshotReport};
use super::{Snapshot, SnapshotRequest};
use crate::disk::Disk;
use crate::events::Events;
use crate::job::{Job, Step};

/// Writes all keys and returns when the file is complete (SAVE, SHUTDOWN, DEBUG RELOAD).
///
/// # Errors
/// Why it could not be completed; the old file is still there.
pub fn save_blocking(
    keyspace: &Keyspace,
    request: SnapshotRequest,
    disk: &Arc<dyn Disk>,
) -> Result<SnapshotReport, String> {
    let events = Events::new(Arc::new(|| ()));
    let Snapshot { mut encoder, mut writer, .. } =
        Snapshot::begin(request, disk, Arc::new(|| ()), events.clone());
    for db in 0..keyspace.databases() {
        keyspace.database(db).for_each(|entry| {
            encoder.entry(db, entry, hint(keyspace, entry), Emitter::Walk);
            while !encoder.has_room() && writer.step() == Step::Working {}
        });
    }
    encoder.complete();
    while writer.step() == Step::Working {}
    match events.next() {
        Some(SnapshotEvent::Finished(report)) => Ok(report),
        Some(SnapshotEvent::Failed(why)) => Err(why),
        Some(SnapshotEvent::Cancelled) | None => Err("cancelled".to_owned()),
    }
}

/// How an entry was used.
fn hint(keyspace: &Keyspace, entry: &Entry) -> AccessHint {
    let (access, clock) = (keyspace.access(), entry.clock());
    match access.policy() {
        AccessPolicy::Lru => AccessHint::IdleSeconds(u64::from(access.idle_seconds(clock))),
        AccessPolicy::Lfu { .. } => AccessHint::Frequency(access.frequency(clock) as u8),
    }
}
