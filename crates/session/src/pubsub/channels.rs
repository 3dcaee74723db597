//! Channels with their subscribers, by name.

use std::collections::HashMap;
use std::rc::Rc;

use super::subscribers::Subscribers;
use super::{Name, Rank};
use crate::sessions::Token;

/// Channels that have subscribers; others are not known.
#[derive(Debug, Default)]
pub(super) struct Channels {
    by_name: HashMap<Name, Subscribers>,
}

impl Channels {
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.by_name.keys().map(|name| &**name)
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Subscribers> {
        self.by_name.get(name)
    }

    /// Adds a subscriber; returns the shared name of the channel.
    pub(super) fn add(&mut self, name: &[u8], rank: Rank, token: Token) -> Name {
        let name = match self.by_name.get_key_value(name) {
            Some((name, _)) => Rc::clone(name),
            None => name.into(),
        };
        self.by_name.entry(Rc::clone(&name)).or_default().add(rank, token);
        name
    }

    pub(super) fn remove(&mut self, name: &[u8], rank: Rank) {
        let Some(subscribers) = self.by_name.get_mut(name) else { return };
        if !subscribers.remove(rank) {
            self.by_name.remove(name);
            if self.by_name.is_empty() {
                self.by_name = HashMap::new();
            }
        }
    }
}
