//! The walk: goes through the tables of the epoch and hands out what is left in them.

use dunlin_table::{SegmentWalk, Table, Walked};
use dunlin_values::{Entry, Object};

use crate::access::AccessClock;
use crate::database::Database;
use crate::garbage::{Disposal, Garbage};
use crate::hasher::KeyHasher;
use crate::snapshot::epoch::Epoch;
use crate::snapshot::large::LargeQueue;
use crate::snapshot::run::WalkProgress;
use crate::snapshot::sink::{Emitter, SnapshotSink};
use crate::snapshot::state::{
    Identity, Position, Snapshot, emit, is_long_owned_string, share_long_string,
};

/// Bytes of a value that take as long to hand out as a small key.
const BYTES_PER_UNIT: usize = 512;

/// Hash bits below a cursor.
const HASH_SHIFT: u32 = 64 - dunlin_table::CURSOR_BITS;

impl Snapshot {
    /// One slice of the walk: at most about `budget` units of work.
    pub(super) fn walk(
        &mut self,
        databases: &mut [Database],
        hasher: &KeyHasher,
        disposal: &mut Disposal,
        mut budget: usize,
    ) -> WalkProgress {
        loop {
            if !self.sink.has_room() {
                return WalkProgress::NoRoom;
            }
            if budget == 0 {
                return WalkProgress::More;
            }
            if self.walk_large(databases, hasher, disposal, &mut budget) {
                continue;
            }
            if self.position.database < self.databases() {
                self.walk_database(databases, hasher, disposal, &mut budget);
            } else if !self.walk_kept_slot(hasher, disposal, &mut budget) {
                return WalkProgress::Done;
            }
        }
    }

    /// Goes on in the database that the position is in, wherever it is now.
    fn walk_database(
        &mut self,
        databases: &mut [Database],
        hasher: &KeyHasher,
        disposal: &mut Disposal,
        budget: &mut usize,
    ) {
        let Position { database: identity, slot, .. } = self.position;
        let number = self.identities.iter().position(|id| *id == identity);
        let mut kept = self.kept.databases.iter_mut();
        let database = match number {
            Some(number) => Some(&mut databases[number]),
            None => kept.find(|(id, _)| *id == identity).map(|(_, database)| &mut **database),
        };
        let Some((found, table)) = database.and_then(|db| db.table_from(slot, &self.scope)) else {
            self.position = Position::of_database(identity + 1);
            return self.release_kept(disposal);
        };
        if found != slot {
            self.position = Position::of_slot(identity, found);
        }
        let mut walk = EntryWalk {
            sink: &mut *self.sink,
            hasher,
            access: self.access,
            database: identity,
            large: &mut self.large,
            are_bits_meant: false,
            budget,
            emitted: 0,
        };
        let is_through = walk.table(table, self.epoch, &mut self.position.cursor);
        self.keys_done += walk.emitted;
        if is_through {
            self.position = self.position.behind_table();
        }
    }

    /// Goes on in the table of a dropped slot; false if there is none.
    fn walk_kept_slot(
        &mut self,
        hasher: &KeyHasher,
        disposal: &mut Disposal,
        budget: &mut usize,
    ) -> bool {
        let Some(slot) = self.kept.slots.last_mut() else { return false };
        let mut walk = EntryWalk {
            sink: &mut *self.sink,
            hasher,
            access: self.access,
            database: slot.database,
            large: &mut self.large,
            are_bits_meant: false,
            budget,
            emitted: 0,
        };
        let is_through = walk.table(&mut slot.table, self.epoch, &mut slot.cursor);
        self.keys_done += walk.emitted;
        if is_through
            && let Some(slot) = self.kept.slots.pop()
            && let Some(table) = self.keep_frozen(slot)
        {
            disposal.discard(Garbage::Table(table), true);
        }
        true
    }
}

/// Hands out the entries of a table.
struct EntryWalk<'a> {
    sink: &'a mut dyn SnapshotSink,
    hasher: &'a KeyHasher,
    access: AccessClock,
    database: Identity,
    large: &'a mut LargeQueue,
    /// Whether the bits of the segment's entries are those of this epoch.
    are_bits_meant: bool,
    budget: &'a mut usize,
    emitted: usize,
}

impl EntryWalk<'_> {
    /// Goes on in a table; true when it has come to its end.
    fn table(&mut self, table: &mut Table<Entry>, epoch: Epoch, cursor: &mut u64) -> bool {
        loop {
            let hash = *cursor << HASH_SHIFT;
            let Some(mark) = table.segment_mark(hash) else { return true };
            let next = if mark == epoch.done() {
                *self.budget = self.budget.saturating_sub(1);
                table.end_of_segment(*cursor)
            } else {
                self.are_bits_meant = mark == epoch.begun();
                match table.walk_segment(*cursor, self) {
                    Walked::Part { next } => {
                        *cursor = next;
                        return false;
                    }
                    Walked::Whole { next } => {
                        table.set_segment_mark(hash, epoch.done());
                        next
                    }
                }
            };
            if next == 0 {
                return true;
            }
            *cursor = next;
            if !self.may_go_on() {
                return false;
            }
        }
    }
}

impl SegmentWalk<Entry> for EntryWalk<'_> {
    fn hash(&self, entry: &Entry) -> u64 {
        self.hasher.hash(entry.key())
    }

    #[inline]
    fn visit(&mut self, entry: &Entry) -> bool {
        if entry.is_emitted() {
            entry.set_emitted(false);
            if self.are_bits_meant {
                return false;
            }
        }
        let object = entry.object();
        if object.is_some_and(|object| object.is_large() || is_long_owned_string(object)) {
            return true;
        }
        *self.budget = self.budget.saturating_sub(units(entry, object));
        self.emitted += 1;
        emit(self.sink, self.database, entry, self.access, Emitter::Walk);
        false
    }

    fn change(&mut self, entry: &mut Entry) {
        *self.budget = self.budget.saturating_sub(1);
        self.emitted += 1;
        if entry.is_large() {
            return self.large.freeze(self.database, entry, self.access);
        }
        share_long_string(entry);
        emit(self.sink, self.database, entry, self.access, Emitter::Walk);
    }

    #[inline]
    fn may_go_on(&mut self) -> bool {
        *self.budget > 0 && self.large.is_empty() && self.sink.has_room()
    }
}

/// What handing an entry out costs.
#[inline]
fn units(entry: &Entry, object: Option<&Object>) -> usize {
    match object {
        None => 1 + entry.heap_bytes() / BYTES_PER_UNIT,
        Some(Object::String(text)) => 1 + text.as_slice().len() / BYTES_PER_UNIT,
        Some(object) => 1 + object.free_effort(),
    }
}
