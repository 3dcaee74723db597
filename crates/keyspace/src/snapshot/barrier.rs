//! The barrier: hands an entry out before it changes or goes away.
//!
//! Asked on every write while a snapshot runs, and answers in this order:
//!
//! 1. the database or slot is none of the snapshot's: nothing to do;
//! 2. the key lies behind the position of the walk: it was handed out (this needs no memory that
//!    the command does not read anyway, so it comes before the mark);
//! 3. the segment's mark says "done": nothing left in it;
//! 4. the segment's mark says "begun": the entry's bit tells;
//! 5. else nobody was here in this epoch: the segment is begun.

use dunlin_table::{ItemMut, Table};
use dunlin_values::Entry;

use crate::keyspace::DatabaseIndex;
use crate::snapshot::state::{Identity, Position, Snapshot, slot_of};

/// How an entry is put into a table while a snapshot runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Birth {
    /// Whether its bit is to be set.
    pub(crate) is_emitted: bool,
    /// The mark that its segment is to get, if the table is empty so far.
    pub(crate) mark: Option<u32>,
}

impl Snapshot {
    /// An entry is about to change or to go away.
    #[cold]
    #[inline(never)]
    pub(crate) fn before_change(
        &mut self,
        db: DatabaseIndex,
        slot: Option<u16>,
        item: &mut ItemMut<'_, Entry>,
    ) {
        let Some(identity) = self.identity_of(db, slot) else { return };
        if self.is_behind(identity, slot, item.hash()) {
            return;
        }
        let mark = item.segment_mark();
        if mark == self.epoch.done() {
            return;
        }
        if mark != self.epoch.begun() {
            if self.epoch.has_stale_bits(mark) {
                item.for_each_other_in_segment(|entry| entry.set_emitted(false));
            }
            item.set_segment_mark(self.epoch.begun());
        } else if item.is_emitted() {
            return;
        }
        item.set_emitted(true);
        self.emit(identity, item);
    }

    /// An entry has just left a segment with the mark `mark`, and has not been dropped yet.
    #[cold]
    #[inline(never)]
    pub(crate) fn after_removal(
        &mut self,
        db: DatabaseIndex,
        is_slotted: bool,
        hash: u64,
        mark: u32,
        entry: &mut Entry,
    ) {
        let slot = is_slotted.then(|| slot_of(entry));
        let Some(identity) = self.identity_of(db, slot) else { return };
        if mark == self.epoch.done() || self.is_behind(identity, slot, hash) {
            return;
        }
        if mark != self.epoch.begun() || !entry.is_emitted() {
            self.emit(identity, entry);
        }
    }

    /// An entry is about to be put into a table: it is not of the epoch.
    #[cold]
    #[inline(never)]
    pub(crate) fn before_birth(
        &mut self,
        db: DatabaseIndex,
        slot: Option<u16>,
        hash: u64,
        table: &mut Table<Entry>,
    ) -> Birth {
        let scope_holds = slot.is_none_or(|slot| self.scope.contains(slot));
        if !scope_holds {
            return Birth::default();
        }
        let Some(mark) = table.segment_mark(hash) else {
            return Birth { is_emitted: false, mark: Some(self.epoch.done()) };
        };
        let Some(identity) = self.identity_of(db, slot) else { return Birth::default() };
        if self.is_behind(identity, slot, hash) || mark == self.epoch.done() {
            return Birth::default();
        }
        if mark != self.epoch.begun() {
            if self.epoch.has_stale_bits(mark) {
                table.for_each_in_segment(hash, |entry| entry.set_emitted(false));
            }
            table.set_segment_mark(hash, self.epoch.begun());
        }
        Birth { is_emitted: true, mark: None }
    }

    /// Whether the walk has passed a place.
    #[inline]
    fn is_behind(&self, database: Identity, slot: Option<u16>, hash: u64) -> bool {
        let cursor = Table::<Entry>::cursor_of(hash);
        Position { database, slot: slot.unwrap_or(0), cursor } < self.position
    }
}
