//! Editing sorted sets, and making new ones.

use std::ops::Range;

use super::index::ScoreIndex;
use super::packed::{self, BYTES_MAX, TooBig};
use super::view::SortedSetRef;
use crate::entry::{IntText, NewValue};
use crate::hasher::MemberHasher;
use crate::kind::PackedKind;
use crate::listpack::{self, ListpackMut};
use crate::object::Object;
use crate::value_mut::ValueMut;

/// Up to which size a sorted set stays packed: `zset-max-listpack-entries` and
/// `zset-max-listpack-value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedLimits {
    /// Most members.
    pub entries: u64,
    /// Longest member in bytes.
    pub value: u64,
}

impl PackedLimits {
    /// Whether so many members, the longest of which is `longest` bytes long, may be packed.
    #[must_use]
    pub const fn allow(self, members: usize, longest: usize) -> bool {
        members as u64 <= self.entries && longest as u64 <= self.value
    }
}

/// The sorted set of a key, for editing. It leaves the packed form when it outgrows the limits and
/// never returns to it.
pub struct SortedSetMut<'a> {
    value: ValueMut<'a>,
    limits: PackedLimits,
    hasher: MemberHasher,
}

impl<'a> SortedSetMut<'a> {
    /// The sorted set in `value`; `None` if it is of another type.
    #[must_use]
    pub fn new(value: ValueMut<'a>, limits: PackedLimits, hasher: MemberHasher) -> Option<Self> {
        value.sorted_set()?;
        Some(Self { value, limits, hasher })
    }

    /// The sorted set for reading.
    #[must_use]
    #[inline]
    pub fn view(&self) -> SortedSetRef<'_> {
        self.value.sorted_set().expect("checked when the handle was made")
    }

    /// Leaves the packed form at once if so many members will be given that it would be left
    /// anyway if they were all new.
    pub fn expect_members(&mut self, members: usize) {
        if self.value.packed().is_some() && !self.limits.allow(members, 0) {
            self.make_index();
        }
    }

    /// Gives a member a score, which is not NaN; the score it had before, if it was there.
    /// O(log n).
    pub fn set(&mut self, member: &[u8], score: f64) -> Option<f64> {
        if let Some(packed) = self.value.packed_mut() {
            match packed::set(&mut ListpackMut::new(packed), member, score, self.limits) {
                Ok(held) => return held,
                Err(TooBig) => self.make_index(),
            }
        }
        self.index_mut()?.set(member, score)
    }

    /// Removes a member; the score it had. Whoever removes the last one removes the key.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match self.value.packed_mut() {
            Some(packed) => packed::remove(&mut ListpackMut::new(packed), member),
            None => self.index_mut()?.remove(member),
        }
    }

    /// Removes the members of some ranks, fewer where there are no more. O(1) for each, and
    /// O(log n).
    pub fn remove_ranks(&mut self, ranks: Range<usize>) {
        if let Some(packed) = self.value.packed_mut() {
            packed::remove_ranks(&mut ListpackMut::new(packed), ranks);
        } else if let Some(index) = self.index_mut() {
            index.remove_ranks(ranks);
        }
    }

    fn index_mut(&mut self) -> Option<&mut ScoreIndex> {
        match self.value.object_mut()? {
            Object::SortedSet(index) => Some(index),
            _ => None,
        }
    }

    fn make_index(&mut self) {
        let index = index_of(self.view(), self.hasher);
        self.value.convert(NewValue::Boxed(Box::new(Object::SortedSet(Box::new(index)))));
    }
}

fn index_of(set: SortedSetRef<'_>, hasher: MemberHasher) -> ScoreIndex {
    let mut index = ScoreIndex::new(hasher);
    let mut digits = IntText::default();
    for (member, score) in set.iter() {
        index.set(member.as_bytes(&mut digits), score);
    }
    index
}

/// A sorted set that no key holds yet.
#[derive(Clone, Debug)]
pub struct SortedSet {
    form: Form,
    limits: PackedLimits,
    hasher: MemberHasher,
}

#[derive(Clone, Debug)]
enum Form {
    Packed(Vec<u8>),
    Index(Box<ScoreIndex>),
}

impl SortedSet {
    /// An empty sorted set that will be given so many members, the first of which is so long: it
    /// starts packed if these are within the limits.
    #[must_use]
    pub fn new(
        limits: PackedLimits,
        hasher: MemberHasher,
        members: usize,
        first_len: usize,
    ) -> Self {
        let form = if limits.allow(members, first_len) {
            Form::Packed(listpack::EMPTY.to_vec())
        } else {
            Form::Index(Box::new(ScoreIndex::new(hasher)))
        };
        Self { form, limits, hasher }
    }

    /// The result of a command that stores: packed if everything is within the limits.
    #[must_use]
    pub fn of_result(index: ScoreIndex, limits: PackedLimits, hasher: MemberHasher) -> Self {
        let form = match packed_form(&index, limits) {
            Some(bytes) => Form::Packed(bytes),
            None => Form::Index(Box::new(index)),
        };
        Self { form, limits, hasher }
    }

    /// The sorted set for reading.
    #[must_use]
    pub fn view(&self) -> SortedSetRef<'_> {
        match &self.form {
            Form::Packed(bytes) => SortedSetRef::packed(bytes),
            Form::Index(index) => SortedSetRef::indexed(index),
        }
    }

    /// Gives a member a score, which is not NaN; the score it had before, if it was there.
    pub fn set(&mut self, member: &[u8], score: f64) -> Option<f64> {
        if let Form::Packed(bytes) = &mut self.form {
            match packed::set(&mut ListpackMut::new(bytes), member, score, self.limits) {
                Ok(held) => return held,
                Err(TooBig) => {
                    self.form = Form::Index(Box::new(index_of(self.view(), self.hasher)));
                }
            }
        }
        match &mut self.form {
            Form::Packed(_) => unreachable!("just left"),
            Form::Index(index) => index.set(member, score),
        }
    }

    /// The listpack, or the index if it is not packed.
    pub(super) fn into_form(self) -> Result<Vec<u8>, Box<ScoreIndex>> {
        match self.form {
            Form::Packed(bytes) => Ok(bytes),
            Form::Index(index) => Err(index),
        }
    }

    /// Hands the sorted set over as the value of a key.
    pub fn store<R>(self, store: impl FnOnce(NewValue<'_>) -> R) -> R {
        match self.form {
            Form::Packed(bytes) => store(NewValue::Packed(PackedKind::SortedSet, &bytes)),
            Form::Index(index) => store(NewValue::Boxed(Box::new(Object::SortedSet(index)))),
        }
    }
}

/// The members as a listpack if they are within the limits.
fn packed_form(index: &ScoreIndex, limits: PackedLimits) -> Option<Vec<u8>> {
    if !limits.allow(index.len(), 0) {
        return None;
    }
    let view = SortedSetRef::indexed(index);
    let mut digits = IntText::default();
    let (mut longest, mut total) = (0, 0);
    for (member, _) in view.iter() {
        let len = member.as_bytes(&mut digits).len();
        (longest, total) = (len.max(longest), total + len);
    }
    if !limits.allow(index.len(), longest) || total > BYTES_MAX {
        return None;
    }
    let mut bytes = listpack::EMPTY.to_vec();
    let mut list = ListpackMut::new(&mut bytes);
    for (member, score) in view.iter() {
        let member = listpack::Element::of(member.as_bytes(&mut digits));
        packed::push_back(&mut list, member, score);
    }
    Some(bytes)
}
