//! Snapshots on their way to disk: encoded on the command thread, compressed, summed up and written
//! beside it.
//!
//! ```text
//!  command thread                                  jobs
//!  --------------                                  ----
//!  walk ------> Encoder --chunks--> [walk queue] --------> SnapshotWriter --> file: temporary,
//!  (pauses while it has no room)                      |      compresses        sync, rename
//!                                                     |      sums up      --> file or socket
//!  commands --> Encoder --chunks--> [barrier queue] --+          ^
//!  (before they change an entry)      |                          | at the end
//!                                     +--> SpillJob --> unlinked spill file
//!                                      over 32 MB
//!  SnapshotControl: cancel, figures   <---------------------- SnapshotEvent
//! ```
//!
//! A chunk is some hundred kilobytes of records that begin with the number of their database, so
//! chunks stand in the file in any order. The chunks of a large collection belong together; chunks
//! of the other queue wait meanwhile. Memory is bounded by [`QueueLimits`]: a slow target slows the
//! walk, and what cannot wait goes to the spill file.
//!
//! Several targets get the same records under headers of their own. A target that the others are not to
//! wait for ([`SnapshotControl::detour`]) gets the rest from a file without a name: the snapshot ends
//! without it, and its writer goes on until it has everything.
//! [`save_blocking`] does the same on the spot, where nothing else is to be done (SAVE, SHUTDOWN).

mod blocking;
mod chunk;
mod commands;
mod control;
mod detour;
mod encoder;
mod error;
mod form;
mod outlet;
mod pieces;
mod queue;
mod sink;
mod spill;
mod target;
#[cfg(test)]
mod tests;
mod words;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use dunlin_keyspace::DatabaseAtStart;

pub use blocking::{save_blocking, save_blocking_paced};
pub use control::SnapshotControl;
pub use encoder::Encoder;
pub use form::{CommandForm, Form, RdbForm, ReplicationAux};
pub use outlet::{FileSlot, Outlet};
pub use queue::{Overflow, QueueFigures, QueueLimits};
pub use spill::SpillJob;
pub use target::Pace;
pub use writer::{SnapshotEvent, SnapshotReport, SnapshotWriter, TargetEnd};

use crate::disk::Disk;
use crate::events::Events;
use detour::DetourPlace;
use outlet::FileOutlet;
use queue::ChunkQueue;
use sink::Sink;
use target::TargetLink;

/// What a snapshot is to be.
pub struct SnapshotRequest {
    /// How keys are written.
    pub form: Form,
    /// Where it goes; at least one place.
    pub targets: Vec<Target>,
    /// Sources of the function libraries.
    pub libraries: Vec<Bytes>,
    /// How large each database is ([`SnapshotStart`](dunlin_keyspace::SnapshotStart)), for readers
    /// that make room beforehand.
    pub databases: Vec<DatabaseAtStart>,
    /// Where the spill file is made.
    pub spill_directory: PathBuf,
    /// How much may wait between command thread and writer.
    pub limits: QueueLimits,
}

/// A place that gets the snapshot, with what only its header says.
pub struct Target {
    /// The place.
    pub destination: Destination,
    /// Where the stream of changes was, if a replica may go on from there.
    pub replication: Option<ReplicationAux>,
    /// Whether it is the base of an append-only file.
    pub is_aof_base: bool,
}

/// A place that gets a snapshot.
pub enum Destination {
    /// A file.
    File {
        /// Its name while it is written.
        temporary: PathBuf,
        /// Its name when it is complete; without one it keeps the temporary name.
        publish: Option<PathBuf>,
        /// Whether to sync every 4 MB.
        incremental_sync: bool,
        /// Where it stays open when it is complete.
        keep: Option<FileSlot>,
    },
    /// Anything else.
    Outlet(Box<dyn Outlet>),
}

/// The base of an append-only file without any data.
#[must_use]
pub fn empty_base(form: &Form) -> Vec<u8> {
    let target = Target {
        destination: Destination::File {
            temporary: PathBuf::new(),
            publish: None,
            incremental_sync: false,
            keep: None,
        },
        replication: None,
        is_aof_base: true,
    };
    let (mut bytes, mut sum) = (form.header(&target, &[]), form.sum());
    sum.update(&bytes);
    bytes.extend_from_slice(&form.footer(&mut sum));
    bytes
}

/// A snapshot that has begun, taken apart for those who work on it.
pub struct Snapshot {
    /// Takes entries, on the command thread.
    pub encoder: Encoder,
    /// Writes them.
    pub writer: SnapshotWriter,
    /// Helps while the writer is slow; see [`SnapshotControl::wants_spill`].
    pub spill: SpillJob,
    /// Watches and cancels.
    pub control: SnapshotControl,
}

impl Snapshot {
    /// Prepares a snapshot; nothing is written before the writer's first step. `wake` is called
    /// when a walk that had no room may go on, `events` hears once how it ended.
    #[must_use]
    pub fn begin(
        request: SnapshotRequest,
        disk: &Arc<dyn Disk>,
        wake: Arc<dyn Fn() + Send + Sync>,
        events: Events<SnapshotEvent>,
    ) -> Self {
        let SnapshotRequest { form, targets, libraries, databases, spill_directory, limits } =
            request;
        let queue = Arc::new(ChunkQueue::new(limits, wake));
        let written_bytes = Arc::new(AtomicU64::new(0));
        let mut links = Vec::new();
        let sink = |target: Target| {
            let header = form.header(&target, &libraries);
            let outlet: Box<dyn Outlet> = match target.destination {
                Destination::Outlet(outlet) => outlet,
                Destination::File { temporary, publish, incremental_sync, keep } => {
                    let disk = Arc::clone(disk);
                    Box::new(FileOutlet::new(disk, temporary, publish, incremental_sync, keep))
                }
            };
            let link = Arc::new(TargetLink::default());
            links.push(Arc::clone(&link));
            Sink::new(outlet, header, (&form, queue.writer_signal()), link)
        };
        let sinks = targets.into_iter().map(sink).collect();
        let compressor = form.compressor();
        let encoder = Encoder::new(Arc::clone(&queue), &form, databases);
        let place = DetourPlace {
            disk: Arc::clone(disk),
            directory: spill_directory.clone(),
            bytes_max: limits.spill_bytes_max,
        };
        let spill =
            SpillJob::new(Arc::clone(&queue), Arc::clone(disk), spill_directory, compressor);
        let control = SnapshotControl::new(Arc::clone(&queue), Arc::clone(&written_bytes), links);
        let writer = SnapshotWriter::new(queue, form, (sinks, place), written_bytes, events);
        Self { encoder, writer, spill, control }
    }
}
