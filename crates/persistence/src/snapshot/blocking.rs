//! A snapshot on the spot, where nothing else is to be done meanwhile.

use std::sync::Arc;

use dunlin_keyspace::{Emitter, Keyspace, SnapshotSink};

use super::pieces::{for_each_item, large_key};
use super::writer::{SnapshotEvent, SnapshotReport};
use super::{Encoder, Snapshot, SnapshotRequest};
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
    save_blocking_paced(keyspace, request, disk, &mut || ())
}

/// As [`save_blocking`], and calls `after_key` behind each key (`rdb-key-save-delay`).
///
/// # Errors
/// As [`save_blocking`].
pub fn save_blocking_paced(
    keyspace: &Keyspace,
    request: SnapshotRequest,
    disk: &Arc<dyn Disk>,
    after_key: &mut dyn FnMut(),
) -> Result<SnapshotReport, String> {
    let events = Events::new(Arc::new(|| ()));
    let Snapshot { mut encoder, mut writer, .. } =
        Snapshot::begin(request, disk, Arc::new(|| ()), events.clone());
    // The file is there from the beginning, so that whoever has no room for it is told at once.
    while writer.step() == Step::Working {}
    let mut make_room = |encoder: &Encoder| {
        while !encoder.has_room() && writer.step() == Step::Working {}
    };
    for db in 0..keyspace.databases() {
        keyspace.database(db).for_each(|entry| {
            let access = keyspace.access().hint(entry);
            match large_key(db, entry, access) {
                None => encoder.entry(db, entry, access, Emitter::Walk),
                Some(large) => {
                    encoder.begin_large(large);
                    for_each_item(entry, |item| {
                        encoder.item(item);
                        make_room(&encoder);
                    });
                    encoder.end_large();
                }
            }
            make_room(&encoder);
            after_key();
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
