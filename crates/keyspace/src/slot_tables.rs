//! One table for each cluster slot, and sums that find slots by what they hold.
//!
//! An empty slot costs eight bytes. Two Fenwick trees (keys, and keys with a deadline) choose a
//! slot with a chance in proportion to what it holds, so that one hot hash tag among thousands of
//! near-empty slots does not spoil sampling, RANDOMKEY or expiry; they also skip empty slots.

use dunlin_slots::{SLOTS, key_slot};
use dunlin_table::{CURSOR_BITS, Table};
use dunlin_values::Entry;
use fastrand::Rng;

use crate::database::CountsOfSlot;
use crate::snapshot::SnapshotScope;

/// Slots whose earliest deadline is read for one unit of an expiry budget.
const SLOTS_PER_UNIT: usize = 16;

/// The tables of a database in cluster mode.
pub(crate) struct SlotTables {
    tables: Vec<Option<Box<Table<Entry>>>>,
    counts: SlotCounts,
    /// Where the next round of expiry begins.
    expire_from: u16,
    /// The slot of all keys that are asked for at present, if it is known.
    expected: Option<u16>,
}

/// How many keys each slot holds.
pub(crate) struct SlotCounts {
    keys: Fenwick,
    with_deadline: Fenwick,
}

/// The table of a slot, and who counts what it holds.
type TableAndCounts<'a> = (&'a mut Table<Entry>, CountsOfSlot<'a>);

impl SlotCounts {
    pub(crate) fn add(&mut self, slot: u16, keys: i64, with_deadline: i64) {
        if keys != 0 {
            self.keys.add(slot, keys);
        }
        if with_deadline != 0 {
            self.with_deadline.add(slot, with_deadline);
        }
    }
}

impl Default for SlotTables {
    fn default() -> Self {
        let tables = (0..SLOTS).map(|_| None).collect();
        let counts = SlotCounts { keys: Fenwick::new(), with_deadline: Fenwick::new() };
        Self { tables, counts, expire_from: 0, expected: None }
    }
}

impl SlotTables {
    pub(crate) fn len(&self) -> usize {
        self.counts.keys.total as usize
    }

    pub(crate) fn with_deadline(&self) -> usize {
        self.counts.with_deadline.total as usize
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let own = self.tables.len() * size_of::<Option<Box<Table<Entry>>>>();
        own + self.iter().map(|table| table.stats().memory_bytes).sum::<usize>()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Table<Entry>> {
        self.tables.iter().flatten().map(|table| &**table)
    }

    pub(crate) const fn expect_slot(&mut self, slot: Option<u16>) {
        self.expected = slot;
    }

    /// The slot of a key: the one that is expected, else it is computed.
    #[inline]
    pub(crate) fn slot_of(&self, key: &[u8]) -> u16 {
        let Some(slot) = self.expected else { return key_slot(key) };
        debug_assert_eq!(slot, key_slot(key), "a command asks for keys of one slot");
        slot
    }

    pub(crate) fn get(&self, slot: u16) -> Option<&Table<Entry>> {
        self.tables[usize::from(slot)].as_deref()
    }

    /// The table of a slot that holds or held keys.
    pub(crate) fn existing_table_of(&mut self, slot: u16) -> Option<TableAndCounts<'_>> {
        let table = self.tables[usize::from(slot)].as_deref_mut()?;
        Some((table, (&mut self.counts, slot)))
    }

    /// The table of a slot, made if there is none. A table that became empty stays: it holds no
    /// memory but its handle.
    pub(crate) fn table_of(&mut self, slot: u16) -> TableAndCounts<'_> {
        let table = self.tables[usize::from(slot)].get_or_insert_default();
        (table, (&mut self.counts, slot))
    }

    /// A slot's table, chosen with a chance in proportion to its keys.
    pub(crate) fn pick(&self, rng: &mut Rng) -> Option<&Table<Entry>> {
        self.get(self.counts.keys.pick(rng)?)
    }

    /// A slot's table, chosen with a chance in proportion to its keys with a deadline.
    pub(crate) fn pick_volatile(&self, rng: &mut Rng) -> Option<&Table<Entry>> {
        self.get(self.counts.with_deadline.pick(rng)?)
    }

    /// Takes the table of a slot out.
    pub(crate) fn take(&mut self, slot: u16) -> Option<Box<Table<Entry>>> {
        let table = self.tables[usize::from(slot)].take()?;
        self.counts.add(slot, -(table.len() as i64), -(table.with_deadline() as i64));
        Some(table)
    }

    /// The first table from `slot` on that holds keys of the scope, and its slot.
    pub(crate) fn table_from(
        &mut self,
        mut slot: u16,
        scope: &SnapshotScope,
    ) -> Option<(u16, &mut Table<Entry>)> {
        while slot < SLOTS {
            slot = self.counts.keys.next_nonzero(slot)?;
            let asked = match scope {
                SnapshotScope::All => slot,
                SnapshotScope::Slots(slots) => slots.next(slot)?,
            };
            if asked == slot {
                return Some((slot, self.tables[usize::from(slot)].as_mut().expect("counted")));
            }
            slot = asked;
        }
        None
    }

    /// As [`crate::Database::scan`]: slots in order, the table's own cursor within one.
    pub(crate) fn scan(&self, cursor: u64, visit: &mut dyn FnMut(&Entry)) -> u64 {
        let Some(mut slot) = u16::try_from(cursor >> CURSOR_BITS).ok().filter(|s| *s < SLOTS)
        else {
            return 0;
        };
        let mut position = cursor & ((1 << CURSOR_BITS) - 1);
        if self.get(slot).is_none_or(Table::is_empty) {
            let Some(next) = self.counts.keys.next_nonzero(slot) else { return 0 };
            (slot, position) = (next, 0);
        }
        let table = self.get(slot).expect("the sums know which slots hold keys");
        let next = table.scan(position, visit);
        if next != 0 {
            return u64::from(slot) << CURSOR_BITS | next;
        }
        let behind = slot.checked_add(1).filter(|slot| *slot < SLOTS);
        behind
            .and_then(|slot| self.counts.keys.next_nonzero(slot))
            .map_or(0, |slot| u64::from(slot) << CURSOR_BITS)
    }

    /// As [`crate::Database::expire_due`]: one round over the slots that hold keys with a
    /// deadline, from where the last one stopped.
    pub(crate) fn expire_due(
        &mut self,
        now_ms: i64,
        budget: &mut usize,
        out: &mut dyn FnMut(Entry, u32),
    ) -> bool {
        let mut looked_at = 0;
        for _ in 0..SLOTS {
            let from = self.expire_from;
            let next = self.counts.with_deadline.next_nonzero(from);
            let Some(slot) = next.or_else(|| self.counts.with_deadline.next_nonzero(0)) else {
                return false;
            };
            let wrapped = next.is_none();
            if *budget == 0 {
                return true;
            }
            let mut removed = 0;
            let table = self.tables[usize::from(slot)].as_mut().expect("counted");
            let due = table.earliest_deadline().is_some_and(|at| at <= now_ms);
            let more = due
                && table.expire_due(now_ms, budget, &mut |entry, mark| {
                    removed += 1;
                    out(entry, mark);
                });
            self.counts.add(slot, -removed, -removed);
            if more {
                self.expire_from = slot;
                return true;
            }
            looked_at += 1;
            if looked_at % SLOTS_PER_UNIT == 0 {
                *budget = budget.saturating_sub(1);
            }
            self.expire_from = (slot + 1) % SLOTS;
            if wrapped {
                return false;
            }
        }
        false
    }
}

/// Sums over slots: change one in O(log n), find the slot of a rank in O(log n).
///
/// Source: P. Fenwick, "A new data structure for cumulative frequency tables", 1994.
struct Fenwick {
    /// `sums[i]` covers the `i & -i` slots that end with slot `i - 1`; index 0 is unused.
    sums: Vec<u32>,
    total: u64,
}

impl Fenwick {
    fn new() -> Self {
        Self { sums: vec![0; usize::from(SLOTS) + 1], total: 0 }
    }

    fn add(&mut self, slot: u16, delta: i64) {
        self.total = self.total.wrapping_add_signed(delta);
        let mut index = usize::from(slot) + 1;
        while index < self.sums.len() {
            self.sums[index] = self.sums[index].wrapping_add_signed(delta as i32);
            index += index & index.wrapping_neg();
        }
    }

    /// Sum of the slots below `slot`.
    fn below(&self, slot: u16) -> u64 {
        let (mut sum, mut index) = (0, usize::from(slot));
        while index > 0 {
            sum += u64::from(self.sums[index]);
            index &= index - 1;
        }
        sum
    }

    /// The slot that holds the item of this rank; the rank must be below the total.
    fn slot_of(&self, mut rank: u64) -> u16 {
        debug_assert!(rank < self.total);
        let (mut index, mut step) = (0, usize::from(SLOTS));
        while step > 0 {
            if let Some(&sum) = self.sums.get(index + step)
                && u64::from(sum) <= rank
            {
                index += step;
                rank -= u64::from(sum);
            }
            step /= 2;
        }
        u16::try_from(index).expect("below the number of slots")
    }

    fn pick(&self, rng: &mut Rng) -> Option<u16> {
        (self.total > 0).then(|| self.slot_of(rng.u64(..self.total)))
    }

    /// The first slot from `slot` on that holds something.
    fn next_nonzero(&self, slot: u16) -> Option<u16> {
        let below = self.below(slot);
        (below < self.total).then(|| self.slot_of(below))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_find_what_a_plain_list_finds(
            adds in prop::collection::vec((0..SLOTS, 1_i64..5), 1..60),
            probe in 0..SLOTS,
        ) {
            let (mut fenwick, mut plain) = (Fenwick::new(), vec![0_i64; usize::from(SLOTS)]);
            for (slot, count) in adds {
                fenwick.add(slot, count);
                plain[usize::from(slot)] += count;
            }
            let (first, _) = plain.iter().enumerate().find(|(_, n)| **n > 0).expect("one added");
            fenwick.add(first as u16, -1);
            plain[first] -= 1;
            prop_assert_eq!(fenwick.total, plain.iter().sum::<i64>() as u64);
            let expected = (usize::from(probe)..plain.len()).find(|slot| plain[*slot] > 0);
            prop_assert_eq!(fenwick.next_nonzero(probe).map(usize::from), expected);
            let mut rank = 0;
            for (slot, count) in plain.iter().enumerate().filter(|(_, count)| **count > 0) {
                prop_assert_eq!(usize::from(fenwick.slot_of(rank)), slot);
                rank += *count as u64;
            }
        }
    }
}
