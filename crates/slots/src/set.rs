//! Sets of slots.

use std::fmt;
use std::ops::{BitAnd, BitOr, Sub};
use std::str::FromStr;
use std::sync::Arc;

use crate::SLOTS;
use crate::range::{InvalidSlot, SlotRange};

const WORDS: usize = SLOTS as usize / 64;

/// A set of slots: a bitmap of 2 KB, in the order of the bitmaps on the cluster bus. Clones share it
/// until one of them changes. One that never held a slot has none: half of the nodes of a cluster are
/// replicas.
#[derive(Clone)]
pub struct SlotSet {
    bitmap: Option<Arc<[u64; WORDS]>>,
}

/// No slots.
static EMPTY: [u64; WORDS] = [0; WORDS];

impl SlotSet {
    /// No slots.
    #[must_use]
    pub fn new() -> Self {
        Self { bitmap: None }
    }

    /// All slots.
    #[must_use]
    pub fn full() -> Self {
        Self { bitmap: Some(Arc::new([u64::MAX; WORDS])) }
    }

    fn words(&self) -> &[u64; WORDS] {
        self.bitmap.as_deref().unwrap_or(&EMPTY)
    }

    fn words_mut(&mut self) -> &mut [u64; WORDS] {
        Arc::make_mut(self.bitmap.get_or_insert_with(|| Arc::new(EMPTY)))
    }

    /// Whether `slot` is in the set; false above the last slot.
    #[must_use]
    #[inline]
    pub fn contains(&self, slot: u16) -> bool {
        self.words().get(usize::from(slot / 64)).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    /// Adds a slot; true if it was not in the set.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn insert(&mut self, slot: u16) -> bool {
        let word = &mut self.words_mut()[usize::from(slot / 64)];
        let before = *word;
        *word |= 1 << (slot % 64);
        *word != before
    }

    /// Takes a slot away; true if it was in the set.
    ///
    /// # Panics
    /// If there is no such slot.
    pub fn remove(&mut self, slot: u16) -> bool {
        assert!(slot < SLOTS, "no such slot");
        let is_there = self.contains(slot);
        if is_there {
            self.words_mut()[usize::from(slot / 64)] &= !(1 << (slot % 64));
        }
        is_there
    }

    /// Adds all slots of a range.
    pub fn insert_range(&mut self, range: SlotRange) {
        for slot in range.iter() {
            self.insert(slot);
        }
    }

    /// Takes all slots of a range away.
    pub fn remove_range(&mut self, range: SlotRange) {
        for slot in range.iter() {
            self.remove(slot);
        }
    }

    /// Count of slots. O(256).
    #[must_use]
    pub fn len(&self) -> usize {
        self.words().iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is no slot.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words().iter().all(|word| *word == 0)
    }

    /// Whether the sets have a slot in common.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.words().iter().zip(other.words().iter()).any(|(left, right)| left & right != 0)
    }

    /// The lowest slot from `start` on.
    #[must_use]
    pub fn next(&self, start: u16) -> Option<u16> {
        self.bitmap.as_ref()?;
        self.find(start, |word| word)
    }

    /// The lowest slot from `start` on that is not in the set.
    #[must_use]
    pub fn next_absent(&self, start: u16) -> Option<u16> {
        self.find(start, |word| !word)
    }

    /// The slots in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        let mut start = 0;
        std::iter::from_fn(move || {
            let slot = self.next(start)?;
            start = slot + 1;
            Some(slot)
        })
    }

    /// The runs of slots in ascending order, each as long as it can be.
    pub fn ranges(&self) -> impl Iterator<Item = SlotRange> + '_ {
        let mut start = 0;
        std::iter::from_fn(move || {
            let first = self.next(start)?;
            let end = self.next_absent(first).unwrap_or(SLOTS);
            start = end;
            SlotRange::new(first, end - 1).ok()
        })
    }

    /// The bitmap as the cluster bus carries it: bit `slot % 8` of byte `slot / 8`.
    #[must_use]
    pub fn to_bitmap(&self) -> [u8; WORDS * 8] {
        let mut bitmap = [0; WORDS * 8];
        for (bytes, word) in bitmap.chunks_exact_mut(8).zip(self.words().iter()) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        bitmap
    }

    /// Reads what [`Self::to_bitmap`] wrote.
    #[must_use]
    pub fn from_bitmap(bitmap: &[u8; WORDS * 8]) -> Self {
        let mut words = EMPTY;
        for (word, bytes) in words.iter_mut().zip(bitmap.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        if words == EMPTY { Self::new() } else { Self { bitmap: Some(Arc::new(words)) } }
    }

    fn find(&self, start: u16, wanted: impl Fn(u64) -> u64) -> Option<u16> {
        let first = usize::from(start / 64);
        let (word, rest) = self.words().get(first..)?.split_first()?;
        let slot = |index: usize, bits: u64| (index * 64) as u16 + bits.trailing_zeros() as u16;
        let bits = wanted(*word) & u64::MAX << (start % 64);
        if bits != 0 {
            return Some(slot(first, bits));
        }
        // Most words have nothing: eight of them are seen at once.
        let has_none = |words: &[u64]| words.iter().fold(0, |all, word| all | wanted(*word)) == 0;
        let skipped = 8 * rest.chunks(8).take_while(|words| has_none(words)).count();
        let mut rest = rest.iter().enumerate().skip(skipped);
        rest.find_map(|(index, word)| {
            let bits = wanted(*word);
            (bits != 0).then(|| slot(first + 1 + index, bits))
        })
    }

    fn zip_with(mut self, other: &Self, operation: impl Fn(u64, u64) -> u64) -> Self {
        for (word, other) in self.words_mut().iter_mut().zip(other.words().iter()) {
            *word = operation(*word, *other);
        }
        self
    }
}

impl PartialEq for SlotSet {
    fn eq(&self, other: &Self) -> bool {
        match (&self.bitmap, &other.bitmap) {
            (Some(left), Some(right)) if Arc::ptr_eq(left, right) => true,
            _ => self.words() == other.words(),
        }
    }
}

impl Eq for SlotSet {}

impl Default for SlotSet {
    fn default() -> Self {
        Self::new()
    }
}

impl BitOr<&SlotSet> for SlotSet {
    type Output = Self;

    /// The slots of either.
    fn bitor(self, other: &Self) -> Self {
        self.zip_with(other, |left, right| left | right)
    }
}

impl BitAnd<&SlotSet> for SlotSet {
    type Output = Self;

    /// The slots of both.
    fn bitand(self, other: &Self) -> Self {
        self.zip_with(other, |left, right| left & right)
    }
}

impl Sub<&SlotSet> for SlotSet {
    type Output = Self;

    /// The slots of the first that are not in the second.
    fn sub(self, other: &Self) -> Self {
        self.zip_with(other, |left, right| left & !right)
    }
}

impl FromIterator<u16> for SlotSet {
    fn from_iter<I: IntoIterator<Item = u16>>(slots: I) -> Self {
        let mut set = Self::new();
        for slot in slots {
            set.insert(slot);
        }
        set
    }
}

impl From<SlotRange> for SlotSet {
    fn from(range: SlotRange) -> Self {
        range.iter().collect()
    }
}

/// Ranges between spaces, as in CLUSTER NODES: `0-5460 7000`.
impl fmt::Display for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.ranges().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            range.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlotSet({self})")
    }
}

impl FromStr for SlotSet {
    type Err = InvalidSlot;

    /// Reads ranges between spaces or commas, in any order, also overlapping.
    fn from_str(text: &str) -> Result<Self, InvalidSlot> {
        let mut set = Self::new();
        for range in text.split([' ', ',']).filter(|part| !part.is_empty()) {
            set.insert_range(range.parse()?);
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn texts() {
        for text in ["", "0", "0-5460 7000 16380-16383", "63-64", "0-16383"] {
            assert_eq!(text.parse::<SlotSet>().unwrap().to_string(), text);
        }
        assert_eq!("3,1-2 2".parse::<SlotSet>().unwrap().to_string(), "1-3");
        assert_eq!("1-2 x".parse::<SlotSet>(), Err(InvalidSlot));
        assert_eq!(SlotSet::full().to_string(), "0-16383");
        assert_eq!(SlotSet::full().len(), 16384);
    }

    #[test]
    fn bitmap_order() {
        let set: SlotSet = [0, 9, 16383].into_iter().collect();
        let bitmap = set.to_bitmap();
        assert_eq!((bitmap[0], bitmap[1], bitmap[2047]), (1, 2, 128));
        assert_eq!(SlotSet::from_bitmap(&bitmap), set);
    }

    #[test]
    fn out_of_range_is_absent() {
        assert!(!SlotSet::full().contains(SLOTS));
        assert_eq!(SlotSet::full().next(SLOTS), None);
    }

    fn slots() -> impl Strategy<Value = BTreeSet<u16>> {
        prop::collection::btree_set(prop_oneof![0..200u16, 16300..SLOTS], 0..60)
    }

    proptest! {
        #[test]
        fn like_a_model(left in slots(), right in slots()) {
            let (a, b): (SlotSet, SlotSet) = (left.iter().copied().collect(), right.iter().copied().collect());
            let list = |set: &SlotSet| set.iter().collect::<Vec<_>>();
            prop_assert_eq!(list(&a), left.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(a.len(), left.len());
            prop_assert_eq!(a.is_empty(), left.is_empty());
            prop_assert_eq!(a.intersects(&b), !left.is_disjoint(&right));
            prop_assert_eq!(list(&(a.clone() | &b)), left.union(&right).copied().collect::<Vec<_>>());
            prop_assert_eq!(list(&(a.clone() & &b)), left.intersection(&right).copied().collect::<Vec<_>>());
            prop_assert_eq!(list(&(a.clone() - &b)), left.difference(&right).copied().collect::<Vec<_>>());
            prop_assert_eq!(&a.to_string().parse::<SlotSet>().unwrap(), &a);
            let from_ranges: Vec<u16> = a.ranges().flat_map(SlotRange::iter).collect();
            prop_assert_eq!(from_ranges, list(&a));
            let mut emptied = a.clone();
            prop_assert!(left.iter().all(|slot| emptied.remove(*slot)) && emptied.is_empty());
        }
    }
}
