//! A sorted set for reading, whatever its encoding.

use std::ops::Range;

use super::bound::{LexRange, ScoreRange};
use super::index::ScoreIndex;
use super::packed::{self, Pairs};
use super::tree::Leaf;
use crate::entry::Entry;
use crate::kind::PackedKind;
use crate::listpack::{Element, Listpack};
use crate::object::Object;

/// A sorted set for reading: members by score, rank, range.
#[derive(Clone, Copy, Debug)]
pub struct SortedSetRef<'a>(Form<'a>);

#[derive(Clone, Copy, Debug)]
enum Form<'a> {
    Packed(Listpack<'a>),
    Index(&'a ScoreIndex),
}

impl Entry {
    /// The sorted set this key holds; `None` if it holds another type.
    #[must_use]
    #[inline]
    pub fn sorted_set(&self) -> Option<SortedSetRef<'_>> {
        if let Some((kind, bytes)) = self.packed() {
            return (kind == PackedKind::SortedSet).then(|| SortedSetRef::packed(bytes));
        }
        match self.object()? {
            Object::SortedSet(index) => Some(SortedSetRef::indexed(index)),
            _ => None,
        }
    }
}

impl<'a> SortedSetRef<'a> {
    /// The sorted set in a listpack.
    #[inline]
    pub(super) const fn packed(bytes: &'a [u8]) -> Self {
        Self(Form::Packed(Listpack::new(bytes)))
    }

    #[inline]
    pub(super) const fn indexed(index: &'a ScoreIndex) -> Self {
        Self(Form::Index(index))
    }

    /// Number of members.
    #[must_use]
    #[inline]
    pub fn len(self) -> usize {
        match self.0 {
            Form::Packed(list) => list.len() / 2,
            Form::Index(index) => index.len(),
        }
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether it is beyond the packed form: then scores, ranks and ranges take O(log n) or less.
    #[must_use]
    pub const fn is_indexed(self) -> bool {
        matches!(self.0, Form::Index(_))
    }

    /// The score of a member. O(1); O(n) packed.
    #[must_use]
    #[inline]
    pub fn score(self, member: &[u8]) -> Option<f64> {
        match self.0 {
            Form::Packed(list) => packed::find(list, member).map(|(_, score)| score),
            Form::Index(index) => index.score(member),
        }
    }

    /// Number of members in front of a member, and its score. O(log n).
    #[must_use]
    pub fn rank(self, member: &[u8]) -> Option<(usize, f64)> {
        match self.0 {
            Form::Packed(list) => packed::rank(list, member),
            Form::Index(index) => {
                let score = index.score(member)?;
                Some((index.rank_of(score, member), score))
            }
        }
    }

    /// The ranks of the members in a range of scores. O(log n).
    #[must_use]
    pub fn ranks_by_score(self, range: ScoreRange) -> Range<usize> {
        match self.0 {
            Form::Packed(list) => packed::ranks(list, range.start(), range.end()),
            Form::Index(index) => index.ranks_by_score(range),
        }
    }

    /// The ranks of the members in a range of bytes; only where all scores are equal has it a
    /// meaning. O(log n).
    #[must_use]
    pub fn ranks_by_lex(self, range: LexRange<'_>) -> Range<usize> {
        match self.0 {
            Form::Packed(list) => packed::ranks(list, range.start(), range.end()),
            Form::Index(index) => index.ranks_by_lex(range),
        }
    }

    /// The member of a rank, and its score. O(log n).
    #[must_use]
    pub fn at(self, rank: usize) -> Option<(Element<'a>, f64)> {
        self.range(rank..rank.saturating_add(1)).next()
    }

    /// All members in ascending order, with their scores.
    #[must_use]
    pub fn iter(self) -> Members<'a> {
        self.range(0..self.len())
    }

    /// The members of some ranks in ascending order; ranks beyond the end are left out. O(log n)
    /// to begin with.
    #[must_use]
    pub fn range(self, ranks: Range<usize>) -> Members<'a> {
        let ranks = self.existing(ranks);
        let walk = match self.0 {
            Form::Packed(list) => Walk::Pairs(packed::pairs_from(list, ranks.start)),
            Form::Index(index) => Walk::Leaves { index, leaf: None, rank: ranks.start },
        };
        Members { walk, left: ranks.len() }
    }

    /// The members of some ranks in descending order. Ranks count from the lowest score here too.
    #[must_use]
    pub fn range_backwards(self, ranks: Range<usize>) -> Members<'a> {
        let ranks = self.existing(ranks);
        let walk = match self.0 {
            Form::Packed(list) => Walk::PairsBackwards(packed::pairs_until(list, ranks.end)),
            Form::Index(index) => Walk::LeavesBackwards { index, leaf: None, rank: ranks.end },
        };
        Members { walk, left: ranks.len() }
    }

    /// Visits some members with their scores and returns the cursor for the next call; 0 starts a
    /// scan and is returned at its end. A packed sorted set is visited as a whole.
    pub fn scan(self, cursor: u64, mut visit: impl FnMut(Element<'_>, f64)) -> u64 {
        match self.0 {
            Form::Packed(_) => {
                self.iter().for_each(|(member, score)| visit(member, score));
                0
            }
            Form::Index(index) => {
                index.scan(cursor, |member, score| visit(Element::Text(member), score))
            }
        }
    }

    fn existing(self, ranks: Range<usize>) -> Range<usize> {
        let len = self.len();
        let start = ranks.start.min(len);
        start..ranks.end.clamp(start, len)
    }
}

/// Members with their scores, in order.
#[derive(Debug)]
pub struct Members<'a> {
    walk: Walk<'a>,
    left: usize,
}

enum Walk<'a> {
    Pairs(Pairs<'a>),
    PairsBackwards(Pairs<'a>),
    /// `rank` is that of the next member to be found from the root, when the leaf has no more.
    Leaves {
        index: &'a ScoreIndex,
        leaf: Option<(&'a Leaf, usize)>,
        rank: usize,
    },
    /// The same from behind: places and ranks are one above those of the next member.
    LeavesBackwards {
        index: &'a ScoreIndex,
        leaf: Option<(&'a Leaf, usize)>,
        rank: usize,
    },
}

impl<'a> Iterator for Members<'a> {
    type Item = (Element<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let pair = match &mut self.walk {
            Walk::Pairs(pairs) => pairs.next().map(|(_, member, score)| (member, score)),
            Walk::PairsBackwards(pairs) => {
                pairs.next_back().map(|(_, member, score)| (member, score))
            }
            Walk::Leaves { index, leaf, rank } => {
                let (here, at) = match leaf {
                    Some((here, at)) if *at < here.len() => (*here, *at),
                    _ => {
                        let (here, at) = index.leaf_at(*rank)?;
                        prefetch(here, at..here.len().min(at.saturating_add(self.left)));
                        *rank += here.len() - at;
                        (here, at)
                    }
                };
                *leaf = Some((here, at + 1));
                Some(pair_at(here, at))
            }
            Walk::LeavesBackwards { index, leaf, rank } => {
                let (here, above) = match leaf {
                    Some((here, above)) if *above > 0 => (*here, *above),
                    _ => {
                        let (here, at) = index.leaf_at(rank.checked_sub(1)?)?;
                        prefetch(here, (at + 1).saturating_sub(self.left)..at + 1);
                        *rank -= at + 1;
                        (here, at + 1)
                    }
                };
                *leaf = Some((here, above - 1));
                Some(pair_at(here, above - 1))
            }
        };
        self.left -= 1;
        pair
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Members<'_> {}

impl std::fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Walk")
    }
}

#[inline]
fn pair_at(leaf: &Leaf, at: usize) -> (Element<'_>, f64) {
    (Element::Text(leaf.member(at).as_bytes()), leaf.scores()[at])
}

/// Members lie anywhere in memory: those that will be read are asked for all at once.
fn prefetch(leaf: &Leaf, places: Range<usize>) {
    places.for_each(|at| leaf.member(at).prefetch());
}
