//! Segment marks for snapshots, and figures for DEBUG HTSTATS and memory accounting.

use crate::bucket::SLOTS;
use crate::guard::ItemMut;
use crate::item::{Packed, ThinItem};
use crate::scan::ITEMS_AHEAD;
use crate::segment::Segment;
use crate::table::{Root, Table};

/// Figures about a table's shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TableStats {
    /// Items.
    pub len: usize,
    /// Items with a deadline.
    pub with_deadline: usize,
    /// Segments, 0 when the table is empty.
    pub segments: usize,
    /// Entries of the directory, 0 while there is none.
    pub directory_entries: usize,
    /// Buckets of all segments, 7 slots each.
    pub buckets: usize,
    /// Items that are in a segment's stash.
    pub stashed: usize,
    /// Bytes of the table without its items.
    pub memory_bytes: usize,
}

impl TableStats {
    /// Places for items, the stashes left out.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.buckets * SLOTS
    }
}

impl<T: ThinItem> Table<T> {
    /// The mark of the segment that holds `hash`: what a snapshot has done there (DESIGN D6).
    /// `None` while the table is empty.
    ///
    /// A table's first segment starts with mark 0; whoever inserts into an empty table sets it.
    /// Splitting hands the mark on, segments of unequal marks are not merged, and a table that
    /// becomes empty forgets it.
    #[inline]
    pub fn segment_mark(&self, hash: u64) -> Option<u32> {
        self.segment(hash).map(|segment| segment.header().mark)
    }

    /// Sets the mark of the segment that holds `hash`.
    pub fn set_segment_mark(&mut self, hash: u64, mark: u32) {
        if let Some(mut segment) = self.segment(hash) {
            segment.header_mut().mark = mark;
        }
    }

    /// Visits all items of the segment that holds `hash`.
    pub fn for_each_in_segment(&self, hash: u64, visit: impl FnMut(&T)) {
        if let Some(segment) = self.segment(hash) {
            visit_all(segment, visit);
        }
    }

    /// Bytes of the table without its items and without `size_of::<Table>()`. O(1).
    pub fn memory_bytes(&self) -> usize {
        match &self.root {
            Root::Empty => 0,
            Root::Single(segment) => segment.memory_bytes(),
            Root::Directory(directory) => directory.memory_bytes(),
        }
    }

    /// Figures about the table's shape. O(segments).
    pub fn stats(&self) -> TableStats {
        let mut stats = TableStats {
            len: self.len(),
            with_deadline: self.with_deadline(),
            memory_bytes: self.memory_bytes(),
            ..TableStats::default()
        };
        if let Root::Directory(directory) = &self.root {
            stats.directory_entries = directory.entry_count();
        }
        for segment in self.segments() {
            stats.segments += 1;
            stats.buckets += segment.buckets();
            stats.stashed += segment.stash_len();
        }
        stats
    }
}

impl<T: ThinItem> ItemMut<'_, T> {
    /// The mark of the segment that holds the item.
    #[must_use]
    #[inline]
    pub fn segment_mark(&self) -> u32 {
        self.segment.header().mark
    }

    /// Sets the mark of the segment that holds the item.
    pub fn set_segment_mark(&mut self, mark: u32) {
        self.segment.header_mut().mark = mark;
    }

    /// Visits all other items of the segment that holds this one.
    pub fn for_each_other_in_segment(&self, visit: impl FnMut(&T)) {
        visit_all(self.segment, visit);
    }
}

/// Visits all items of a segment, each asked for ahead of its turn.
fn visit_all<T: ThinItem>(segment: Segment, mut visit: impl FnMut(&T)) {
    let items: Vec<Packed> = segment.items().map(|(_, packed)| packed).collect();
    items.iter().take(ITEMS_AHEAD).for_each(|packed| T::prefetch(packed.raw()));
    for (index, packed) in items.iter().enumerate() {
        if let Some(ahead) = items.get(index + ITEMS_AHEAD) {
            T::prefetch(ahead.raw());
        }
        visit(&packed.view::<T>());
    }
}
