//! The nodes of a stream in the order of their IDs.
//!
//! The last node has room to grow; those in front of it are sealed: exactly as long as their bytes,
//! in a map by ID. So adding an entry looks nothing up, and taking nodes away anywhere costs
//! O(log n).

use std::mem;

use super::frozen::FrozenNodes;
use super::id::StreamId;
use super::id_map::{self, IdMap};
use super::log::NodeLimits;
use super::node::{self, NodeRef};
use crate::frozen::{FrozenItem, FrozenPlace, Thawed};
use crate::listpack::Buffer;

/// Bytes of a sealed node.
type Sealed = Box<[u8]>;

/// The nodes of a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    sealed: IdMap<Sealed>,
    /// Sum of the lengths of sealed nodes.
    sealed_bytes: usize,
    /// The last node; empty if there is no node at all.
    tail: Vec<u8>,
    tail_master: StreamId,
    frozen: FrozenPlace<FrozenNodes>,
}

impl Nodes {
    pub(super) fn len(&self) -> usize {
        self.sealed.len() + usize::from(!self.tail.is_empty())
    }

    /// Bytes of heap, estimated for the tree.
    pub(super) fn heap_bytes(&self) -> usize {
        self.sealed_bytes
            + self.tail.capacity()
            + self.sealed.heap_bytes()
            + self.frozen.get().map_or(0, FrozenNodes::heap_bytes)
    }

    /// Remembers from now on what the nodes were.
    pub(super) fn freeze(&mut self) {
        let last = self.last().map(|node| node.master);
        self.frozen.put(FrozenNodes::new(last));
    }

    /// Hands out more of what the nodes were; whether that was all.
    pub(super) fn emit_frozen(
        &mut self,
        budget: &mut usize,
        visit: &mut dyn FnMut(FrozenItem<'_>),
    ) -> bool {
        let Some(mut frozen) = self.frozen.take() else { return true };
        let complete = frozen.emit(self, budget, visit);
        self.frozen.put_back(frozen);
        complete
    }

    pub(super) fn thaw(&mut self) -> Thawed {
        self.frozen.clear()
    }

    pub(super) fn last(&self) -> Option<NodeRef<'_>> {
        (!self.tail.is_empty()).then(|| NodeRef::new(self.tail_master, &self.tail))
    }

    pub(super) fn first(&self) -> Option<NodeRef<'_>> {
        self.all().next()
    }

    pub(super) fn all(&self) -> Walk<'_> {
        Walk { sealed: Some(self.sealed.all()), tail: self.last() }
    }

    /// The node in which an entry of this ID would be.
    pub(super) fn holding(&self, id: StreamId) -> Option<NodeRef<'_>> {
        self.until(id).next_back()
    }

    /// The nodes that may hold entries from `id` on.
    pub(super) fn from(&self, id: StreamId) -> Walk<'_> {
        if self.tail.is_empty() || self.tail_master <= id {
            return Walk { sealed: None, tail: self.last() };
        }
        let first = self.sealed.until(id).next_back().map_or(StreamId::MIN, |(id, _)| *id);
        Walk { sealed: Some(self.sealed.from(first)), tail: self.last() }
    }

    /// The nodes that may hold entries up to `id`.
    pub(super) fn until(&self, id: StreamId) -> Walk<'_> {
        Walk {
            sealed: Some(self.sealed.until(id)),
            tail: self.last().filter(|tail| tail.master <= id),
        }
    }

    /// Adds an entry to the last node, if there is one with room for it.
    #[inline]
    pub(super) fn append(
        &mut self,
        id: StreamId,
        pairs: &[&[u8]],
        text_bytes: usize,
        limits: NodeLimits,
    ) -> bool {
        if self.tail.is_empty() {
            return false;
        }
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.keep(self.tail_master, &self.tail);
        }
        node::append(&mut self.tail, self.tail_master, id, pairs, text_bytes, limits)
    }

    /// Adds a node behind all others; the one that was last is sealed.
    pub(super) fn push(&mut self, master: StreamId, bytes: Vec<u8>) {
        debug_assert!(self.tail.is_empty() || self.tail_master < master, "IDs ascend");
        let last = self.last().map(|node| node.master);
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.note_added(last);
        }
        let sealed = mem::replace(&mut self.tail, bytes);
        let id = mem::replace(&mut self.tail_master, master);
        if !sealed.is_empty() {
            self.sealed_bytes += sealed.len();
            self.sealed.insert(id, sealed.into_boxed_slice());
        }
    }

    /// Changes the bytes of the node with this ID.
    pub(super) fn edit(&mut self, master: StreamId, change: impl FnOnce(&mut dyn Buffer)) {
        let frozen = self.frozen.get_mut();
        if master == self.tail_master {
            if let Some(frozen) = frozen {
                frozen.keep(master, &self.tail);
            }
            return change(&mut self.tail);
        }
        let node = self.sealed.get_mut(master).expect("the node was just seen");
        if let Some(frozen) = frozen {
            frozen.keep(master, node);
        }
        self.sealed_bytes -= node.len();
        change(node);
        self.sealed_bytes += node.len();
    }

    /// Takes the node with this ID away.
    pub(super) fn remove(&mut self, master: StreamId) {
        if master != self.tail_master {
            let node = self.sealed.remove(master).expect("the node was just seen");
            self.sealed_bytes -= node.len();
            if let Some(frozen) = self.frozen.get_mut() {
                frozen.keep_removed(master, node);
            }
            return;
        }
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.keep_removed(master, mem::take(&mut self.tail).into_boxed_slice());
        }
        // The last node is always the tail: the next entry may still go into it.
        let master = self.sealed.last().map_or(StreamId::MIN, |(master, _)| *master);
        let bytes = self.sealed.remove(master).unwrap_or_default();
        self.sealed_bytes -= bytes.len();
        (self.tail_master, self.tail) = (master, bytes.into_vec());
    }

    /// Number of nodes that a radix tree of the IDs has, as 7.2 builds it: XINFO shows it. O(n).
    ///
    /// A tree of byte strings that are all 16 long has a node where paths part, one for each chain
    /// of bytes in between, one where a path ends, and one if it is empty.
    pub(super) fn radix_nodes(&self) -> usize {
        /// Bytes of an ID.
        const ID_BYTES: usize = 16;
        let key =
            |node: NodeRef<'_>| u128::from(node.master.ms) << 64 | u128::from(node.master.seq);
        let mut walk = self.all().map(key);
        let Some(mut left) = walk.next() else { return 1 };
        // Depths at which the path to `left` parts from others, with the path to the right of it.
        let mut forks: Vec<usize> = Vec::new();
        let (mut count, mut last_fork) = (0, None);
        let chain = |above: Option<usize>, below: usize| {
            usize::from(below > above.map_or(0, |depth| depth + 1))
        };
        for right in walk {
            let fork = (left ^ right).leading_zeros() as usize / 8;
            // The end of `left` hangs on the deepest fork next to it.
            let deepest = last_fork.max(Some(fork));
            count += 1 + chain(deepest, ID_BYTES);
            while forks.last().is_some_and(|depth| *depth > fork) {
                let below = forks.pop().unwrap_or_default();
                let above = forks.last().copied().max(Some(fork));
                count += 1 + chain(above, below);
            }
            if forks.last() != Some(&fork) {
                forks.push(fork);
            }
            (left, last_fork) = (right, Some(fork));
        }
        count += 1 + chain(last_fork, ID_BYTES);
        while let Some(below) = forks.pop() {
            count += 1 + chain(forks.last().copied(), below);
        }
        count
    }
}

/// Nodes in order, from either end.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk<'a> {
    sealed: Option<id_map::Iter<'a, Sealed>>,
    tail: Option<NodeRef<'a>>,
}

impl<'a> Iterator for Walk<'a> {
    type Item = NodeRef<'a>;

    fn next(&mut self) -> Option<NodeRef<'a>> {
        match self.sealed.as_mut().and_then(Iterator::next) {
            Some((master, bytes)) => Some(NodeRef::new(*master, bytes)),
            None => self.tail.take(),
        }
    }
}

impl DoubleEndedIterator for Walk<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if let Some(tail) = self.tail.take() {
            return Some(tail);
        }
        let (master, bytes) = self.sealed.as_mut()?.next_back()?;
        Some(NodeRef::new(*master, bytes))
    }
}

impl Buffer for Sealed {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }

    fn splice(&mut self, at: usize, removed: usize, inserted: &[u8]) {
        if removed == inserted.len() {
            self[at..at + removed].copy_from_slice(inserted);
            return;
        }
        let mut bytes = mem::take(self).into_vec();
        Buffer::splice(&mut bytes, at, removed, inserted);
        *self = bytes.into_boxed_slice();
    }
}
