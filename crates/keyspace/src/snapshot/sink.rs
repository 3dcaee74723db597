//! Where the entries of a snapshot go.

use dunlin_stdx::time::UnixMs;
use dunlin_values::{AccessHint, Entry, FrozenHeader, FrozenItem};

use crate::keyspace::DatabaseIndex;

/// Who hands an entry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emitter {
    /// The walk over the tables: it is asked to pause when there is no room.
    Walk,
    /// A command that is about to change the entry: it cannot wait.
    Barrier,
}

/// A large collection whose items follow.
#[derive(Clone, Copy, Debug)]
pub struct LargeKey<'a> {
    /// The database it was in.
    pub db: DatabaseIndex,
    /// Its key.
    pub key: &'a [u8],
    /// When it expires, if it does.
    pub deadline: Option<UnixMs>,
    /// How it was used.
    pub access: AccessHint,
    /// Its form and length.
    pub header: FrozenHeader,
}

/// Takes the entries of a snapshot, each once, in any order. It never waits: the walk asks
/// [`SnapshotSink::has_room`] before each slice, the barrier does not.
pub trait SnapshotSink: Send {
    /// An entry of database `db` (its number at the epoch).
    fn entry(&mut self, db: DatabaseIndex, entry: &Entry, access: AccessHint, from: Emitter);

    /// A large collection begins. Until [`SnapshotSink::end_large`] the walk hands out nothing but
    /// its items; entries from the barrier may come in between.
    fn begin_large(&mut self, key: LargeKey<'_>);

    /// The next item of the large collection.
    fn item(&mut self, item: FrozenItem<'_>);

    /// All items of the large collection were handed out.
    fn end_large(&mut self);

    /// Whether the walk may hand out more.
    fn has_room(&self) -> bool;

    /// Everything was handed out. A sink that is dropped without this was cut off.
    fn complete(&mut self) {}
}
