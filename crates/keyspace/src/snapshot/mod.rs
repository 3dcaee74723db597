//! Snapshots: the exact state of the keyspace at one moment, handed out piece by piece while
//! commands go on.
//!
//! A snapshot is an epoch and a walk. [`Keyspace::begin_snapshot`](crate::Keyspace::begin_snapshot)
//! gives the epoch a number, which takes no time; [`Keyspace::walk`](crate::Keyspace::walk) goes
//! through the tables in hash order, a slice at a time, and hands every entry to a [`SnapshotSink`].
//! Before a command first changes an entry that the walk has not come to, the *barrier* hands it out
//! as it is. So the sink gets each entry of the epoch once, as it was then, and nothing is copied
//! but what changes.
//!
//! **What was handed out** is told by three things, see `barrier`:
//! - the *position* of the walk: what has a smaller database, slot or hash was handed out, whatever
//!   splits and merges;
//! - the *mark* of the segment: "done" for this epoch says that nothing in it is left, "begun" that
//!   the bits of its entries count, anything else that they mean nothing;
//! - the *bit* of the entry, where it counts.
//!
//! The walk clears bits as it passes, so a later epoch finds none; where an aborted walk left some,
//! the mark of their segment is that of another epoch, and the first who needs bits there clears
//! them. A key that is created during a snapshot is born as handed out.
//!
//! **Whole databases** are told apart by an identity, which is the number a database had at the
//! epoch: SWAPDB moves identities, and FLUSHALL or a dropped slot hand the old tables to the
//! snapshot, which walks them where no command can reach them and then gives them to be dropped.
//!
//! **Large collections** are not copied as a whole: they are frozen where they stand and handed out
//! in pieces, see `large`.
//!
//! # Measured
//!
//! Five million keys of 16 bytes with values of 8 bytes, processor time, jemalloc, on a shared virtual
//! machine with two cores that were busy with other work (the times are rather too long):
//! `LD_PRELOAD=libjemalloc.so.2 cargo run --release -p dunlin-keyspace --example snapshot`
//!
//! - Beginning a snapshot takes 5 µs.
//! - The walk takes 79 ns per key, 90 where slots have tables of their own; with values of 1 KB 400 to
//!   540 ns, copying them included. Of 5,000 slices of 1,000 units the median took 75 µs, the longest
//!   0.24 to 0.36 ms.
//! - A SET of a random key, prefetched, takes 180 ns without a snapshot and 184 where the key was handed
//!   out. Where it was not, the barrier adds 130 ns; after an abort, which leaves bits to be cleared in
//!   each segment, 340 ns.
//! - While no snapshot runs, an overwriting SET takes 4 instructions more than without a barrier, of
//!   575.
//!
//! This module must never know what the sink does with entries, how long a slice takes, or why a
//! snapshot is taken.

mod barrier;
mod epoch;
mod kept;
mod large;
mod run;
mod sink;
mod state;
mod walk;

pub(crate) use epoch::Epoch;
pub use run::{DatabaseAtStart, SnapshotProgress, SnapshotScope, SnapshotStart, WalkProgress};
pub use sink::{Emitter, LargeKey, SnapshotSink};
pub(crate) use state::Snapshot;
