//! What a server keeps on disk: snapshots, append-only files, and how they are loaded.
//!
//! | module | what goes where |
//! |---|---|
//! | [`snapshot`] | the keyspace of one moment, to files and replicas |
//! | [`feed`] | a snapshot to the connection of a replica |
//! | [`append`] | changes, to the append-only file |
//! | [`load`] | files, into the keyspace |
//! | [`receive`] | a primary's data set, to a file or into the keyspace |
//! | [`restore`] | a large payload of RESTORE, decoded beside the command thread |
//! | [`stream_spill`] | a primary's changes that memory does not hold, to files and back |
//!
//! [`Persistence`] decides what of it happens when.
//!
//! This crate does no I/O of its own. Work that would make the command thread wait is a [`Job`];
//! files are reached through a [`Disk`]; what became of a job arrives as an event. The server runs
//! jobs on threads over real files, the simulator steps them over a disk that fails on purpose.
//!
//! This crate must never know clients, replies, sockets, threads or `std::fs`.

#![forbid(unsafe_code)]

pub mod append;
mod backend;
mod disk;
mod events;
pub mod feed;
#[cfg(test)]
mod hand_backend;
mod job;
pub mod load;
#[cfg(test)]
mod memory_disk;
pub mod receive;
pub mod restore;
#[cfg(test)]
mod round_trip;
mod server;
pub mod snapshot;
pub mod stream_spill;

pub use append::{
    AppendError, AppendEvent, AppendFiles, AppendJob, AppendLog, AppendPaths, Appended, Committed,
    Incremental, LogLevel, LogLine, OpenLog, WriteFailure,
};
pub use backend::{Backend, JobRole, NoBackend};
pub use disk::{Disk, DiskFile, error_text};
pub use events::Events;
pub use feed::{Feed, FeedOutlet, FeedState, Framing, SyncFile};
pub use job::{Job, Signal, Step};
pub use load::LoadBatch;
pub use restore::{LARGE_PAYLOAD_BYTES, PayloadRequest};
pub use server::{
    Fatal, LoadStatus, Loaded, LoadedKeys, LogReading, LogStatus, Merge, Outcome, Persistence,
    ReceivedSource, SaveStatus, SliceEnd, SyncEnded, SyncFilter, SyncRequest, SyncTarget,
    WalkStatus, Wish, load_limits,
};
pub use snapshot::ReplicationAux;
pub use stream_spill::{StreamSpill, StreamSpillEvent};
