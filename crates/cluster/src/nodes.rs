//! All nodes that are known, and who owns which slot.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use dunlin_slots::{SLOTS, SlotSet};
use slab::Slab;

use crate::flags::NodeFlags;
use crate::id::NodeId;
use crate::node::Node;

/// How many nodes may be known: as many as there are slots. A peer that gossips about more is not
/// believed.
pub(crate) const NODES_MAX: usize = SLOTS as usize;

/// The place of a node, which stays the same while its id is learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeKey(u16);

impl NodeKey {
    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Some nodes, by their places.
pub(crate) struct NodeKeySet([u64; NODES_MAX / 64]);

impl NodeKeySet {
    /// No nodes.
    pub(crate) const fn new() -> Self {
        Self([0; NODES_MAX / 64])
    }

    /// Adds a node; true if it was not there.
    pub(crate) const fn insert(&mut self, key: NodeKey) -> bool {
        let (word, bit) = (&mut self.0[key.index() / 64], 1 << (key.index() % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

/// All nodes that are known, and who owns which slot.
///
/// Invariants: a node's `slots` are those that `owners` gives it; `primary` names a known node that
/// lists it among its `replicas`, and the other way round.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    slab: Slab<Node>,
    /// All places in the order of their ids, with what the ids begin with. Gossip of a large cluster asks
    /// for a hundred ids per message: the search stays within a few kilobytes, and reads the id of no
    /// other node than the one that it finds. A hash table would need a secret, as peers choose ids.
    by_id: Vec<(u32, NodeKey)>,
    owners: Vec<Option<NodeKey>>,
    /// Slots whose owner has ceased to claim them: they are its until somebody else claims them.
    unclaimed: SlotSet,
    /// All places, in no order: for drawing one.
    all: Vec<NodeKey>,
    /// Count of primaries with slots.
    voting: usize,
    /// Those that do not answer this node.
    suspects: BTreeSet<NodeKey>,
    me: NodeKey,
}

impl Nodes {
    /// A cluster of one.
    pub(crate) fn new(myself: Node) -> Self {
        let mut slab = Slab::new();
        let id = myself.id;
        let me = NodeKey(slab.insert(myself) as u16);
        Self {
            slab,
            by_id: vec![(id.prefix(), me)],
            owners: vec![None; usize::from(SLOTS)],
            unclaimed: SlotSet::new(),
            all: vec![me],
            voting: 0,
            suspects: BTreeSet::new(),
            me,
        }
    }

    /// Count of nodes, this one and those in handshake among them.
    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// The place of this node.
    pub(crate) const fn me(&self) -> NodeKey {
        self.me
    }

    /// This node.
    pub(crate) fn myself(&self) -> &Node {
        self.get(self.me)
    }

    /// This node, for changing it.
    pub(crate) fn myself_mut(&mut self) -> &mut Node {
        self.get_mut(self.me)
    }

    /// A node.
    ///
    /// # Panics
    /// If it has been removed.
    pub(crate) fn get(&self, key: NodeKey) -> &Node {
        &self.slab[key.index()]
    }

    /// A node, for changing it.
    ///
    /// # Panics
    /// If it has been removed.
    pub(crate) fn get_mut(&mut self, key: NodeKey) -> &mut Node {
        &mut self.slab[key.index()]
    }

    /// A node that may have been removed.
    pub(crate) fn try_get(&self, key: NodeKey) -> Option<&Node> {
        self.slab.get(key.index())
    }

    /// The node of an id.
    pub(crate) fn find(&self, id: &NodeId) -> Option<NodeKey> {
        self.place_of(id).ok().map(|place| self.by_id[place].1)
    }

    /// Where an id stands in the order of ids, or where it would. O(log n).
    fn place_of(&self, id: &NodeId) -> Result<usize, usize> {
        let prefix = id.prefix();
        self.by_id.binary_search_by(|(other, key)| match other.cmp(&prefix) {
            Ordering::Equal => self.get(*key).id.cmp(id),
            order => order,
        })
    }

    /// All nodes in the order of their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.by_id.iter().map(|(_, key)| self.get(*key))
    }

    /// The places of all nodes, in the order of their ids.
    pub(crate) fn keys(&self) -> Vec<NodeKey> {
        self.by_id.iter().map(|(_, key)| *key).collect()
    }

    /// A node that is drawn.
    pub(crate) fn draw(&self, rng: &mut fastrand::Rng) -> NodeKey {
        self.all[rng.usize(..self.all.len())]
    }

    /// A replica belongs to the shard of its primary.
    pub(crate) fn adopt_shards(&mut self) {
        for key in self.keys() {
            let primary = self.get(key).primary.and_then(|primary| self.find(&primary));
            if let Some(primary) = primary {
                self.get_mut(key).shard_id = self.get(primary).shard_id;
            }
        }
    }

    /// The place of the primary of a node, if it is known.
    pub(crate) fn primary_of(&self, key: NodeKey) -> Option<NodeKey> {
        self.get(key).primary.and_then(|primary| self.find(&primary))
    }

    /// Adds a node without slots; `None` if it is one too many, or known. O(n), as an id in a sorted
    /// list.
    pub(crate) fn insert(&mut self, node: Node) -> Option<NodeKey> {
        let Err(place) = self.place_of(&node.id) else { return None };
        if self.slab.len() >= NODES_MAX {
            return None;
        }
        let prefix = node.id.prefix();
        let primary = node.primary;
        let key = NodeKey(self.slab.insert(Node { primary: None, ..node }) as u16);
        self.by_id.insert(place, (prefix, key));
        self.all.push(key);
        self.set_primary(key, primary);
        Some(key)
    }

    /// Removes a node and all that refers to it.
    ///
    /// # Panics
    /// If it is this node.
    pub(crate) fn remove(&mut self, key: NodeKey) -> Node {
        assert!(key != self.me, "a node never forgets itself");
        for slot in self.get(key).slots.clone().iter() {
            self.assign(slot, None);
        }
        self.set_primary(key, None);
        for replica in self.get(key).replicas.clone() {
            if let Some(replica) = self.find(&replica) {
                self.get_mut(replica).primary = None;
            }
        }
        self.set_suspected(key, false);
        self.leave_order(key);
        let node = self.slab.remove(key.index());
        self.all.retain(|other| *other != key);
        for (_, other) in &mut self.slab {
            other.reports.retain(|report| report.reporter != key);
        }
        node
    }

    /// Gives a node the id that it has been found to have.
    ///
    /// # Panics
    /// If the id is another node's.
    pub(crate) fn rename(&mut self, key: NodeKey, id: NodeId) {
        assert!(self.find(&id).is_none(), "an id names one node");
        let (replicas, primary) = (self.get(key).replicas.clone(), self.get(key).primary);
        self.leave_order(key);
        let old = std::mem::replace(&mut self.get_mut(key).id, id);
        let place = self.place_of(&id).unwrap_or_else(|place| place);
        self.by_id.insert(place, (id.prefix(), key));
        if let Some(primary) = primary.and_then(|primary| self.find(&primary)) {
            for replica in &mut self.get_mut(primary).replicas {
                if *replica == old {
                    *replica = id;
                }
            }
        }
        for replica in replicas {
            if let Some(replica) = self.find(&replica) {
                self.get_mut(replica).primary = Some(id);
            }
        }
    }

    /// Takes a node out of the order of ids.
    fn leave_order(&mut self, key: NodeKey) {
        if let Ok(place) = self.place_of(&self.get(key).id) {
            self.by_id.remove(place);
        }
    }

    /// Attaches a replica to a primary, or to none. A primary that has a replica is one that others
    /// may migrate to.
    pub(crate) fn set_primary(&mut self, key: NodeKey, primary: Option<NodeId>) {
        let primary = primary.and_then(|id| self.find(&id)).filter(|primary| *primary != key);
        let id = self.get(key).id;
        if let Some(old) = self.get(key).primary.and_then(|old| self.find(&old)) {
            let old = self.get_mut(old);
            old.replicas.retain(|replica| *replica != id);
            if old.replicas.is_empty() {
                old.flags.remove(NodeFlags::MIGRATE_TO);
            }
        }
        self.get_mut(key).primary = primary.map(|primary| self.get(primary).id);
        if let Some(primary) = primary {
            let primary = self.get_mut(primary);
            primary.replicas.push(id);
            primary.flags.insert(NodeFlags::MIGRATE_TO);
        }
    }

    /// Changes what decides whether a node votes.
    fn change(&mut self, key: NodeKey, change: impl FnOnce(&mut Node)) {
        let node = self.get_mut(key);
        let before = node.is_voting();
        change(node);
        let after = node.is_voting();
        self.voting = self.voting + usize::from(after) - usize::from(before);
    }

    /// Makes a node a primary, in the table.
    pub(crate) fn make_primary(&mut self, key: NodeKey) {
        self.change(key, |node| {
            node.flags.remove(NodeFlags::REPLICA);
            node.flags.insert(NodeFlags::PRIMARY);
        });
    }

    /// Makes a node a replica, in the table.
    pub(crate) fn make_replica(&mut self, key: NodeKey) {
        self.change(key, |node| {
            node.flags.remove(NodeFlags::PRIMARY | NodeFlags::MIGRATE_TO);
            node.flags.insert(NodeFlags::REPLICA);
        });
    }

    /// Count of primaries with slots. O(1).
    pub(crate) const fn voting(&self) -> usize {
        self.voting
    }

    /// Notes whether a node answers this one.
    pub(crate) fn set_suspected(&mut self, key: NodeKey, is_suspected: bool) {
        self.get_mut(key).flags.set(NodeFlags::PFAIL, is_suspected);
        if is_suspected {
            self.suspects.insert(key);
        } else {
            self.suspects.remove(&key);
        }
    }

    /// The places of those that do not answer this node.
    pub(crate) fn suspects(&self) -> impl Iterator<Item = NodeKey> {
        self.suspects.iter().copied()
    }

    /// The places of all other nodes, in the order of their ids from this one on, and round.
    pub(crate) fn keys_from(&self, id: &NodeId) -> impl Iterator<Item = NodeKey> {
        let (end, after) = match self.place_of(id) {
            Ok(place) => (place, place + 1),
            Err(place) => (place, place),
        };
        self.by_id[after..].iter().chain(&self.by_id[..end]).map(|(_, key)| *key)
    }

    /// The owner of a slot; `None` also above the last slot.
    pub(crate) fn owner(&self, slot: u16) -> Option<NodeKey> {
        self.owners.get(usize::from(slot)).copied().flatten()
    }

    /// Gives a slot to a node, or to none.
    ///
    /// # Panics
    /// If there is no such slot.
    pub(crate) fn assign(&mut self, slot: u16, owner: Option<NodeKey>) {
        self.unclaimed.remove(slot);
        if let Some(old) = std::mem::replace(&mut self.owners[usize::from(slot)], owner) {
            self.change(old, |old| old.slot_count -= usize::from(old.slots.remove(slot)));
        }
        if let Some(new) = owner {
            let is_first = self.get(new).slot_count == 0;
            let gets_replicas =
                is_first && self.slab.iter().any(|(_, node)| !node.replicas.is_empty());
            self.change(new, |new| {
                new.slot_count += usize::from(new.slots.insert(slot));
                new.flags.set(
                    NodeFlags::MIGRATE_TO,
                    gets_replicas || new.flags.contains(NodeFlags::MIGRATE_TO),
                );
            });
        }
    }

    /// Slots whose owner has ceased to claim them.
    pub(crate) const fn unclaimed(&self) -> &SlotSet {
        &self.unclaimed
    }

    /// Notes whether the owner of a slot claims it.
    pub(crate) fn set_claimed(&mut self, slot: u16, is_claimed: bool) {
        if is_claimed {
            self.unclaimed.remove(slot);
        } else {
            self.unclaimed.insert(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dunlin_stdx::time::Monotonic;
    use proptest::prelude::*;

    use super::*;

    /// Ids of which many begin alike: a peer may choose them.
    fn id(number: u8) -> NodeId {
        let tail = number % 16;
        let head = if number < 16 { "a".repeat(39) } else { format!("{:039}", number / 16) };
        NodeId::parse(format!("{head}{tail:x}").as_bytes()).unwrap()
    }

    fn node(number: u8) -> Node {
        Node::new(id(number), id(0), NodeFlags::PRIMARY, Monotonic(0))
    }

    proptest! {
        /// Whatever is added, removed and renamed, ids lead where they led, in their order.
        #[test]
        fn ids_lead_to_places(steps in prop::collection::vec((0..3u8, 0..80u8, 0..80u8), 0..120)) {
            let mut nodes = Nodes::new(node(200));
            let mut model = BTreeMap::from([(id(200), nodes.me())]);
            for (step, number, other) in steps {
                match (step, model.get(&id(number)).copied()) {
                    (0, None) => {
                        let key = nodes.insert(node(number)).unwrap();
                        model.insert(id(number), key);
                    }
                    (0, Some(_)) => prop_assert!(nodes.insert(node(number)).is_none()),
                    (1, Some(key)) => {
                        nodes.remove(key);
                        model.remove(&id(number));
                    }
                    (2, Some(key)) if !model.contains_key(&id(other)) => {
                        nodes.rename(key, id(other));
                        model.remove(&id(number));
                        model.insert(id(other), key);
                    }
                    _ => {}
                }
                prop_assert!(nodes.keys().iter().eq(model.values()));
                prop_assert!(nodes.iter().map(Node::id).eq(model.keys()));
                for number in [number, other] {
                    let id = id(number);
                    prop_assert_eq!(nodes.find(&id), model.get(&id).copied());
                    let above = model.iter().filter(|(other, _)| **other > id);
                    let round = above.chain(model.range(..id)).map(|(_, key)| *key);
                    prop_assert!(nodes.keys_from(&id).eq(round));
                }
            }
        }
    }
}
