//! Patterns with their subscribers, in order.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use dunlin_stdx::glob::{self, Case};

use super::subscribers::Subscribers;
use super::{Name, Rank};
use crate::sessions::Token;

/// Patterns that have subscribers, in the order in which they came to have one.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// The rank of each pattern's first subscription.
    ranks: HashMap<Name, Rank>,
    ordered: BTreeMap<Rank, (Name, Subscribers)>,
}

impl Patterns {
    pub(super) fn len(&self) -> usize {
        self.ordered.len()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.ordered.values().map(|(name, _)| &**name)
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Subscribers> {
        let rank = self.ranks.get(name)?;
        self.ordered.get(rank).map(|(_, subscribers)| subscribers)
    }

    /// The patterns that match a channel. O(patterns).
    pub(super) fn matching<'a>(
        &'a self,
        channel: &'a [u8],
    ) -> impl Iterator<Item = (Option<&'a [u8]>, &'a Subscribers)> {
        self.ordered
            .values()
            .filter(move |(pattern, _)| glob::matches(pattern, channel, Case::Sensitive))
            .map(|(pattern, subscribers)| (Some(&**pattern), subscribers))
    }

    /// Adds a subscriber; returns the shared name of the pattern.
    pub(super) fn add(&mut self, name: &[u8], rank: Rank, token: Token) -> Name {
        let known = self.ranks.get(name).and_then(|rank| self.ordered.get_mut(rank));
        if let Some((name, subscribers)) = known {
            subscribers.add(rank, token);
            return Rc::clone(name);
        }
        let name: Name = name.into();
        let mut subscribers = Subscribers::default();
        subscribers.add(rank, token);
        self.ranks.insert(Rc::clone(&name), rank);
        self.ordered.insert(rank, (Rc::clone(&name), subscribers));
        name
    }

    pub(super) fn remove(&mut self, name: &[u8], rank: Rank) {
        let Some(&first) = self.ranks.get(name) else { return };
        let Some((_, subscribers)) = self.ordered.get_mut(&first) else { return };
        if !subscribers.remove(rank) {
            self.ordered.remove(&first);
            self.ranks.remove(name);
            if self.ranks.is_empty() {
                self.ranks = HashMap::new();
            }
        }
    }
}
