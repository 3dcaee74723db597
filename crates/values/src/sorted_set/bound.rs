//! Places between the members of a sorted set, and ranges between two of them.

use super::member::Member;

/// A place in the order of a sorted set, named by what is in front of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound<'a> {
    /// Behind all members of lower scores.
    BelowScore(f64),
    /// Behind all members of this score or lower ones.
    AboveScore(f64),
    /// In front of this member, whether it is there or not.
    Before(f64, &'a [u8]),
    /// Behind this member, whether it is there or not.
    Behind(f64, &'a [u8]),
    /// In front of this member, where all scores are equal.
    BeforeLex(&'a [u8]),
    /// Behind this member, where all scores are equal.
    BehindLex(&'a [u8]),
}

impl Bound<'_> {
    /// Whether a member is in front of the place.
    pub(super) fn is_behind(self, score: f64, member: &[u8]) -> bool {
        match self {
            Self::BelowScore(bound) => score < bound,
            Self::AboveScore(bound) => score <= bound,
            Self::Before(bound, other) => score < bound || (score == bound && member < other),
            Self::Behind(bound, other) => score < bound || (score == bound && member <= other),
            Self::BeforeLex(other) => member < other,
            Self::BehindLex(other) => member <= other,
        }
    }

    /// How many of the members of a node are in front of the place. Members are looked at only
    /// where their scores do not decide: each costs a cache miss.
    #[inline]
    pub(super) fn partition<'m>(
        self,
        scores: &[f64],
        member: impl Fn(usize) -> &'m Member,
    ) -> usize {
        match self {
            Self::BelowScore(bound) => scores.partition_point(|score| *score < bound),
            Self::AboveScore(bound) => scores.partition_point(|score| *score <= bound),
            Self::Before(bound, _) | Self::Behind(bound, _) => {
                let lower = scores.partition_point(|score| *score < bound);
                if scores.get(lower).is_none_or(|score| *score != bound) {
                    return lower;
                }
                let equal = scores[lower..].partition_point(|score| *score <= bound);
                self.partition_by_member(lower, lower + equal, member)
            }
            Self::BeforeLex(_) | Self::BehindLex(_) => {
                self.partition_by_member(0, scores.len(), member)
            }
        }
    }

    /// Members lie anywhere in memory, and each comparison is a cache miss: those at eight places are
    /// asked for at once, so that a node of equal scores costs two rounds of misses instead of six.
    fn partition_by_member<'m>(
        self,
        mut from: usize,
        mut until: usize,
        member: impl Fn(usize) -> &'m Member,
    ) -> usize {
        const PLACES: usize = 8;
        while from < until {
            let (first, len) = (from, until - from);
            let place = |n: usize| first + len * n / PLACES;
            (0..PLACES).for_each(|n| member(place(n)).prefetch());
            let (mut in_front, mut behind) = (0, PLACES);
            while in_front < behind {
                let middle = usize::midpoint(in_front, behind);
                if self.is_behind_member(member(place(middle)).as_bytes()) {
                    in_front = middle + 1;
                } else {
                    behind = middle;
                }
            }
            if in_front < PLACES {
                until = place(in_front);
            }
            if in_front > 0 {
                from = place(in_front - 1) + 1;
            }
        }
        from
    }

    /// Whether a member of the bound's score is in front of the place.
    fn is_behind_member(self, member: &[u8]) -> bool {
        match self {
            Self::Before(_, other) | Self::BeforeLex(other) => member < other,
            Self::Behind(_, other) | Self::BehindLex(other) => member <= other,
            Self::BelowScore(_) | Self::AboveScore(_) => unreachable!("scores decided"),
        }
    }
}

/// One end of a range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreBound {
    /// The score; never NaN.
    pub score: f64,
    /// Whether members of this very score lie outside.
    pub exclusive: bool,
}

/// A range of scores; empty where the ends are in the wrong order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    /// The lower end.
    pub min: ScoreBound,
    /// The upper end.
    pub max: ScoreBound,
}

impl ScoreRange {
    /// From `min` to `max`, both included.
    #[must_use]
    pub const fn inclusive(min: f64, max: f64) -> Self {
        Self {
            min: ScoreBound { score: min, exclusive: false },
            max: ScoreBound { score: max, exclusive: false },
        }
    }

    pub(super) const fn start(self) -> Bound<'static> {
        if self.min.exclusive {
            Bound::AboveScore(self.min.score)
        } else {
            Bound::BelowScore(self.min.score)
        }
    }

    pub(super) const fn end(self) -> Bound<'static> {
        if self.max.exclusive {
            Bound::BelowScore(self.max.score)
        } else {
            Bound::AboveScore(self.max.score)
        }
    }
}

/// One end of a range of members of equal scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// In front of every member: `-`.
    Lowest,
    /// Behind every member: `+`.
    Highest,
    /// This member, which lies inside: `[member`.
    Inclusive(&'a [u8]),
    /// This member, which lies outside: `(member`.
    Exclusive(&'a [u8]),
}

/// A range of members in the order of their bytes; for sorted sets whose scores are all equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// The lower end.
    pub min: LexBound<'a>,
    /// The upper end.
    pub max: LexBound<'a>,
}

impl<'a> LexRange<'a> {
    pub(super) const fn start(self) -> Bound<'a> {
        match self.min {
            LexBound::Lowest => Bound::BelowScore(f64::NEG_INFINITY),
            LexBound::Highest => Bound::AboveScore(f64::INFINITY),
            LexBound::Inclusive(member) => Bound::BeforeLex(member),
            LexBound::Exclusive(member) => Bound::BehindLex(member),
        }
    }

    pub(super) const fn end(self) -> Bound<'a> {
        match self.max {
            LexBound::Lowest => Bound::BelowScore(f64::NEG_INFINITY),
            LexBound::Highest => Bound::AboveScore(f64::INFINITY),
            LexBound::Inclusive(member) => Bound::BehindLex(member),
            LexBound::Exclusive(member) => Bound::BeforeLex(member),
        }
    }
}
