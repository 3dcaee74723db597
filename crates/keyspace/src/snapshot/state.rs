//! A snapshot that runs: where its walk is, and what it knows of databases.

use dunlin_slots::key_slot;
use dunlin_values::{Entry, LargeString, Object};

use crate::access::AccessClock;
use crate::keyspace::DatabaseIndex;
use crate::snapshot::epoch::Epoch;
use crate::snapshot::kept::Kept;
use crate::snapshot::large::LargeQueue;
use crate::snapshot::run::SnapshotScope;
use crate::snapshot::sink::{Emitter, SnapshotSink};

/// Strings of this many bytes are handed out as memory that the sink may share; copying a shorter
/// one takes less than a slice.
const SHARED_LEN_MIN: usize = 1024 * 1024;

/// Which database it is, whatever its number is now: its number at the epoch. One that came later
/// has a number beyond those.
pub(super) type Identity = u32;

/// A snapshot that runs.
pub(crate) struct Snapshot {
    pub(super) sink: Box<dyn SnapshotSink>,
    pub(super) epoch: Epoch,
    pub(super) scope: SnapshotScope,
    pub(super) position: Position,
    /// Which database bears each number now.
    pub(super) identities: Vec<Identity>,
    /// The identity of the next database that comes to be.
    pub(super) next_identity: Identity,
    pub(super) kept: Kept,
    pub(super) large: LargeQueue,
    /// What the clocks of entries mean.
    pub(super) access: AccessClock,
    pub(super) keys_done: usize,
    pub(super) keys_total: usize,
}

/// How far the walk came: whatever is smaller was handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) database: Identity,
    /// The cluster slot; 0 in a database of one table.
    pub(super) slot: u16,
    /// The position in hash order, see [`dunlin_table::Table::scan`].
    pub(super) cursor: u64,
}

impl Position {
    pub(super) const fn of_database(database: Identity) -> Self {
        Self { database, slot: 0, cursor: 0 }
    }

    pub(super) const fn of_slot(database: Identity, slot: u16) -> Self {
        Self { database, slot, cursor: 0 }
    }

    /// Behind the table that the walk is in.
    pub(super) const fn behind_table(self) -> Self {
        match self.slot.checked_add(1) {
            Some(slot) => Self::of_slot(self.database, slot),
            None => Self::of_database(self.database + 1),
        }
    }
}

impl Snapshot {
    pub(super) fn new(
        sink: Box<dyn SnapshotSink>,
        epoch: Epoch,
        scope: SnapshotScope,
        databases: u32,
        access: AccessClock,
    ) -> Self {
        Self {
            sink,
            epoch,
            scope,
            position: Position::default(),
            identities: (0..databases).collect(),
            next_identity: databases,
            kept: Kept::default(),
            large: LargeQueue::default(),
            access,
            keys_done: 0,
            keys_total: 0,
        }
    }

    /// Number of databases, which are as many now as at the epoch.
    pub(super) fn databases(&self) -> u32 {
        u32::try_from(self.identities.len()).expect("made from a u32")
    }

    /// Whether everything was handed out.
    pub(super) fn is_complete(&self) -> bool {
        self.position.database >= self.databases()
            && self.kept.slots.is_empty()
            && self.large.is_empty()
    }

    /// Follows the clock of the keyspace.
    pub(crate) const fn set_access(&mut self, access: AccessClock) {
        self.access = access;
    }

    /// Two databases have changed their numbers.
    pub(crate) fn databases_swapped(&mut self, first: DatabaseIndex, second: DatabaseIndex) {
        self.identities.swap(first as usize, second as usize);
    }

    /// A key of the database `db`, or `None` if the snapshot has nothing to do with it: the database
    /// came later, or the slot is not asked for.
    #[inline]
    pub(super) fn identity_of(&self, db: DatabaseIndex, slot: Option<u16>) -> Option<Identity> {
        let identity = self.identities[db as usize];
        let is_of_epoch = identity < self.databases();
        (is_of_epoch && slot.is_none_or(|slot| self.scope.contains(slot))).then_some(identity)
    }

    /// The barrier hands an entry of the database out as it is, or freezes it.
    pub(super) fn emit(&mut self, database: Identity, entry: &mut Entry) {
        self.keys_done += 1;
        if entry.is_large() {
            return self.large.freeze(database, entry, self.access);
        }
        share_long_string(entry);
        emit(&mut *self.sink, database, entry, self.access, Emitter::Barrier);
    }
}

/// Hands an entry to the sink.
#[inline]
pub(super) fn emit(
    sink: &mut dyn SnapshotSink,
    database: Identity,
    entry: &Entry,
    access: AccessClock,
    from: Emitter,
) {
    sink.entry(database, entry, access.hint(entry), from);
}

/// The long string of an entry that is not shareable yet.
pub(super) fn is_long_owned_string(object: &Object) -> bool {
    matches!(object, Object::String(LargeString::Owned(text)) if text.len() >= SHARED_LEN_MIN)
}

/// Lets the sink take a long string without a copy.
pub(super) fn share_long_string(entry: &mut Entry) {
    if entry.object().is_some_and(is_long_owned_string)
        && let Some(Object::String(text)) = entry.object_mut()
    {
        text.share();
    }
}

/// The cluster slot of an entry that has left its table.
pub(super) fn slot_of(entry: &Entry) -> u16 {
    key_slot(entry.key())
}
