//! Which hashes hold fields with deadlines, and when the first of each is due.
//!
//! Every hash that has or had fields with deadlines ([`Entry::had_field_deadlines`]) and whose next
//! one is known is in this table of one database, with a time before which none of its fields is
//! due. The table knows its own earliest time, so asking whether any field of any hash is due costs
//! two loads, and a database without such hashes pays nothing else.

use dunlin_slots::key_slot;
use dunlin_stdx::time::UnixMs;
use dunlin_table::{ItemRef, Table};
use dunlin_values::{Entry, KeyDeadline, MemberHasher};

/// The hashes of a database that hold fields with deadlines.
pub(crate) struct FieldDeadlines {
    table: Table<KeyDeadline>,
    hasher: MemberHasher,
    item_bytes: usize,
}

impl FieldDeadlines {
    pub(crate) const fn new(hasher: MemberHasher) -> Self {
        Self { table: Table::new(), hasher, item_bytes: 0 }
    }

    /// Whether a field may be due at `now`.
    #[inline]
    pub(crate) fn is_any_due(&self, now: UnixMs) -> bool {
        self.table.earliest_deadline().is_some_and(|at| at <= now.0)
    }

    /// Whether a field of the hash at `key` may be due at `now`.
    pub(crate) fn is_due(&self, key: &[u8], now: UnixMs) -> bool {
        self.table.find(self.hasher.hash(key), key).is_some_and(|item| item.at() <= now)
    }

    /// The fields of the hash in `entry` have other deadlines than before.
    pub(crate) fn note(&mut self, entry: &Entry) {
        match entry.earliest_field_deadline() {
            Some(at) => self.set(entry.key(), at),
            None => self.forget(entry),
        }
    }

    fn set(&mut self, key: &[u8], at: UnixMs) {
        let hasher = self.hasher;
        let hash = hasher.hash(key);
        match self.table.find_or_table(hash, key) {
            Ok(mut item) => item.set_at(at),
            Err(table) => {
                let item = KeyDeadline::new(key, at);
                self.item_bytes += item.heap_bytes();
                table.insert(hash, item, |item| hasher.hash(item.key()));
            }
        }
    }

    /// The key of `entry` goes away, or what it holds.
    #[inline]
    pub(crate) fn forget(&mut self, entry: &Entry) {
        if entry.had_field_deadlines() {
            self.forget_key(entry.key());
        }
    }

    fn forget_key(&mut self, key: &[u8]) {
        if let Some(item) = self.table.remove(self.hasher.hash(key), key) {
            self.item_bytes -= item.heap_bytes();
        }
    }

    /// The keys of a cluster slot go away. O(hashes).
    pub(crate) fn forget_slot(&mut self, slot: u16) {
        let of_slot = |item: &ItemRef<'_, KeyDeadline>| key_slot(KeyDeadline::key(item)) == slot;
        let keys = self.table.iter().filter(of_slot).map(|item| item.key().into());
        for key in keys.collect::<Vec<Box<[u8]>>>() {
            self.forget_key(&key);
        }
    }

    /// Whether there is no such hash.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Takes out up to about `budget` hashes that are due at `now`. Whoever takes them notes them
    /// again.
    pub(crate) fn take_due(&mut self, now: UnixMs, mut budget: usize, out: &mut Vec<KeyDeadline>) {
        let item_bytes = &mut self.item_bytes;
        self.table.expire_due(now.0, &mut budget, &mut |item, _| {
            *item_bytes -= item.heap_bytes();
            out.push(item);
        });
    }

    /// Bytes it takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.table.memory_bytes() + self.item_bytes
    }

    /// Number of hashes.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}
