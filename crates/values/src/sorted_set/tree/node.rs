//! A node of either kind. Siblings are of the same kind: all leaves are equally deep.

use super::CAPACITY;
use super::inner::Inner;
use super::leaf::Leaf;
use crate::sorted_set::bound::Bound;
use crate::sorted_set::member::Member;

/// A leaf or an inner node.
pub(super) enum Node {
    /// Members.
    Leaf(Box<Leaf>),
    /// Children.
    Inner(Box<Inner>),
}

impl Node {
    /// Places taken: members of a leaf, children of an inner node.
    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.len(),
            Self::Inner(inner) => inner.len(),
        }
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.len() == CAPACITY
    }

    /// Members below.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Leaf(leaf) => leaf.len() as u64,
            Self::Inner(inner) => inner.count(),
        }
    }

    /// The first member below; the node is not empty.
    pub(super) fn first(&self) -> (f64, &Member) {
        match self {
            Self::Leaf(leaf) => (leaf.scores()[0], leaf.member(0)),
            Self::Inner(inner) => inner.first(),
        }
    }

    /// How many members or children begin in front of a place.
    pub(super) fn place_of(&self, bound: Bound<'_>) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.partition(bound),
            Self::Inner(inner) => inner.place_of(bound),
        }
    }

    /// Inserts a member into a node that is not full.
    #[inline]
    pub(super) fn insert(&mut self, score: f64, member: Member) {
        match self {
            Self::Leaf(leaf) => {
                let at = leaf.partition(Bound::Before(score, member.as_bytes()));
                leaf.insert(at, score, member);
            }
            Self::Inner(inner) => inner.insert(score, member),
        }
    }

    /// Removes a member, known by its handle.
    pub(super) fn remove(&mut self, score: f64, member: &Member) -> Option<Member> {
        match self {
            Self::Leaf(leaf) => leaf.find(score, member).map(|at| leaf.remove(at)),
            Self::Inner(inner) => inner.remove(score, member),
        }
    }

    /// Removes up to `count` members from `rank` on, as many as are in one leaf; tells how many.
    pub(super) fn remove_run(&mut self, rank: u64, count: u64, out: &mut dyn FnMut(Member)) -> u64 {
        match self {
            Self::Leaf(leaf) => {
                let removed = count.min(leaf.len() as u64 - rank);
                leaf.remove_run(rank as usize, removed as usize, out);
                removed
            }
            Self::Inner(inner) => inner.remove_run(rank, count, out),
        }
    }

    /// Changes the score of a member if it stays where it is; whether it did.
    pub(super) fn rescore(&mut self, held: f64, member: &Member, score: f64) -> bool {
        match self {
            Self::Leaf(leaf) => leaf.find(held, member).is_some_and(|at| leaf.rescore(at, score)),
            Self::Inner(inner) => inner.rescore(held, member, score),
        }
    }

    /// An empty node of the same kind.
    pub(super) fn empty_sibling(&self) -> Self {
        match self {
            Self::Leaf(_) => Self::Leaf(Leaf::new()),
            Self::Inner(_) => Self::Inner(Inner::new()),
        }
    }

    /// Takes over the first `count` places of the sibling to the right.
    pub(super) fn append_from(&mut self, right: &mut Self, count: usize) {
        match (self, right) {
            (Self::Leaf(left), Self::Leaf(right)) => left.append_from(right, count),
            (Self::Inner(left), Self::Inner(right)) => left.append_from(right, count),
            _ => unreachable!("siblings are of the same kind"),
        }
    }

    /// Takes over the last `count` places of the sibling to the left.
    pub(super) fn prepend_from(&mut self, left: &mut Self, count: usize) {
        match (left, self) {
            (Self::Leaf(left), Self::Leaf(right)) => right.prepend_from(left, count),
            (Self::Inner(left), Self::Inner(right)) => right.prepend_from(left, count),
            _ => unreachable!("siblings are of the same kind"),
        }
    }

    /// Bytes of heap of this node and those below, without the members.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Leaf(_) => size_of::<Leaf>(),
            Self::Inner(inner) => {
                let children: usize = match inner.children().next() {
                    Some(Self::Leaf(_)) => inner.len() * size_of::<Leaf>(),
                    _ => inner.children().map(Self::heap_bytes).sum(),
                };
                size_of::<Inner>() + children
            }
        }
    }

    /// Checks the invariants from here down; tells the height.
    #[cfg(test)]
    pub(super) fn check(&self) -> usize {
        match self {
            Self::Leaf(leaf) => {
                assert!(leaf.scores().iter().enumerate().all(|(at, score)| {
                    let member = leaf.member(at);
                    at == 0
                        || Bound::Before(*score, member.as_bytes())
                            .is_behind(leaf.scores()[at - 1], leaf.member(at - 1).as_bytes())
                }));
                1
            }
            Self::Inner(inner) => inner.check(),
        }
    }
}
