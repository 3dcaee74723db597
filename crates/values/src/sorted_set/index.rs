//! A sorted set with two indexes: by member, and by score.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use dunlin_table::Table;

use super::bound::{Bound, LexRange, ScoreRange};
use super::member::Member;
use super::tree::{Leaf, Tree};
use super::view::SortedSetRef;
use crate::frozen::{FrozenHeader, FrozenItem, FrozenPlace, FrozenTable, Part, Parted, Thawed};
use crate::hasher::MemberHasher;
use crate::kind::Encoding;

/// A sorted set beyond the packed form.
///
/// A table finds a member's score, a tree finds ranks and ranges; both hold handles to the same
/// members. A million members of 16 bytes with random scores take 63.3 bytes each, all in
/// (Redis 7.0: 126; `bench/run --only memory/sorted-set`).
pub struct ScoreIndex {
    members: Table<Member>,
    tree: Tree,
    hasher: MemberHasher,
    /// Heap that the members take, without the indexes.
    member_bytes: usize,
    frozen: FrozenPlace<FrozenTable>,
}

impl ScoreIndex {
    /// An empty sorted set whose members are hashed by `hasher`.
    #[must_use]
    pub fn new(hasher: MemberHasher) -> Self {
        Self {
            members: Table::new(),
            tree: Tree::new(),
            hasher,
            member_bytes: 0,
            frozen: FrozenPlace::EMPTY,
        }
    }

    /// Number of members.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there is no member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sorted set for reading.
    #[must_use]
    pub const fn view(&self) -> SortedSetRef<'_> {
        SortedSetRef::indexed(self)
    }

    /// The score of a member. O(1).
    #[must_use]
    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        Some(self.members.find(self.hasher.hash(member), member)?.score())
    }

    /// Number of members in front of a member of this score. O(log n).
    #[must_use]
    pub(super) fn rank_of(&self, score: f64, member: &[u8]) -> usize {
        self.tree.rank(Bound::Before(score, member))
    }

    /// The ranks of the members in a range of scores. O(log n).
    #[must_use]
    pub fn ranks_by_score(&self, range: ScoreRange) -> Range<usize> {
        ordered(self.tree.rank(range.start()), self.tree.rank(range.end()))
    }

    /// The ranks of the members in a range of bytes, where all scores are equal. O(log n).
    #[must_use]
    pub fn ranks_by_lex(&self, range: LexRange<'_>) -> Range<usize> {
        ordered(self.tree.rank(range.start()), self.tree.rank(range.end()))
    }

    /// Gives a member a score; the score it had before, if it was there. O(log n).
    pub fn set(&mut self, member: &[u8], score: f64) -> Option<f64> {
        let hash = self.hasher.hash(member);
        if let Some(found) = self.members.find(hash, member) {
            let held = found.score();
            if held != score {
                if let Some(frozen) = self.frozen.get_mut() {
                    frozen.keep(&self.members, self.hasher, (hash, member), false);
                }
                if !self.tree.rescore(held, &found, score) {
                    let moved = self.tree.remove(held, &found);
                    self.tree.insert(score, moved.expect("both indexes hold the same members"));
                }
                found.set_score(score);
            }
            return Some(held);
        }
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.keep(&self.members, self.hasher, (hash, member), true);
        }
        let new = Member::new(member, score);
        self.member_bytes += Member::heap_bytes_of(member.len());
        self.tree.insert(score, new.clone());
        let hasher = self.hasher;
        self.members.insert(hash, new, |member| hasher.hash(member.as_bytes()));
        None
    }

    /// Removes a member; the score it had. O(log n).
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let hash = self.hasher.hash(member);
        if let Some(frozen) = self.frozen.get_mut() {
            frozen.keep(&self.members, self.hasher, (hash, member), false);
        }
        let removed = self.members.remove(hash, member)?;
        let score = removed.score();
        self.tree.remove(score, &removed).expect("both indexes hold the same members");
        self.member_bytes -= Member::heap_bytes_of(member.len());
        Some(score)
    }

    /// Removes the members of some ranks, fewer where there are no more. O(1) for each, and
    /// O(log n).
    pub fn remove_ranks(&mut self, ranks: Range<usize>) {
        let Self { members, tree, hasher, member_bytes, frozen } = self;
        tree.remove_range(ranks.start, ranks.len(), |removed| {
            let member = removed.as_bytes();
            let hash = hasher.hash(member);
            if let Some(frozen) = frozen.get_mut() {
                frozen.keep(members, *hasher, (hash, member), false);
            }
            *member_bytes -= Member::heap_bytes_of(member.len());
            members.remove(hash, member);
        });
    }

    /// Visits some members with their scores and returns the cursor for the next call; 0 starts a
    /// scan and is returned at its end. Members that stay meanwhile are visited at least once.
    pub fn scan(&self, cursor: u64, mut visit: impl FnMut(&[u8], f64)) -> u64 {
        self.members.scan(cursor, &mut |member| visit(member.as_bytes(), member.score()))
    }

    #[inline]
    pub(super) fn leaf_at(&self, rank: usize) -> Option<(&Leaf, usize)> {
        self.tree.leaf_at(rank)
    }

    /// How much work dropping it is, counted in allocations.
    #[must_use]
    pub const fn free_effort(&self) -> usize {
        self.len()
    }

    /// Bytes of heap it holds, itself included. O(n / 3000).
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of::<Self>()
            + self.member_bytes
            + self.members.memory_bytes()
            + self.tree.heap_bytes()
            + self.frozen.get().map_or(0, FrozenTable::heap_bytes)
    }

    /// Whether it is better handed out in pieces.
    pub(crate) fn is_large(&self) -> bool {
        FrozenTable::is_worth_it(self.len(), self.member_bytes)
    }

    pub(crate) fn freeze(&mut self, id: u32) -> FrozenHeader {
        self.frozen.put(FrozenTable::new(id, self.len(), self.member_bytes));
        FrozenHeader {
            encoding: Encoding::Skiplist,
            is_hash: false,
            items: self.len(),
            earliest_field_deadline: None,
        }
    }

    pub(crate) fn frozen_id(&self) -> Option<u32> {
        self.frozen.get().map(FrozenTable::id)
    }

    pub(crate) fn emit_frozen(
        &mut self,
        budget: &mut usize,
        visit: &mut dyn FnMut(FrozenItem<'_>),
    ) -> bool {
        let Some(frozen) = self.frozen.get_mut() else { return true };
        frozen.emit(&self.members, self.hasher, budget, visit)
    }

    pub(crate) fn thaw(&mut self) -> Thawed {
        self.frozen.clear()
    }

    /// Checks the invariants.
    #[cfg(test)]
    pub(super) fn check(&self) {
        self.tree.check();
        assert_eq!(self.members.len(), self.tree.len());
        let bytes =
            self.members.iter().map(|member| Member::heap_bytes_of(member.as_bytes().len()));
        assert_eq!(bytes.sum::<usize>(), self.member_bytes);
    }
}

impl Parted for Member {
    fn part(&self) -> Part<'_> {
        Part { name: self.as_bytes(), value: &[], number: self.score().to_bits() }
    }

    fn item(part: Part<'_>) -> FrozenItem<'_> {
        FrozenItem::Scored(part.name, f64::from_bits(part.number))
    }
}

/// Members with scores that are not ordered yet: on the way to a [`ScoreIndex`], where scores still
/// change.
pub struct Unordered {
    members: Table<Member>,
    hasher: MemberHasher,
}

impl Unordered {
    /// No members, which will be hashed by `hasher`.
    #[must_use]
    pub const fn new(hasher: MemberHasher) -> Self {
        Self { members: Table::new(), hasher }
    }

    /// Adds a member, or lets `merge` make its new score from the one it has.
    pub fn merge(&mut self, member: &[u8], score: f64, merge: impl FnOnce(f64) -> f64) {
        let (hash, hasher) = (self.hasher.hash(member), self.hasher);
        if let Some(found) = self.members.find(hash, member) {
            found.set_score(merge(found.score()));
            return;
        }
        let new = Member::new(member, score);
        self.members.insert(hash, new, |member| hasher.hash(member.as_bytes()));
    }

    /// Removes a member if it is there.
    pub fn remove(&mut self, member: &[u8]) {
        self.members.remove(self.hasher.hash(member), member);
    }

    /// The sorted set of these members. O(n log n).
    #[must_use]
    pub fn ordered(self) -> ScoreIndex {
        let mut order: Vec<(f64, Member)> =
            self.members.iter().map(|member| (member.score(), (*member).clone())).collect();
        order.sort_unstable_by(|(a, first), (b, second)| {
            // Scores are not NaN; -0 and 0 are equal.
            let scores = a.partial_cmp(b).unwrap_or(Ordering::Equal);
            scores.then_with(|| first.as_bytes().cmp(second.as_bytes()))
        });
        let mut index = ScoreIndex::new(self.hasher);
        for (score, member) in order {
            index.member_bytes += Member::heap_bytes_of(member.as_bytes().len());
            index.tree.insert(score, member);
        }
        index.members = self.members;
        index
    }
}

impl fmt::Debug for Unordered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unordered").field("len", &self.members.len()).finish_non_exhaustive()
    }
}

/// A range whose end is not in front of its start.
pub(super) fn ordered(start: usize, end: usize) -> Range<usize> {
    start..end.max(start)
}

impl Clone for ScoreIndex {
    /// A copy with members of its own. O(n log n).
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.hasher);
        let mut rank = 0;
        while let Some((leaf, _)) = self.leaf_at(rank) {
            for at in 0..leaf.len() {
                copy.set(leaf.member(at).as_bytes(), leaf.scores()[at]);
            }
            rank += leaf.len();
        }
        copy
    }
}

impl fmt::Debug for ScoreIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScoreIndex").field("len", &self.len()).finish_non_exhaustive()
    }
}
