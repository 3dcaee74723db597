//! One numbered database: one table, or in cluster mode one table for each slot.

use dunlin_stdx::time::UnixMs;
use dunlin_table::{CURSOR_BITS, ItemRef, Table};
use dunlin_values::{Entry, MemberHasher};
use fastrand::Rng;

use crate::field_deadlines::FieldDeadlines;
use crate::keyspace::Place;
use crate::slot_tables::{SlotCounts, SlotTables};
use crate::snapshot::SnapshotScope;

/// How the keys of a database are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// All keys in one table.
    OneTable,
    /// The keys of each cluster slot in a table of their own: counting, listing, moving and
    /// dropping a slot cost what the slot holds.
    TablePerSlot,
}

/// A numbered database.
pub struct Database {
    tables: Tables,
    pub(crate) fields: FieldDeadlines,
}

enum Tables {
    One(Table<Entry>),
    PerSlot(Box<SlotTables>),
}

/// A position of SCAN: the slot's number above [`CURSOR_BITS`] bits of position in its table.
/// Below 2^48, because clients lose bits above 2^53 and proxies shift cursors.
const _: () = assert!(CURSOR_BITS + 14 <= 48);

impl Database {
    pub(crate) fn new(layout: Layout, hasher: MemberHasher) -> Self {
        let tables = match layout {
            Layout::OneTable => Tables::One(Table::new()),
            Layout::TablePerSlot => Tables::PerSlot(Box::default()),
        };
        Self { tables, fields: FieldDeadlines::new(hasher) }
    }

    /// Takes an empty table with room for many keys in place of an empty one.
    pub(crate) fn take_room(&mut self, room: Table<Entry>) {
        if let Tables::One(table) = &mut self.tables
            && table.is_empty()
        {
            *table = room;
        }
    }

    /// Gives back the memory of room that few keys take.
    pub(crate) fn give_room_back(&mut self) {
        if let Tables::One(table) = &mut self.tables {
            table.give_room_back();
        }
    }

    /// Number of keys, expired ones that nobody has met yet included.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.tables {
            Tables::One(table) => table.len(),
            Tables::PerSlot(tables) => tables.len(),
        }
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of keys with a deadline.
    #[must_use]
    #[inline]
    pub fn with_deadline(&self) -> usize {
        match &self.tables {
            Tables::One(table) => table.with_deadline(),
            Tables::PerSlot(tables) => tables.with_deadline(),
        }
    }

    /// Bytes the tables take without the entries.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        let tables = match &self.tables {
            Tables::One(table) => table.stats().memory_bytes,
            Tables::PerSlot(tables) => tables.memory_bytes(),
        };
        tables + self.fields.memory_bytes()
    }

    /// How long keys with a deadline still live on average, in milliseconds, from a few of them
    /// picked by `random`; zero without such keys.
    #[must_use]
    pub fn average_ttl_ms(&self, now: UnixMs, random: u64) -> i64 {
        const SAMPLES: usize = 64;
        let (mut sum, mut count) = (0, 0);
        self.sample_volatile(&mut Rng::with_seed(random), SAMPLES, &mut |entry| {
            if let Some(ttl) = entry.deadline().map(|at| at - now).filter(|&ttl| ttl > 0) {
                sum += i128::from(ttl);
                count += 1;
            }
        });
        i64::try_from(sum / i128::from(count.max(1))).unwrap_or(i64::MAX)
    }

    /// Calls `visit` with each table that holds keys (DEBUG HTSTATS).
    pub fn for_each_table(&self, mut visit: impl FnMut(dunlin_table::TableStats)) {
        match &self.tables {
            Tables::One(table) => visit(table.stats()),
            Tables::PerSlot(tables) => tables.iter().for_each(|table| visit(table.stats())),
        }
    }

    /// Calls `visit` with every entry, expired ones that nobody has met yet included.
    pub fn for_each(&self, mut visit: impl FnMut(&Entry)) {
        match &self.tables {
            Tables::One(table) => table.iter().for_each(|entry| visit(&entry)),
            Tables::PerSlot(tables) => {
                tables.iter().flat_map(Table::iter).for_each(|entry| visit(&entry));
            }
        }
    }

    /// Visits the keys of one bucket and returns the cursor for the next call; 0 starts a scan and
    /// is returned when it is complete. A key that is there from the first call to the last is
    /// visited at least once, whatever is added and removed meanwhile. A cursor that was never
    /// handed out is harmless.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(&Entry)) -> u64 {
        match &self.tables {
            Tables::One(table) => table.scan(cursor, visit),
            Tables::PerSlot(tables) => tables.scan(cursor, visit),
        }
    }

    /// The cursor of a new scan that begins at `cursor`'s slot; `None` if the layout has no slots.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        match &self.tables {
            Tables::One(_) => Layout::OneTable,
            Tables::PerSlot(_) => Layout::TablePerSlot,
        }
    }

    /// Number of keys in a cluster slot; 0 without slots.
    #[must_use]
    pub fn slot_len(&self, slot: u16) -> usize {
        match &self.tables {
            Tables::One(_) => 0,
            Tables::PerSlot(tables) => tables.get(slot).map_or(0, Table::len),
        }
    }

    /// Up to `count_max` keys of a cluster slot, expired ones that nobody has met yet included; none
    /// without slots. O(keys returned).
    #[must_use]
    pub fn keys_in_slot(&self, slot: u16, count_max: usize) -> Vec<Box<[u8]>> {
        self.in_slot(slot).take(count_max).map(|entry| entry.key().into()).collect()
    }

    /// The entries of a cluster slot, expired ones that nobody has met yet included; none without
    /// slots.
    pub fn in_slot(&self, slot: u16) -> impl Iterator<Item = ItemRef<'_, Entry>> {
        let table = match &self.tables {
            Tables::One(_) => None,
            Tables::PerSlot(tables) => tables.get(slot),
        };
        table.into_iter().flat_map(Table::iter)
    }

    /// Whether a hash may hold fields with deadlines.
    pub(crate) fn has_field_deadlines(&self) -> bool {
        !self.fields.is_empty()
    }

    /// Number of keys, and of keys with a deadline, that a snapshot is to hold.
    pub(crate) fn counts_of(&self, scope: &SnapshotScope) -> (usize, usize) {
        match (&self.tables, scope) {
            (Tables::PerSlot(tables), SnapshotScope::Slots(slots)) => {
                let tables = slots.iter().filter_map(|slot| tables.get(slot));
                tables.fold((0, 0), |(keys, with_deadline), table| {
                    (keys + table.len(), with_deadline + table.with_deadline())
                })
            }
            _ => (self.len(), self.with_deadline()),
        }
    }

    /// The first table from `slot` on that holds keys of the scope, and its slot; the one table of
    /// a database without slots stands at 0.
    pub(crate) fn table_from(
        &mut self,
        slot: u16,
        scope: &SnapshotScope,
    ) -> Option<(u16, &mut Table<Entry>)> {
        match &mut self.tables {
            Tables::One(table) => (slot == 0 && !table.is_empty()).then_some((0, table)),
            Tables::PerSlot(tables) => tables.table_from(slot, scope),
        }
    }

    /// Takes the table of a slot out.
    pub(crate) fn take_slot(&mut self, slot: u16) -> Option<Box<Table<Entry>>> {
        match &mut self.tables {
            Tables::One(_) => None,
            Tables::PerSlot(tables) => {
                let table = tables.take(slot)?;
                self.fields.forget_slot(slot);
                Some(table)
            }
        }
    }

    /// One random key, all with very nearly the same chance.
    pub(crate) fn sample(&self, rng: &mut Rng) -> Option<ItemRef<'_, Entry>> {
        match &self.tables {
            Tables::One(table) => table.sample(rng.u64(..)),
            Tables::PerSlot(tables) => tables.pick(rng)?.sample(rng.u64(..)),
        }
    }

    /// Up to `count` keys, neighbours in a table where it holds so many.
    pub(crate) fn sample_many(&self, rng: &mut Rng, count: usize, visit: &mut dyn FnMut(&Entry)) {
        match &self.tables {
            Tables::One(table) => {
                table.sample_many(rng.u64(..), count, visit);
            }
            Tables::PerSlot(tables) => draw(count, |left| {
                let table = tables.pick(rng)?;
                Some(table.sample_many(rng.u64(..), left, visit))
            }),
        }
    }

    /// Up to `count` keys with a deadline, neighbours in a table where it holds so many.
    pub(crate) fn sample_volatile(
        &self,
        rng: &mut Rng,
        count: usize,
        visit: &mut dyn FnMut(&Entry),
    ) {
        match &self.tables {
            Tables::One(table) => {
                table.sample_many_with_deadline(rng.u64(..), count, visit);
            }
            Tables::PerSlot(tables) => draw(count, |left| {
                let table = tables.pick_volatile(rng)?;
                Some(table.sample_many_with_deadline(rng.u64(..), left, visit))
            }),
        }
    }

    /// Removes keys that are due, within a budget, and hands each out with the mark of the segment
    /// it was in; returns whether there may be more.
    pub(crate) fn expire_due(
        &mut self,
        now_ms: i64,
        budget: &mut usize,
        out: &mut dyn FnMut(Entry, u32),
    ) -> bool {
        let fields = &mut self.fields;
        let mut out = |entry: Entry, mark| {
            fields.forget(&entry);
            out(entry, mark);
        };
        match &mut self.tables {
            Tables::One(table) => table.expire_due(now_ms, budget, &mut out),
            Tables::PerSlot(tables) => tables.expire_due(now_ms, budget, &mut out),
        }
    }

    /// See [`crate::Keyspace::expect_slot`].
    #[inline]
    pub(crate) fn expect_slot(&mut self, slot: Option<u16>) {
        if let Tables::PerSlot(tables) = &mut self.tables {
            tables.expect_slot(slot);
        }
    }

    /// The one table of a database without slots.
    #[inline]
    pub(crate) const fn only_table(&self) -> Option<&Table<Entry>> {
        match &self.tables {
            Tables::One(table) => Some(table),
            Tables::PerSlot(_) => None,
        }
    }

    /// The table that may hold a key that belongs there; `None` if its slot is empty.
    #[inline]
    pub(crate) fn table_at(&self, place: Place) -> Option<&Table<Entry>> {
        match (&self.tables, place.slot) {
            (Tables::One(table), _) => Some(table),
            (Tables::PerSlot(tables), slot) => tables.get(slot?),
        }
    }

    /// The table that may hold `key`; `None` if its slot is empty.
    #[inline]
    pub(crate) fn table(&self, key: &[u8]) -> Option<&Table<Entry>> {
        match &self.tables {
            Tables::One(table) => Some(table),
            Tables::PerSlot(tables) => tables.get(tables.slot_of(key)),
        }
    }

    /// The table that may hold `key`, for changing it; `None` if its slot is empty.
    #[inline]
    pub(crate) fn existing_table_mut(&mut self, key: &[u8]) -> Option<TableOfKey<'_>> {
        let (table, slot) = match &mut self.tables {
            Tables::One(table) => (table, None),
            Tables::PerSlot(tables) => {
                let slot = tables.slot_of(key);
                let (table, slot) = tables.existing_table_of(slot)?;
                (table, Some(slot))
            }
        };
        Some(TableOfKey { table, counts: Counts { slot, fields: &mut self.fields } })
    }

    /// The table that `key` belongs into, and who counts what it holds.
    #[inline]
    pub(crate) fn table_mut(&mut self, key: &[u8]) -> TableOfKey<'_> {
        self.table_by(|tables| tables.slot_of(key))
    }

    /// The table that a key of this place belongs into, and who counts what it holds.
    #[inline]
    pub(crate) fn table_at_mut(&mut self, place: Place) -> TableOfKey<'_> {
        self.table_by(|_| place.slot.unwrap_or_default())
    }

    #[inline]
    fn table_by(&mut self, slot: impl FnOnce(&SlotTables) -> u16) -> TableOfKey<'_> {
        let (table, slot) = match &mut self.tables {
            Tables::One(table) => (table, None),
            Tables::PerSlot(tables) => {
                let slot = slot(tables);
                let (table, slot) = tables.table_of(slot);
                (table, Some(slot))
            }
        };
        TableOfKey { table, counts: Counts { slot, fields: &mut self.fields } }
    }
}

/// A table to be changed, and who counts what it holds.
pub(crate) struct TableOfKey<'a> {
    pub(crate) table: &'a mut Table<Entry>,
    pub(crate) counts: Counts<'a>,
}

/// Who keeps account of the keys of a table: the sums over cluster slots, where there are any, and
/// the deadlines of fields.
pub(crate) struct Counts<'a> {
    slot: Option<CountsOfSlot<'a>>,
    pub(crate) fields: &'a mut FieldDeadlines,
}

/// The sums over all slots, and which slot this is.
pub(crate) type CountsOfSlot<'a> = (&'a mut SlotCounts, u16);

impl Counts<'_> {
    /// The cluster slot, where there are any.
    #[inline]
    pub(crate) fn slot_number(&self) -> Option<u16> {
        self.slot.as_ref().map(|(_, slot)| *slot)
    }

    /// Notes that a key came.
    #[inline]
    pub(crate) fn added(&mut self, entry: &Entry) {
        self.add(1, i64::from(entry.deadline().is_some()));
        if entry.had_field_deadlines() {
            self.fields.note(entry);
        }
    }

    /// Notes that a key goes.
    #[inline]
    pub(crate) fn removed(&mut self, entry: &Entry) {
        self.add(-1, -i64::from(entry.deadline().is_some()));
        self.fields.forget(entry);
    }

    /// Notes that keys came or went, and keys with a deadline among them.
    #[inline]
    pub(crate) fn add(&mut self, keys: i64, with_deadline: i64) {
        if let Some((counts, slot)) = &mut self.slot {
            counts.add(*slot, keys, with_deadline);
        }
    }
}

/// Draws from several small tables until `count` keys are drawn; `from_one` draws up to so many from
/// one table and returns how many it drew.
fn draw(count: usize, mut from_one: impl FnMut(usize) -> Option<usize>) {
    let mut left = count;
    for _ in 0..count {
        match from_one(left) {
            Some(drawn) if drawn < left => left -= drawn,
            _ => return,
        }
    }
}
