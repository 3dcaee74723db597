//! What a list was when it was frozen.
//!
//! Its nodes are numbered then, from 1 on; nodes that are made later, and those that were changed
//! since, have number 0. Before a node is changed or removed that was not handed out yet, a copy of
//! it is kept by its number (removed as a whole, the node itself). Nodes never change places, so
//! those with numbers stand in ascending order, and one walk meets them all: its place in the list
//! moves along when nodes come and go in front of it.

use std::collections::BTreeMap;

use super::directory::Directory;
use super::node::{Content, Node};
use super::quicklist::Quicklist;
use crate::frozen::{FrozenHeader, FrozenItem, SMALL_BYTES_MAX, Thawed, spend};
use crate::kind::Encoding;

/// What a list was, as far as it was not handed out yet.
pub(super) struct FrozenList {
    id: u32,
    /// Number of the node that is handed out next.
    next: u32,
    /// Number of the last node.
    last: u32,
    /// The nodes in front of this place have been handed out, or are of no interest.
    place: usize,
    /// Nodes as they were.
    kept: BTreeMap<u32, Node>,
    /// Heap behind the nodes that are kept.
    kept_bytes: usize,
}

impl FrozenList {
    fn new(id: u32, directory: &mut Directory) -> Self {
        let mut last = 0;
        directory.for_each_mut(&mut |node| {
            last += 1;
            node.set_origin(last);
        });
        Self { id, next: 1, last, place: 0, kept: BTreeMap::new(), kept_bytes: 0 }
    }

    /// A node is about to be changed.
    #[cold]
    #[inline(never)]
    pub(super) fn keep(&mut self, node: &mut Node) {
        if node.origin() >= self.next {
            self.keep_removed(node.clone());
            node.set_origin(0);
        }
    }

    /// A node was removed and nobody needs it.
    pub(super) fn keep_removed(&mut self, node: Node) {
        if node.origin() >= self.next {
            self.kept_bytes += node.heap_bytes();
            self.kept.insert(node.origin(), node);
        }
    }

    /// A node that was not there was added as number `number`.
    pub(super) fn note_added(&mut self, number: usize) {
        if number <= self.place {
            self.place += 1;
        }
    }

    /// Node number `number` was taken out.
    pub(super) fn note_removed(&mut self, number: usize) {
        if number < self.place {
            self.place -= 1;
        }
    }

    fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.kept.len() * size_of::<(u32, Node)>() + self.kept_bytes
    }

    fn emit(
        &mut self,
        directory: &Directory,
        budget: &mut usize,
        visit: &mut dyn FnMut(FrozenItem<'_>),
    ) -> bool {
        while self.next <= self.last {
            if *budget == 0 {
                return false;
            }
            if let Some(node) = self.kept.remove(&self.next) {
                self.kept_bytes -= node.heap_bytes();
                hand_out(&node, budget, visit);
                self.next += 1;
                continue;
            }
            let node = directory.node(self.place);
            self.place += 1;
            if node.origin() == self.next {
                hand_out(node, budget, visit);
                self.next += 1;
            } else {
                debug_assert!(node.origin() < self.next, "nodes stand in order");
                spend(budget, 0);
            }
        }
        true
    }
}

fn hand_out(node: &Node, budget: &mut usize, visit: &mut dyn FnMut(FrozenItem<'_>)) {
    spend(budget, node.len_bytes());
    visit(match node.content(&mut Vec::new()) {
        Content::Packed(listpack) => FrozenItem::ListNode(listpack.as_bytes()),
        Content::Plain(bytes) => FrozenItem::LongElement(bytes),
    });
}

impl Quicklist {
    /// Whether it is better handed out in pieces. Long elements are shared, not copied: they do not
    /// count.
    pub(crate) fn is_large(&self) -> bool {
        /// A list of more nodes is large: looking at each would take too long.
        const SMALL_NODES_MAX: usize = 64;
        let copied = (0..self.nodes().min(SMALL_NODES_MAX))
            .map(|number| self.directory.node(number))
            .filter(|node| !node.is_plain());
        self.nodes() > SMALL_NODES_MAX
            || copied.map(Node::len_bytes).sum::<usize>() > SMALL_BYTES_MAX
    }

    pub(crate) fn freeze(&mut self, id: u32) -> FrozenHeader {
        let frozen = FrozenList::new(id, &mut self.directory);
        self.frozen.put(frozen);
        FrozenHeader {
            encoding: Encoding::Quicklist,
            is_hash: false,
            items: self.nodes(),
            earliest_field_deadline: None,
        }
    }

    pub(crate) fn frozen_id(&self) -> Option<u32> {
        self.frozen.get().map(|frozen| frozen.id)
    }

    pub(crate) fn emit_frozen(
        &mut self,
        budget: &mut usize,
        visit: &mut dyn FnMut(FrozenItem<'_>),
    ) -> bool {
        let Some(frozen) = self.frozen.get_mut() else { return true };
        frozen.emit(&self.directory, budget, visit)
    }

    pub(crate) fn thaw(&mut self) -> Thawed {
        self.frozen.clear()
    }

    pub(super) fn frozen_bytes(&self) -> usize {
        self.frozen.get().map_or(0, FrozenList::heap_bytes)
    }
}
