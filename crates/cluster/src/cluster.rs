//! The cluster of one server as a value.

use std::fmt;

use dunlin_stdx::time::Now;

use crate::action::{Action, LinkId};
use crate::address::Ports;
use crate::config::ClusterConfig;
use crate::facts::Facts;
use crate::flags::NodeFlags;
use crate::id::NodeId;
use crate::node::Node;
use crate::nodes::Nodes;
use crate::state::DownReason;
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

/// The cluster of one server as a value.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) config: ClusterConfig,
    pub(crate) nodes: Nodes,
    pub(crate) stats: Stats,
}

impl Cluster {
    /// Reads nodes.conf, or begins as a new node that is alone.
    ///
    /// # Errors
    /// [`StartError`] if the text is not a whole nodes.conf.
    pub fn start(start: Start<'_>) -> Result<Self, StartError> {
        let mut rng = fastrand::Rng::with_seed(start.seed);
        let (id, shard) = (NodeId::random(&mut rng), NodeId::random(&mut rng));
        let flags = NodeFlags::MYSELF | NodeFlags::PRIMARY;
        let nodes = Nodes::new(Node::new(id, shard, flags, start.now.monotonic));
        Ok(Self { config: start.config, nodes, stats: Stats::default() })
    }

    /// The data set has been loaded: slots that have keys and no owner are this node's, slots that
    /// have keys and another owner are being imported from it.
    pub fn loaded(&mut self, now: Now, facts: &Facts<'_>) {
        let _ = (now, facts);
    }

    /// A peer has connected to the port of the bus; `peer_ip` is where it comes from, `local_ip` the
    /// address of this end.
    pub fn accepted(&mut self, now: Now, peer_ip: &str, local_ip: &str) -> LinkId {
        let _ = (now, peer_ip, local_ip);
        LinkId(0)
    }

    /// A connection that [`Action::Connect`] asked for is there.
    pub fn connected(&mut self, now: Now, facts: &Facts<'_>, link: LinkId) {
        let _ = (now, facts, link);
    }

    /// A connection that [`Action::Connect`] asked for could not be made.
    pub fn connect_failed(&mut self, now: Now, link: LinkId) {
        let _ = (now, link);
    }

    /// Bytes have come on a link.
    pub fn received(&mut self, now: Now, facts: &Facts<'_>, link: LinkId, bytes: &[u8]) {
        let _ = (now, facts, link, bytes);
    }

    /// A link has ended: the peer closed it, or reading or writing failed.
    pub fn closed(&mut self, now: Now, link: LinkId) {
        let _ = (now, link);
    }

    /// So many bytes of a link could not be written yet. To be told whenever that has changed.
    pub fn unsent(&mut self, link: LinkId, bytes: usize) {
        let _ = (link, bytes);
    }

    /// What is done every 100 ms.
    pub fn run_cron(&mut self, now: Now, facts: &Facts<'_>) {
        let _ = (now, facts);
    }

    /// What is done at the end of every turn, before the server sleeps.
    pub fn before_sleep(&mut self, now: Now, facts: &Facts<'_>) {
        let _ = (now, facts);
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        None
    }

    /// Whether the cluster serves.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.down_reason().is_none()
    }

    /// Why the cluster does not serve; `None` if it does.
    #[must_use]
    pub const fn down_reason(&self) -> Option<DownReason> {
        Some(DownReason::Waiting)
    }

    /// The owner of a slot. O(1).
    #[must_use]
    pub fn owner(&self, slot: u16) -> Option<&Node> {
        self.nodes.owner(slot).map(|key| self.nodes.get(key))
    }

    /// This node.
    #[must_use]
    pub fn myself(&self) -> &Node {
        self.nodes.myself()
    }

    /// Whether this node owns a slot. O(1).
    #[must_use]
    pub fn owns(&self, slot: u16) -> bool {
        self.nodes.owner(slot) == Some(self.nodes.me())
    }

    /// Where the keys of a slot move to.
    #[must_use]
    pub fn migrating_to(&self, slot: u16) -> Option<&Node> {
        let _ = slot;
        None
    }

    /// Where the keys of a slot come from.
    #[must_use]
    pub fn importing_from(&self, slot: u16) -> Option<&Node> {
        let _ = slot;
        None
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

    /// Count of primaries with slots.
    #[must_use]
    pub fn size(&self) -> usize {
        self.nodes.iter().filter(|node| node.is_voting()).count()
    }

    /// The highest epoch that was seen.
    #[must_use]
    pub const fn current_epoch(&self) -> u64 {
        0
    }

    /// The config epoch of this node, or of its primary.
    #[must_use]
    pub fn my_epoch(&self) -> u64 {
        self.nodes.myself().config_epoch
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
