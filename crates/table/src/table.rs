//! The table itself: look-up, insertion, removal, and how it grows and shrinks.

use core::marker::PhantomData;

use crate::directory::Directory;
use crate::guard::{ItemMut, ItemRef};
use crate::item::{Packed, ThinItem, WINDOW_BITS, prefetch_line};
use crate::segment::{DEPTH_MAX, INDEX_BITS, Place, Segment, fitting_size, next_size};
use crate::summary::Node;

/// Items that two neighbouring segments may hold together when they are merged: half of what
/// makes a segment split, so that a table at the edge does not split and merge in turns.
const MERGED_LEN_MAX: u32 = 400;

/// A segment is split when the smaller half gets at least this share of the items (one in ...);
/// otherwise the hashes are too much alike and the stash takes what does not fit.
const SPLIT_SHARE_MIN: usize = 16;

/// How many further hash bits may pass before one of them parts the items of a segment. Items that
/// arrive in the order of their hashes (from a table that hashes with the same seed) agree in the
/// bits that count: they are split bit by bit until they differ, at the price of empty neighbours.
const SPLIT_BITS_AHEAD: u32 = 14;

/// A hash table of thin owned items; see the crate's front page.
///
/// Every hash passed in must be the same function of the item's key, with all 64 bits mixed well.
/// The hash is not kept; `insert` takes a function that computes it again, used only when a
/// segment splits and the 15 hash bits kept in its slots are used up (once in 32-fold growth).
pub struct Table<T: ThinItem> {
    pub(crate) root: Root,
    items: PhantomData<T>,
}

pub(crate) enum Root {
    Empty,
    Single(Segment),
    Directory(Box<Directory>),
}

// SAFETY: the table owns its items and its segments and shares them with nobody, so it may move
// to another thread when the items may.
unsafe impl<T: ThinItem + Send> Send for Table<T> {}
// SAFETY: methods that take `&self` only read, and hand out items behind shared references.
unsafe impl<T: ThinItem + Sync> Sync for Table<T> {}

/// How full segments may become before they grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Growth {
    /// Until look-ups would become slower: the usual.
    #[default]
    Early,
    /// Until nearly every slot is taken. For tables whose items come and go at the limit of
    /// memory: in a thousand segments some have always just had a few items more than the others,
    /// and growing them all takes memory that nobody gives back.
    Late,
}

impl Growth {
    /// Items from which a segment grows before it takes another one.
    #[inline]
    fn limit(self, segment: Segment) -> u32 {
        let usual = segment.header().grow_at;
        match self {
            Self::Early => usual,
            Self::Late => usual.max((segment.slots() - segment.slots() / 50) as u32),
        }
    }
}

impl<T: ThinItem> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: ThinItem> Drop for Table<T> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl<T: ThinItem> Table<T> {
    /// An empty table, which allocates nothing.
    pub const fn new() -> Self {
        Table { root: Root::Empty, items: PhantomData }
    }

    /// Number of items.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.root {
            Root::Empty => 0,
            Root::Single(segment) => segment.header().len as usize,
            Root::Directory(directory) => directory.len,
        }
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of items that have a deadline.
    pub fn with_deadline(&self) -> usize {
        match &self.root {
            Root::Empty => 0,
            Root::Single(segment) => segment.header().volatile as usize,
            Root::Directory(directory) => directory.summary.total(),
        }
    }

    #[inline]
    pub(crate) fn segment(&self, hash: u64) -> Option<Segment> {
        match &self.root {
            Root::Empty => None,
            Root::Single(segment) => Some(*segment),
            Root::Directory(directory) => Some(directory.segment(hash)),
        }
    }

    /// First stage of a prefetch: asks for the bucket where `hash` belongs.
    ///
    /// For a batch, call this for all hashes, then [`Table::prefetch_item`] for all, then look up.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        if let Some(segment) = self.segment(hash) {
            prefetch_line(segment.home_address(hash));
        }
    }

    /// Second stage of a prefetch: reads the bucket's tags and asks for the item that matches.
    #[inline]
    pub fn prefetch_item(&self, hash: u64) {
        if let Some(raw) = self.segment(hash).and_then(|segment| segment.candidate(hash)) {
            T::prefetch(raw);
        }
    }

    /// Asks for the lines that an insertion of a new item reads and writes: its bucket, and the header
    /// that counts it. Without the header's, inserting waits for it: with ten million keys that was more
    /// than a third of the time of the thread that loads them.
    #[inline]
    pub fn prefetch_insert(&self, hash: u64) {
        if let Some(segment) = self.segment(hash) {
            prefetch_line(segment.home_address(hash));
            prefetch_line(segment.header_address());
        }
    }

    /// Optional stage before [`Table::prefetch_bucket`], for tables whose directory itself falls
    /// out of the cache (beyond some 100 million items).
    #[inline]
    pub fn prefetch_directory(&self, hash: u64) {
        if let Root::Directory(directory) = &self.root {
            prefetch_line(directory.entry_address(hash));
        }
    }

    /// Looks up an item. O(1): one bucket line and, when a tag matches, the item.
    #[inline]
    pub fn find(&self, hash: u64, key: &[u8]) -> Option<ItemRef<'_, T>> {
        let segment = self.segment(hash)?;
        let place = segment.find::<T>(hash, key)?;
        Some(ItemRef::new(segment.at(place)))
    }

    /// Looks up an item to change or remove it.
    #[inline]
    pub fn find_mut(&mut self, hash: u64, key: &[u8]) -> Option<ItemMut<'_, T>> {
        let segment = self.segment(hash)?;
        let place = segment.find::<T>(hash, key)?;
        Some(ItemMut::new(self, segment, place, hash))
    }

    /// Looks up an item to change it, or hands the table back if there is none, so that an
    /// insertion may follow: one probe for a key that is written whether it exists or not.
    ///
    /// # Errors
    /// The table itself, if the key is not in it.
    #[inline]
    pub fn find_or_table(&mut self, hash: u64, key: &[u8]) -> Result<ItemMut<'_, T>, &mut Self> {
        let found = self.segment(hash).and_then(|segment| {
            let place = segment.find::<T>(hash, key)?;
            Some((segment, place))
        });
        match found {
            Some((segment, place)) => Ok(ItemMut::new(self, segment, place, hash)),
            None => Err(self),
        }
    }

    /// Looks up an item that passes `accept` for reading, or hands the table back, so that an item
    /// that did not may be removed: one probe for a key that is found.
    ///
    /// # Errors
    /// The table itself, if the key is not in it or its item was not accepted.
    #[inline]
    pub fn find_if(
        &mut self,
        hash: u64,
        key: &[u8],
        accept: impl FnOnce(&T) -> bool,
    ) -> Result<ItemRef<'_, T>, &mut Self> {
        let found = self.segment(hash).and_then(|segment| {
            let place = segment.find::<T>(hash, key)?;
            Some(segment.at(place))
        });
        match found {
            Some(packed) if accept(&packed.view::<T>()) => Ok(ItemRef::new(packed)),
            _ => Err(self),
        }
    }

    /// Adds an item whose key is not in the table (checked in debug builds only).
    ///
    /// `rehash` is the function that gave `hash`. O(1) on average; the longest pause is a split
    /// of one segment, at most some 900 items.
    ///
    /// # Panics
    /// When the item's address has more than 48 bits.
    pub fn insert(&mut self, hash: u64, item: T, rehash: impl Fn(&T) -> u64) {
        self.insert_with(hash, item, rehash, Growth::Early);
    }

    /// As [`Table::insert`], and says how full segments may become before they grow.
    ///
    /// # Panics
    /// As [`Table::insert`].
    pub fn insert_with(&mut self, hash: u64, item: T, rehash: impl Fn(&T) -> u64, growth: Growth) {
        debug_assert!(self.find(hash, item.key()).is_none(), "the key is in the table already");
        debug_assert_eq!(rehash(&item), hash);
        let deadline = item.deadline();
        let raw = item.into_raw();
        let mut segment = self.segment_with_room(hash, &rehash, growth);
        loop {
            // Packed anew in each round: a split may move the window of kept hash bits.
            let packed = segment.pack(raw, hash, deadline.is_some());
            if segment.place(hash, packed) {
                break;
            }
            if growth == Growth::Early
                && worth_growing(segment)
                && let Some(grown) = self.grow(hash, segment, &rehash)
            {
                segment = grown;
                continue;
            }
            let before = segment.memory_bytes();
            segment.put_in_stash(hash, packed);
            self.count_stash(before, segment);
            break;
        }
        self.count_len(1);
        if let Some(deadline) = deadline {
            self.count_volatile(segment, 1);
            self.note_deadline(segment, deadline);
        }
    }

    /// Removes an item and hands it out.
    pub fn remove(&mut self, hash: u64, key: &[u8]) -> Option<T> {
        let segment = self.segment(hash)?;
        let place = segment.find::<T>(hash, key)?;
        let item = self.take(segment, place);
        self.shrink_if_sparse(hash);
        Some(item)
    }

    /// Removes and drops all items. O(n); to drop them elsewhere, hand `mem::take(&mut table)` to
    /// another thread.
    pub fn clear(&mut self) {
        self.drain(drop);
    }

    /// Removes all items and hands them out in hash order of their segments.
    pub fn drain(&mut self, mut out: impl FnMut(T)) {
        let root = core::mem::replace(&mut self.root, Root::Empty);
        let mut empty = |segment: Segment| {
            segment.items().for_each(|(_, packed)| out(packed.into_item()));
            segment.release();
        };
        match root {
            Root::Empty => {}
            Root::Single(segment) => empty(segment),
            Root::Directory(directory) => directory.segments().for_each(empty),
        }
    }

    /// Takes one item out and keeps the sums right; the caller shrinks afterwards.
    pub(crate) fn take(&mut self, mut segment: Segment, place: Place) -> T {
        let stash_before = matches!(place, Place::Stash { .. }).then(|| segment.memory_bytes());
        let packed = segment.take(place);
        if let Some(before) = stash_before {
            self.count_stash(before, segment);
        }
        self.count_len(-1);
        if packed.is_volatile() {
            self.count_volatile(segment, -1);
        }
        packed.into_item()
    }

    fn count_len(&mut self, delta: isize) {
        if let Root::Directory(directory) = &mut self.root {
            directory.len = directory.len.wrapping_add_signed(delta);
        }
    }

    fn count_stash(&mut self, before: usize, segment: Segment) {
        if let Root::Directory(directory) = &mut self.root {
            directory.segment_bytes = directory.segment_bytes - before + segment.memory_bytes();
        }
    }

    /// Follows a change of the segment's own count of items with a deadline.
    pub(crate) fn count_volatile(&mut self, mut segment: Segment, delta: i64) {
        if let Root::Directory(directory) = &mut self.root {
            directory.summary.add(segment.node(), delta);
        }
        if segment.header().volatile == 0 {
            segment.header_mut().sweep = 0;
            self.set_earliest(segment, i64::MAX);
        }
    }

    pub(crate) fn note_deadline(&mut self, mut segment: Segment, deadline: i64) {
        segment.note(deadline);
        if let Root::Directory(directory) = &mut self.root {
            directory.summary.note(segment.node(), deadline);
        }
    }

    pub(crate) fn set_earliest(&mut self, mut segment: Segment, deadline: i64) {
        segment.header_mut().earliest = deadline;
        if let Root::Directory(directory) = &mut self.root {
            directory.summary.set_earliest(segment.node(), deadline);
        }
    }

    /// The segment for an insertion, grown when it is due.
    #[inline]
    fn segment_with_room(
        &mut self,
        hash: u64,
        rehash: &dyn Fn(&T) -> u64,
        growth: Growth,
    ) -> Segment {
        let Some(mut segment) = self.segment(hash) else {
            let first = Segment::allocate(1, Node::ROOT, 0);
            self.root = Root::Single(first);
            return first;
        };
        while segment.header().len >= growth.limit(segment) {
            match self.grow(hash, segment, rehash) {
                Some(grown) => segment = grown,
                None => break,
            }
        }
        segment
    }

    /// Makes room in the segment of `hash`: more buckets, or a split. `None` when a split would
    /// not help or is not allowed; it is then tried again when the segment has doubled.
    #[cold]
    fn grow(&mut self, hash: u64, segment: Segment, rehash: &dyn Fn(&T) -> u64) -> Option<Segment> {
        if let Some(buckets) = next_size(segment.buckets()) {
            return Some(self.resize(segment, buckets));
        }
        self.split(segment, rehash)?;
        self.segment(hash)
    }

    /// Gives a segment another number of buckets.
    fn resize(&mut self, old: Segment, buckets: usize) -> Segment {
        let mut new = Segment::allocate(buckets, old.node(), u32::from(old.header().window));
        old.for_each_known(|hash, packed| new.adopt(hash, packed));
        inherit(&mut new, &[old]);
        match &mut self.root {
            Root::Directory(directory) => directory.replace(old, new),
            root => *root = Root::Single(new),
        }
        old.release();
        new
    }

    fn split(&mut self, mut old: Segment, rehash: &dyn Fn(&T) -> u64) -> Option<()> {
        let depth = old.depth();
        if !self.may_split(old) {
            let header = old.header_mut();
            header.grow_at = header.len.saturating_mul(2);
            return None;
        }
        let kept = u32::from(old.header().window);
        let window_is_used_up = depth + 1 + INDEX_BITS > kept + WINDOW_BITS;
        let window = if window_is_used_up { depth + 1 } else { kept };
        let right_len = old.count_with_bit(depth);
        let left_len = old.header().len as usize - right_len;
        let parent = old.node();
        let mut halves = [(left_len, 0), (right_len, 1)].map(|(len, bit)| {
            let node = Node { depth: depth + 1, index: parent.index * 2 + bit };
            Segment::allocate(fitting_size(len), node, window)
        });
        let mut adopt = |hash: u64, packed: Packed| {
            halves[(hash >> (63 - depth) & 1) as usize].adopt(hash, packed);
        };
        if window_is_used_up {
            old.items().for_each(|(_, packed)| T::prefetch(packed.raw()));
            old.for_each_known(|_, packed| adopt(rehash(&packed.view::<T>()), packed));
        } else {
            old.for_each_known(adopt);
        }
        halves.iter_mut().for_each(|half| inherit(half, &[old]));
        if let Root::Single(segment) = self.root {
            self.root = Root::Directory(Box::new(Directory::of_one(segment)));
        }
        if let Root::Directory(directory) = &mut self.root {
            directory.split(old, halves);
        }
        old.release();
        Some(())
    }

    fn may_split(&self, segment: Segment) -> bool {
        let allowed = match &self.root {
            Root::Directory(directory) => directory.may_split(segment),
            _ => true,
        };
        allowed && segment.is_parted(SPLIT_SHARE_MIN, SPLIT_BITS_AHEAD)
    }

    /// Gives memory back after a removal near `hash`.
    #[inline]
    pub(crate) fn shrink_if_sparse(&mut self, hash: u64) {
        if let Some(segment) = self.segment(hash)
            && segment.header().len < segment.header().shrink_below
        {
            self.shrink(segment);
        }
    }

    #[cold]
    fn shrink(&mut self, mut segment: Segment) {
        if self.is_empty() {
            return self.clear();
        }
        while let Some(merged) = self.merge(segment) {
            segment = merged;
            if segment.header().len >= segment.header().shrink_below {
                return;
            }
        }
        let len = segment.header().len as usize;
        let buckets = fitting_size(len + len / 4);
        if buckets < segment.buckets() {
            self.resize(segment, buckets);
        }
    }

    /// Merges a segment with its buddy when both are sparse and their marks are equal.
    fn merge(&mut self, segment: Segment) -> Option<Segment> {
        let Root::Directory(directory) = &mut self.root else { return None };
        let Node { depth, index } = segment.node();
        let parent = Node { depth: depth.checked_sub(1)?, index: index / 2 };
        let buddy = directory.segment(Node { depth, index: index ^ 1 }.first_hash());
        let (ours, theirs) = (segment.header(), buddy.header());
        let len = ours.len + theirs.len;
        if buddy.depth() != depth || ours.mark != theirs.mark || len > MERGED_LEN_MAX {
            return None;
        }
        let window = u32::from(ours.window.min(theirs.window)).min(parent.depth);
        let mut merged = Segment::allocate(fitting_size((len + len / 4) as usize), parent, window);
        let halves = if index % 2 == 0 { [segment, buddy] } else { [buddy, segment] };
        for half in halves {
            half.for_each_known(|hash, packed| merged.adopt(hash, packed));
        }
        inherit(&mut merged, &halves);
        directory.merge(halves, merged);
        if directory.segment_count() == 1 {
            self.root = Root::Single(merged);
        }
        halves.into_iter().for_each(Segment::release);
        Some(merged)
    }

    /// Panics unless all counts, marks and sums agree with the items. O(n), for tests.
    #[doc(hidden)]
    pub fn assert_consistent(&self, rehash: impl Fn(&T) -> u64) {
        match &self.root {
            Root::Empty => {}
            Root::Single(segment) => segment.assert_consistent::<T>(&rehash),
            Root::Directory(directory) => {
                directory.assert_consistent();
                directory.segments().for_each(|segment| segment.assert_consistent::<T>(&rehash));
            }
        }
    }
}

/// Whether a segment that has no room near an item's home shall grow before it is due: when it is
/// at least half full, and has not just refused to split (which puts `grow_at` beyond its slots).
fn worth_growing(segment: Segment) -> bool {
    let header = segment.header();
    header.len as usize * 2 >= segment.slots() && (header.grow_at as usize) < segment.slots()
}

/// Gives a rebuilt segment the mark of the old ones and what they know of deadlines.
fn inherit(new: &mut Segment, old: &[Segment]) {
    let earliest = old.iter().map(|old| old.header().earliest).min();
    let header = new.header_mut();
    header.mark = old[0].header().mark;
    if header.volatile > 0 {
        header.earliest = earliest.unwrap_or(i64::MAX);
    }
}

const _: () = assert!(DEPTH_MAX + INDEX_BITS == crate::scan::CURSOR_BITS);
