//! Keys that come ready made, from a file.

use dunlin_values::{AccessHint, Entry};

use crate::keyspace::{DatabaseIndex, Keyspace};
use crate::slot::Slot;

/// Keys whose places are brought towards the processor before the first is put into one.
const KEYS_AHEAD: usize = 32;

/// A key of a file, ready to be put into a database.
#[derive(Debug)]
pub struct LoadedEntry {
    /// The database it belongs to.
    pub db: DatabaseIndex,
    /// Key, value and deadline.
    pub entry: Entry,
    /// How it was used.
    pub access: AccessHint,
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
        let mut window: Vec<LoadedEntry> = Vec::with_capacity(KEYS_AHEAD);
        loop {
            window.extend(rest.by_ref().take(KEYS_AHEAD));
            if window.is_empty() {
                return Ok(());
            }
            for loaded in &window {
                let key = loaded.entry.key();
                self.prefetch_bucket(loaded.db, self.place(key));
            }
            for loaded in window.drain(..) {
                self.load_one(loaded, replaces)?;
            }
        }
    }

    fn load_one(&mut self, loaded: LoadedEntry, replaces: bool) -> Result<(), DuplicateKey> {
        let LoadedEntry { db, entry, access } = loaded;
        let clock = self.access.clock_of(access);
        let key: smallvec::SmallVec<[u8; 64]> = entry.key().into();
        if let Slot::Vacant(slot) = self.slot(db, &key) {
            slot.insert_loaded(entry, clock);
        } else if replaces {
            entry.set_clock(clock);
            self.put(db, entry);
        } else {
            return Err(DuplicateKey { db, key: Box::from(&*key) });
        }
        Ok(())
    }
}
