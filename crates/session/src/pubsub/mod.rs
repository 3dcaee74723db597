//! Who listens to which channels and patterns.
//!
//! The registry knows sessions by their [`Token`] alone; each session keeps what it subscribed to
//! ([`Subscriptions`]), so that it can be forgotten without searching. [`crate::Sessions`] ties the
//! two together: it subscribes, unsubscribes, and delivers messages.
//!
//! Subscribers are served in the order in which they subscribed, patterns in the order in which
//! they were first subscribed to.
//!
//! Source: redis.io, "Redis Pub/Sub".
//!
//! Differs: Redis serves patterns in the order of its hash table, which is another one in each
//! process.

mod channels;
mod message;
mod patterns;
mod subscribers;
mod subscriptions;

use std::rc::Rc;

pub(crate) use message::Encoded;
pub use message::{Delivery, Message};
pub use subscriptions::Subscriptions;

use channels::Channels;
use patterns::Patterns;
use subscribers::Subscribers;

use crate::sessions::Token;

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionKind {
    /// A channel (SUBSCRIBE).
    Channel,
    /// A channel that belongs to a slot of the cluster (SSUBSCRIBE).
    ShardChannel,
    /// All channels whose names match (PSUBSCRIBE).
    Pattern,
}

/// The rank of a subscription: a later one has a larger number.
type Rank = u64;

/// All subscriptions of a server.
#[derive(Debug, Default)]
pub struct PubSub {
    channels: Channels,
    shard_channels: Channels,
    patterns: Patterns,
    next_rank: Rank,
}

impl PubSub {
    /// Whether a message to a channel, shard channels aside, could have a receiver.
    #[must_use]
    #[inline]
    pub fn is_heard(&self) -> bool {
        self.channels.len() > 0 || self.patterns.len() > 0
    }

    /// Number of channels or patterns of a kind that have subscribers.
    #[must_use]
    pub fn len(&self, kind: SubscriptionKind) -> usize {
        match kind {
            SubscriptionKind::Channel => self.channels.len(),
            SubscriptionKind::ShardChannel => self.shard_channels.len(),
            SubscriptionKind::Pattern => self.patterns.len(),
        }
    }

    /// Names of the channels or patterns of a kind that have subscribers, sorted. O(n log n).
    #[must_use]
    pub fn names(&self, kind: SubscriptionKind) -> Vec<&[u8]> {
        let mut names: Vec<&[u8]> = match kind {
            SubscriptionKind::Channel => self.channels.names().collect(),
            SubscriptionKind::ShardChannel => self.shard_channels.names().collect(),
            SubscriptionKind::Pattern => self.patterns.names().collect(),
        };
        names.sort_unstable();
        names
    }

    /// Number of subscribers of one channel or pattern.
    #[must_use]
    pub fn subscribers(&self, kind: SubscriptionKind, name: &[u8]) -> usize {
        let subscribers = match kind {
            SubscriptionKind::Channel => self.channels.get(name),
            SubscriptionKind::ShardChannel => self.shard_channels.get(name),
            SubscriptionKind::Pattern => self.patterns.get(name),
        };
        subscribers.map_or(0, Subscribers::len)
    }

    /// Adds a subscription; false if the session has it already.
    pub(crate) fn subscribe(
        &mut self,
        token: Token,
        own: &mut Subscriptions,
        kind: SubscriptionKind,
        name: &[u8],
    ) -> bool {
        if own.contains(kind, name) {
            return false;
        }
        let rank = self.next_rank;
        self.next_rank += 1;
        let name = match kind {
            SubscriptionKind::Channel => self.channels.add(name, rank, token),
            SubscriptionKind::ShardChannel => self.shard_channels.add(name, rank, token),
            SubscriptionKind::Pattern => self.patterns.add(name, rank, token),
        };
        own.add(kind, name, rank);
        true
    }

    /// Ends a subscription; false if the session does not have it.
    pub(crate) fn unsubscribe(
        &mut self,
        own: &mut Subscriptions,
        kind: SubscriptionKind,
        name: &[u8],
    ) -> bool {
        let Some(rank) = own.remove(kind, name) else { return false };
        self.forget(kind, name, rank);
        true
    }

    /// Ends all subscriptions of a session that goes away.
    pub(crate) fn unsubscribe_all(&mut self, own: Subscriptions) {
        for (kind, name, rank) in own.into_all() {
            self.forget(kind, &name, rank);
        }
    }

    fn forget(&mut self, kind: SubscriptionKind, name: &[u8], rank: Rank) {
        match kind {
            SubscriptionKind::Channel => self.channels.remove(name, rank),
            SubscriptionKind::ShardChannel => self.shard_channels.remove(name, rank),
            SubscriptionKind::Pattern => self.patterns.remove(name, rank),
        }
    }

    /// Those who hear a message on a channel: first the subscribers of the channel, then pattern by
    /// pattern those of each that matches.
    pub(crate) fn audience<'a>(
        &'a self,
        channel: &'a [u8],
    ) -> impl Iterator<Item = (Option<&'a [u8]>, &'a Subscribers)> {
        let direct = self.channels.get(channel).map(|subscribers| (None, subscribers));
        direct.into_iter().chain(self.patterns.matching(channel))
    }

    /// Those who hear a message on a shard channel.
    pub(crate) fn shard_audience(&self, channel: &[u8]) -> Option<&Subscribers> {
        self.shard_channels.get(channel)
    }
}

/// The name of a channel or pattern, shared by the registry and its subscribers.
type Name = Rc<[u8]>;

#[cfg(test)]
mod tests;
