//! Members in order of score and bytes: a B+ tree whose nodes count what is below them.
//!
//! Leaves hold up to [`CAPACITY`] members, inner nodes as many children. An inner node knows count
//! and first member of each child, so that a member, a rank or a place between members is found in
//! O(log n): four levels for a million members. Scores stand in the nodes beside the handles;
//! members themselves are read only where scores are equal.
//!
//! - **Room** is made on the way down: a full child gives members to a sibling; if both are full
//!   too, two become three, each two thirds full. Members in ascending (or descending) order leave
//!   full leaves behind.
//! - **Removal** merges a child that is less than two fifths full with a sibling, or takes some of
//!   the sibling's places.
//!
//! Invariants: all leaves are equally deep; no node but the root is empty; members ascend strictly.

mod column;
mod inner;
mod leaf;
mod node;

pub(super) use leaf::Leaf;

use self::inner::Inner;
use self::node::Node;
use super::bound::Bound;
use super::member::Member;

/// Places of a node: as many as make a leaf 1 KiB.
const CAPACITY: usize = 63;

/// Members in order.
pub(super) struct Tree {
    root: Node,
    len: u64,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { root: Node::Leaf(Leaf::new()), len: 0 }
    }

    /// Number of members.
    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len as usize
    }

    /// Adds a member that is not there. O(log n).
    pub(super) fn insert(&mut self, score: f64, member: Member) {
        debug_assert!(!score.is_nan(), "NaN has no place in an order");
        if self.root.is_full() {
            let old = std::mem::replace(&mut self.root, Node::Inner(Inner::new()));
            let Node::Inner(root) = &mut self.root else { unreachable!("just made") };
            root.push(old);
        }
        self.root.insert(score, member);
        self.len += 1;
    }

    /// Removes a member by handle and score; `None` if it is not there. O(log n).
    pub(super) fn remove(&mut self, score: f64, member: &Member) -> Option<Member> {
        let removed = self.root.remove(score, member)?;
        self.len -= 1;
        self.lower();
        Some(removed)
    }

    /// Removes `count` members from `rank` on, in order; fewer where there are no more.
    /// O(log n) for each leaf.
    pub(super) fn remove_range(&mut self, rank: usize, count: usize, mut out: impl FnMut(Member)) {
        let mut left = (count as u64).min(self.len.saturating_sub(rank as u64));
        while left > 0 {
            let removed = self.root.remove_run(rank as u64, left, &mut out);
            self.len -= removed;
            left -= removed;
            self.lower();
        }
    }

    /// Changes the score of a member whose place stays the same; whether it does. O(log n).
    pub(super) fn rescore(&mut self, held: f64, member: &Member, score: f64) -> bool {
        self.root.rescore(held, member, score)
    }

    /// Number of members in front of a place. O(log n).
    pub(super) fn rank(&self, bound: Bound<'_>) -> usize {
        let (mut node, mut rank) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(leaf) => return rank as usize + leaf.partition(bound),
                Node::Inner(inner) => {
                    let (at, before) = inner.descend(bound);
                    (node, rank) = (inner.child(at), rank + before);
                }
            }
        }
    }

    /// The leaf that holds the member of a rank, and its place there. O(log n).
    pub(super) fn leaf_at(&self, rank: usize) -> Option<(&Leaf, usize)> {
        let (mut node, mut rank) = (&self.root, rank as u64);
        loop {
            match node {
                Node::Leaf(leaf) => {
                    return (rank < leaf.len() as u64).then_some((&**leaf, rank as usize));
                }
                Node::Inner(inner) => {
                    let (at, rest) = inner.descend_to_rank(rank);
                    (node, rank) = (inner.child(at), rest);
                }
            }
        }
    }

    /// Bytes of heap of the nodes.
    pub(super) fn heap_bytes(&self) -> usize {
        self.root.heap_bytes()
    }

    /// A root with one child, or none, is one level too many.
    fn lower(&mut self) {
        while let Node::Inner(root) = &mut self.root {
            if root.len() == 0 {
                self.root = Node::Leaf(Leaf::new());
                return;
            }
            let Some(child) = root.take_only_child() else { return };
            self.root = child;
        }
    }

    /// Checks the invariants.
    #[cfg(test)]
    pub(super) fn check(&self) {
        assert_eq!(self.root.count(), self.len);
        self.root.check();
    }
}
