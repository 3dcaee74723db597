//! Sorted sets as files hold them.

use dunlin_stdx::number::parse_f64;

use super::edit::{PackedLimits, SortedSet};
use super::index::ScoreIndex;
use super::packed::{BYTES_MAX, Pairs};
use super::view::SortedSetRef;
use crate::entry::{IntText, NewValue};
use crate::hasher::MemberHasher;
use crate::kind::PackedKind;
use crate::listpack::{Corrupt, Distinct, Element, Listpack, normalized, survey};
use crate::object::Object;

/// A member is there twice.
const REPEATED: &str = "a member is there twice";

impl PackedLimits {
    /// The sorted set in a listpack of member, score that comes from elsewhere. It stays a listpack
    /// unless it has too many members, however long they are.
    ///
    /// # Errors
    /// [`Corrupt`] with what is wrong. Without members it is not wrong, nor in another order than
    /// that of scores.
    pub fn of_listpack<'b>(
        &self,
        bytes: &'b mut Vec<u8>,
        hasher: MemberHasher,
        distinct: &mut Distinct,
    ) -> Result<NewValue<'b>, Corrupt> {
        let found = survey(bytes)?;
        if !found.count.is_multiple_of(2) {
            return Err(Corrupt { at: bytes.len(), reason: "a member without a score" });
        }
        if !found.is_normal {
            *bytes = normalized(Listpack::new(bytes));
        }
        let list = Listpack::new(bytes);
        if let Some((place, _)) =
            list.iter().skip(1).step_by(2).find(|(_, score)| !is_score(*score))
        {
            return Err(Corrupt { at: place.offset(), reason: "a score that is no number" });
        }
        if let Some(place) = distinct.repeated(list, 2) {
            return Err(Corrupt { at: place.offset(), reason: REPEATED });
        }
        let is_short = found.count as u64 / 2 <= self.entries;
        if is_short && is_in_order(list) {
            return Ok(NewValue::Packed(PackedKind::SortedSet, bytes));
        }
        let mut index = ScoreIndex::new(hasher);
        let mut digits = IntText::default();
        for (member, score) in SortedSetRef::packed(bytes).iter() {
            index.set(member.as_bytes(&mut digits), score);
        }
        Ok(self.value_of(index, hasher, bytes))
    }

    /// A sorted set that was read member by member: packed if it is within the limits.
    fn value_of<'b>(
        &self,
        index: ScoreIndex,
        hasher: MemberHasher,
        bytes: &'b mut Vec<u8>,
    ) -> NewValue<'b> {
        match SortedSet::of_result(index, *self, hasher).into_form() {
            Ok(packed) => {
                *bytes = packed;
                NewValue::Packed(PackedKind::SortedSet, bytes)
            }
            Err(index) => NewValue::Boxed(Box::new(Object::SortedSet(index))),
        }
    }
}

fn is_score(element: Element<'_>) -> bool {
    match element {
        Element::Int(_) => true,
        Element::Text(text) => parse_f64(text).is_some(),
    }
}

fn is_in_order(list: Listpack<'_>) -> bool {
    let (mut digits, mut other_digits) = (IntText::default(), IntText::default());
    Pairs::of(list).zip(Pairs::of(list).skip(1)).all(|((_, member, score), (_, next, higher))| {
        score < higher
            || score == higher && member.as_bytes(&mut digits) < next.as_bytes(&mut other_digits)
    })
}

/// A sorted set whose members come one after the other, in any order.
pub struct SortedSetBuilder {
    limits: PackedLimits,
    hasher: MemberHasher,
    index: ScoreIndex,
    bytes: usize,
    problem: Option<&'static str>,
}

impl SortedSetBuilder {
    /// Begins a sorted set.
    #[must_use]
    pub fn new(limits: PackedLimits, hasher: MemberHasher) -> Self {
        Self { limits, hasher, index: ScoreIndex::new(hasher), bytes: 0, problem: None }
    }

    /// Adds a member.
    pub fn push(&mut self, member: Element<'_>, score: f64) {
        if score.is_nan() {
            self.problem = Some("a score that is no number");
            return;
        }
        let mut digits = IntText::default();
        let member = member.as_bytes(&mut digits);
        self.bytes += member.len();
        if self.index.set(member, score).is_some() {
            self.problem = Some(REPEATED);
        }
    }

    /// The sorted set; `bytes` is room for the packed form.
    ///
    /// # Errors
    /// What is wrong, if a member was added twice or a score was not a number.
    pub fn finish(self, bytes: &mut Vec<u8>) -> Result<NewValue<'_>, &'static str> {
        match self.problem {
            Some(problem) => Err(problem),
            None if self.bytes > BYTES_MAX => {
                Ok(NewValue::Boxed(Box::new(Object::SortedSet(Box::new(self.index)))))
            }
            None => Ok(self.limits.value_of(self.index, self.hasher, bytes)),
        }
    }
}
