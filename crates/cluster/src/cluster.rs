//! The cluster of one server as a value: what it is made of, and what it shows.

use std::collections::BTreeMap;
use std::fmt;

use dunlin_stdx::time::{Monotonic, Now};

use crate::address::Ports;
use crate::bus::MessageKind;
use crate::conf::OpenSlot;
use crate::config::ClusterConfig;
use crate::facts::{Facts, PrimaryLink};
use crate::failover::Election;
use crate::forget::Forgotten;
use crate::id::NodeId;
use crate::links::Links;
use crate::manual::ManualFailover;
use crate::node::Node;
use crate::nodes::Nodes;
use crate::outbox::Outbox;
use crate::probe::Probe;
use crate::reach::OwnAddress;
use crate::state::{DownReason, Health};
use crate::stats::Stats;

/// What a cluster is made from.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    /// The text of nodes.conf; `None` or an empty text for a new node.
    pub conf: Option<&'a [u8]>,
    /// The parameters.
    pub config: ClusterConfig,
    /// The ports that the server listens on.
    pub ports: Ports,
    /// Where ids and delays come from.
    pub seed: u64,
    /// When it starts.
    pub now: Now,
}

/// Why a cluster cannot be made: nodes.conf is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartError {
    /// Number of the line, from 1; 0 if the file as a whole is meant.
    pub line: usize,
    /// What is wrong.
    pub reason: &'static str,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for StartError {}

/// Epochs; the first two must survive a restart.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Epochs {
    /// The highest that was seen.
    pub(crate) current: u64,
    /// That of the last vote that was given.
    pub(crate) last_vote: u64,
    /// The one that this node took to settle a collision, for which nobody voted; 0 if none.
    pub(crate) settled: u64,
}

/// What the last input said of the server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turn {
    pub(crate) now: Now,
    pub(crate) offset: u64,
    pub(crate) primary_link: PrimaryLink,
}

/// What is done before the server sleeps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Todo {
    pub(crate) save: bool,
    /// The next run of the cron is to save.
    pub(crate) save_soon: bool,
    pub(crate) fsync: bool,
    pub(crate) state: bool,
    pub(crate) failover: bool,
    /// Whether everybody is to be told news.
    pub(crate) tell: bool,
}

/// The cluster of one server as a value.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub(crate) config: ClusterConfig,
    pub(crate) ports: Ports,
    pub(crate) nodes: Nodes,
    pub(crate) own_address: OwnAddress,
    /// Slots whose keys move.
    pub(crate) open: BTreeMap<u16, OpenSlot>,
    pub(crate) epochs: Epochs,
    pub(crate) health: Health,
    pub(crate) election: Election,
    pub(crate) manual: ManualFailover,
    pub(crate) forgotten: Forgotten,
    pub(crate) links: Links,
    /// Links that are only tried.
    pub(crate) probes: Vec<Probe>,
    /// The address that the server has been told to replicate from.
    pub(crate) following: Option<(String, u16)>,
    pub(crate) turn: Turn,
    pub(crate) todo: Todo,
    pub(crate) outbox: Outbox,
    pub(crate) stats: Stats,
    pub(crate) rng: fastrand::Rng,
    pub(crate) cron: crate::cron::Cron,
    pub(crate) version: u64,
    /// Messages of this kind are passed over, for tests.
    pub(crate) dropped: Option<MessageKind>,
}

impl Cluster {
    /// Notes what an input says of the server.
    pub(crate) fn begin(&mut self, now: Now, facts: &Facts<'_>) {
        self.turn = Turn { now, offset: facts.offset, primary_link: facts.primary_link };
        self.nodes.myself_mut().offset = facts.offset;
    }

    /// The time of the last input.
    pub(crate) const fn at(&self) -> Monotonic {
        self.turn.now.monotonic
    }

    /// Microseconds in the node timeout.
    pub(crate) const fn timeout_us(&self) -> u64 {
        self.config.node_timeout_ms.saturating_mul(1000)
    }

    /// Microseconds after the last PONG of a node when it is sent a PING.
    pub(crate) const fn ping_interval_us(&self) -> u64 {
        match self.config.ping_interval_ms {
            0 => self.timeout_us() / 2,
            ms => ms.saturating_mul(1000),
        }
    }

    /// nodes.conf is to be written within the time between two runs of the cron: others have said of
    /// themselves, or of each other, what they will say again. While a thousand nodes find together, each
    /// learns such a thing a thousand times within seconds, and its file would be as many times written and
    /// synced, with all its thousand lines.
    ///
    /// Differs: Redis writes, and in part syncs, the file at the end of each turn that learns any.
    pub(crate) const fn save_soon(&mut self) {
        self.todo.save_soon = true;
        self.version += 1;
    }

    /// nodes.conf is to be written before anything is sent.
    pub(crate) const fn save(&mut self) {
        self.todo.save = true;
    }

    /// nodes.conf is to be on disk before anything is sent.
    pub(crate) const fn save_to_disk(&mut self) {
        self.todo.save = true;
        self.todo.fsync = true;
    }

    /// Whether the cluster serves. O(1).
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.down_reason().is_none()
    }

    /// Why the cluster does not serve; `None` if it does.
    #[must_use]
    pub const fn down_reason(&self) -> Option<DownReason> {
        self.health.down
    }

    /// Another number whenever nodes, slots or the state may have changed since the last turn: for
    /// whoever would else look at all clients again.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The owner of a slot. O(1).
    #[must_use]
    #[inline]
    pub fn owner(&self, slot: u16) -> Option<&Node> {
        self.nodes.owner(slot).map(|key| self.nodes.get(key))
    }

    /// This node.
    #[must_use]
    #[inline]
    pub fn myself(&self) -> &Node {
        self.nodes.myself()
    }

    /// Whether this node owns a slot. O(1).
    #[must_use]
    #[inline]
    pub fn owns(&self, slot: u16) -> bool {
        self.nodes.owner(slot) == Some(self.nodes.me())
    }

    /// Whether the keys of any slot move, so that [`Self::migrating_to`] and
    /// [`Self::importing_from`] may give something.
    #[must_use]
    #[inline]
    pub fn has_open_slots(&self) -> bool {
        !self.open.is_empty()
    }

    /// Where the keys of a slot move to.
    #[must_use]
    pub fn migrating_to(&self, slot: u16) -> Option<&Node> {
        match self.open.get(&slot) {
            Some(OpenSlot::Migrating(id)) => self.node(id),
            _ => None,
        }
    }

    /// Where the keys of a slot come from.
    #[must_use]
    pub fn importing_from(&self, slot: u16) -> Option<&Node> {
        match self.open.get(&slot) {
            Some(OpenSlot::Importing(id)) => self.node(id),
            _ => None,
        }
    }

    /// A node.
    #[must_use]
    pub fn node(&self, id: &NodeId) -> Option<&Node> {
        self.nodes.find(id).map(|key| self.nodes.get(key))
    }

    /// All known nodes in the order of their ids, also those in handshake.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// Count of primaries with slots. O(1).
    #[must_use]
    pub const fn size(&self) -> usize {
        self.nodes.voting()
    }

    /// How many votes decide.
    pub(crate) const fn quorum(&self) -> usize {
        self.size() / 2 + 1
    }

    /// The highest epoch that was seen.
    #[must_use]
    pub const fn current_epoch(&self) -> u64 {
        self.epochs.current
    }

    /// The epoch of the last vote that this node gave.
    #[must_use]
    pub const fn last_vote_epoch(&self) -> u64 {
        self.epochs.last_vote
    }

    /// Whether this node took its config epoch to settle a collision. Nobody voted for it: others may
    /// elect somebody in the same one, before they hear of it.
    #[must_use]
    pub fn has_settled_epoch(&self) -> bool {
        self.epochs.settled != 0 && self.epochs.settled == self.myself().config_epoch
    }

    /// The config epoch of this node, or of its primary.
    #[must_use]
    pub fn my_epoch(&self) -> u64 {
        self.shown_epoch(self.myself())
    }

    /// The config epoch of a node, or of its primary.
    pub(crate) fn shown_epoch(&self, node: &Node) -> u64 {
        node.primary.as_ref().and_then(|primary| self.node(primary)).unwrap_or(node).config_epoch
    }

    /// Draws from another seed from here on: for simulations that go on from one state in many ways.
    pub fn set_seed(&mut self, seed: u64) {
        self.rng = fastrand::Rng::with_seed(seed);
    }

    /// Counters.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The parameters.
    #[must_use]
    pub const fn config(&self) -> &ClusterConfig {
        &self.config
    }
}
