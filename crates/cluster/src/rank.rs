//! Which candidate goes first, and how long the others wait.
//!
//! The replica with the newest data goes first: a second per replica that has more. Those that have as
//! much are told apart by their ids, so that they do not split the votes; so are the replicas of
//! several primaries that have failed together, because a primary votes once in an epoch. When all
//! primaries before its own have been replaced, a candidate asks at once.
//!
//! How far candidates are apart depends on the network: one that is to go second must have heard the
//! first one's request before it asks itself, so it waits as long as answers take in its shard.
//!
//! Differs: Redis knows ranks by data only, and tells equal candidates apart by chance.

use dunlin_stdx::time::Monotonic;

use crate::cluster::Cluster;
use crate::config::Pace;
use crate::facts::PrimaryLink;
use crate::flags::NodeFlags;
use crate::node::Node;

/// Before all ranks: the time in which replicas of one primary tell each other their offsets, in
/// milliseconds.
const EXCHANGE_MS: u64 = 150;

/// Spread of the start.
const JITTER_MS: u64 = 50;

/// Redis's time before all ranks, and the spread of its start.
const REDIS_MS: (u64, u64) = (500, 500);

/// Delay per replica that has more data.
const BEHIND_MS: u64 = 1000;

/// How much later than its time a candidate may ask: it looks when the cron runs.
const CRON_MS: u64 = 100;

/// Delay per replica with as much data and a smaller id, and what answers take in the shard.
const SIBLING_MS: u64 = 250;

/// Delay per failed primary with a smaller id, and what answers take in the shard.
const SHARD_MS: u64 = 150;

const _: () = assert!(SIBLING_MS - JITTER_MS - CRON_MS >= 100);

/// Answers that take longer count as long.
const ROUND_TRIP_MS_MAX: u64 = 500;

/// Which candidates go first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rank {
    /// Replicas of the same primary with more data.
    pub(crate) behind: u64,
    /// Replicas of the same primary with as much data and a smaller id.
    siblings: u64,
    /// Failed primaries with a smaller id that have replicas.
    shards: u64,
}

/// What a candidate waits because others go first, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delay {
    /// For replicas of its primary.
    siblings_ms: u64,
    /// For replicas of other primaries.
    shards_ms: u64,
}

impl Delay {
    pub(crate) const fn ms(self) -> u64 {
        self.siblings_ms + self.shards_ms
    }

    /// When others are found to go first, it waits longer. It waits less when no other primary is before
    /// its own any more; while there are some, their candidates have yet to tell each other apart.
    pub(crate) fn update(&mut self, now: Self) {
        self.siblings_ms = self.siblings_ms.max(now.siblings_ms);
        self.shards_ms = match now.shards_ms {
            0 => 0,
            ms => self.shards_ms.max(ms),
        };
    }
}

impl Cluster {
    /// How long a candidate waits that nobody goes before, in milliseconds.
    pub(crate) fn first_delay_ms(&mut self) -> u64 {
        match self.config.pace {
            Pace::Dunlin => EXCHANGE_MS + self.rng.u64(..JITTER_MS),
            Pace::Redis => REDIS_MS.0 + self.rng.u64(..REDIS_MS.1),
        }
    }

    /// How much longer one of a rank waits: for replicas of its primary, and for other primaries.
    pub(crate) fn rank_delay(&self, rank: Rank) -> Delay {
        let behind_ms = rank.behind * BEHIND_MS;
        match self.config.pace {
            Pace::Redis => Delay { siblings_ms: behind_ms, shards_ms: 0 },
            Pace::Dunlin => {
                let round_trip_ms = self.shard_round_trip_us() / 1000;
                Delay {
                    siblings_ms: behind_ms + rank.siblings * (SIBLING_MS + round_trip_ms),
                    shards_ms: rank.shards * (SHARD_MS + round_trip_ms),
                }
            }
        }
    }

    /// Which candidates go first, as far as this node knows.
    pub(crate) fn rank(&self) -> Rank {
        let me = self.myself();
        let Some(primary) = me.primary.and_then(|id| self.node(&id)) else {
            return Rank::default();
        };
        let mut rank = Rank::default();
        for other in self.siblings() {
            let works = !other.flags.intersects(NodeFlags::FAIL | NodeFlags::PFAIL);
            rank.behind += u64::from(other.offset > self.turn.offset);
            rank.siblings +=
                u64::from(works && other.offset == self.turn.offset && other.id < me.id);
        }
        let goes_first = |other: &&Node| {
            other.is_failed()
                && other.is_voting()
                && !other.replicas.is_empty()
                && other.id < primary.id
        };
        rank.shards = self.nodes.iter().filter(goes_first).count() as u64;
        rank
    }

    /// The other replicas of this node's primary that may stand for election.
    fn siblings(&self) -> impl Iterator<Item = &Node> {
        let primary = self.nodes.primary_of(self.nodes.me()).map(|key| self.nodes.get(key));
        let replicas = primary.into_iter().flat_map(|primary| &primary.replicas);
        replicas
            .filter_map(|id| self.node(id))
            .filter(|node| !node.is_myself() && !node.flags.contains(NodeFlags::NOFAILOVER))
    }

    /// How long answers take in this shard, the failed primary's included, in microseconds.
    pub(crate) fn shard_round_trip_us(&self) -> u64 {
        let primary = self.nodes.primary_of(self.nodes.me()).map(|key| self.nodes.get(key));
        let shard = self.siblings().chain(primary);
        let slowest_us = shard.map(|node| node.contact.round_trip_us).max().unwrap_or(0);
        slowest_us.min(ROUND_TRIP_MS_MAX * 1000)
    }

    /// Whether a replica that works has not said how much data it has since the primary fell silent.
    pub(crate) fn awaits_offsets(&self) -> bool {
        let silent_since: Option<Monotonic> = match self.turn.primary_link {
            PrimaryLink::Never => return false,
            PrimaryLink::Up { last_interaction } => Some(last_interaction),
            PrimaryLink::Down { since } => Some(since),
        };
        self.siblings().any(|node| {
            let works = !node.flags.intersects(NodeFlags::FAIL | NodeFlags::PFAIL);
            works && node.offset_at < silent_since
        })
    }
}
