//! Operations on whole keys and whole databases.

use dunlin_stdx::time::UnixMs;
use dunlin_values::Entry;

use crate::changes::{IncidentsWanted, RemovalCause};
use crate::database::{Database, Layout, TableOfKey};
use crate::garbage::Garbage;
use crate::keyspace::{DatabaseIndex, Expiry, Keyspace, is_due};
use crate::slot::Slot;

/// Random keys that RANDOMKEY tries before it takes one that is only hidden: as many as in Redis.
const RANDOM_TRIES: usize = 100;

impl Keyspace {
    /// Takes a key out of a database, with its value and deadline. What is not put back is for
    /// [`Keyspace::discard`]: a snapshot may need it.
    pub fn take(&mut self, db: DatabaseIndex, key: &[u8]) -> Option<Entry> {
        match self.slot(db, key) {
            Slot::Occupied(slot) => Some(slot.remove()),
            Slot::Vacant(_) => None,
        }
    }

    /// Drops an entry that was taken. `lazily` drops a large value elsewhere.
    pub fn discard(&mut self, entry: Entry, lazily: bool) {
        self.changes.discard_entry(entry, &mut self.disposal, lazily);
    }

    /// Puts an entry into a database under the name it bears; what was there is dropped.
    pub fn put(&mut self, db: DatabaseIndex, entry: Entry) {
        let key: Box<[u8]> = entry.key().into();
        if let Some(old) = self.take(db, &key) {
            self.discard(old, self.disposal.lazy.overwritten);
        }
        match self.slot(db, &key) {
            Slot::Vacant(slot) => slot.insert_entry(entry),
            Slot::Occupied(_) => unreachable!("just taken"),
        }
    }

    /// As [`Keyspace::put`], but a key that was there is not told of as a new one.
    pub fn replace(&mut self, db: DatabaseIndex, entry: Entry) {
        let wanted = self.changes.wanted;
        if let Some(old) = self.take(db, entry.key()) {
            self.discard(old, self.disposal.lazy.overwritten);
            self.changes.wanted.created = false;
        }
        self.put(db, entry);
        self.changes.wanted = wanted;
    }

    /// Removes a key; returns whether it was there. `lazily` drops a large value elsewhere.
    pub fn delete(&mut self, db: DatabaseIndex, key: &[u8], lazily: bool) -> bool {
        match self.slot(db, key) {
            Slot::Occupied(slot) => slot.delete(lazily),
            Slot::Vacant(_) => return false,
        }
        true
    }

    /// Empties a database; returns how many keys it held. `lazily` drops them elsewhere.
    pub fn flush(&mut self, db: DatabaseIndex, lazily: bool) -> usize {
        let emptied = Database::new(self.layout, self.member_hasher());
        let old = std::mem::replace(&mut self.databases[db as usize], emptied);
        let count = old.len();
        self.changes.emptied(db);
        let unneeded = match &mut self.changes.snapshot {
            Some(snapshot) => snapshot.keep_database(db, old),
            None => Some(old),
        };
        if let Some(old) = unneeded {
            self.disposal.discard(Garbage::Database(Box::new(old)), lazily);
        }
        count
    }

    /// The databases of a [spare keyspace](Keyspace::spare) take the place of these, which must have
    /// been emptied ([`Keyspace::flush`]).
    ///
    /// # Panics
    /// If the two do not have the same number of databases.
    pub fn take_over(&mut self, spare: Self) {
        assert_eq!(self.databases.len(), spare.databases.len(), "made by this keyspace");
        debug_assert!(self.databases.iter().all(Database::is_empty), "emptied before");
        self.databases = spare.databases;
        (0..self.databases() as DatabaseIndex).for_each(|db| self.changes.exchanged(db));
    }

    /// Drops a [spare keyspace](Keyspace::spare) elsewhere.
    pub fn discard_spare(&mut self, spare: Self) {
        for database in spare.databases {
            self.disposal.discard(Garbage::Database(Box::new(database)), true);
        }
    }

    /// Exchanges the contents of two databases.
    pub fn swap(&mut self, first: DatabaseIndex, second: DatabaseIndex) {
        self.databases.swap(first as usize, second as usize);
        if let Some(snapshot) = &mut self.changes.snapshot {
            snapshot.databases_swapped(first, second);
        }
        self.changes.exchanged(first);
        self.changes.exchanged(second);
    }

    /// A random key of a database. Keys met that have expired are removed; where they may only be
    /// hidden, one that has expired is taken after many tries.
    pub fn random_key(&mut self, db: DatabaseIndex) -> Option<Box<[u8]>> {
        let mut tries = 0;
        loop {
            let entry = self.databases[db as usize].sample(&mut self.rng)?;
            let key: Box<[u8]> = entry.key().into();
            tries += 1;
            match self.expiry {
                Expiry::Remove if is_due(self.now, &entry) => drop(self.peek(db, &key)),
                Expiry::Hide if is_due(self.now, &entry) && tries < RANDOM_TRIES => {}
                _ => return Some(key),
            }
        }
    }

    /// Removes keys that are due, reading at most `budget` candidates, and some fields of hashes
    /// that are due; returns whether there may be more. The caller bounds the time by calling with small budgets.
    pub fn expire_due(&mut self, db: DatabaseIndex, budget: &mut usize) -> bool {
        if self.expiry != Expiry::Remove || !self.active_expiry {
            return false;
        }
        let UnixMs(now) = self.now;
        let (changes, disposal) = (&mut self.changes, &mut self.disposal);
        let lazily = disposal.lazy.expired;
        let (hasher, is_slotted) = (&self.hasher, self.layout == Layout::TablePerSlot);
        let more_keys =
            self.databases[db as usize].expire_due(now, budget, &mut |mut entry, mark| {
                if let Some(snapshot) = &mut changes.snapshot {
                    let hash = hasher.hash(entry.key());
                    snapshot.after_removal(db, is_slotted, hash, mark, &mut entry);
                }
                changes.removed(db, entry.key(), RemovalCause::Expired);
                changes.discard_entry(entry, disposal, lazily);
            });
        let more_fields = self.expire_due_fields(db);
        more_keys || more_fields
    }

    /// Removes one key because of `maxmemory`; returns whether it was there.
    pub(crate) fn evict(&mut self, db: DatabaseIndex, key: &[u8]) -> bool {
        let hash = self.hasher.hash(key);
        let TableOfKey { table, mut counts } = self.databases[db as usize].table_mut(key);
        let Some(mut item) = table.find_mut(hash, key) else { return false };
        self.changes.barrier(db, counts.slot_number(), &mut item);
        let entry = item.remove();
        counts.removed(&entry);
        self.changes.removed(db, key, RemovalCause::Evicted);
        self.discard(entry, self.disposal.lazy.evicted);
        true
    }

    /// Says which incidents somebody wants to hear of.
    pub const fn report_incidents(&mut self, wanted: IncidentsWanted) {
        self.changes.wanted = wanted;
    }
}
