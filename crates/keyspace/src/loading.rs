//! Keys that come ready made, from a file.

use std::fmt;

use dunlin_table::Table;
use dunlin_values::{AccessHint, Entry};

use crate::database::{Database, Layout, TableOfKey};
use crate::hasher::KeyHasher;
use crate::keyspace::{DatabaseIndex, Keyspace, Place};
use crate::slot::Slot;

/// How far ahead of its turn a key and its place are brought towards the processor.
const KEYS_AHEAD: usize = 16;

/// A key of a file, ready to be put into a database; made by [`Placer::entry`].
#[derive(Debug)]
pub struct LoadedEntry {
    /// The database it belongs to.
    pub db: DatabaseIndex,
    /// Key, value and deadline.
    pub entry: Entry,
    /// How it was used.
    pub access: AccessHint,
    place: Place,
}

/// Prepares on another thread what is going to be put into a keyspace, and into those that hash as it
/// does ([`Keyspace::spare`]).
#[derive(Clone)]
pub struct Placer {
    hasher: KeyHasher,
    layout: Layout,
}

/// Room for keys of one database that are about to come.
pub struct Room(Table<Entry>);

impl Default for Placer {
    /// For who looks at what was loaded and puts it into no keyspace.
    fn default() -> Self {
        Self { hasher: KeyHasher::new(0), layout: Layout::OneTable }
    }
}

impl Placer {
    /// A key that belongs into a database.
    #[inline]
    #[must_use]
    pub fn entry(&self, db: DatabaseIndex, entry: Entry, access: AccessHint) -> LoadedEntry {
        let place = self.place(entry.key());
        LoadedEntry { db, entry, access, place }
    }

    /// Room for so many keys of a database; `None` where they are spread over many tables, which grow
    /// by themselves.
    #[must_use]
    pub fn room_for(&self, keys: usize) -> Option<Room> {
        match self.layout {
            Layout::OneTable => Some(Room(Table::with_room_for(keys))),
            Layout::TablePerSlot => None,
        }
    }

    #[inline]
    fn place(&self, key: &[u8]) -> Place {
        Place::new(self.hasher.hash(key), key, self.layout)
    }
}

impl Room {
    /// Bytes that it takes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }
}

impl fmt::Debug for Placer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placer").field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("bytes", &self.memory_bytes()).finish()
    }
}

/// A key that is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateKey {
    /// The database.
    pub db: DatabaseIndex,
    /// The key.
    pub key: Box<[u8]>,
}

impl Keyspace {
    /// The process ends: leaves the memory of all keys to the system. Freeing them one by one takes
    /// longer than anything else at the end, half a second for ten million small keys.
    pub fn abandon(&mut self) {
        std::mem::forget(std::mem::take(&mut self.databases));
    }

    /// Prepares keys for this keyspace.
    #[must_use]
    pub fn placer(&self) -> Placer {
        Placer { hasher: self.hasher.clone(), layout: self.layout }
    }

    /// Gives a database room for keys that are about to come, if it is empty; else there is no need,
    /// its table has grown already.
    pub fn take_room(&mut self, db: DatabaseIndex, room: Room) {
        if self.changes.snapshot.is_none() {
            self.databases[db as usize].take_room(room.0);
        }
    }

    /// Loading has ended: gives back what room was taken in vain.
    pub fn give_room_back(&mut self) {
        self.databases.iter_mut().for_each(Database::give_room_back);
    }

    /// Puts keys into their databases and leaves `entries` empty; `replaces` says whether one that is
    /// there already is replaced. Nobody is told of it.
    ///
    /// # Errors
    /// The first [`DuplicateKey`], if it is not to be replaced; those behind it are dropped.
    pub fn load(
        &mut self,
        entries: &mut Vec<LoadedEntry>,
        replaces: bool,
    ) -> Result<(), DuplicateKey> {
        let mut rest = entries.drain(..);
        rest.as_slice().iter().take(KEYS_AHEAD).for_each(|loaded| self.prefetch_loaded(loaded));
        loop {
            if let Some(ahead) = rest.as_slice().get(KEYS_AHEAD) {
                self.prefetch_loaded(ahead);
            }
            let Some(loaded) = rest.next() else { return Ok(()) };
            self.load_one(loaded, replaces)?;
        }
    }

    /// Asks for what [`Keyspace::load_one`] reads and writes: the entry, which the thread that made it
    /// still has in its cache, and where it belongs.
    #[inline]
    fn prefetch_loaded(&self, LoadedEntry { db, entry, place, .. }: &LoadedEntry) {
        entry.prefetch();
        if let Some(table) = self.databases[*db as usize].table_at(*place) {
            table.prefetch_insert(place.hash);
        }
    }

    fn load_one(&mut self, loaded: LoadedEntry, replaces: bool) -> Result<(), DuplicateKey> {
        let LoadedEntry { db, entry, access, place } = loaded;
        entry.set_clock(self.access.clock_of(access));
        let TableOfKey { table, mut counts } = self.databases[db as usize].table_at_mut(place);
        let is_new = table.find(place.hash, entry.key()).is_none();
        if !is_new && !replaces {
            return Err(DuplicateKey { db, key: Box::from(entry.key()) });
        }
        if is_new && self.changes.snapshot.is_none() {
            counts.added(&entry);
            let rehash = |entry: &Entry| self.hasher.hash(entry.key());
            table.insert_with(place.hash, entry, rehash, self.growth);
        } else {
            self.load_with_care(db, entry);
        }
        Ok(())
    }

    /// A key whose place is taken, or comes while a snapshot is being made.
    #[cold]
    fn load_with_care(&mut self, db: DatabaseIndex, entry: Entry) {
        let key: Box<[u8]> = entry.key().into();
        if let Slot::Vacant(slot) = self.slot(db, &key) {
            slot.insert_loaded(entry);
        } else {
            self.put(db, entry);
        }
    }
}
