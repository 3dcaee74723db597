//! Keys that changed, noted for those who asked: transactions that watch them, clients that wait
//! for them, caches that hold them.
//!
//! The names lie back to back in one buffer that is used again, so that noting a key costs a copy
//! of its name and no allocation; and nothing at all while nobody asks.

use crate::changes::RemovalCause;
use crate::keyspace::DatabaseIndex;

/// Room that is kept for the next names, in bytes and in keys.
const KEPT_BYTES_MAX: usize = 64 * 1024;
const KEPT_KEYS_MAX: usize = 1024;

/// A key that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TouchedKey<'a> {
    /// The database the key is in.
    pub db: DatabaseIndex,
    /// The key.
    pub key: &'a [u8],
    /// Why it went away, if no command removed it. What a command did to a key counts only if the
    /// command says that it changed something.
    pub removed: Option<RemovalCause>,
}

/// What changed since the engine last asked, in order.
#[derive(Debug, Default)]
pub struct Touched {
    names: Vec<u8>,
    keys: Vec<Place>,
    databases: Vec<DatabaseIndex>,
    has_emptied: bool,
}

/// Where a key's name ends; it begins where the one before it ends.
#[derive(Clone, Copy, Debug)]
struct Place {
    db: DatabaseIndex,
    end: usize,
    removed: Option<RemovalCause>,
}

impl Touched {
    #[cold]
    pub(crate) fn add(&mut self, db: DatabaseIndex, key: &[u8], removed: Option<RemovalCause>) {
        self.names.extend_from_slice(key);
        self.keys.push(Place { db, end: self.names.len(), removed });
    }

    /// A database was exchanged for another.
    pub(crate) fn add_exchanged(&mut self, db: DatabaseIndex) {
        self.databases.push(db);
    }

    /// A database was emptied.
    pub(crate) fn add_emptied(&mut self, db: DatabaseIndex) {
        self.databases.push(db);
        self.has_emptied = true;
    }

    /// Whether nothing changed.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.databases.is_empty()
    }

    /// The keys, in the order of their changes; a key may be named more than once.
    pub fn keys(&self) -> impl Iterator<Item = TouchedKey<'_>> {
        let mut start = 0;
        self.keys.iter().map(move |&Place { db, end, removed }| {
            let key = &self.names[start..end];
            start = end;
            TouchedKey { db, key, removed }
        })
    }

    /// Databases that were emptied or exchanged.
    #[must_use]
    pub fn databases(&self) -> &[DatabaseIndex] {
        &self.databases
    }

    /// Whether one of them was emptied.
    #[must_use]
    pub const fn has_emptied(&self) -> bool {
        self.has_emptied
    }

    /// Forgets all, and keeps the memory within reason.
    pub(crate) fn clear(&mut self) {
        self.names.clear();
        self.names.shrink_to(KEPT_BYTES_MAX);
        self.keys.clear();
        self.keys.shrink_to(KEPT_KEYS_MAX);
        self.databases.clear();
        self.has_emptied = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_apart() {
        let mut touched = Touched::default();
        assert!(touched.is_empty());
        touched.add(0, b"a", None);
        touched.add(3, b"", Some(RemovalCause::Expired));
        touched.add(0, b"bc", None);
        let keys: Vec<_> = touched.keys().map(|key| (key.db, key.key)).collect();
        assert_eq!(keys, [(0, b"a".as_slice()), (3, b""), (0, b"bc")]);
        touched.clear();
        touched.add_exchanged(1);
        assert!(!touched.is_empty() && !touched.has_emptied());
        touched.add_emptied(2);
        assert!(touched.has_emptied());
        assert_eq!(touched.keys().count(), 0);
    }
}
