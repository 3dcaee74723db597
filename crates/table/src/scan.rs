//! Walking the table: SCAN cursors, whole segments, and plain iteration.
//!
//! A cursor is a position in hash order: the upper [`CURSOR_BITS`] bits of a hash. A step visits
//! all items that belong to the bucket which holds this position (those that overflowed
//! elsewhere too), and goes on to the first position behind the bucket. Buckets of any segment,
//! large or small, are stretches of the same order, so what was visited stays behind the cursor
//! whatever grows, splits, shrinks or merges between two steps. When a bucket has become wider
//! meanwhile, a few items are visited twice.

use crate::guard::ItemRef;
use crate::item::{Packed, ThinItem};
use crate::segment::Segment;
use crate::table::{Root, Table};

/// Width of a cursor: 34 bits, which leaves 14 bits for a slot number below 2^48.
pub const CURSOR_BITS: u32 = 34;

pub(crate) const HASH_SHIFT: u32 = 64 - CURSOR_BITS;

/// Items asked for ahead of the one that an [`Iter`] hands out.
pub(crate) const ITEMS_AHEAD: usize = 8;

impl<T: ThinItem> Table<T> {
    /// Visits the items of one bucket and returns the cursor for the next call.
    ///
    /// 0 starts a scan, and is returned when it is complete. An item that is in the table from
    /// the first call to the last is visited at least once. A cursor of 2^34 or more, which this
    /// never returns, ends the scan.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(&T)) -> u64 {
        let Some((segment, hash)) = self.at_cursor(cursor) else { return 0 };
        let home = segment.home(hash);
        segment.for_each_of_home(home, &mut |packed| visit(&packed.view::<T>()));
        next_cursor(segment.first_hash_of(home + 1))
    }

    /// Asks for the lines of the bucket at the cursor and its items, ahead of a [`Table::scan`].
    pub fn prefetch_scan(&self, cursor: u64) {
        let Some((segment, hash)) = self.at_cursor(cursor) else { return };
        segment.for_each_of_home(segment.home(hash), &mut |packed| T::prefetch(packed.raw()));
    }

    pub(crate) fn at_cursor(&self, cursor: u64) -> Option<(Segment, u64)> {
        if cursor >> CURSOR_BITS != 0 {
            return None;
        }
        let hash = cursor << HASH_SHIFT;
        Some((self.segment(hash)?, hash))
    }

    /// The cursor whose bucket holds `hash`.
    pub fn cursor_of(hash: u64) -> u64 {
        hash >> HASH_SHIFT
    }

    /// All items, in hash order of their segments.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { table: self, next: Some(0), items: Vec::new().into_iter() }
    }
}

pub(crate) fn next_cursor(first_hash: Option<u64>) -> u64 {
    first_hash.map_or(0, |hash| hash >> HASH_SHIFT)
}

/// Iterator over all items of a table, made by [`Table::iter`].
pub struct Iter<'t, T: ThinItem> {
    table: &'t Table<T>,
    /// First hash of the next segment.
    next: Option<u64>,
    items: std::vec::IntoIter<Packed>,
}

impl<'t, T: ThinItem> Iterator for Iter<'t, T> {
    type Item = ItemRef<'t, T>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(packed) = self.items.next() {
                if let Some(ahead) = self.items.as_slice().get(ITEMS_AHEAD - 1) {
                    T::prefetch(ahead.raw());
                }
                return Some(ItemRef::new(packed));
            }
            let segment = self.table.segment(self.next?)?;
            self.next = segment.first_hash_of(segment.buckets());
            let items: Vec<_> = segment.items().map(|(_, packed)| packed).collect();
            items.iter().take(ITEMS_AHEAD).for_each(|packed| T::prefetch(packed.raw()));
            self.items = items.into_iter();
        }
    }
}

impl<'t, T: ThinItem> IntoIterator for &'t Table<T> {
    type Item = ItemRef<'t, T>;
    type IntoIter = Iter<'t, T>;

    fn into_iter(self) -> Iter<'t, T> {
        self.iter()
    }
}

impl<T: ThinItem> Table<T> {
    /// The segments in hash order.
    pub(crate) fn segments(&self) -> impl Iterator<Item = Segment> + '_ {
        let (single, directory) = match &self.root {
            Root::Empty => (None, None),
            Root::Single(segment) => (Some(*segment), None),
            Root::Directory(directory) => (None, Some(directory)),
        };
        single.into_iter().chain(directory.into_iter().flat_map(|directory| directory.segments()))
    }
}
