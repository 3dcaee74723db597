//! Segment marks for snapshots, and figures for DEBUG HTSTATS and memory accounting.

use core::ops::DerefMut;

use crate::bucket::SLOTS;
use crate::item::{Packed, ThinItem};
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
    /// The mark of the segment that holds `hash`: the snapshot epoch relative to which its items'
    /// "emitted" bits count (DESIGN D6). `None` while the table is empty.
    ///
    /// A table's first segment starts with mark 0; whoever inserts into an empty table sets it.
    /// Splitting hands the mark on, segments of unequal marks are not merged, and a table that
    /// becomes empty forgets it.
    pub fn segment_epoch(&self, hash: u64) -> Option<u32> {
        self.segment(hash).map(|segment| segment.header().epoch)
    }

    /// Sets the mark of the segment that holds `hash`.
    pub fn set_segment_epoch(&mut self, hash: u64, epoch: u32) {
        if let Some(mut segment) = self.segment(hash) {
            segment.header_mut().epoch = epoch;
        }
    }

    /// Lets `change` at each item of the segment that holds `hash`, for example to clear the
    /// "emitted" bits of an older epoch. Deadlines and keys must stay the same.
    pub fn for_each_in_segment_mut(&mut self, hash: u64, mut change: impl FnMut(&mut T)) {
        let Some(mut segment) = self.segment(hash) else { return };
        let places: Vec<_> = segment.items().collect();
        for (place, packed) in places {
            let mut item = packed.view::<T>();
            let tag = segment.hide(place);
            change(item.deref_mut());
            debug_assert_eq!(item.deadline().is_some(), packed.is_volatile());
            let raw = core::mem::ManuallyDrop::into_inner(item).into_raw();
            let packed = Packed::new(raw, packed.window(), packed.is_volatile());
            segment.show(place, tag, packed);
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
