//! Nodes that an administrator wants to be forgotten, and that gossip must not bring back.

use std::collections::BTreeMap;

use dunlin_stdx::time::Monotonic;

use crate::cluster::Cluster;
use crate::conf::OpenSlot;
use crate::id::NodeId;
use crate::nodes::NodeKey;

/// How long a node stays forgotten: the time to say so to all the others.
pub(crate) const FORGOTTEN_SECONDS: u64 = 60;

/// How many may be forgotten at a time. More are not kept from coming back.
const FORGOTTEN_MAX: usize = 1024;

/// Nodes that stay forgotten for a while.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forgotten {
    until: BTreeMap<NodeId, Monotonic>,
}

impl Forgotten {
    pub(crate) fn contains(&self, id: &NodeId, at: Monotonic) -> bool {
        self.until.get(id).is_some_and(|until| *until > at)
    }

    pub(crate) fn insert(&mut self, id: NodeId, seconds: u64, at: Monotonic) {
        self.until.retain(|_, until| *until > at);
        if self.until.len() < FORGOTTEN_MAX || self.until.contains_key(&id) {
            let seconds = seconds.min(FORGOTTEN_SECONDS);
            self.until.insert(id, at.plus_us(seconds * 1_000_000));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.until.clear();
    }

    /// Those that are forgotten, and for how many more seconds.
    pub(crate) fn iter(&self, at: Monotonic) -> impl Iterator<Item = (NodeId, u64)> {
        self.until
            .iter()
            .filter(move |(_, until)| **until > at)
            .map(move |(id, until)| (*id, until.since_us(at).div_ceil(1_000_000)))
    }
}

impl Cluster {
    /// Another node has been told to forget this one.
    pub(crate) fn forget_with(&mut self, id: NodeId, seconds: u64) {
        let Some(key) = self.nodes.find(&id) else { return };
        if key == self.nodes.me() || self.myself().primary == Some(id) || seconds == 0 {
            return;
        }
        self.outbox.notice(format!("Received a request to forget node {id}"));
        let at = self.at();
        self.forgotten.insert(id, seconds, at);
        self.remove_node(key);
        self.save();
        self.todo.state = true;
    }

    /// Removes a node with its links and all that refers to it.
    pub(crate) fn remove_node(&mut self, key: NodeKey) {
        let contact = self.nodes.get(key).contact;
        for link in [contact.outbound, contact.inbound].into_iter().flatten() {
            self.close(link);
        }
        // Also those that a newer link has replaced.
        let others: Vec<_> = self
            .links
            .iter()
            .filter(|(_, link)| link.node == Some(key))
            .map(|(id, _)| id)
            .collect();
        others.into_iter().for_each(|link| self.close(link));
        let removed = self.nodes.remove(key);
        self.open.retain(|_, open| match open {
            OpenSlot::Migrating(id) | OpenSlot::Importing(id) => *id != removed.id,
        });
    }
}
