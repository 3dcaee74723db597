//! A small sorted set as a listpack: member, score, member, score, in ascending order.
//!
//! Scores are integers where they are whole and within ±2^62, else the text that replies show, as
//! 7.2 writes them to files. So -0 becomes 0 here, as in Redis.

use std::cmp::Ordering;
use std::ops::Range;

use dunlin_stdx::number::{exact_i64, format_f64, parse_f64};

use super::bound::Bound;
use super::edit::PackedLimits;
use super::index::ordered;
use crate::entry::IntText;
use crate::listpack::{Buffer, Element, Elements, Listpack, ListpackMut, Place};

/// Largest listpack that may still grow.
///
/// Source: RDB format, "listpack": 1 GiB is the largest safe total.
pub(super) const BYTES_MAX: usize = 1 << 30;

/// A member that does not fit the packed form.
pub(super) struct TooBig;

/// The pairs of a listpack, from either end.
#[derive(Clone, Debug)]
pub(super) struct Pairs<'a>(Elements<'a>);

impl<'a> Pairs<'a> {
    pub(super) const fn of(list: Listpack<'a>) -> Self {
        Self(list.iter())
    }

    fn from(list: Listpack<'a>, place: Place) -> Self {
        Self(list.iter_from(place))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Place, Element<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (place, member) = self.0.next()?;
        let (_, score) = self.0.next()?;
        Some((place, member, score_of(score)))
    }
}

impl DoubleEndedIterator for Pairs<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let (_, score) = self.0.next_back()?;
        let (place, member) = self.0.next_back()?;
        Some((place, member, score_of(score)))
    }
}

/// The score an element holds; bytes from elsewhere that hold none count as 0.
#[inline]
fn score_of(element: Element<'_>) -> f64 {
    match element {
        Element::Int(score) => score as f64,
        Element::Text(text) => parse_f64(text).unwrap_or(0.0),
    }
}

/// Where a member is, and its score. O(n).
#[inline]
pub(super) fn find(list: Listpack<'_>, member: &[u8]) -> Option<(Place, f64)> {
    let place = list.find_from(list.first(), Element::of(member), 2)?;
    Some((place, score_of(list.get(list.next(place)?))))
}

/// How many members are in front of a member, and its score. O(n), and reads no other score.
pub(super) fn rank(list: Listpack<'_>, member: &[u8]) -> Option<(usize, f64)> {
    let member = Element::of(member);
    let mut elements = list.iter();
    let mut rank = 0;
    loop {
        let (_, held) = elements.next()?;
        let (_, score) = elements.next()?;
        if held == member {
            return Some((rank, score_of(score)));
        }
        rank += 1;
    }
}

/// The ranks between two places in the order. O(n), in one walk.
pub(super) fn ranks(list: Listpack<'_>, start: Bound<'_>, end: Bound<'_>) -> Range<usize> {
    let mut in_front = 0;
    let mut found = None;
    for (_, member, score) in Pairs::of(list) {
        if found.is_none() && !is_behind(start, member, score) {
            found = Some(in_front);
        }
        if !is_behind(end, member, score) {
            break;
        }
        in_front += 1;
    }
    // Where the end comes first, it hides where the start is: the range is empty anyway.
    found.map_or(in_front..in_front, |start| ordered(start, in_front))
}

fn is_behind(bound: Bound<'_>, member: Element<'_>, score: f64) -> bool {
    bound.is_behind(score, member.as_bytes(&mut IntText::default()))
}

/// The pairs from `rank` on.
pub(super) fn pairs_from(list: Listpack<'_>, rank: usize) -> Pairs<'_> {
    let place = i64::try_from(2 * rank).ok().and_then(|index| list.seek(index));
    Pairs::from(list, place.unwrap_or_else(|| list.end()))
}

/// The pairs in front of `rank`.
pub(super) fn pairs_until(list: Listpack<'_>, rank: usize) -> Pairs<'_> {
    let place = i64::try_from(2 * rank).ok().and_then(|index| list.seek(index));
    Pairs(list.iter_until(place.unwrap_or_else(|| list.end())))
}

/// Gives a member a score; the score it had before, if it was there. O(n).
///
/// # Errors
/// [`TooBig`], with nothing changed, if a new member exceeds the limits.
pub(super) fn set<B: Buffer>(
    list: &mut ListpackMut<B>,
    member: &[u8],
    score: f64,
    limits: PackedLimits,
) -> Result<Option<f64>, TooBig> {
    let view = list.view();
    if let Some((place, held)) = find(view, member) {
        if held != score {
            list.remove(place, 2);
            insert(list, member, score);
        }
        return Ok(Some(held));
    }
    if !limits.allow(view.len() / 2 + 1, member.len())
        || view.as_bytes().len() + member.len() > BYTES_MAX
    {
        return Err(TooBig);
    }
    insert(list, member, score);
    Ok(None)
}

/// Inserts a member that is not there where its score belongs.
fn insert<B: Buffer>(list: &mut ListpackMut<B>, member: &[u8], score: f64) {
    let place = place_for(list.view(), member, score);
    put(list, place, Element::of(member), score);
}

/// Adds a member behind all others.
pub(super) fn push_back<B: Buffer>(list: &mut ListpackMut<B>, member: Element<'_>, score: f64) {
    put(list, list.view().end(), member, score);
}

fn put<B: Buffer>(list: &mut ListpackMut<B>, place: Place, member: Element<'_>, score: f64) {
    match exact_i64(score) {
        Some(score) => list.insert(place, &[member, Element::Int(score)]),
        None => list.insert(place, &[member, Element::Text(&format_f64(score))]),
    }
}

fn place_for(list: Listpack<'_>, member: &[u8], score: f64) -> Place {
    let bound = Bound::Before(score, member);
    // Members often come in ascending order: the end is looked at first.
    match Pairs::of(list).next_back() {
        Some((_, last, highest)) if !is_behind(bound, last, highest) => {}
        _ => return list.end(),
    }
    Pairs::of(list)
        .find(|(_, member, score)| !is_behind(bound, *member, *score))
        .map_or_else(|| list.end(), |(place, _, _)| place)
}

/// Removes a member; the score it had. O(n).
pub(super) fn remove<B: Buffer>(list: &mut ListpackMut<B>, member: &[u8]) -> Option<f64> {
    let (place, score) = find(list.view(), member)?;
    list.remove(place, 2);
    Some(score)
}

/// Removes the members of some ranks, fewer where there are no more.
pub(super) fn remove_ranks<B: Buffer>(list: &mut ListpackMut<B>, ranks: Range<usize>) {
    let view = list.view();
    let place = |rank: usize| {
        i64::try_from(2 * rank).ok().and_then(|index| view.seek(index)).unwrap_or(view.end())
    };
    let (from, until) = (place(ranks.start), place(ranks.end));
    if from.cmp(&until) == Ordering::Less {
        list.remove_between(from, until);
    }
}
