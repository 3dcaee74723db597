//! The place of one key in one database: the only way to change a value.
//!
//! Every mutable access, whatever the command, goes through an [`Occupied`] or [`Vacant`] slot.
//! Each of their changing methods first reports the key to [`Changes::before_write`], so that the
//! snapshot barrier, WATCH and accounting cannot be forgotten by a command.

use std::ops::Deref;

use dunlin_stdx::time::UnixMs;
use dunlin_table::{Growth, ItemMut, Table};
use dunlin_values::{Encoding, Entry, NewValue, ValueMut};

use crate::changes::Changes;
use crate::database::Counts;
use crate::garbage::Disposal;
use crate::hasher::KeyHasher;
use crate::keyspace::DatabaseIndex;

/// The place of a key.
pub enum Slot<'a> {
    /// The key exists.
    Occupied(Occupied<'a>),
    /// The key does not exist (or has just expired).
    Vacant(Vacant<'a>),
}

impl Slot<'_> {
    /// Makes the key hold `value` with `deadline`, whatever it held before.
    pub fn set(self, value: NewValue<'_>, deadline: Option<UnixMs>) {
        match self {
            Slot::Occupied(mut slot) => slot.assign(value, deadline),
            Slot::Vacant(slot) => slot.insert(value, deadline),
        }
    }
}

/// The place of a key that exists. Dereferences to its entry for reading.
pub struct Occupied<'a> {
    pub(crate) item: ItemMut<'a, Entry>,
    pub(crate) counts: Counts<'a>,
    pub(crate) changes: &'a mut Changes,
    pub(crate) disposal: &'a mut Disposal,
    pub(crate) db: DatabaseIndex,
}

impl Deref for Occupied<'_> {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.item
    }
}

impl Occupied<'_> {
    /// Replaces value and deadline.
    pub fn assign(&mut self, value: NewValue<'_>, deadline: Option<UnixMs>) {
        self.before_write();
        self.count_deadline(deadline);
        self.counts.fields.forget(&self.item);
        if let Some(old) = self.item.assign(value, deadline) {
            self.changes.discard_value(old, self.disposal);
        }
    }

    /// Sets or clears the deadline.
    pub fn set_deadline(&mut self, deadline: Option<UnixMs>) {
        self.before_write();
        self.count_deadline(deadline);
        self.item.set_deadline(deadline);
    }

    /// The bytes of a string for editing in place, lengthened with zeros to `len` if shorter; the
    /// string is raw afterwards. `None` if the key holds another type.
    pub fn edit_string(&mut self, len: usize) -> Option<&mut [u8]> {
        self.before_write();
        self.item.grow_string(len)
    }

    /// Makes a string raw, as the commands that edit strings do even where they change no byte. The
    /// key holds what it held, so nobody is told, and a snapshot may hold either form.
    pub fn make_raw(&mut self) {
        if self.item.encoding() != Encoding::Raw {
            let _ = self.item.string_mut();
        }
    }

    /// The value for editing: collections. Look through the slot first, and call this only when
    /// something is going to change.
    pub fn value_mut(&mut self) -> ValueMut<'_> {
        self.before_write();
        ValueMut::new(&mut self.item)
    }

    /// The value for editing what belongs to it without being part of it: the consumer groups of a
    /// stream. Those who watch the key, wait for it or cache it are not told.
    pub fn bookkeeping_mut(&mut self) -> ValueMut<'_> {
        self.barrier();
        ValueMut::new(&mut self.item)
    }

    /// Reports fields that were removed because their deadline had passed, and removes the key if
    /// the hash `is_emptied`.
    pub(crate) fn fields_expired(mut self, names: Vec<Box<[u8]>>, is_emptied: bool) {
        self.field_deadlines_changed();
        if names.is_empty() {
            return;
        }
        self.changes.fields_expired(self.db, self.item.key(), names);
        if is_emptied {
            self.changes.hash_emptied(self.db, self.item.key());
            self.counts.removed(&self.item);
            let lazily = self.disposal.lazy.expired;
            self.changes.discard_entry(self.item.remove(), self.disposal, lazily);
        }
    }

    /// Keeps account of the fields of the hash that the key holds: some have other deadlines than
    /// before.
    pub fn field_deadlines_changed(&mut self) {
        self.counts.fields.note(&self.item);
    }

    /// Removes the key and hands its entry over.
    #[must_use]
    pub fn remove(mut self) -> Entry {
        self.before_write();
        self.counts.removed(&self.item);
        self.item.remove()
    }

    /// Removes the key. `lazily` drops a large value elsewhere.
    pub fn delete(mut self, lazily: bool) {
        self.before_write();
        self.counts.removed(&self.item);
        self.changes.discard_entry(self.item.remove(), self.disposal, lazily);
    }

    fn count_deadline(&mut self, new: Option<UnixMs>) {
        let had = self.item.deadline().is_some();
        self.counts.add(0, i64::from(new.is_some()) - i64::from(had));
    }

    #[inline]
    fn before_write(&mut self) {
        self.barrier();
        self.changes.before_write(self.db, self.item.key());
    }

    #[inline]
    fn barrier(&mut self) {
        self.changes.barrier(self.db, self.counts.slot_number(), &mut self.item);
    }
}

/// The place of a key that does not exist.
pub struct Vacant<'a> {
    pub(crate) table: &'a mut Table<Entry>,
    pub(crate) hash: u64,
    pub(crate) hasher: &'a KeyHasher,
    pub(crate) key: &'a [u8],
    pub(crate) clock: u32,
    pub(crate) growth: Growth,
    pub(crate) counts: Counts<'a>,
    pub(crate) changes: &'a mut Changes,
    pub(crate) db: DatabaseIndex,
}

impl Vacant<'_> {
    /// Creates the key.
    pub fn insert(self, value: NewValue<'_>, deadline: Option<UnixMs>) {
        let entry = Entry::new(self.key, value, deadline);
        self.insert_new(entry);
    }

    /// Creates the key from an entry that bears its name already.
    pub fn insert_entry(self, entry: Entry) {
        debug_assert_eq!(entry.key(), self.key, "the entry belongs into this slot");
        // It may have been taken from where a snapshot has marked it.
        entry.set_emitted(false);
        self.insert_new(entry);
    }

    /// Puts an entry from a file in its place, with the clock it has; nobody is told.
    pub(crate) fn insert_loaded(self, entry: Entry) {
        self.insert_counted(entry);
    }

    #[inline]
    fn insert_new(self, entry: Entry) {
        self.changes.before_write(self.db, self.key);
        self.changes.created(self.db, self.key);
        entry.set_clock(self.clock);
        self.insert_counted(entry);
    }

    #[inline]
    fn insert_counted(mut self, entry: Entry) {
        self.counts.added(&entry);
        let mark = if self.changes.snapshot.is_some() { self.bear(&entry) } else { None };
        let rehash = |entry: &Entry| self.hasher.hash(entry.key());
        self.table.insert_with(self.hash, entry, rehash, self.growth);
        if let Some(mark) = mark {
            self.table.set_segment_mark(self.hash, mark);
        }
    }

    /// An entry comes that is not of the snapshot's epoch: it is born as handed out. Returns the mark
    /// that its segment is to get.
    #[cold]
    #[inline(never)]
    fn bear(&mut self, entry: &Entry) -> Option<u32> {
        let snapshot = self.changes.snapshot.as_mut()?;
        snapshot.entry_moved(self.db, entry);
        let slot = self.counts.slot_number();
        let birth = snapshot.before_birth(self.db, slot, self.hash, self.table);
        entry.set_emitted(birth.is_emitted);
        birth.mark
    }
}
