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
    pub(super) slots: Vec<KeptSlot>,
}

/// The table of a slot that was dropped.
pub(super) struct KeptSlot {
    pub(super) database: Identity,
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
        let is_needed = identity < self.databases() && identity >= self.position.database;
        if !is_needed || old.is_empty() {
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
        let Some(database) = self.identity_of(db, Some(slot)) else { return Some(table) };
        let start = Position::of_slot(database, slot);
        if start.behind_table() <= self.position {
            return Some(table);
        }
        let cursor = if start <= self.position { self.position.cursor } else { 0 };
        if start <= self.position {
            self.position = start.behind_table();
        }
        self.kept.slots.push(KeptSlot { database, table, cursor });
        None
    }

    /// Gives away what the walk has passed.
    pub(super) fn release_kept(&mut self, disposal: &mut Disposal) {
        let passed = self.position.database;
        for (_, database) in self.kept.databases.extract_if(.., |(id, _)| *id < passed) {
            disposal.discard(Garbage::Database(database), true);
        }
    }

    /// Gives away everything.
    pub(super) fn release_all(&mut self, disposal: &mut Disposal) {
        for (_, database) in self.kept.databases.drain(..) {
            disposal.discard(Garbage::Database(database), true);
        }
        for slot in self.kept.slots.drain(..) {
            disposal.discard(Garbage::Table(slot.table), true);
        }
    }
}
