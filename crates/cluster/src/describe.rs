//! The cluster as clients see it.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use dunlin_slots::SlotRange;
use dunlin_stdx::time::Monotonic;

use crate::action::LinkId;
use crate::address::Address;
use crate::bus::MessageKind;
use crate::cluster::Cluster;
use crate::conf::{ConfNode, write_epochs};
use crate::error::ClusterError;
use crate::id::NodeId;
use crate::links::Link;
use crate::node::Node;
use crate::nodes::NodeKey;
use crate::reach::Unreachable;

/// About as long is a line of nodes.conf.
const LINE_BYTES: usize = 240;

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
        self.nodes.iter().map(|node| self.describe_node(node) + "\n").collect()
    }

    /// The line of one node in CLUSTER NODES, without a line end.
    #[must_use]
    pub fn describe_node(&self, node: &Node) -> String {
        self.conf_node(node).to_string()
    }

    /// What nodes.conf is to say.
    pub(crate) fn conf(&self) -> String {
        let mut text = String::with_capacity(self.nodes.len() * LINE_BYTES);
        let written = self
            .nodes
            .iter()
            .filter(|node| !node.is_in_handshake())
            .try_for_each(|node| self.conf_node(node).write_line(&mut text))
            .and_then(|()| write_epochs(&mut text, self.epochs.current, self.epochs.last_vote));
        written.expect("a text takes all that is written to it");
        text
    }

    fn conf_node(&self, node: &Node) -> ConfNode {
        let is_myself = node.is_myself();
        let contact = &node.contact;
        ConfNode {
            id: node.id,
            address: node.address.clone(),
            is_tls_first: self.config.tls_cluster,
            hostname: node.hostname.clone(),
            human_name: node.human_name.clone(),
            shard_id: Some(node.shard_id),
            flags: node.flags,
            primary: node.primary,
            ping_sent_ms: self.unix_ms(contact.ping_sent),
            pong_received_ms: self.unix_ms(contact.pong_received),
            config_epoch: self.shown_epoch(node),
            is_connected: is_myself || node.is_connected(),
            slots: node.slots.clone(),
            open: if is_myself { self.open.clone() } else { BTreeMap::new() },
        }
    }

    /// An instant of the past in milliseconds since the Unix epoch; 0 for none.
    pub(crate) fn unix_ms(&self, at: Option<Monotonic>) -> i64 {
        let now = self.turn.now;
        at.map_or(0, |at| {
            let age_ms = now.monotonic.since_us(at) / 1000;
            now.unix_ms().0 - i64::try_from(age_ms).unwrap_or(i64::MAX)
        })
    }

    /// CLUSTER INFO: `name:value` lines that end with CRLF.
    #[must_use]
    pub fn describe_info(&self) -> String {
        let slots = self.slot_counts();
        let mut text = String::new();
        let mut line = |name: &str, value: &dyn fmt::Display| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{name}:{value}\r\n");
        };
        line("cluster_state", if self.is_ok() { &"ok" } else { &"fail" });
        line("cluster_slots_assigned", &slots.assigned);
        line("cluster_slots_ok", &slots.ok);
        line("cluster_slots_pfail", &slots.pfail);
        line("cluster_slots_fail", &slots.fail);
        line("cluster_known_nodes", &self.nodes.len());
        line("cluster_size", &self.size());
        line("cluster_current_epoch", &self.epochs.current);
        line("cluster_my_epoch", &self.my_epoch());
        for (direction, counts, total) in [
            ("sent", &self.stats.sent, self.stats.total_sent()),
            ("received", &self.stats.received, self.stats.total_received()),
        ] {
            for kind in MessageKind::ALL {
                let count = counts[kind as usize];
                if count > 0 {
                    let name = format!("cluster_stats_messages_{}_{direction}", kind.name());
                    line(&name, &count);
                }
            }
            line(&format!("cluster_stats_messages_{direction}"), &total);
        }
        line("total_cluster_links_buffer_limit_exceeded", &self.stats.send_limit_exceeded);
        // Lines that Redis does not have, where there is something to tell.
        for (index, Unreachable { node, reason }) in self.unreachable().enumerate() {
            let Address { ip, port, bus_port, .. } = &node.address;
            line(
                &format!("cluster_unreachable_node_{index}"),
                &format_args!("{ip}:{port}@{bus_port} {reason}"),
            );
        }
        text
    }

    /// A node by the id that a client gave.
    pub(crate) fn named(&self, id: &[u8]) -> Result<NodeKey, ClusterError> {
        NodeId::parse(id)
            .and_then(|id| self.nodes.find(&id))
            .ok_or_else(|| ClusterError::UnknownNode(String::from_utf8_lossy(id).into_owned()))
    }

    /// The replicas of a primary, for CLUSTER REPLICAS; the id as it was given.
    ///
    /// # Errors
    /// [`ClusterError::UnknownNode`], [`ClusterError::NotAPrimary`].
    pub fn replicas_of(&self, id: &[u8]) -> Result<Vec<&Node>, ClusterError> {
        let node = self.nodes.get(self.named(id)?);
        if !node.is_primary() {
            return Err(ClusterError::NotAPrimary);
        }
        Ok(self.replicas(node).collect())
    }

    fn replicas<'a>(&'a self, primary: &'a Node) -> impl Iterator<Item = &'a Node> {
        primary.replicas.iter().filter_map(|id| self.node(id))
    }

    /// Runs of slots in ascending order with their owners, for CLUSTER SLOTS.
    #[must_use]
    pub fn slots_table(&self) -> Vec<SlotRun<'_>> {
        let mut runs: Vec<SlotRun<'_>> = Vec::new();
        for owner in self.nodes.iter().filter(|node| node.slot_count > 0) {
            let has_data = |node: &&Node| !node.is_failed() && node.offset > 0;
            let replicas: Vec<&Node> = self.replicas(owner).filter(has_data).collect();
            let run = |range| SlotRun { range, owner, replicas: replicas.clone() };
            runs.extend(owner.slots.ranges().map(run));
        }
        runs.sort_by_key(|run| run.range);
        runs
    }

    /// Primaries with their replicas, for CLUSTER SHARDS: nodes of one shard id.
    #[must_use]
    pub fn shards(&self) -> Vec<Shard<'_>> {
        let mut shards: BTreeMap<NodeId, Shard<'_>> = BTreeMap::new();
        for node in self.nodes.iter().filter(|node| !node.is_in_handshake()) {
            let id = node.shard_id;
            let shard = shards.entry(id).or_insert_with(|| Shard {
                id,
                slots: Vec::new(),
                nodes: Vec::new(),
            });
            shard.slots.extend(node.slots.ranges());
            let place = if node.is_primary() { 0 } else { shard.nodes.len() };
            shard.nodes.insert(place, node);
        }
        shards.into_values().collect()
    }

    /// Bytes that all links hold, and what is to be sent on them.
    #[must_use]
    pub fn links_memory_bytes(&self) -> usize {
        let of_link = |link: &Link| {
            let queued = link.unsent_bytes + link.handed_bytes;
            size_of::<Link>() + link.reader.buffered_bytes() + queued
        };
        let links: usize = self.links.iter().map(|(_, link)| of_link(link)).sum();
        links + self.outbox.messages_bytes()
    }

    /// All links to known nodes, for CLUSTER LINKS: node by node, the own link before the other's.
    #[must_use]
    pub fn links(&self) -> Vec<LinkDescription> {
        let open = self.links.iter().filter(|(_, link)| self.is_open(link));
        let mut links: Vec<LinkDescription> = open
            .filter_map(|(id, link)| {
                let node = self.nodes.get(link.node?).id;
                let direction =
                    if link.is_inbound { LinkDirection::From } else { LinkDirection::To };
                Some(LinkDescription {
                    link: id,
                    direction,
                    node,
                    created_unix_ms: link.created.unix_ms().0,
                    unsent_bytes: link.unsent_bytes,
                })
            })
            .collect();
        links.sort_by_key(|link| (link.node, link.direction == LinkDirection::From));
        links
    }

    /// How many slots are in which state.
    #[must_use]
    pub fn slot_counts(&self) -> SlotCounts {
        let mut counts = SlotCounts::default();
        for node in self.nodes.iter() {
            counts.assigned += node.slot_count;
            let state = match (node.is_failed(), node.is_suspected()) {
                (true, _) => &mut counts.fail,
                (_, true) => &mut counts.pfail,
                _ => &mut counts.ok,
            };
            *state += node.slot_count;
        }
        counts
    }

    /// CLUSTER COUNT-FAILURE-REPORTS; the id as it was given.
    ///
    /// # Errors
    /// [`ClusterError::UnknownNode`].
    pub fn count_failure_reports(&self, id: &[u8]) -> Result<usize, ClusterError> {
        let node = self.nodes.get(self.named(id)?);
        let kept_us = self.timeout_us().saturating_mul(2);
        let is_kept = |at: Monotonic| self.at().since_us(at) <= kept_us;
        Ok(node.reports.iter().filter(|report| is_kept(report.at)).count())
    }
}
