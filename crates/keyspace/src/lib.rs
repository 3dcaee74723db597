//! Databases: keys, their values and deadlines.
//!
//! [`Keyspace`] is a value without threads, locks, clocks or I/O: time arrives with
//! [`Keyspace::begin_turn`], randomness is a seeded generator, and what happened to keys behind a
//! command's back (expiry, eviction) waits in [`Keyspace::next_incident`] until the engine turns it
//! into effects.
//!
//! Invariants:
//! - The only mutable access to a value is a [`Slot`] from [`Keyspace::slot`]: it marks the key as
//!   changed for WATCH, tracking and the snapshot barrier. The compiler forbids any other way,
//!   because the tables are private to this crate.
//! - A key whose deadline has passed is never seen by a command (lazy expiry), whether or not the
//!   active cycle has found it yet.
//!
//! This crate must never know clients, replies, the wire, or which command runs.

#![forbid(unsafe_code)]

mod access;
mod changes;
mod database;
mod eviction;
mod field_deadlines;
mod fields;
mod garbage;
mod hasher;
mod keyspace;
mod loading;
mod slot;
mod slot_tables;
mod snapshot;
mod touched;
mod walk;
mod whole_keys;

pub use access::{AccessClock, AccessPolicy};
pub use changes::{Incident, IncidentsWanted, KeyIncident, KeyspaceStats, RemovalCause};
pub use database::{Database, Layout};
pub use eviction::{EvictionOrder, EvictionPolicy, EvictionScope};
pub use garbage::{Freer, Garbage, LazyFree};
pub use keyspace::{DatabaseIndex, Expiry, Keyspace, Place};
pub use loading::{DuplicateKey, LoadedEntry, Placer, Room};
pub use slot::{Occupied, Slot, Vacant};
pub use snapshot::{
    DatabaseAtStart, Emitter, LargeKey, SnapshotProgress, SnapshotScope, SnapshotSink,
    SnapshotStart, WalkProgress,
};
pub use touched::{Touched, TouchedKey};

pub use dunlin_table::{Growth, ItemRef, TableStats};
