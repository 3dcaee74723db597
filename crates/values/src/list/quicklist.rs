//! A list of listpacks.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::End;
use super::directory::{Directory, Position};
use super::frozen::FrozenList;
use super::limits::ListLimits;
use super::node::{Content, Node, Without, text_len};
use super::view::visit_listpack;
use crate::StringRef;
use crate::frozen::FrozenPlace;

/// A list of listpacks: the form of a list that is too long for one.
#[derive(Clone, Debug)]
pub struct Quicklist {
    pub(super) directory: Directory,
    /// The parameters of the time when it was made, as in Redis.
    limits: ListLimits,
    pub(super) frozen: FrozenPlace<FrozenList>,
}

impl Quicklist {
    /// An empty list.
    pub(super) fn new(limits: ListLimits) -> Self {
        Self {
            directory: Directory::default(),
            limits: limits.of_nodes(),
            frozen: FrozenPlace::EMPTY,
        }
    }

    /// Adds a listpack, as a node of its own, at the back.
    pub(super) fn push_listpack(&mut self, listpack: &[u8]) {
        self.insert_node(self.nodes(), Node::packed(listpack));
    }

    /// Adds one element, in a node of its own, at the back.
    pub(super) fn push_long(&mut self, element: Bytes) {
        self.insert_node(self.nodes(), Node::long(element));
    }

    /// Node number `number`, which exists.
    pub(super) fn node(&self, number: usize) -> &Node {
        self.directory.node(number)
    }

    /// Number of elements.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.directory.elements()
    }

    /// Whether there is no element.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of nodes.
    #[must_use]
    pub const fn nodes(&self) -> usize {
        self.directory.nodes()
    }

    /// How much work dropping it is, counted in allocations.
    #[must_use]
    pub const fn free_effort(&self) -> usize {
        self.nodes()
    }

    /// Bytes of heap it holds, itself included.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.directory.heap_bytes() + self.frozen_bytes()
    }

    /// Most elements of a node, or, if negative, the class of its most bytes, as configured when the
    /// list was made.
    #[must_use]
    pub const fn max_listpack_size(&self) -> i32 {
        self.limits.max_listpack_size
    }

    /// Whether inner nodes are compressed.
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.limits.compress_depth > 0
    }

    /// Elements and bytes of each node, as if none were compressed.
    pub fn node_sizes(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.nodes()).map(|number| {
            let node = self.directory.node(number);
            (node.count(), node.len_bytes())
        })
    }

    /// The only node, if there is just one.
    pub(super) fn only_node(&self) -> Option<&Node> {
        (self.nodes() == 1).then(|| self.directory.node(0))
    }

    /// Calls `visit` with the elements from number `from` on, towards `towards`, until it breaks.
    pub(super) fn visit(
        &self,
        from: usize,
        towards: End,
        visit: &mut impl FnMut(StringRef<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if from >= self.len() {
            return ControlFlow::Continue(());
        }
        let Position { node: mut number, mut offset } = self.directory.position(from);
        let mut scratch = Vec::new();
        loop {
            match self.directory.node(number).content(&mut scratch) {
                Content::Packed(listpack) => visit_listpack(listpack, offset, towards, visit)?,
                Content::Plain(bytes) => visit(StringRef::Shared(bytes))?,
            }
            number = match towards {
                End::Back if number + 1 < self.nodes() => number + 1,
                End::Front if number > 0 => number - 1,
                _ => return ControlFlow::Continue(()),
            };
            offset = match towards {
                End::Back => 0,
                End::Front => self.directory.node(number).count() - 1,
            };
        }
    }

    /// Adds an element at an end.
    pub(super) fn push(&mut self, end: End, element: StringRef<'_>) {
        let limits = self.limits;
        let Some(number) = self.directory.end(end) else {
            self.insert_node(0, Node::of(element, limits));
            return;
        };
        if self.edit(number, |node| node.push(end, element, limits)) {
            return;
        }
        if self.nodes() > 1 {
            self.edit(number, Node::trim);
        }
        let number = match end {
            End::Front => 0,
            End::Back => self.nodes(),
        };
        self.insert_node(number, Node::of(element, limits));
    }

    /// Removes `count` elements from number `start` on. They must exist.
    pub(super) fn remove_range(&mut self, start: usize, count: usize) {
        let mut left = count;
        while left > 0 {
            let Position { node, offset } = self.directory.position(start);
            let held = self.directory.node(node).count();
            let removed = left.min(held - offset);
            if removed == held {
                self.discard_node(node);
            } else {
                self.edit(node, |node| node.remove(offset, removed));
            }
            left -= removed;
        }
    }

    /// Puts an element in front of element number `pivot`, which exists, or behind it.
    pub(super) fn insert(&mut self, pivot: usize, side: End, element: StringRef<'_>) {
        let limits = self.limits;
        let Position { node: number, offset } = self.directory.position(pivot);
        let offset = match side {
            End::Front => offset,
            End::Back => offset + 1,
        };
        let node = self.directory.node(number);
        if node.admits(text_len(element), limits) {
            self.edit(number, |node| node.insert(offset, element));
        } else if offset == 0 {
            if number == 0 || !self.push_to(number - 1, End::Back, element) {
                self.insert_node(number, Node::of(element, limits));
            }
        } else if offset == node.count() {
            if number + 1 == self.nodes() || !self.push_to(number + 1, End::Front, element) {
                self.insert_node(number + 1, Node::of(element, limits));
            }
        } else {
            let tail = self.edit(number, |node| node.split_off(offset));
            self.insert_node(number + 1, tail);
            let pushed = match side {
                End::Front => self.push_to(number, End::Back, element),
                End::Back => self.push_to(number + 1, End::Front, element),
            };
            if !pushed {
                self.insert_node(number + 1, Node::of(element, limits));
            }
            self.merge_around(number);
        }
    }

    /// Replaces element number `index`, which exists.
    pub(super) fn set(&mut self, index: usize, element: StringRef<'_>) {
        let limits = self.limits;
        let Position { node: number, offset } = self.directory.position(index);
        if self.edit(number, |node| node.replace(offset, element, limits)) {
            return;
        }
        // The new element gets a node of its own between what was around the old one.
        let mut head = self.remove_node(number);
        let mut at = number;
        if offset + 1 < head.count() {
            self.insert_node(at, head.split_off(offset + 1));
        }
        if offset > 0 {
            head.remove(offset, 1);
            self.insert_node(at, head);
            at += 1;
        }
        self.insert_node(at, Node::of(element, limits));
        self.merge_around(at);
    }

    /// Removes up to `most` elements equal to `wanted`, the first ones met from `from` on; tells how
    /// many that were.
    pub(super) fn remove_equal(&mut self, wanted: &[u8], from: End, most: usize) -> usize {
        let (mut removed, mut visited) = (0, 0);
        while removed < most && visited < self.nodes() {
            let number = match from {
                End::Front => visited,
                End::Back => self.nodes() - 1 - visited,
            };
            let outcome = self.directory.node(number).without(wanted, from, most - removed);
            match outcome {
                None => visited += 1,
                Some(Without { removed: gone, kept: None }) => {
                    removed += gone;
                    self.discard_node(number);
                }
                Some(Without { removed: gone, kept: Some(listpack) }) => {
                    removed += gone;
                    self.edit(number, |node| *node = Node::packed(&listpack));
                    visited += 1;
                }
            }
        }
        removed
    }

    fn push_to(&mut self, number: usize, end: End, element: StringRef<'_>) -> bool {
        let limits = self.limits;
        self.edit(number, |node| node.push(end, element, limits))
    }

    /// Joins nodes that a split left small: two and two on either side of node `center`, then it
    /// with its neighbours.
    fn merge_around(&mut self, center: usize) {
        let mut center = center;
        self.merge_with_next(center + 1);
        if center >= 2 && self.merge_with_next(center - 2) {
            center -= 1;
        }
        if center >= 1 && self.merge_with_next(center - 1) {
            center -= 1;
        }
        self.merge_with_next(center);
    }

    /// Joins a node with the next one, if there are both and one node may hold what is in them.
    fn merge_with_next(&mut self, number: usize) -> bool {
        let limits = self.limits;
        if number + 1 >= self.nodes()
            || !self.directory.node(number).may_absorb(self.directory.node(number + 1), limits)
        {
            return false;
        }
        let next = self.remove_node(number + 1);
        self.edit(number, |node| node.append(&next));
        true
    }

    fn insert_node(&mut self, number: usize, node: Node) {
        self.directory.insert(number, node);
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.note_added(number);
        }
        self.settle_compression(number);
    }

    /// Takes a node out, ready to be edited.
    fn remove_node(&mut self, number: usize) -> Node {
        let mut node = self.directory.remove(number);
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.note_removed(number);
            frozen.keep(&mut node);
        }
        node.decompress();
        self.settle_compression(number);
        node
    }

    /// Removes a node with all its elements.
    fn discard_node(&mut self, number: usize) {
        let node = self.directory.remove(number);
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.note_removed(number);
            frozen.keep_removed(node);
        }
        self.settle_compression(number);
    }

    /// Edits a node, which is decompressed for that.
    #[inline]
    fn edit<R>(&mut self, number: usize, edit: impl FnOnce(&mut Node) -> R) -> R {
        let is_inner = self.is_inner(number);
        let Self { directory, limits, frozen } = self;
        directory.edit(number, |node| {
            if let Some(frozen) = frozen.get_mut() {
                frozen.keep(node);
            }
            if limits.compress_depth == 0 {
                return edit(node);
            }
            node.decompress();
            let result = edit(node);
            if is_inner {
                node.compress();
            }
            result
        })
    }

    /// Whether a node is far enough from both ends to be compressed.
    const fn is_inner(&self, number: usize) -> bool {
        let depth = self.limits.compress_depth as usize;
        depth > 0 && number >= depth && number + depth < self.nodes()
    }

    /// After a node was added as, or removed as, number `number`: compresses and decompresses it and
    /// those that thereby came into or out of the reach of an end.
    fn settle_compression(&mut self, number: usize) {
        let depth = self.limits.compress_depth as usize;
        if depth == 0 {
            return;
        }
        self.settle_node(number);
        if number <= depth {
            self.settle_node(depth - 1);
            self.settle_node(depth);
        }
        let nodes = self.nodes();
        if number + depth + 1 >= nodes {
            self.settle_node(nodes.wrapping_sub(depth));
            self.settle_node(nodes.wrapping_sub(depth + 1));
        }
    }

    /// Compresses a node, if there is one of this number, or decompresses it, as its place asks for.
    fn settle_node(&mut self, number: usize) {
        if number < self.nodes() {
            let is_inner = self.is_inner(number);
            self.directory.edit(number, |node| match is_inner {
                true => node.compress(),
                false => node.decompress(),
            });
        }
    }

    /// Checks that nodes are compressed where they should be, and only there.
    #[cfg(test)]
    pub(super) fn check_compression(&self) {
        for number in 0..self.nodes() {
            let node = self.directory.node(number);
            assert!(node.count() > 0);
            if !self.is_inner(number) {
                assert!(!node.is_compressed(), "node {number} of {}", self.nodes());
            } else {
                assert!(
                    node.is_compressed() || !node.is_worth_compressing(),
                    "node {number} of {}",
                    self.nodes()
                );
            }
        }
    }
}
