//! Snapshots: the exact state of the keyspace at one moment, handed out piece by piece while
//! commands go on.

mod sink;

pub use sink::{Emitter, LargeKey, SnapshotSink};
