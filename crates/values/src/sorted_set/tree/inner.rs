//! An inner node: up to [`CAPACITY`] children, what each holds, and how they stay well filled.

use super::CAPACITY;
use super::column::Column;
use super::node::Node;
use crate::sorted_set::bound::Bound;
use crate::sorted_set::member::Member;

/// A sibling takes over members of a full child if it has at least this many free places; with
/// fewer, the next insertion would be back soon.
const SPARE_MIN: usize = CAPACITY / 16;

/// A child with fewer places taken is merged with a sibling, or gets some of its places.
const TAKEN_MIN: usize = CAPACITY * 2 / 5;

/// Two children are merged if they hold no more than this together, so that the next insertion
/// does not split them again.
const MERGED_MAX: usize = CAPACITY - SPARE_MIN;

const _: () = assert!(MERGED_MAX >= 2 * TAKEN_MIN, "two children that share are both well filled");

/// Children in order, with the count of members and the first member of each.
pub(super) struct Inner {
    len: usize,
    counts: Column<u64, CAPACITY>,
    scores: Column<f64, CAPACITY>,
    firsts: Column<Option<Member>, CAPACITY>,
    children: Column<Option<Node>, CAPACITY>,
}

const _: () = assert!(size_of::<Inner>() <= 2560, "a node fits a size class of the allocator");

impl Inner {
    pub(super) fn new() -> Box<Self> {
        Box::new(Self {
            len: 0,
            counts: Column::new(),
            scores: Column::new(),
            firsts: Column::new(),
            children: Column::new(),
        })
    }

    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Members below this node.
    pub(super) fn count(&self) -> u64 {
        self.counts.taken(self.len).iter().sum()
    }

    #[inline]
    pub(super) fn first(&self) -> (f64, &Member) {
        (self.scores[0], self.first_of(0))
    }

    #[inline]
    fn first_of(&self, at: usize) -> &Member {
        self.firsts[at].as_ref().expect("places below the length are taken")
    }

    #[inline]
    pub(super) fn child(&self, at: usize) -> &Node {
        self.children[at].as_ref().expect("places below the length are taken")
    }

    #[inline]
    fn child_mut(&mut self, at: usize) -> &mut Node {
        self.children[at].as_mut().expect("places below the length are taken")
    }

    pub(super) fn children(&self) -> impl Iterator<Item = &Node> {
        self.children.taken(self.len).iter().flatten()
    }

    /// The child in which a place is, and the members in front of that child.
    #[inline]
    pub(super) fn descend(&self, bound: Bound<'_>) -> (usize, u64) {
        let at = self.place_of(bound).saturating_sub(1);
        (at, self.counts.taken(at).iter().sum())
    }

    /// The child that holds the member of a rank, and its rank there.
    #[inline]
    pub(super) fn descend_to_rank(&self, mut rank: u64) -> (usize, u64) {
        let mut at = 0;
        while at + 1 < self.len && rank >= self.counts[at] {
            rank -= self.counts[at];
            at += 1;
        }
        (at, rank)
    }

    /// How many children begin in front of a place.
    #[inline]
    pub(super) fn place_of(&self, bound: Bound<'_>) -> usize {
        bound.partition(self.scores.taken(self.len), |at| self.first_of(at))
    }

    /// Adds a child behind the others.
    pub(super) fn push(&mut self, child: Node) {
        self.insert_child(self.len, child);
    }

    /// Takes the only child out.
    pub(super) fn take_only_child(&mut self) -> Option<Node> {
        if self.len != 1 {
            return None;
        }
        self.len = 0;
        self.children[0].take()
    }

    /// Inserts a member. This node must have room for one more child.
    pub(super) fn insert(&mut self, score: f64, member: Member) {
        let place = self.place_of(Bound::Before(score, member.as_bytes()));
        let mut at = place.saturating_sub(1);
        if self.child(at).is_full() {
            self.make_room(at, score, &member);
            at = self.place_of(Bound::Before(score, member.as_bytes())).saturating_sub(1);
        }
        self.child_mut(at).insert(score, member);
        self.counts[at] += 1;
        if place == 0 {
            self.refresh(0);
        }
    }

    /// Removes a member that is here, known by its handle.
    pub(super) fn remove(&mut self, score: f64, member: &Member) -> Option<Member> {
        let (at, _) = self.descend(Bound::Behind(score, member.as_bytes()));
        let removed = self.child_mut(at).remove(score, member)?;
        self.counts[at] -= 1;
        if self.first_of(at).is(&removed) && self.child(at).len() > 0 {
            self.refresh(at);
        }
        self.refill(at);
        Some(removed)
    }

    /// Removes up to `count` members from `rank` on, as many as are in one leaf; tells how many.
    pub(super) fn remove_run(&mut self, rank: u64, count: u64, out: &mut dyn FnMut(Member)) -> u64 {
        let (at, rank) = self.descend_to_rank(rank);
        let removed = self.child_mut(at).remove_run(rank, count, out);
        self.counts[at] -= removed;
        if rank == 0 && self.child(at).len() > 0 {
            self.refresh(at);
        }
        self.refill(at);
        removed
    }

    /// Changes the score of a member if it stays where it is; whether it did.
    pub(super) fn rescore(&mut self, held: f64, member: &Member, score: f64) -> bool {
        let (at, _) = self.descend(Bound::Behind(held, member.as_bytes()));
        self.child_mut(at).rescore(held, member, score)
    }

    /// Makes room in a full child: a sibling takes some of what it holds, or a new one comes.
    pub(super) fn make_room(&mut self, at: usize, score: f64, member: &Member) {
        let bound = Bound::Before(score, member.as_bytes());
        let place = self.child(at).place_of(bound);
        if at + 1 == self.len && place == CAPACITY {
            // Members come in ascending order: those before stay as they are, well filled.
            self.split_off(at, CAPACITY - 1);
        } else if at == 0 && place == 0 {
            self.split_off(at, 1);
        } else if let Some(left) = self.roomy_neighbour(at) {
            self.even_out(left);
        } else if self.len == 1 {
            self.split_off(at, CAPACITY / 2);
        } else {
            self.split_in_three(at.min(self.len - 2));
        }
    }

    /// The left one of a child and that of its siblings which has more room, if either has enough.
    fn roomy_neighbour(&self, at: usize) -> Option<usize> {
        let free = |sibling: usize| CAPACITY - self.child(sibling).len();
        let left = (at > 0).then(|| (free(at - 1), at - 1));
        let right = (at + 1 < self.len).then(|| (free(at + 1), at));
        let (free, left) = left.max(right)?;
        (free >= SPARE_MIN).then_some(left)
    }

    /// A new sibling to the right takes what a child holds from place `kept` on.
    fn split_off(&mut self, at: usize, kept: usize) {
        let child = self.child_mut(at);
        let mut right = child.empty_sibling();
        right.prepend_from(child, child.len() - kept);
        self.refresh(at);
        self.insert_child(at + 1, right);
    }

    /// Two neighbours share what they hold with a new one between them: each is two thirds full.
    fn split_in_three(&mut self, left: usize) {
        let [first, last] = self.pair_mut(left);
        let mut middle = first.empty_sibling();
        middle.prepend_from(first, first.len() / 3);
        let count = last.len() / 3;
        middle.append_from(last, count);
        self.refresh(left);
        self.refresh(left + 1);
        self.insert_child(left + 1, middle);
    }

    /// Two neighbours hold as much as each other afterwards.
    fn even_out(&mut self, left: usize) {
        let [first, last] = self.pair_mut(left);
        let (a, b) = (first.len(), last.len());
        if a < b {
            first.append_from(last, (b - a) / 2);
        } else {
            last.prepend_from(first, (a - b) / 2);
        }
        self.refresh(left);
        self.refresh(left + 1);
    }

    /// Sees to it that a child that lost members is well filled again.
    fn refill(&mut self, at: usize) {
        let taken = self.child(at).len();
        if taken == 0 {
            self.remove_child(at);
            return;
        }
        if taken >= TAKEN_MIN || self.len == 1 {
            return;
        }
        let left = match at {
            0 => 0,
            at if at + 1 == self.len => at - 1,
            at if self.child(at - 1).len() < self.child(at + 1).len() => at - 1,
            at => at,
        };
        let [first, last] = self.pair_mut(left);
        if first.len() + last.len() > MERGED_MAX {
            self.even_out(left);
            return;
        }
        let count = last.len();
        first.append_from(last, count);
        self.refresh(left);
        self.remove_child(left + 1);
    }

    fn pair_mut(&mut self, left: usize) -> [&mut Node; 2] {
        let [first, last] = self.children.pair_mut(left);
        [first, last].map(|child| child.as_mut().expect("places below the length are taken"))
    }

    /// Reads again what is known of a child.
    fn refresh(&mut self, at: usize) {
        let child = self.children[at].as_ref().expect("places below the length are taken");
        self.counts[at] = child.count();
        let (score, first) = child.first();
        self.scores[at] = score;
        if self.firsts[at].as_ref().is_none_or(|known| !known.is(first)) {
            self.firsts[at] = Some(first.clone());
        }
    }

    fn insert_child(&mut self, at: usize, child: Node) {
        self.counts.insert(self.len, at, 0);
        self.scores.insert(self.len, at, 0.0);
        self.firsts.insert(self.len, at, None);
        self.children.insert(self.len, at, Some(child));
        self.len += 1;
        self.refresh(at);
    }

    fn remove_child(&mut self, at: usize) {
        self.counts.remove(self.len, at);
        self.scores.remove(self.len, at);
        self.firsts.remove(self.len, at);
        self.children.remove(self.len, at);
        self.len -= 1;
    }

    pub(super) fn append_from(&mut self, right: &mut Self, count: usize) {
        self.counts.append(self.len, &mut right.counts, right.len, count);
        self.scores.append(self.len, &mut right.scores, right.len, count);
        self.firsts.append(self.len, &mut right.firsts, right.len, count);
        self.children.append(self.len, &mut right.children, right.len, count);
        self.len += count;
        right.len -= count;
    }

    pub(super) fn prepend_from(&mut self, left: &mut Self, count: usize) {
        self.counts.prepend(self.len, &mut left.counts, left.len, count);
        self.scores.prepend(self.len, &mut left.scores, left.len, count);
        self.firsts.prepend(self.len, &mut left.firsts, left.len, count);
        self.children.prepend(self.len, &mut left.children, left.len, count);
        self.len += count;
        left.len -= count;
    }

    /// Checks the invariants below this node; tells its height.
    #[cfg(test)]
    pub(super) fn check(&self) -> usize {
        assert!(self.len > 0, "an inner node has children");
        let heights: Vec<usize> = (0..self.len)
            .map(|at| {
                let child = self.child(at);
                assert_eq!(child.count(), self.counts[at]);
                let (score, first) = child.first();
                assert_eq!(score, self.scores[at]);
                assert!(first.is(self.first_of(at)));
                child.check()
            })
            .collect();
        assert!(heights.iter().all(|height| *height == heights[0]), "leaves are equally deep");
        heights[0] + 1
    }
}
