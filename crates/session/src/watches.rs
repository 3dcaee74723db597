//! WATCH: which clients want to know whether a key has changed before their EXEC.

use std::collections::{BTreeSet, HashMap};

use crate::sessions::Token;

/// Keys that clients watch. A client whose key changed watches nothing more: it knows enough.
#[derive(Debug, Default)]
pub struct Watches {
    /// For each database, its watched keys and who watches them.
    watchers: Vec<HashMap<Box<[u8]>, BTreeSet<Token>>>,
    watched: HashMap<Token, Vec<Watched>>,
}

/// A key that a client watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The database of the key.
    pub db: u32,
    /// The key.
    pub key: Box<[u8]>,
    /// Whether the key was there when WATCH was called; one whose time had come was not.
    pub existed: bool,
}

impl Watches {
    /// Lets a client watch a key, unless it does already.
    pub fn watch(&mut self, token: Token, db: u32, key: &[u8], existed: bool) {
        let place = db as usize;
        if self.watchers.len() <= place {
            self.watchers.resize_with(place + 1, HashMap::new);
        }
        let watchers = self.watchers[place].entry(key.into()).or_default();
        if watchers.insert(token) {
            self.watched.entry(token).or_default().push(Watched { db, key: key.into(), existed });
        }
    }

    /// A client watches nothing any more.
    pub fn unwatch(&mut self, token: Token) {
        let Some(watched) = self.watched.remove(&token) else { return };
        for Watched { db, key, .. } in watched {
            let watchers = &mut self.watchers[db as usize];
            let Some(tokens) = watchers.get_mut(&key) else { continue };
            tokens.remove(&token);
            if tokens.is_empty() {
                watchers.remove(&key);
            }
        }
    }

    /// Whether nobody watches anything.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// What a client watches.
    #[must_use]
    pub fn of(&self, token: Token) -> &[Watched] {
        self.watched.get(&token).map_or(&[], Vec::as_slice)
    }

    /// Who is concerned by a change of this key. `expired` is that the key went because its time
    /// had come: for who found it gone already, nothing changed.
    #[must_use]
    pub fn concerned_by_key(&self, db: u32, key: &[u8], expired: bool) -> Vec<Token> {
        let watchers = self.watchers.get(db as usize).and_then(|watchers| watchers.get(key));
        let mut tokens: Vec<Token> = watchers.into_iter().flatten().copied().collect();
        if expired {
            tokens.retain(|token| {
                let is_it = |watched: &&Watched| watched.db == db && &*watched.key == key;
                self.of(*token).iter().find(is_it).is_some_and(|watched| watched.existed)
            });
        }
        tokens
    }

    /// Who is concerned if a whole database changed: whose key was there or `is_there` now.
    #[must_use]
    pub fn concerned_by_database(&self, db: u32, is_there: impl Fn(&[u8]) -> bool) -> Vec<Token> {
        let concerned =
            |watched: &Watched| watched.db == db && (watched.existed || is_there(&watched.key));
        self.watched
            .iter()
            .filter(|(_, watched)| watched.iter().any(concerned))
            .map(|(token, _)| *token)
            .collect()
    }

    /// Memory that a client's list takes, in bytes.
    #[must_use]
    pub fn memory_bytes(&self, token: Token) -> usize {
        size_of_val(self.of(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_found_a_key_gone_does_not_care_that_it_expires() {
        let mut watches = Watches::default();
        watches.watch(Token(1), 3, b"k", true);
        watches.watch(Token(2), 3, b"k", false);
        watches.watch(Token(2), 3, b"k", true);
        assert_eq!(watches.concerned_by_key(3, b"k", false), [Token(1), Token(2)]);
        assert_eq!(watches.concerned_by_key(3, b"k", true), [Token(1)]);
        assert_eq!(watches.concerned_by_key(0, b"k", false), []);
        assert_eq!(watches.concerned_by_database(3, |_| false), [Token(1)]);
        assert_eq!(watches.concerned_by_database(3, |_| true).len(), 2);
        watches.unwatch(Token(1));
        watches.unwatch(Token(2));
        assert!(watches.is_empty());
        assert_eq!(watches.concerned_by_key(3, b"k", false), []);
    }
}
