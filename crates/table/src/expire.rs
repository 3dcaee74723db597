//! Finding items that are due, from each segment's earliest deadline and the directory's summary.
//!
//! A segment's earliest deadline is coarse: it is lowered at once when an item gets an earlier
//! one, and raised only when a sweep has passed the whole segment. So a segment is never missed,
//! and may be swept once in vain after its first item was removed or prolonged.

use crate::item::ThinItem;
use crate::segment::{Place, Segment};
use crate::table::{Root, Table};

/// Buckets whose tags are looked through for one unit of the budget; reading an item costs one.
const BUCKETS_PER_UNIT: usize = 8;

impl<T: ThinItem> Table<T> {
    /// A time before which no item is due, in Unix milliseconds; `None` when no item has a
    /// deadline. Exact after a complete [`Table::expire_due`], else possibly too early.
    pub fn earliest_deadline(&self) -> Option<i64> {
        if self.with_deadline() == 0 {
            return None;
        }
        match &self.root {
            Root::Empty => None,
            Root::Single(segment) => Some(segment.header().earliest),
            Root::Directory(directory) => Some(directory.summary.earliest()),
        }
    }

    /// Removes items that are due at `now_ms` (deadline at or before it) and hands them out,
    /// each with the mark of the segment it was in.
    ///
    /// Goes on where the last call stopped. Each item with a deadline that is read takes one from
    /// `budget`, and so do eight buckets without one; at 0 the call ends. Returns whether there
    /// may be more to remove.
    pub fn expire_due(
        &mut self,
        now_ms: i64,
        budget: &mut usize,
        out: &mut dyn FnMut(T, u32),
    ) -> bool {
        while let Some(segment) = self.next_due(now_ms) {
            if *budget == 0 {
                return true;
            }
            let hash = segment.header().prefix;
            let finished = self.sweep(segment, now_ms, budget, out);
            if finished && let Root::Directory(directory) = &mut self.root {
                directory.sweep_from = segment.node().last_hash().wrapping_add(1);
            }
            self.shrink_if_sparse(hash);
            if !finished {
                return true;
            }
        }
        false
    }

    /// The next segment that may have due items, in hash order from the last one on.
    fn next_due(&self, now_ms: i64) -> Option<Segment> {
        if self.earliest_deadline()? > now_ms {
            return None;
        }
        match &self.root {
            Root::Empty => None,
            Root::Single(segment) => Some(*segment),
            Root::Directory(directory) => {
                let summary = &directory.summary;
                let node = summary
                    .first_due(directory.sweep_from, now_ms)
                    .or_else(|| summary.first_due(0, now_ms))?;
                Some(directory.segment(node.first_hash()))
            }
        }
    }

    /// Sweeps a segment from where its last sweep stopped; true when it has reached the end.
    fn sweep(
        &mut self,
        mut segment: Segment,
        now_ms: i64,
        budget: &mut usize,
        out: &mut dyn FnMut(T, u32),
    ) -> bool {
        if segment.header().sweep == 0 {
            segment.header_mut().earliest_after_sweep = i64::MAX;
        }
        // The index behind the last bucket stands for the stash.
        for index in usize::from(segment.header().sweep)..=segment.buckets() {
            if *budget == 0 {
                segment.header_mut().sweep = index as u8;
                return false;
            }
            if index % BUCKETS_PER_UNIT == 0 {
                *budget -= 1;
            }
            let places = segment.volatile_places(index);
            *budget = budget.saturating_sub(places.len());
            // Backwards, because taking an item from the stash moves its last one.
            for place in places.into_iter().rev() {
                self.expire_place(segment, place, now_ms, out);
            }
            if segment.header().volatile == 0 {
                break;
            }
        }
        let header = segment.header_mut();
        header.sweep = 0;
        let earliest = if header.volatile == 0 { i64::MAX } else { header.earliest_after_sweep };
        self.set_earliest(segment, earliest);
        true
    }

    fn expire_place(
        &mut self,
        mut segment: Segment,
        place: Place,
        now_ms: i64,
        out: &mut dyn FnMut(T, u32),
    ) {
        let deadline = segment.at(place).view::<T>().deadline();
        match deadline {
            Some(deadline) if deadline <= now_ms => {
                let mark = segment.header().mark;
                out(self.take(segment, place), mark);
            }
            Some(deadline) => {
                let header = segment.header_mut();
                header.earliest_after_sweep = header.earliest_after_sweep.min(deadline);
            }
            None => debug_assert!(false, "marked as having a deadline"),
        }
    }
}
