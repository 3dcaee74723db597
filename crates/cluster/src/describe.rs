//! The cluster as clients see it.

use dunlin_slots::SlotRange;

use crate::action::LinkId;
use crate::cluster::Cluster;
use crate::error::ClusterError;
use crate::id::NodeId;
use crate::node::Node;

/// How many slots are in which state, for CLUSTER INFO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotCounts {
    /// Slots with an owner.
    pub assigned: usize,
    /// Slots whose owner works.
    pub ok: usize,
    /// Slots whose owner is suspected.
    pub pfail: usize,
    /// Slots whose owner has failed.
    pub fail: usize,
}

/// A run of slots with one owner, for CLUSTER SLOTS.
#[derive(Clone, Debug)]
pub struct SlotRun<'a> {
    /// The slots.
    pub range: SlotRange,
    /// Whose they are.
    pub owner: &'a Node,
    /// Its replicas that work: neither failed nor without data.
    pub replicas: Vec<&'a Node>,
}

/// A primary and its replicas, for CLUSTER SHARDS.
#[derive(Clone, Debug)]
pub struct Shard<'a> {
    /// Its id.
    pub id: NodeId,
    /// The slots of its primary.
    pub slots: Vec<SlotRange>,
    /// Its nodes, the primary first.
    pub nodes: Vec<&'a Node>,
}

/// Who has opened a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkDirection {
    /// This node (`to`).
    To,
    /// The other node (`from`).
    From,
}

/// A link, for CLUSTER LINKS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkDescription {
    /// The link.
    pub link: LinkId,
    /// Who has opened it.
    pub direction: LinkDirection,
    /// The other node.
    pub node: NodeId,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_unix_ms: i64,
    /// Bytes that wait to be sent, as the server last said.
    pub unsent_bytes: usize,
}

impl Cluster {
    /// CLUSTER NODES: a line per node.
    #[must_use]
    pub fn describe_nodes(&self) -> String {
        String::new()
    }

    /// The line of one node in CLUSTER NODES, without a line end.
    #[must_use]
    pub fn describe_node(&self, node: &Node) -> String {
        let _ = node;
        String::new()
    }

    /// CLUSTER INFO: `name:value` lines that end with CRLF.
    #[must_use]
    pub fn describe_info(&self) -> String {
        String::new()
    }

    /// The replicas of a primary, for CLUSTER REPLICAS; the id as it was given.
    ///
    /// # Errors
    /// [`ClusterError::UnknownNode`], [`ClusterError::NotAPrimary`].
    pub fn replicas_of(&self, id: &[u8]) -> Result<Vec<&Node>, ClusterError> {
        Err(ClusterError::UnknownNode(String::from_utf8_lossy(id).into_owned()))
    }

    /// Runs of slots in ascending order with their owners, for CLUSTER SLOTS.
    #[must_use]
    pub fn slots_table(&self) -> Vec<SlotRun<'_>> {
        Vec::new()
    }

    /// Primaries with their replicas, for CLUSTER SHARDS.
    #[must_use]
    pub fn shards(&self) -> Vec<Shard<'_>> {
        Vec::new()
    }

    /// All links to known nodes, for CLUSTER LINKS.
    #[must_use]
    pub fn links(&self) -> Vec<LinkDescription> {
        Vec::new()
    }

    /// How many slots are in which state.
    #[must_use]
    pub fn slot_counts(&self) -> SlotCounts {
        SlotCounts::default()
    }

    /// CLUSTER COUNT-FAILURE-REPORTS; the id as it was given.
    ///
    /// # Errors
    /// [`ClusterError::UnknownNode`].
    pub fn count_failure_reports(&self, id: &[u8]) -> Result<usize, ClusterError> {
        Err(ClusterError::UnknownNode(String::from_utf8_lossy(id).into_owned()))
    }
}
