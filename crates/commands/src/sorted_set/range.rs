//! Ranges of a sorted set as commands word them: by rank, by score, by member.

use std::ops::Range;

use dunlin_stdx::number::{parse_f64_leniently, parse_i64};
use dunlin_values::sorted_set::{
    LexBound, LexRange, Members, ScoreBound, ScoreRange, SortedSetRef,
};

use crate::args::Args;
use crate::error::CommandError;

/// By what a range selects members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Places in the order; negative ones count from the end.
    Rank,
    /// Scores.
    Score,
    /// Members' bytes.
    Lex,
}

/// A range before it is applied to a sorted set.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bounds<'a> {
    Rank(i64, i64),
    Score(ScoreRange),
    Lex(LexRange<'a>),
}

impl<'a> Bounds<'a> {
    /// Reads a range from its lower and its upper end.
    ///
    /// # Errors
    /// `ERR min or max is not a float` and the like.
    pub(super) fn parse(order: Order, min: &'a [u8], max: &'a [u8]) -> Result<Self, CommandError> {
        Ok(match order {
            Order::Rank => {
                let integer = |word| parse_i64(word).ok_or(CommandError::NotInteger);
                Self::Rank(integer(min)?, integer(max)?)
            }
            Order::Score => Self::Score(parse_scores(min, max)?),
            Order::Lex => Self::Lex(parse_lex(min, max)?),
        })
    }

    /// The ranks of the selected members, counted from the lowest score. `backwards` matters to
    /// ranges by rank, which then count from the highest.
    pub(super) fn ranks(self, set: SortedSetRef<'_>, backwards: bool) -> Range<usize> {
        match self {
            Self::Rank(start, stop) => {
                let ranks = existing_ranks(start, stop, set.len());
                if backwards { set.len() - ranks.end..set.len() - ranks.start } else { ranks }
            }
            Self::Score(range) => set.ranks_by_score(range),
            Self::Lex(range) => set.ranks_by_lex(range),
        }
    }
}

/// The ranks from `start` to `stop`, both included, of a sorted set of `len` members.
fn existing_ranks(start: i64, stop: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let from_front = |rank: i64| if rank < 0 { rank.saturating_add(len) } else { rank };
    let start = from_front(start).max(0);
    let stop = from_front(stop).min(len - 1);
    if start > stop { 0..0 } else { start as usize..stop as usize + 1 }
}

/// Reads a range of scores.
///
/// # Errors
/// `ERR min or max is not a float`
pub(super) fn parse_scores(min: &[u8], max: &[u8]) -> Result<ScoreRange, CommandError> {
    let bound = |word: &[u8]| {
        let (exclusive, number) = match word {
            [b'(', number @ ..] => (true, number),
            number => (false, number),
        };
        Some(ScoreBound { score: parse_f64_leniently(number)?, exclusive })
    };
    let not_float = CommandError::fixed("ERR min or max is not a float");
    let (Some(min), Some(max)) = (bound(min), bound(max)) else { return Err(not_float) };
    Ok(ScoreRange { min, max })
}

/// Reads a range of members.
///
/// # Errors
/// `ERR min or max not valid string range item`
pub(super) fn parse_lex<'a>(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>, CommandError> {
    const fn bound(word: &[u8]) -> Option<LexBound<'_>> {
        match word {
            [b'-'] | [b'-', 0, ..] => Some(LexBound::Lowest),
            [b'+'] | [b'+', 0, ..] => Some(LexBound::Highest),
            [b'[', member @ ..] => Some(LexBound::Inclusive(member)),
            [b'(', member @ ..] => Some(LexBound::Exclusive(member)),
            _ => None,
        }
    }
    match (bound(min), bound(max)) {
        (Some(min), Some(max)) => Ok(LexRange { min, max }),
        _ => Err(CommandError::fixed("ERR min or max not valid string range item")),
    }
}

/// What the words of a command leave open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wording {
    /// The order, if the command's name says it.
    pub(super) order: Option<Order>,
    /// Whether from the highest member down, if the command's name says it.
    pub(super) backwards: Option<bool>,
    /// Whether WITHSCORES is an option.
    pub(super) may_show_scores: bool,
}

/// Which members a command selects, and how they are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selection<'a> {
    bounds: Bounds<'a>,
    backwards: bool,
    /// Members left out at the beginning; all if negative.
    offset: i64,
    /// Members taken; all if negative.
    count: i64,
    pub(super) with_scores: bool,
}

impl<'a> Selection<'a> {
    /// Reads a selection whose first end is word `first`.
    ///
    /// # Errors
    /// [`CommandError::Syntax`], [`CommandError::NotInteger`], options that exclude each other,
    /// and ends that do not fit the order.
    pub(super) fn parse(
        args: Args<'a>,
        first: usize,
        wording: Wording,
    ) -> Result<Self, CommandError> {
        let Wording { mut order, mut backwards, may_show_scores } = wording;
        let (mut offset, mut count, mut with_scores) = (0, -1, false);
        let mut words = args.cursor(first + 2);
        while let Some(word) = words.next_word() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if may_show_scores && is("WITHSCORES") {
                with_scores = true;
            } else if is("LIMIT") && words.remaining() >= 2 {
                (offset, count) = (words.integer()?, words.integer()?);
            } else if wording.backwards.is_none() && is("REV") && backwards.is_none() {
                backwards = Some(true);
            } else if order.is_none() && is("BYLEX") {
                order = Some(Order::Lex);
            } else if order.is_none() && is("BYSCORE") {
                order = Some(Order::Score);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        let (order, backwards) = (order.unwrap_or(Order::Rank), backwards.unwrap_or(false));
        if count != -1 && order == Order::Rank {
            return Err(CommandError::fixed(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or \
                 BYLEX",
            ));
        }
        if with_scores && order == Order::Lex {
            return Err(CommandError::fixed(
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ));
        }
        if order == Order::Rank {
            (offset, count) = (0, -1);
        }
        let (mut min, mut max) = (args.get(first), args.get(first + 1));
        if backwards && order != Order::Rank {
            (min, max) = (max, min);
        }
        let bounds = Bounds::parse(order, min, max)?;
        Ok(Self { bounds, backwards, offset, count, with_scores })
    }

    /// Whether ranks are selected: then the number of members is known beforehand.
    pub(super) const fn is_by_rank(&self) -> bool {
        matches!(self.bounds, Bounds::Rank(..))
    }

    /// The selected members, in the order asked for. O(log n) to begin with, whatever the offset.
    pub(super) fn members<'s>(&self, set: SortedSetRef<'s>) -> Members<'s> {
        let mut ranks = self.bounds.ranks(set, self.backwards);
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX).min(ranks.len());
        let count = usize::try_from(self.count).unwrap_or(usize::MAX).min(ranks.len() - offset);
        if self.backwards {
            ranks.end -= offset;
            set.range_backwards(ranks.end - count..ranks.end)
        } else {
            ranks.start += offset;
            set.range(ranks.start..ranks.start + count)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_count_from_either_end() {
        let check = |start, stop, expected: Range<usize>| {
            assert_eq!(existing_ranks(start, stop, 5), expected, "{start} {stop}");
        };
        check(0, -1, 0..5);
        check(1, 2, 1..3);
        check(-2, -1, 3..5);
        check(-100, 0, 0..1);
        check(4, 100, 4..5);
        check(5, 100, 0..0);
        check(3, 2, 0..0);
        check(0, -6, 0..0);
        check(i64::MIN, i64::MAX, 0..5);
        check(i64::MAX, i64::MIN, 0..0);
        assert_eq!(existing_ranks(0, -1, 0), 0..0);
    }

    #[test]
    fn ends_of_ranges() {
        let score = |word: &[u8]| parse_scores(word, b"0").ok().map(|range| range.min);
        assert_eq!(score(b"(1.5"), Some(ScoreBound { score: 1.5, exclusive: true }));
        assert_eq!(score(b"("), Some(ScoreBound { score: 0.0, exclusive: true }));
        assert_eq!(score(b"-inf"), Some(ScoreBound { score: f64::NEG_INFINITY, exclusive: false }));
        assert_eq!(score(b"((1"), None);
        assert_eq!(score(b"nan"), None);
        let lex = |word: &'static [u8]| parse_lex(word, b"-").ok().map(|range| range.min);
        assert_eq!(lex(b"+"), Some(LexBound::Highest));
        assert_eq!(lex(b"[a\0"), Some(LexBound::Inclusive(b"a\0")));
        assert_eq!(lex(b"("), Some(LexBound::Exclusive(b"")));
        assert_eq!(lex(b"a"), None);
        assert_eq!(lex(b""), None);
        assert_eq!(lex(b"+a"), None);
    }
}
