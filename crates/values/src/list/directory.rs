//! The nodes of a quicklist in order, found by the number of an element in O(log n).
//!
//! A tree with the nodes in its leaves; every branch knows how many elements and nodes are below
//! each of its children. Branches hold up to [`FANOUT`] children, so that two levels are enough for
//! two million short elements, and both ends are reached by one step per level.

use std::collections::VecDeque;

use super::End;
use super::node::Node;

/// Most children of a branch. A full branch that gets another at its end starts a new neighbour
/// instead of splitting in halves, so that lists that only grow at their ends have full branches.
/// One less than a power of two: a branch holds one more for a moment, and deques grow by doubling.
const FANOUT: usize = 63;

/// A branch with fewer children than this is merged with a neighbour where both fit into one.
const SPARSE: usize = FANOUT / 4;

/// What is below a place of the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Size {
    elements: usize,
    nodes: usize,
}

impl std::iter::Sum for Size {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::default(), |sum, size| Self {
            elements: sum.elements + size.elements,
            nodes: sum.nodes + size.nodes,
        })
    }
}

#[derive(Clone, Debug)]
enum Branch {
    Leaf(VecDeque<Node>),
    Inner(VecDeque<Child>),
}

#[derive(Clone, Debug)]
struct Child {
    size: Size,
    branch: Branch,
}

impl Child {
    fn new(branch: Branch) -> Self {
        Self { size: branch.size(), branch }
    }
}

/// Where an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// Number of its node.
    pub(super) node: usize,
    /// Number of the element within its node.
    pub(super) offset: usize,
}

/// The nodes of a quicklist.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    root: Branch,
    size: Size,
}

impl Default for Directory {
    fn default() -> Self {
        Self { root: Branch::Leaf(VecDeque::new()), size: Size::default() }
    }
}

impl Directory {
    /// Number of elements.
    pub(super) const fn elements(&self) -> usize {
        self.size.elements
    }

    /// Number of nodes.
    pub(super) const fn nodes(&self) -> usize {
        self.size.nodes
    }

    /// The number of the node at an end, if there is a node.
    pub(super) const fn end(&self, end: End) -> Option<usize> {
        match (self.size.nodes, end) {
            (0, _) => None,
            (_, End::Front) => Some(0),
            (nodes, End::Back) => Some(nodes - 1),
        }
    }

    /// Where element number `element` is; it must exist.
    #[inline]
    pub(super) fn position(&self, element: usize) -> Position {
        assert!(element < self.size.elements, "the element exists");
        if element == 0 {
            return Position { node: 0, offset: 0 };
        }
        if element + 1 == self.size.elements {
            let node = self.size.nodes - 1;
            return Position { node, offset: self.node(node).count() - 1 };
        }
        self.root.position(element)
    }

    /// A node by its number, which must exist.
    #[inline]
    pub(super) fn node(&self, number: usize) -> &Node {
        let (mut branch, mut number, mut nodes) = (&self.root, number, self.size.nodes);
        loop {
            match branch {
                Branch::Leaf(leaf) => return &leaf[number],
                Branch::Inner(children) => {
                    let at = child_of_node(children, &mut number, nodes);
                    (branch, nodes) = (&children[at].branch, children[at].size.nodes);
                }
            }
        }
    }

    /// Edits a node in place; its count may change, but it must not become empty.
    #[inline]
    pub(super) fn edit<R>(&mut self, number: usize, edit: impl FnOnce(&mut Node) -> R) -> R {
        let (result, change) = self.root.edit(number, self.size.nodes, edit);
        self.size.elements = added(self.size.elements, change);
        result
    }

    /// Adds a node so that it gets the number `number`.
    pub(super) fn insert(&mut self, number: usize, node: Node) {
        let (count, nodes) = (node.count(), self.size.nodes);
        let sibling = self.root.insert(number, nodes, node);
        self.size = Size { elements: self.size.elements + count, nodes: nodes + 1 };
        if let Some(sibling) = sibling {
            let old = std::mem::replace(&mut self.root, Branch::Inner(VecDeque::new()));
            self.root = Branch::Inner([Child::new(old), sibling].into());
        }
    }

    /// Takes a node out.
    pub(super) fn remove(&mut self, number: usize) -> Node {
        let node = self.root.remove(number, self.size.nodes);
        self.size.elements -= node.count();
        self.size.nodes -= 1;
        while let Branch::Inner(children) = &mut self.root {
            match children.len() {
                0 => self.root = Branch::Leaf(VecDeque::new()),
                1 => self.root = children.pop_front().expect("there is one").branch,
                _ => break,
            }
        }
        node
    }

    /// Calls `change` with all nodes in order. Their counts must stay.
    pub(super) fn for_each_mut(&mut self, change: &mut dyn FnMut(&mut Node)) {
        self.root.for_each_mut(change);
    }

    /// Bytes of heap that nodes and branches take.
    pub(super) fn heap_bytes(&self) -> usize {
        self.root.heap_bytes()
    }
}

fn added(count: usize, change: isize) -> usize {
    count.checked_add_signed(change).expect("counts are those of the nodes")
}

/// Index of the child that holds node `number` of `nodes`, which becomes the number within that
/// child. The number behind all nodes belongs to the last child. Both ends are found at once.
#[inline]
fn child_of_node(children: &VecDeque<Child>, number: &mut usize, nodes: usize) -> usize {
    let last = children.len() - 1;
    let before_last = nodes - children[last].size.nodes;
    if *number >= before_last {
        *number -= before_last;
        return last;
    }
    for (at, child) in children.iter().enumerate() {
        if *number < child.size.nodes {
            return at;
        }
        *number -= child.size.nodes;
    }
    unreachable!("branches know their counts")
}

impl Branch {
    fn len(&self) -> usize {
        match self {
            Self::Leaf(nodes) => nodes.len(),
            Self::Inner(children) => children.len(),
        }
    }

    fn size(&self) -> Size {
        match self {
            Self::Leaf(nodes) => {
                nodes.iter().map(|node| Size { elements: node.count(), nodes: 1 }).sum()
            }
            Self::Inner(children) => children.iter().map(|child| child.size).sum(),
        }
    }

    fn position(&self, mut element: usize) -> Position {
        let (mut branch, mut skipped) = (self, 0);
        loop {
            match branch {
                Self::Leaf(nodes) => {
                    for (at, node) in nodes.iter().enumerate() {
                        if element < node.count() {
                            return Position { node: skipped + at, offset: element };
                        }
                        element -= node.count();
                    }
                    unreachable!("branches know their counts");
                }
                Self::Inner(children) => {
                    let mut found = None;
                    for child in children {
                        if element < child.size.elements {
                            found = Some(&child.branch);
                            break;
                        }
                        element -= child.size.elements;
                        skipped += child.size.nodes;
                    }
                    branch = found.expect("branches know their counts");
                }
            }
        }
    }

    /// The result of `edit`, and by how much the number of elements changed.
    #[inline]
    fn edit<R>(
        &mut self,
        mut number: usize,
        nodes: usize,
        edit: impl FnOnce(&mut Node) -> R,
    ) -> (R, isize) {
        match self {
            Self::Leaf(leaf) => {
                let node = &mut leaf[number];
                let before = node.count();
                let result = edit(node);
                debug_assert!(node.count() > 0, "an empty node is removed, not kept");
                (result, node.count().cast_signed() - before.cast_signed())
            }
            Self::Inner(children) => {
                let at = child_of_node(children, &mut number, nodes);
                let child = &mut children[at];
                let (result, change) = child.branch.edit(number, child.size.nodes, edit);
                child.size.elements = added(child.size.elements, change);
                (result, change)
            }
        }
    }

    /// Adds a node; returns what did not fit and belongs behind this branch.
    fn insert(&mut self, mut number: usize, nodes: usize, node: Node) -> Option<Child> {
        match self {
            Self::Leaf(leaf) => {
                leaf.insert(number, node);
                let split_at = split_place(leaf.len(), number)?;
                let tail = leaf.split_off(split_at);
                Some(Child::new(Self::Leaf(tail)))
            }
            Self::Inner(children) => {
                let at = child_of_node(children, &mut number, nodes);
                let child = &mut children[at];
                let count = node.count();
                match child.branch.insert(number, child.size.nodes, node) {
                    None => {
                        child.size.elements += count;
                        child.size.nodes += 1;
                        None
                    }
                    Some(sibling) => {
                        child.size = child.branch.size();
                        children.insert(at + 1, sibling);
                        // What split is `at` and `at + 1`: at the front the new one is `at`.
                        let new = if at == 0 && number == 0 { 0 } else { at + 1 };
                        let split_at = split_place(children.len(), new)?;
                        let tail = children.split_off(split_at);
                        Some(Child::new(Self::Inner(tail)))
                    }
                }
            }
        }
    }

    fn remove(&mut self, mut number: usize, nodes: usize) -> Node {
        match self {
            Self::Leaf(leaf) => leaf.remove(number).expect("the node exists"),
            Self::Inner(children) => {
                let at = child_of_node(children, &mut number, nodes);
                let child = &mut children[at];
                let node = child.branch.remove(number, child.size.nodes);
                child.size.elements -= node.count();
                child.size.nodes -= 1;
                settle(children, at);
                node
            }
        }
    }

    /// Puts the children of `other` behind those of this branch, which is of the same level.
    fn append(&mut self, other: Self) {
        match (self, other) {
            (Self::Leaf(nodes), Self::Leaf(mut more)) => nodes.append(&mut more),
            (Self::Inner(children), Self::Inner(mut more)) => children.append(&mut more),
            _ => unreachable!("neighbours are of one level"),
        }
    }

    fn for_each_mut(&mut self, change: &mut dyn FnMut(&mut Node)) {
        match self {
            Self::Leaf(nodes) => nodes.iter_mut().for_each(change),
            Self::Inner(children) => {
                children.iter_mut().for_each(|child| child.branch.for_each_mut(change));
            }
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::Leaf(nodes) => {
                nodes.capacity() * size_of::<Node>()
                    + nodes.iter().map(Node::heap_bytes).sum::<usize>()
            }
            Self::Inner(children) => {
                children.capacity() * size_of::<Child>()
                    + children.iter().map(|child| child.branch.heap_bytes()).sum::<usize>()
            }
        }
    }
}

/// Where a branch of `len` children splits after one was added at `added`, if it must: in halves,
/// or, where it grew at an end, so that the new child starts a branch of its own.
fn split_place(len: usize, added: usize) -> Option<usize> {
    if len <= FANOUT {
        return None;
    }
    Some(match added {
        0 => 1,
        added if added == len - 1 => len - 1,
        _ => len / 2,
    })
}

/// After a removal below child `at`: an empty child goes, a sparse one joins a neighbour.
fn settle(children: &mut VecDeque<Child>, at: usize) {
    let len = children[at].branch.len();
    if len == 0 {
        children.remove(at);
        return;
    }
    if len >= SPARSE {
        return;
    }
    let fits = |left: usize| {
        left + 1 < children.len()
            && children[left].branch.len() + children[left + 1].branch.len() <= FANOUT
    };
    let left = if at > 0 && fits(at - 1) {
        at - 1
    } else if fits(at) {
        at
    } else {
        return;
    };
    let right = children.remove(left + 1).expect("looked at it");
    let left = &mut children[left];
    left.branch.append(right.branch);
    left.size = [left.size, right.size].into_iter().sum();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::StringRef;
    use crate::list::ListLimits;

    /// A node of `count` elements.
    fn node(count: usize) -> Node {
        let mut node = Node::of(StringRef::Int(0), ListLimits::default());
        (1..count).for_each(|number| node.insert(0, StringRef::Int(number as i64)));
        node
    }

    fn depth(branch: &Branch) -> usize {
        match branch {
            Branch::Leaf(_) => 1,
            Branch::Inner(children) => 1 + depth(&children[0].branch),
        }
    }

    #[test]
    fn lists_that_grow_at_their_ends_have_full_branches() {
        for end in [End::Front, End::Back] {
            let mut directory = Directory::default();
            for number in 0..FANOUT * FANOUT {
                directory.insert(if end == End::Front { 0 } else { number }, node(1));
            }
            assert_eq!(depth(&directory.root), 2, "{end:?}");
        }
    }

    proptest! {
        #[test]
        fn nodes_are_found_by_their_elements(
            runs in prop::collection::vec(
                (any::<prop::sample::Index>(), prop::bool::weighted(0.6), 1_usize..150), 1..40),
        ) {
            let (mut directory, mut model) = (Directory::default(), Vec::<usize>::new());
            for (place, grows, len) in runs {
                let at = place.index(model.len() + 1);
                for step in 0..len {
                    if grows {
                        let count = step % 3 + 1;
                        directory.insert(at, node(count));
                        model.insert(at, count);
                    } else if at < model.len() {
                        prop_assert_eq!(directory.remove(at).count(), model.remove(at));
                    }
                }
                prop_assert_eq!(directory.nodes(), model.len());
                prop_assert_eq!(directory.elements(), model.iter().sum::<usize>());
                let mut element = 0;
                for (number, count) in model.iter().enumerate() {
                    prop_assert_eq!(directory.node(number).count(), *count);
                    let last = Position { node: number, offset: count - 1 };
                    prop_assert_eq!(directory.position(element + count - 1), last);
                    element += count;
                }
                prop_assert!(depth(&directory.root) <= 4);
            }
        }
    }
}
