//! A snapshot from its beginning to its end, as the keyspace's owner sees it.

use dunlin_slots::SlotSet;

use crate::database::Layout;
use crate::garbage::Garbage;
use crate::keyspace::{DatabaseIndex, Keyspace};
use crate::snapshot::sink::SnapshotSink;
use crate::snapshot::state::Snapshot;

/// What a snapshot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotScope {
    /// All keys of all databases.
    All,
    /// The keys of some cluster slots.
    Slots(SlotSet),
}

impl SnapshotScope {
    /// Whether it holds the keys of a slot.
    #[must_use]
    #[inline]
    pub fn contains(&self, slot: u16) -> bool {
        match self {
            Self::All => true,
            Self::Slots(slots) => slots.contains(slot),
        }
    }
}

/// What is known of a snapshot before its first entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotStart {
    /// The databases that hold keys of the scope, by their numbers.
    pub databases: Vec<DatabaseAtStart>,
    /// Whether a hash may hold fields with deadlines.
    pub has_field_deadlines: bool,
}

impl SnapshotStart {
    /// Number of keys.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.databases.iter().map(|database| database.keys).sum()
    }
}

/// A database at the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseAtStart {
    /// Its number.
    pub db: DatabaseIndex,
    /// Its keys, as far as they are in the scope.
    pub keys: usize,
    /// Those of them that have a deadline.
    pub with_deadline: usize,
}

/// What a slice of the walk came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkProgress {
    /// The budget is used up.
    More,
    /// The sink has no room.
    NoRoom,
    /// Everything was handed out.
    Done,
}

/// How far a snapshot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotProgress {
    /// Keys handed out.
    pub keys_done: usize,
    /// Keys at the epoch.
    pub keys_total: usize,
}

impl Keyspace {
    /// What a snapshot would hold that begins now. O(databases), and O(slots) of a scope of slots.
    #[must_use]
    pub fn snapshot_start(&self, scope: &SnapshotScope) -> SnapshotStart {
        let mut start = SnapshotStart::default();
        for (db, database) in (0..).zip(&self.databases) {
            let (keys, with_deadline) = database.counts_of(scope);
            if keys > 0 {
                start.databases.push(DatabaseAtStart { db, keys, with_deadline });
                start.has_field_deadlines |= database.has_field_deadlines();
            }
        }
        start
    }

    /// Begins a snapshot: its epoch is this moment, which must lie between two commands.
    ///
    /// # Errors
    /// One is running already; hands the sink back.
    ///
    /// # Panics
    /// If slots are asked for where they have no tables of their own.
    pub fn begin_snapshot(
        &mut self,
        scope: SnapshotScope,
        sink: Box<dyn SnapshotSink>,
    ) -> Result<SnapshotStart, Box<dyn SnapshotSink>> {
        let is_all = scope == SnapshotScope::All;
        assert!(is_all || self.layout == Layout::TablePerSlot, "slots have tables in a cluster");
        if self.is_snapshot_running() {
            return Err(sink);
        }
        self.epoch = self.epoch.next();
        let start = self.snapshot_start(&scope);
        let mut snapshot = Snapshot::new(sink, self.epoch, scope, self.databases(), self.access);
        snapshot.keys_total = start.keys();
        self.changes.snapshot = Some(Box::new(snapshot));
        Ok(start)
    }

    /// Whether a snapshot is running: from its beginning until it is ended or aborted.
    #[must_use]
    #[inline]
    pub const fn is_snapshot_running(&self) -> bool {
        self.changes.snapshot.is_some()
    }

    /// Goes on handing out, at most about `budget` units of work: a unit is what a small key takes,
    /// some 0.1 µs. Stops early when the sink has no room. Done when no snapshot is running.
    pub fn walk(&mut self, budget: usize) -> WalkProgress {
        let Some(snapshot) = &mut self.changes.snapshot else { return WalkProgress::Done };
        snapshot.walk(&mut self.databases, &self.hasher, &mut self.disposal, budget)
    }

    /// How far the snapshot is that is running.
    #[must_use]
    pub fn snapshot_progress(&self) -> Option<SnapshotProgress> {
        let Snapshot { keys_done, keys_total, .. } = **self.changes.snapshot.as_ref()?;
        Some(SnapshotProgress { keys_done, keys_total })
    }

    /// Ends the snapshot of which everything was handed out, and hands the sink back. `None` while
    /// something is left, or without a snapshot.
    pub fn end_snapshot(&mut self) -> Option<Box<dyn SnapshotSink>> {
        if !self.changes.snapshot.as_ref()?.is_complete() {
            return None;
        }
        self.abort_snapshot()
    }

    /// Takes a cluster slot out of all databases, with its keys; returns how many there were.
    /// `lazily` drops them elsewhere. O(databases), and O(hashes that hold field deadlines). Nobody
    /// is told of the keys: whoever gives a slot away tells.
    pub fn drop_slot(&mut self, slot: u16, lazily: bool) -> usize {
        let mut count = 0;
        for (db, database) in (0..).zip(&mut self.databases) {
            let Some(table) = database.take_slot(slot) else { continue };
            count += table.len();
            let unneeded = match &mut self.changes.snapshot {
                Some(snapshot) => snapshot.keep_slot(db, slot, table),
                None => Some(table),
            };
            if let Some(table) = unneeded {
                self.disposal.discard(Garbage::Table(table), lazily);
            }
        }
        count
    }

    /// Gives the snapshot up at any moment, and hands the sink back.
    pub fn abort_snapshot(&mut self) -> Option<Box<dyn SnapshotSink>> {
        let mut snapshot = self.changes.snapshot.take()?;
        snapshot.thaw_all(&mut self.databases, &self.hasher, &mut self.disposal);
        snapshot.release_all(&mut self.disposal);
        Some(snapshot.sink)
    }
}
