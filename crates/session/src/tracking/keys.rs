//! Keys that clients have read and may have cached.

use std::collections::HashMap;
use std::rc::Rc;

use crate::sessions::ClientId;

/// Which clients may have which keys. A key is looked up by name or picked by a random number, both
/// in O(1).
#[derive(Debug, Default)]
pub(crate) struct TrackedKeys {
    entries: Vec<(Rc<[u8]>, Readers)>,
    index: HashMap<Rc<[u8]>, usize>,
    items: usize,
}

/// Clients by number. Those that are gone stay until the key changes: to look for a client in all
/// keys would cost too much.
type Readers = Vec<ClientId>;

impl TrackedKeys {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) const fn items(&self) -> usize {
        self.items
    }

    /// A client has read a key.
    pub(crate) fn remember(&mut self, key: &[u8], reader: ClientId) {
        let Some(&index) = self.index.get(key) else {
            let name: Rc<[u8]> = key.into();
            self.index.insert(Rc::clone(&name), self.entries.len());
            self.entries.push((name, vec![reader]));
            self.items += 1;
            return;
        };
        let readers = &mut self.entries[index].1;
        if let Err(place) = readers.binary_search(&reader) {
            readers.insert(place, reader);
            self.items += 1;
        }
    }

    /// Forgets a key; returns those who have read it, by number.
    pub(crate) fn take(&mut self, key: &[u8]) -> Readers {
        let Some(index) = self.index.remove(key) else { return Vec::new() };
        let (_, readers) = self.entries.swap_remove(index);
        if let Some((moved, _)) = self.entries.get(index) {
            self.index.insert(Rc::clone(moved), index);
        }
        self.items -= readers.len();
        readers
    }

    /// The key at a random place.
    pub(crate) fn pick(&self, random: u64) -> Option<Rc<[u8]>> {
        let count = u64::try_from(self.entries.len()).ok().filter(|count| *count > 0)?;
        self.entries.get((random % count) as usize).map(|(key, _)| Rc::clone(key))
    }

    #[cfg(test)]
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], &[ClientId])> {
        self.entries.iter().map(|(key, readers)| (&**key, readers.as_slice()))
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
