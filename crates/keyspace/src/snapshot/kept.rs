//! Tables of the epoch that commands have given up: emptied databases and dropped slots. The
//! snapshot owns them until they were walked.

use dunlin_table::Table;
use dunlin_values::Entry;

use crate::database::Database;
use crate::garbage::{Disposal, Garbage};
use crate::keyspace::DatabaseIndex;
use crate::snapshot::state::{Identity, Position, Snapshot};

/// What commands have given up.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) databases: Vec<(Identity, Box<Database>)>,
    /// Slots that the walk goes through, the last one first.
    pub(super) slots: Vec<KeptSlot>,
    /// Slots that the walk has passed, where something frozen is left.
    pub(super) passed: Vec<KeptSlot>,
}

/// The table of a slot that was dropped.
pub(super) struct KeptSlot {
    pub(super) database: Identity,
    pub(super) slot: u16,
    pub(super) table: Box<Table<Entry>>,
    /// Where the walk goes on.
    pub(super) cursor: u64,
}

impl Snapshot {
    /// A database was emptied: takes its keys over, or hands them back if the snapshot needs none
    /// of them.
    pub(crate) fn keep_database(&mut self, db: DatabaseIndex, old: Database) -> Option<Database> {
        let identity = self.identities[db as usize];
        self.identities[db as usize] = self.next_identity;
        self.next_identity += 1;
        let is_left = identity < self.databases() && identity >= self.position.database;
        if old.is_empty() || !is_left && !self.large.is_any_in(identity, None) {
            return Some(old);
        }
        self.kept.databases.push((identity, Box::new(old)));
        None
    }

    /// A slot was dropped: takes its table over, or hands it back if the snapshot does not need it.
    pub(crate) fn keep_slot(
        &mut self,
        db: DatabaseIndex,
        slot: u16,
        table: Box<Table<Entry>>,
    ) -> Option<Box<Table<Entry>>> {
        let database = self.identities[db as usize];
        if table.is_empty() {
            return Some(table);
        }
        if self.identity_of(db, Some(slot)).is_some()
            && let Some(cursor) = self.leave_slot(database, slot)
        {
            self.kept.slots.push(KeptSlot { database, slot, table, cursor });
            return None;
        }
        self.keep_frozen(KeptSlot { database, slot, table, cursor: 0 })
    }

    /// The walk has passed a slot that is in no database: keeps it if something frozen is left there,
    /// or hands its table back.
    pub(super) fn keep_frozen(&mut self, kept: KeptSlot) -> Option<Box<Table<Entry>>> {
        if !self.large.is_any_in(kept.database, Some(kept.slot)) {
            return Some(kept.table);
        }
        self.kept.passed.push(kept);
        None
    }

    /// Where the walk is to go on in a slot that is taken out of its database; `None` if it has
    /// passed it.
    fn leave_slot(&mut self, database: Identity, slot: u16) -> Option<u64> {
        let start = Position::of_slot(database, slot);
        if start.behind_table() <= self.position {
            return None;
        }
        if start > self.position {
            return Some(0);
        }
        let cursor = self.position.cursor;
        self.position = start.behind_table();
        Some(cursor)
    }

    /// Gives away what the walk has passed, and where nothing frozen is left.
    pub(super) fn release_kept(&mut self, disposal: &mut Disposal) {
        let (left, large) = (self.position.database..self.databases(), &self.large);
        let is_passed = |(identity, _): &mut (Identity, Box<Database>)| {
            !left.contains(identity) && !large.is_any_in(*identity, None)
        };
        for (_, database) in self.kept.databases.extract_if(.., is_passed) {
            disposal.discard(Garbage::Database(database), true);
        }
        let is_thawed = |kept: &mut KeptSlot| !large.is_any_in(kept.database, Some(kept.slot));
        for kept in self.kept.passed.extract_if(.., is_thawed) {
            disposal.discard(Garbage::Table(kept.table), true);
        }
    }

    /// Gives away everything.
    pub(super) fn release_all(&mut self, disposal: &mut Disposal) {
        for (_, database) in self.kept.databases.drain(..) {
            disposal.discard(Garbage::Database(database), true);
        }
        for slot in self.kept.slots.drain(..).chain(self.kept.passed.drain(..)) {
            disposal.discard(Garbage::Table(slot.table), true);
        }
    }
}
