//! What one session has subscribed to.

use std::collections::HashMap;

use super::{Name, Rank, SubscriptionKind};

/// The subscriptions of a session, each with its rank.
#[derive(Debug, Default)]
pub struct Subscriptions {
    channels: HashMap<Name, Rank>,
    shard_channels: HashMap<Name, Rank>,
    patterns: HashMap<Name, Rank>,
}

impl Subscriptions {
    const fn of(&self, kind: SubscriptionKind) -> &HashMap<Name, Rank> {
        match kind {
            SubscriptionKind::Channel => &self.channels,
            SubscriptionKind::ShardChannel => &self.shard_channels,
            SubscriptionKind::Pattern => &self.patterns,
        }
    }

    const fn of_mut(&mut self, kind: SubscriptionKind) -> &mut HashMap<Name, Rank> {
        match kind {
            SubscriptionKind::Channel => &mut self.channels,
            SubscriptionKind::ShardChannel => &mut self.shard_channels,
            SubscriptionKind::Pattern => &mut self.patterns,
        }
    }

    /// Number of subscriptions of a kind.
    #[must_use]
    pub fn len(&self, kind: SubscriptionKind) -> usize {
        self.of(kind).len()
    }

    /// Whether there is none of any kind.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.shard_channels.is_empty() && self.patterns.is_empty()
    }

    /// The number that SUBSCRIBE and its kin answer: channels and patterns are counted together,
    /// shard channels by themselves.
    #[must_use]
    pub fn count_beside(&self, kind: SubscriptionKind) -> usize {
        match kind {
            SubscriptionKind::ShardChannel => self.shard_channels.len(),
            SubscriptionKind::Channel | SubscriptionKind::Pattern => {
                self.channels.len() + self.patterns.len()
            }
        }
    }

    /// Memory it takes, names aside, in bytes: they are shared with the registry.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let capacity =
            self.channels.capacity() + self.shard_channels.capacity() + self.patterns.capacity();
        size_of::<Self>() + capacity * (size_of::<(Name, Rank)>() + 1)
    }

    pub(super) fn contains(&self, kind: SubscriptionKind, name: &[u8]) -> bool {
        self.of(kind).contains_key(name)
    }

    pub(super) fn add(&mut self, kind: SubscriptionKind, name: Name, rank: Rank) {
        self.of_mut(kind).insert(name, rank);
    }

    pub(super) fn remove(&mut self, kind: SubscriptionKind, name: &[u8]) -> Option<Rank> {
        self.of_mut(kind).remove(name)
    }

    /// The names of a kind, the oldest subscription first.
    pub(crate) fn names(&self, kind: SubscriptionKind) -> Vec<Name> {
        let mut ranked: Vec<(Rank, Name)> =
            self.of(kind).iter().map(|(name, rank)| (*rank, Name::clone(name))).collect();
        ranked.sort_unstable_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, name)| name).collect()
    }

    pub(super) fn into_all(self) -> impl Iterator<Item = (SubscriptionKind, Name, Rank)> {
        let all = [
            (SubscriptionKind::Channel, self.channels),
            (SubscriptionKind::ShardChannel, self.shard_channels),
            (SubscriptionKind::Pattern, self.patterns),
        ];
        all.into_iter()
            .flat_map(|(kind, names)| names.into_iter().map(move |(name, rank)| (kind, name, rank)))
    }
}
