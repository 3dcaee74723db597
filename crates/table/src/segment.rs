//! One segment: a header line and up to 127 buckets in one allocation.
//!
//! A [`Segment`] is a handle: the address of the allocation with the bucket count and the depth
//! in the upper bits, so that a look-up goes from the directory to the bucket without reading the
//! header. Handles are plain copies; the table is what keeps them honest:
//!
//! - a handle reachable from the table's root points to a live allocation whose bucket count and
//!   depth are those in the handle;
//! - nothing is borrowed from a segment across a call that may release it;
//! - only methods that hold `&mut Table` call the `*_mut` methods, and hold one such borrow at a
//!   time.
//!
//! The `SAFETY` comments below call these the handle rules.

use core::ptr::NonNull;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};

use crate::bucket::{Bucket, LINE, SLOTS, tag_of};
use crate::item::{Packed, ThinItem, WINDOW_BITS};
use crate::summary::Node;

/// Hash bits below the directory's that choose the bucket.
pub(crate) const INDEX_BITS: u32 = 10;

/// Longest directory prefix. With [`INDEX_BITS`] this makes a position in hash order 34 bits.
pub(crate) const DEPTH_MAX: u32 = 24;

/// How far from its home bucket an item may sit before it goes to the stash.
const DISPLACEMENT_MAX: usize = 15;

/// Bucket counts that a segment may have. With the header line they fill jemalloc's size classes
/// (four per doubling), and each step is small enough that a segment is never much too large:
/// splitting at 127 into halves of 95 would leave 15.4 bytes per key in the worst phase, 79 makes
/// that 12.8 (arithmetic; measured figures are on the crate's front page).
const SIZES: [u8; 23] =
    [1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15, 19, 23, 27, 31, 39, 47, 55, 63, 79, 95, 111, 127];

/// Buckets of the largest segment.
pub(crate) const BUCKETS_MAX: usize = SIZES[SIZES.len() - 1] as usize;

const _: () = assert!(BUCKETS_MAX <= 1 << INDEX_BITS);
const _: () = assert!(INDEX_BITS < WINDOW_BITS);

const BUCKETS_SHIFT: u32 = 48;
const DEPTH_SHIFT: u32 = 55;
const ADDRESS_MASK: usize = (1 << BUCKETS_SHIFT) - 1;

const _: () = assert!(BUCKETS_MAX < 1 << (DEPTH_SHIFT - BUCKETS_SHIFT));
const _: () = assert!(DEPTH_MAX < 1 << (64 - DEPTH_SHIFT));

/// The first line of a segment's allocation.
#[repr(C, align(64))]
pub(crate) struct Header {
    /// The `depth` upper bits that all hashes in here share, the rest zero.
    pub(crate) prefix: u64,
    /// No item is due earlier than this; `i64::MAX` when none has a deadline.
    pub(crate) earliest: i64,
    /// While a sweep is under way: the earliest deadline among what it has passed or what was
    /// added since.
    pub(crate) earliest_after_sweep: i64,
    stash: Option<Box<Stash>>,
    /// One bit for each pair of buckets: set while one of the pair may hold an item with a
    /// deadline. Among a thousand buckets with one such item, it is found without reading them.
    volatile_pairs: u64,
    /// Items, the stash included.
    pub(crate) len: u32,
    /// Items with a deadline, the stash included.
    pub(crate) volatile: u32,
    /// The length at which to grow or split.
    pub(crate) grow_at: u32,
    /// The snapshot mark, see [`crate::Table::segment_mark`].
    pub(crate) mark: u32,
    /// The length below which to shrink or merge.
    pub(crate) shrink_below: u32,
    /// First hash bit (from the top) of those kept in the slots; at most `depth`.
    pub(crate) window: u8,
    /// The bucket at which a sweep for due items goes on, 0 when none is under way.
    pub(crate) sweep: u8,
}

const _: () = assert!(size_of::<Header>() == LINE);
const _: () = assert!(BUCKETS_MAX <= 2 * u64::BITS as usize);

/// Items that found no place near their home bucket. Practically empty unless many hashes agree
/// in all bits that choose a bucket.
struct Stash {
    items: Vec<Stashed>,
}

/// An item in the stash. Tag 0 hides it, as in a bucket.
#[derive(Clone, Copy)]
struct Stashed {
    item: Packed,
    tag: u8,
}

/// Where an item sits in its segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Bucket { bucket: usize, slot: usize },
    Stash { index: usize },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Segment(NonNull<u8>);

/// The smallest bucket count that holds `len` items at 78% or less.
pub(crate) fn fitting_size(len: usize) -> usize {
    let fits = |&size: &u8| len * 100 <= usize::from(size) * SLOTS * 78;
    usize::from(SIZES.into_iter().find(|size| fits(size)).unwrap_or(BUCKETS_MAX as u8))
}

/// The smallest bucket count of a segment that does not grow before it holds `mean` items and twice
/// the usual spread around that.
pub(crate) fn size_with_room(mean: usize) -> usize {
    let most = mean + 2 * mean.isqrt();
    // A segment of one bucket is filled to its last slot, the others to 88% at least.
    let fits = |&size: &u8| match usize::from(size) {
        1 => mean <= SLOTS,
        size => most * 256 <= size * SLOTS * 225,
    };
    usize::from(SIZES.into_iter().find(fits).unwrap_or(BUCKETS_MAX as u8))
}

/// The next larger bucket count, `None` when the segment has to be split.
pub(crate) fn next_size(buckets: usize) -> Option<usize> {
    SIZES.into_iter().map(usize::from).find(|&size| size > buckets)
}

/// When a segment grows: at 88 to 94% of its slots. The spread depends on the prefix, so that
/// segments that fill at the same pace do not all grow at the same time.
fn growth_threshold(buckets: usize, prefix: u64) -> usize {
    let slots = buckets * SLOTS;
    if buckets == 1 {
        return slots;
    }
    let spread = (prefix.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60) as usize;
    slots * (225 + spread) / 256
}

fn layout(buckets: usize) -> Layout {
    Layout::from_size_align((buckets + 1) * LINE, LINE).expect("a segment is at most 8 KiB")
}

impl Segment {
    pub(crate) fn allocate(buckets: usize, node: Node, window: u32) -> Segment {
        let prefix = node.first_hash();
        let layout = layout(buckets);
        // SAFETY: the layout has at least two lines.
        let base = unsafe { alloc_zeroed(layout) };
        let Some(base) = NonNull::new(base) else { handle_alloc_error(layout) };
        assert!(base.addr().get() <= ADDRESS_MASK, "segment address beyond 48 bits");
        let packed = buckets << BUCKETS_SHIFT | (node.depth as usize) << DEPTH_SHIFT;
        let mut segment = Segment(base.map_addr(|addr| addr | packed));
        let header = segment.header_mut();
        header.prefix = prefix;
        header.earliest = i64::MAX;
        header.window = window as u8;
        header.grow_at = growth_threshold(buckets, prefix) as u32;
        header.shrink_below = if buckets == 1 { 1 } else { (buckets * SLOTS * 35 / 100) as u32 };
        segment
    }

    /// Gives the memory back; the items must have been moved or dropped.
    pub(crate) fn release(mut self) {
        self.header_mut().stash = None;
        // SAFETY: allocated in `allocate` with this layout; by the handle rules the caller has
        // taken the last reachable handle out of the table.
        unsafe { dealloc(self.base(), layout(self.buckets())) };
    }

    #[inline]
    fn base(self) -> *mut u8 {
        self.0.as_ptr().map_addr(|addr| addr & ADDRESS_MASK)
    }

    #[inline]
    pub(crate) fn buckets(self) -> usize {
        self.0.addr().get() >> BUCKETS_SHIFT & 0x7f
    }

    #[inline]
    pub(crate) fn depth(self) -> u32 {
        (self.0.addr().get() >> DEPTH_SHIFT) as u32
    }

    pub(crate) fn node(self) -> Node {
        Node::on_path(self.depth(), self.header().prefix)
    }

    pub(crate) fn slots(self) -> usize {
        self.buckets() * SLOTS
    }

    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: handle rules; the header is the first line, zeroed and then set in `allocate`,
        // and zero is a valid value of each field (`None` for the stash).
        unsafe { &*self.base().cast::<Header>() }
    }

    #[inline]
    pub(crate) fn header_mut(&mut self) -> &mut Header {
        // SAFETY: as in `header`, and by the handle rules nothing else borrows it.
        unsafe { &mut *self.base().cast::<Header>() }
    }

    #[inline]
    fn bucket_ptr(self, index: usize) -> *mut Bucket {
        debug_assert!(index < self.buckets());
        self.base().wrapping_add((index + 1) * LINE).cast()
    }

    #[inline]
    pub(crate) fn bucket(&self, index: usize) -> &Bucket {
        assert!(index < self.buckets());
        // SAFETY: handle rules; the index is inside the allocation, and zeroed memory is an empty
        // bucket.
        unsafe { &*self.bucket_ptr(index) }
    }

    #[inline]
    pub(crate) fn bucket_mut(&mut self, index: usize) -> &mut Bucket {
        assert!(index < self.buckets());
        // SAFETY: as in `bucket`, and by the handle rules nothing else borrows it.
        unsafe { &mut *self.bucket_ptr(index) }
    }

    /// The address of the home bucket, for a prefetch.
    #[inline]
    pub(crate) fn home_address(self, hash: u64) -> *const u8 {
        self.bucket_ptr(self.home(hash)).cast()
    }

    /// The address of the header, for a prefetch.
    #[inline]
    pub(crate) fn header_address(self) -> *const u8 {
        self.base()
    }

    /// The bucket where a hash belongs: the index bits scaled to the bucket count, which keeps
    /// buckets in hash order whatever their number.
    #[inline]
    pub(crate) fn home(self, hash: u64) -> usize {
        let bits = (hash << self.depth() >> (64 - INDEX_BITS)) as usize;
        (bits * self.buckets()) >> INDEX_BITS
    }

    /// The first hash that belongs to bucket `index`, or the last hash of the segment for the
    /// index behind the last.
    pub(crate) fn first_hash_of(self, index: usize) -> Option<u64> {
        if index == self.buckets() {
            return self.node().last_hash().checked_add(1);
        }
        let bits = (index << INDEX_BITS).div_ceil(self.buckets()) as u64;
        Some(self.header().prefix | bits << (64 - INDEX_BITS) >> self.depth())
    }

    /// Bucket `distance` behind `home`; the last is followed by the first.
    #[inline]
    fn behind(self, home: usize, distance: usize) -> usize {
        let index = home + distance;
        if index < self.buckets() { index } else { index - self.buckets() }
    }

    fn displacement_max(self) -> usize {
        DISPLACEMENT_MAX.min(self.buckets() - 1)
    }

    /// What the segment and the slot remember of an item's hash: everything that chooses a
    /// bucket, and the tag.
    #[inline]
    fn known_hash(self, item: Packed, tag: u8) -> u64 {
        let header = self.header();
        let window = (item.window() as u64) << (64 - WINDOW_BITS) >> header.window;
        header.prefix | window | u64::from(tag)
    }

    /// How an item is written into a slot of this segment.
    #[inline]
    pub(crate) fn pack(self, raw: NonNull<u8>, hash: u64, volatile: bool) -> Packed {
        let window = hash << self.header().window >> (64 - WINDOW_BITS);
        Packed::new(raw, window as usize, volatile)
    }

    fn stash(&self) -> &[Stashed] {
        self.header().stash.as_ref().map_or(&[], |stash| &stash.items)
    }

    /// The stash's items with their indexes.
    fn stashed(&self) -> impl Iterator<Item = (usize, Stashed)> + '_ {
        let stashed = self.stash().iter().copied().enumerate();
        stashed.filter(|(_, stashed)| stashed.tag != 0)
    }

    pub(crate) fn stash_len(&self) -> usize {
        self.stash().len()
    }

    /// The item at `index` of the stash.
    pub(crate) fn stash_item(&self, index: usize) -> Option<Packed> {
        self.stash().get(index).filter(|stashed| stashed.tag != 0).map(|stashed| stashed.item)
    }

    /// Bytes of the allocation and its stash.
    pub(crate) fn memory_bytes(&self) -> usize {
        let stash = self.header().stash.as_ref();
        let stash = stash
            .map_or(0, |stash| stash.items.capacity() * size_of::<Stashed>() + size_of::<Stash>());
        layout(self.buckets()).size() + stash
    }

    /// Looks an item up.
    #[inline]
    pub(crate) fn find<T: ThinItem>(&self, hash: u64, key: &[u8]) -> Option<Place> {
        let home = self.home(hash);
        let bucket = self.bucket(home);
        if let Some(slot) = bucket.find::<T>(tag_of(hash), key) {
            return Some(Place::Bucket { bucket: home, slot });
        }
        if bucket.has_overflow() { self.find_overflowed::<T>(home, hash, key) } else { None }
    }

    fn find_overflowed<T: ThinItem>(&self, home: usize, hash: u64, key: &[u8]) -> Option<Place> {
        let tag = tag_of(hash);
        for distance in 1..=self.bucket(home).displacement() {
            let bucket = self.behind(home, distance);
            if let Some(slot) = self.bucket(bucket).find::<T>(tag, key) {
                return Some(Place::Bucket { bucket, slot });
            }
        }
        if !self.bucket(home).has_stashed() {
            return None;
        }
        let index = self
            .stash()
            .iter()
            .position(|stashed| stashed.tag == tag && stashed.item.view::<T>().key() == key)?;
        Some(Place::Stash { index })
    }

    /// The item whose slot alone matches, as a guess of what a look-up will read.
    #[inline]
    pub(crate) fn candidate(&self, hash: u64) -> Option<NonNull<u8>> {
        let home = self.home(hash);
        let bucket = self.bucket(home);
        let tag = tag_of(hash);
        if let Some(slot) = bucket.matching(tag).first() {
            return Some(bucket.slot(slot).raw());
        }
        if bucket.displacement() == 0 {
            return None;
        }
        let next = self.bucket(self.behind(home, 1));
        next.matching(tag).first().map(|slot| next.slot(slot).raw())
    }

    #[inline]
    pub(crate) fn at(&self, place: Place) -> Packed {
        match place {
            Place::Bucket { bucket, slot } => self.bucket(bucket).slot(slot),
            Place::Stash { index } => self.stash()[index].item,
        }
    }

    /// Makes a taken place look empty, keeps its pointer, and returns its tag for
    /// [`Segment::show`].
    #[inline]
    pub(crate) fn hide(&mut self, place: Place) -> u8 {
        match place {
            Place::Bucket { bucket, slot } => {
                let bucket = self.bucket_mut(bucket);
                let tag = bucket.tag(slot);
                bucket.hide(slot);
                tag
            }
            Place::Stash { index } => core::mem::take(&mut self.stashed_mut(index).tag),
        }
    }

    /// Fills a hidden place again; the item's hash is the same.
    #[inline]
    pub(crate) fn show(&mut self, place: Place, tag: u8, item: Packed) {
        match place {
            Place::Bucket { bucket, slot } => {
                self.bucket_mut(bucket).set(slot, tag, item);
                self.note_volatile(bucket, item);
            }
            Place::Stash { index } => *self.stashed_mut(index) = Stashed { item, tag },
        }
    }

    fn stashed_mut(&mut self, index: usize) -> &mut Stashed {
        let stash = self.header_mut().stash.as_mut().expect("the place is in the stash");
        &mut stash.items[index]
    }

    /// Puts an item at its home or near it; false when all of these buckets are full.
    #[inline]
    pub(crate) fn place(&mut self, hash: u64, item: Packed) -> bool {
        let home = self.home(hash);
        for distance in 0..=self.displacement_max() {
            let index = self.behind(home, distance);
            let bucket = self.bucket_mut(index);
            if let Some(slot) = bucket.free().first() {
                bucket.set(slot, tag_of(hash), item);
                self.note_volatile(index, item);
                self.count_in(item);
                let bucket = self.bucket_mut(home);
                if distance > bucket.displacement() {
                    bucket.set_displacement(distance);
                }
                return true;
            }
        }
        false
    }

    /// An item came into bucket `index`, or changed there.
    #[inline]
    fn note_volatile(&mut self, index: usize, item: Packed) {
        // Most items have none, and their changes should not touch the header's line.
        if item.is_volatile() {
            self.header_mut().volatile_pairs |= 1 << (index / 2);
        }
    }

    /// An item with a deadline left bucket `index`.
    fn forget_volatile(&mut self, index: usize) {
        let pair = index / 2;
        let still = [2 * pair, 2 * pair + 1].into_iter().any(|index| {
            index < self.buckets() && {
                let bucket = self.bucket(index);
                bucket.taken().any(|slot| bucket.slot(slot).is_volatile())
            }
        });
        if !still {
            self.header_mut().volatile_pairs &= !(1 << pair);
        }
    }

    /// Whether bucket `index` may hold an item with a deadline.
    #[inline]
    fn may_be_volatile(&self, index: usize) -> bool {
        self.header().volatile_pairs >> (index / 2) & 1 == 1
    }

    #[inline]
    fn count_in(&mut self, item: Packed) {
        let header = self.header_mut();
        header.len += 1;
        header.volatile += u32::from(item.is_volatile());
    }

    /// Puts an item into the stash.
    pub(crate) fn put_in_stash(&mut self, hash: u64, item: Packed) {
        let home = self.home(hash);
        self.bucket_mut(home).set_stashed(true);
        let stash =
            self.header_mut().stash.get_or_insert_with(|| Box::new(Stash { items: Vec::new() }));
        stash.items.push(Stashed { item, tag: tag_of(hash) });
        self.count_in(item);
    }

    /// Takes the item at `place` out and rebuilds the overflow mark of its home.
    pub(crate) fn take(&mut self, place: Place) -> Packed {
        let item = match place {
            Place::Bucket { bucket, slot } => self.take_from_bucket(bucket, slot),
            Place::Stash { index } => self.take_from_stash(index),
        };
        let header = self.header_mut();
        header.len -= 1;
        header.volatile -= u32::from(item.is_volatile());
        item
    }

    fn take_from_bucket(&mut self, index: usize, slot: usize) -> Packed {
        let tag = self.bucket(index).tag(slot);
        let item = self.bucket_mut(index).clear(slot);
        if item.is_volatile() {
            self.forget_volatile(index);
        }
        let home = self.home(self.known_hash(item, tag));
        if home != index {
            let distance = if index > home { index - home } else { index + self.buckets() - home };
            if distance == self.bucket(home).displacement() {
                let farthest = (1..=distance).rev().find(|&distance| {
                    let index = self.behind(home, distance);
                    self.homed_here(index, home).next().is_some()
                });
                self.bucket_mut(home).set_displacement(farthest.unwrap_or(0));
            }
        }
        item
    }

    fn take_from_stash(&mut self, index: usize) -> Packed {
        let header = self.header_mut();
        let stash = header.stash.as_mut().expect("the place is in the stash");
        let taken = stash.items.swap_remove(index);
        if stash.items.is_empty() {
            header.stash = None;
        }
        let home = self.home(self.known_hash(taken.item, taken.tag));
        let still = self.stashed_of(home).next().is_some();
        self.bucket_mut(home).set_stashed(still);
        taken.item
    }

    /// Slots of bucket `index` whose items belong to `home`.
    fn homed_here(&self, index: usize, home: usize) -> impl Iterator<Item = Packed> {
        let bucket = self.bucket(index);
        bucket.taken().filter_map(move |slot| {
            let item = bucket.slot(slot);
            (self.home(self.known_hash(item, 0)) == home).then_some(item)
        })
    }

    fn stashed_of(&self, home: usize) -> impl Iterator<Item = Packed> {
        let items = self.stashed().map(|(_, stashed)| stashed.item);
        items.filter(move |&item| self.home(self.known_hash(item, 0)) == home)
    }

    /// All items that belong to bucket `home`, wherever they sit.
    pub(crate) fn for_each_of_home(&self, home: usize, visit: &mut dyn FnMut(Packed)) {
        for distance in 0..=self.bucket(home).displacement() {
            self.homed_here(self.behind(home, distance), home).for_each(&mut *visit);
        }
        if self.bucket(home).has_stashed() {
            self.stashed_of(home).for_each(visit);
        }
    }

    /// All items with their places: buckets in order, then the stash.
    pub(crate) fn items(&self) -> impl Iterator<Item = (Place, Packed)> + '_ {
        let in_buckets = (0..self.buckets()).flat_map(move |index| {
            let bucket = self.bucket(index);
            bucket
                .taken()
                .map(move |slot| (Place::Bucket { bucket: index, slot }, bucket.slot(slot)))
        });
        in_buckets
            .chain(self.stashed().map(|(index, stashed)| (Place::Stash { index }, stashed.item)))
    }

    /// All items with a deadline; reads only the buckets that may hold one.
    pub(crate) fn volatile_items(&self) -> impl Iterator<Item = Packed> + '_ {
        let buckets = (0..self.buckets()).filter(|index| self.may_be_volatile(*index));
        let in_buckets = buckets.flat_map(move |index| {
            let bucket = self.bucket(index);
            bucket.taken().map(move |slot| bucket.slot(slot))
        });
        let stashed = self.stashed().map(|(_, stashed)| stashed.item);
        in_buckets.chain(stashed).filter(|item| item.is_volatile())
    }

    /// Items of bucket `index` (with `index == buckets()` for the stash) that have a deadline.
    pub(crate) fn volatile_places(&self, index: usize) -> Vec<Place> {
        if index < self.buckets() {
            if !self.may_be_volatile(index) {
                return Vec::new();
            }
            let bucket = self.bucket(index);
            let slots = bucket.taken().filter(|&slot| bucket.slot(slot).is_volatile());
            return slots.map(|slot| Place::Bucket { bucket: index, slot }).collect();
        }
        let stashed = self.stashed().filter(|(_, stashed)| stashed.item.is_volatile());
        stashed.map(|(index, _)| Place::Stash { index }).collect()
    }

    /// How many items have bit `bit` (from the top) of their hash set.
    pub(crate) fn count_with_bit(&self, bit: u32) -> usize {
        let mask = 1 << (63 - bit);
        self.items().filter(|&(_, item)| self.known_hash(item, 0) & mask != 0).count()
    }

    /// Whether one of the next `bits` hash bits parts the items, so that the smaller part is at least
    /// one in `share`; of those that a bit does not part, the many are looked at further.
    pub(crate) fn is_parted(&self, share: usize, bits: u32) -> bool {
        let right_len = self.count_with_bit(self.depth());
        let len = self.header().len as usize;
        if right_len.min(len - right_len) * share >= len.max(1) {
            return true;
        }
        let mut hashes: Vec<u64> = self.items().map(|(_, item)| self.known_hash(item, 0)).collect();
        let known_bits = u32::from(self.header().window) + WINDOW_BITS;
        for bit in self.depth()..known_bits.min(self.depth() + bits) {
            let is_set = |hash: &u64| hash & (1 << (63 - bit)) != 0;
            let right_len = hashes.iter().filter(|hash| is_set(hash)).count();
            if right_len.min(hashes.len() - right_len) * share >= hashes.len().max(1) {
                return true;
            }
            let most_are_right = right_len * 2 > hashes.len();
            hashes.retain(|hash| is_set(hash) == most_are_right);
        }
        false
    }

    /// Hands every item with its known hash to `visit`; used to move them all elsewhere.
    pub(crate) fn for_each_known(&self, mut visit: impl FnMut(u64, Packed)) {
        for index in 0..self.buckets() {
            let bucket = self.bucket(index);
            for slot in bucket.taken() {
                let item = bucket.slot(slot);
                visit(self.known_hash(item, bucket.tag(slot)), item);
            }
        }
        for (_, stashed) in self.stashed() {
            visit(self.known_hash(stashed.item, stashed.tag), stashed.item);
        }
    }

    /// Takes an item over from another segment.
    #[inline]
    pub(crate) fn adopt(&mut self, hash: u64, item: Packed) {
        let item = self.pack(item.raw(), hash, item.is_volatile());
        if !self.place(hash, item) {
            self.put_in_stash(hash, item);
        }
    }

    /// Notes that an item due at `deadline` is in here.
    pub(crate) fn note(&mut self, deadline: i64) {
        let header = self.header_mut();
        header.earliest = header.earliest.min(deadline);
        header.earliest_after_sweep = header.earliest_after_sweep.min(deadline);
    }

    /// Panics unless counts, homes and overflow marks agree with the items. For tests.
    pub(crate) fn assert_consistent<T: ThinItem>(&self, rehash: &dyn Fn(&T) -> u64) {
        let header = self.header();
        let mut len = 0;
        let mut volatile = 0;
        for (place, packed) in self.items() {
            let item = packed.view::<T>();
            let hash = rehash(&item);
            assert_eq!(Node::on_path(self.depth(), hash), self.node(), "in the wrong segment");
            assert_eq!(self.home(self.known_hash(packed, 0)), self.home(hash), "window is wrong");
            assert_eq!(self.find::<T>(hash, item.key()), Some(place), "cannot be found");
            if let Place::Bucket { bucket, .. } = place {
                assert!(!packed.is_volatile() || self.may_be_volatile(bucket), "a bit is missing");
            }
            assert_eq!(packed.is_volatile(), item.deadline().is_some());
            assert!(item.deadline().is_none_or(|deadline| header.earliest <= deadline));
            len += 1;
            volatile += u32::from(packed.is_volatile());
        }
        assert_eq!((header.len, header.volatile), (len, volatile));
        let mut by_home = 0;
        for home in 0..self.buckets() {
            let farthest = (0..=self.displacement_max()).rev().find(|&distance| {
                self.homed_here(self.behind(home, distance), home).next().is_some()
            });
            assert_eq!(self.bucket(home).displacement(), farthest.unwrap_or(0), "stale mark");
            self.for_each_of_home(home, &mut |_| by_home += 1);
        }
        assert_eq!(by_home, len);
    }
}
