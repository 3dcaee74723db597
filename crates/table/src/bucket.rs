//! One bucket: a cache line with seven tags, seven slots and the mark of what overflowed.

use crate::item::{Packed, ThinItem};

/// Items per bucket.
pub(crate) const SLOTS: usize = 7;

/// Bytes per bucket, one cache line.
pub(crate) const LINE: usize = 64;

const LOW_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const TAG_HIGH_BITS: u64 = 0x0080_8080_8080_8080;
const TAG_ONES: u64 = 0x0001_0101_0101_0101;
const META_SHIFT: u32 = 56;
const DISPLACEMENT_MASK: u8 = 0x0f;
const STASHED: u8 = 0x10;

/// Seven tags in the low bytes of `control` (0 is an empty slot), the overflow mark in the top
/// byte: how many buckets further the farthest item of this home sits (low 4 bits), and whether
/// the stash has items of this home (bit 4).
#[repr(C, align(64))]
pub(crate) struct Bucket {
    control: u64,
    slots: [Packed; SLOTS],
}

const _: () = assert!(size_of::<Bucket>() == LINE);

/// The slots of a bucket that satisfied a test; iterates over their indexes.
#[derive(Clone, Copy)]
pub(crate) struct SlotSet(u64);

impl SlotSet {
    #[inline]
    pub(crate) fn first(self) -> Option<usize> {
        (self.0 != 0).then(|| (self.0.trailing_zeros() / 8) as usize)
    }
}

impl Iterator for SlotSet {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let slot = self.first()?;
        self.0 &= self.0 - 1;
        Some(slot)
    }
}

/// The tag of a hash: its low byte, with 0 taken by "empty".
#[inline]
pub(crate) fn tag_of(hash: u64) -> u8 {
    (hash as u8).max(1)
}

/// High bit of each of the seven low bytes that is zero; exact, so that an empty slot is never
/// taken for a match.
#[inline]
fn zero_tags(word: u64) -> u64 {
    !(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS) & TAG_HIGH_BITS
}

impl Bucket {
    #[inline]
    pub(crate) fn matching(&self, tag: u8) -> SlotSet {
        SlotSet(zero_tags(self.control ^ (u64::from(tag) * TAG_ONES)))
    }

    #[inline]
    pub(crate) fn free(&self) -> SlotSet {
        SlotSet(zero_tags(self.control))
    }

    #[inline]
    pub(crate) fn taken(&self) -> SlotSet {
        SlotSet(zero_tags(self.control) ^ TAG_HIGH_BITS)
    }

    #[inline]
    pub(crate) fn tag(&self, slot: usize) -> u8 {
        (self.control >> (slot * 8)) as u8
    }

    #[inline]
    pub(crate) fn slot(&self, slot: usize) -> Packed {
        self.slots[slot]
    }

    /// Looks for `key` among the items of this bucket.
    #[inline]
    pub(crate) fn find<T: ThinItem>(&self, tag: u8, key: &[u8]) -> Option<usize> {
        self.matching(tag).find(|&slot| self.slots[slot].view::<T>().key() == key)
    }

    #[inline]
    pub(crate) fn set(&mut self, slot: usize, tag: u8, item: Packed) {
        let shift = slot * 8;
        self.control = self.control & !(0xff << shift) | u64::from(tag) << shift;
        self.slots[slot] = item;
    }

    /// Empties a slot, except that its pointer stays.
    #[inline]
    pub(crate) fn hide(&mut self, slot: usize) {
        self.control &= !(0xff << (slot * 8));
    }

    #[inline]
    pub(crate) fn clear(&mut self, slot: usize) -> Packed {
        self.control &= !(0xff << (slot * 8));
        core::mem::replace(&mut self.slots[slot], Packed::EMPTY)
    }

    #[inline]
    fn meta(&self) -> u8 {
        (self.control >> META_SHIFT) as u8
    }

    fn set_meta(&mut self, meta: u8) {
        self.control = self.control << 8 >> 8 | u64::from(meta) << META_SHIFT;
    }

    /// Whether items of this home may sit anywhere else.
    #[inline]
    pub(crate) fn has_overflow(&self) -> bool {
        self.control >> META_SHIFT != 0
    }

    /// Distance in buckets to the farthest item of this home.
    #[inline]
    pub(crate) fn displacement(&self) -> usize {
        usize::from(self.meta() & DISPLACEMENT_MASK)
    }

    pub(crate) fn set_displacement(&mut self, distance: usize) {
        debug_assert!(distance <= usize::from(DISPLACEMENT_MASK));
        self.set_meta(self.meta() & !DISPLACEMENT_MASK | distance as u8);
    }

    #[inline]
    pub(crate) fn has_stashed(&self) -> bool {
        self.meta() & STASHED != 0
    }

    pub(crate) fn set_stashed(&mut self, stashed: bool) {
        self.set_meta(self.meta() & !STASHED | if stashed { STASHED } else { 0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ptr::NonNull;

    fn empty() -> Bucket {
        Bucket { control: 0, slots: [Packed::EMPTY; SLOTS] }
    }

    #[test]
    fn tags_are_matched_exactly() {
        let mut byte = 0u8;
        let item = Packed::new(NonNull::from(&mut byte), 0, false);
        let mut bucket = empty();
        bucket.set_displacement(7);
        bucket.set_stashed(true);
        for (slot, tag) in [(0, 1), (1, 2), (3, 0x80), (4, 0x7f), (6, 2)] {
            bucket.set(slot, tag, item);
        }
        assert_eq!(bucket.matching(2).collect::<Vec<_>>(), [1, 6]);
        assert_eq!(bucket.matching(1).collect::<Vec<_>>(), [0]);
        assert_eq!(bucket.matching(0x80).collect::<Vec<_>>(), [3]);
        assert_eq!(bucket.matching(0x17).collect::<Vec<_>>(), [0usize; 0], "the mark is no tag");
        assert_eq!(bucket.free().collect::<Vec<_>>(), [2, 5]);
        assert_eq!(bucket.taken().count(), 5);
        assert_eq!(bucket.clear(6), item);
        assert_eq!(bucket.matching(2).collect::<Vec<_>>(), [1]);
        assert_eq!((bucket.displacement(), bucket.has_stashed()), (7, true));
        bucket.set_displacement(0);
        bucket.set_stashed(false);
        assert!(!bucket.has_overflow());
    }

    #[test]
    fn the_empty_tag_is_never_a_hash() {
        assert_eq!(tag_of(0), 1);
        assert_eq!(tag_of(0xffff_ff00), 1);
        assert_eq!(tag_of(0xff), 0xff);
    }
}
