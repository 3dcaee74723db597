//! Prefixes of keys that clients are told of whether they have read them or not.

use std::collections::{BTreeMap, BTreeSet};

use crate::sessions::ClientId;

/// Who listens to which prefixes, and which keys changed since they were told.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    by_prefix: BTreeMap<Box<[u8]>, Broadcast>,
    /// How many prefixes there are of each length: a key is looked up once per length.
    lengths: BTreeMap<usize, usize>,
    changed: bool,
}

#[derive(Debug, Default)]
struct Broadcast {
    clients: BTreeSet<ClientId>,
    changes: Changes,
}

/// Keys that changed, each with the client that changed it last, if a client did.
pub(super) type Changes = BTreeMap<Box<[u8]>, Option<ClientId>>;

impl Prefixes {
    pub(crate) fn len(&self) -> usize {
        self.by_prefix.len()
    }

    pub(crate) const fn has_changes(&self) -> bool {
        self.changed
    }

    pub(super) fn add(&mut self, prefix: &[u8], client: ClientId) {
        if !self.by_prefix.contains_key(prefix) {
            *self.lengths.entry(prefix.len()).or_default() += 1;
            self.by_prefix.insert(prefix.into(), Broadcast::default());
        }
        if let Some(broadcast) = self.by_prefix.get_mut(prefix) {
            broadcast.clients.insert(client);
        }
    }

    pub(super) fn remove(&mut self, prefix: &[u8], client: ClientId) {
        let Some(broadcast) = self.by_prefix.get_mut(prefix) else { return };
        broadcast.clients.remove(&client);
        if broadcast.clients.is_empty() {
            self.by_prefix.remove(prefix);
            if let Some(count) = self.lengths.get_mut(&prefix.len()) {
                *count -= 1;
                if *count == 0 {
                    self.lengths.remove(&prefix.len());
                }
            }
        }
    }

    /// A key changed. O(lengths of prefixes).
    pub(super) fn note(&mut self, key: &[u8], by: Option<ClientId>) {
        let Self { by_prefix, lengths, changed } = self;
        for (&len, _) in lengths.range(..=key.len()) {
            if let Some(broadcast) = by_prefix.get_mut(&key[..len]) {
                broadcast.changes.insert(key.into(), by);
                *changed = true;
            }
        }
    }

    /// Takes what is to be told: prefix by prefix who listens, and the keys that changed.
    pub(super) fn take_changes(&mut self) -> Vec<(Vec<ClientId>, Changes)> {
        self.changed = false;
        let changed = self.by_prefix.values_mut().filter(|broadcast| !broadcast.changes.is_empty());
        changed
            .map(|broadcast| {
                let clients = broadcast.clients.iter().copied().collect();
                (clients, std::mem::take(&mut broadcast.changes))
            })
            .collect()
    }
}
