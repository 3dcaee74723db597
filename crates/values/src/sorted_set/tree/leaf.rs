//! A leaf: up to [`CAPACITY`] members with their scores, in order.

use super::CAPACITY;
use super::column::Column;
use crate::sorted_set::bound::Bound;
use crate::sorted_set::member::Member;

/// Members in order. Scores stand beside the handles, so that a search stays within the leaf.
pub(in crate::sorted_set) struct Leaf {
    len: usize,
    scores: Column<f64, CAPACITY>,
    members: Column<Option<Member>, CAPACITY>,
}

const _: () = assert!(size_of::<Leaf>() <= 1024, "a leaf fits a size class of the allocator");

impl Leaf {
    pub(super) fn new() -> Box<Self> {
        Box::new(Self { len: 0, scores: Column::new(), members: Column::new() })
    }

    #[inline]
    pub(in crate::sorted_set) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(in crate::sorted_set) fn scores(&self) -> &[f64] {
        self.scores.taken(self.len)
    }

    #[inline]
    pub(in crate::sorted_set) fn member(&self, at: usize) -> &Member {
        self.members[at].as_ref().expect("places below the length are taken")
    }

    #[inline]
    pub(super) fn partition(&self, bound: Bound<'_>) -> usize {
        bound.partition(self.scores(), |at| self.member(at))
    }

    /// The place of a member, known by its handle.
    #[inline]
    pub(super) fn find(&self, score: f64, member: &Member) -> Option<usize> {
        let at = self.partition(Bound::Before(score, member.as_bytes()));
        (at < self.len && self.member(at).is(member)).then_some(at)
    }

    #[inline]
    pub(super) fn insert(&mut self, at: usize, score: f64, member: Member) {
        self.scores.insert(self.len, at, score);
        self.members.insert(self.len, at, Some(member));
        self.len += 1;
    }

    pub(super) fn remove(&mut self, at: usize) -> Member {
        self.scores.remove(self.len, at);
        let member = self.members.remove(self.len, at);
        self.len -= 1;
        member.expect("places below the length are taken")
    }

    pub(super) fn remove_run(&mut self, at: usize, count: usize, out: &mut dyn FnMut(Member)) {
        self.scores.remove_run(self.len, at, count, drop);
        self.members.remove_run(self.len, at, count, |member| {
            out(member.expect("places below the length are taken"));
        });
        self.len -= count;
    }

    /// Changes the score of the member at a place if it then still stands between the same two
    /// neighbours of this leaf; whether it did.
    pub(super) fn rescore(&mut self, at: usize, score: f64) -> bool {
        let stays = at > 0
            && self.scores()[at - 1] < score
            && self.scores().get(at + 1).is_some_and(|next| score < *next);
        if stays {
            self.scores[at] = score;
        }
        stays
    }

    pub(super) fn append_from(&mut self, right: &mut Self, count: usize) {
        self.scores.append(self.len, &mut right.scores, right.len, count);
        self.members.append(self.len, &mut right.members, right.len, count);
        self.len += count;
        right.len -= count;
    }

    pub(super) fn prepend_from(&mut self, left: &mut Self, count: usize) {
        self.scores.prepend(self.len, &mut left.scores, left.len, count);
        self.members.prepend(self.len, &mut left.members, left.len, count);
        self.len += count;
        left.len -= count;
    }
}
