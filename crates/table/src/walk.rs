//! Walking over the table for a snapshot: segment by segment, stopping at any bucket.
//!
//! A position is a cursor in hash order (see [`crate::Table::scan`]). What has a smaller hash has
//! been visited and is not visited again, whatever grows, splits, shrinks or merges meanwhile.

use core::ops::DerefMut;

use crate::item::{Packed, ThinItem};
use crate::scan::{HASH_SHIFT, next_cursor};
use crate::segment::{Place, Segment};
use crate::table::Table;

/// Buckets whose items are collected at once: some 170 items, enough to hide the waiting, and
/// little work in vain when the walk stops.
const BUCKETS_AT_ONCE: usize = 32;

/// Items asked for ahead of the one that is visited.
const ITEMS_AHEAD: usize = 16;

/// Who walks over a table, see [`Table::walk_segment`].
pub trait SegmentWalk<T> {
    /// The hash of an item: asked for where the walk goes on inside a bucket.
    fn hash(&self, item: &T) -> u64;

    /// Visits an item; returns whether it shall be handed to [`SegmentWalk::change`].
    fn visit(&mut self, item: &T) -> bool;

    /// Changes an item; its key and deadline must stay the same.
    fn change(&mut self, item: &mut T);

    /// Asked behind each bucket: whether the walk goes on.
    fn may_go_on(&mut self) -> bool;
}

/// How far a walk over a segment came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walked {
    /// To its end; the next segment is at this cursor, 0 behind the last.
    Whole {
        /// Where the next segment begins.
        next: u64,
    },
    /// Not to its end.
    Part {
        /// Where to go on.
        next: u64,
    },
}

impl<T: ThinItem> Table<T> {
    /// The cursor behind the segment at `cursor`; 0 behind the last one, or if there is none.
    pub fn end_of_segment(&self, cursor: u64) -> u64 {
        self.at_cursor(cursor).map_or(0, |(segment, _)| end_of(segment))
    }

    /// Visits the items of the segment at `cursor` whose hashes are not smaller, in the order of
    /// their buckets, until the segment ends or the walk shall not go on. An empty table is one
    /// empty segment.
    pub fn walk_segment(&mut self, cursor: u64, walk: &mut impl SegmentWalk<T>) -> Walked {
        let Some((segment, hash)) = self.at_cursor(cursor) else {
            return Walked::Whole { next: 0 };
        };
        let mut home = segment.home(hash);
        let mut passed = (segment.first_hash_of(home) != Some(hash)).then_some(cursor);
        let (mut items, mut ends) = (Vec::new(), Vec::new());
        while home < segment.buckets() {
            let last = segment.buckets().min(home + BUCKETS_AT_ONCE);
            collect::<T>(segment, home..last, &mut items, &mut ends);
            let mut next = 0;
            for &end in &ends {
                while next < end {
                    if let Some(ahead) = items.get(next + ITEMS_AHEAD) {
                        T::prefetch(ahead.raw());
                    }
                    visit(segment, items[next], passed, walk);
                    next += 1;
                }
                passed = None;
                home += 1;
                if !walk.may_go_on() && home < segment.buckets() {
                    let next = next_cursor(segment.first_hash_of(home));
                    return Walked::Part { next };
                }
            }
        }
        Walked::Whole { next: end_of(segment) }
    }
}

fn end_of(segment: Segment) -> u64 {
    next_cursor(segment.first_hash_of(segment.buckets()))
}

/// Collects the items of some buckets, and where those of each end; asks for the first ones.
fn collect<T: ThinItem>(
    segment: Segment,
    homes: core::ops::Range<usize>,
    items: &mut Vec<Packed>,
    ends: &mut Vec<usize>,
) {
    items.clear();
    ends.clear();
    for home in homes {
        segment.for_each_of_home(home, &mut |packed| {
            if items.len() < ITEMS_AHEAD {
                T::prefetch(packed.raw());
            }
            items.push(packed);
        });
        ends.push(items.len());
    }
}

/// Visits one item, unless its hash lies before the cursor that the walk has `passed`.
#[inline]
fn visit<T: ThinItem>(
    segment: Segment,
    packed: Packed,
    passed: Option<u64>,
    walk: &mut impl SegmentWalk<T>,
) {
    let item = packed.view::<T>();
    let is_behind = passed.is_some_and(|cursor| walk.hash(&item) >> HASH_SHIFT < cursor);
    if !is_behind && walk.visit(&item) {
        change(segment, packed, walk);
    }
}

/// Lets the walk change an item, which is hidden meanwhile.
#[cold]
fn change<T: ThinItem>(mut segment: Segment, packed: Packed, walk: &mut impl SegmentWalk<T>) {
    let is_it = |&(_, other): &(Place, Packed)| other == packed;
    let Some((place, _)) = segment.items().find(is_it) else { return };
    let mut item = packed.view::<T>();
    let tag = segment.hide(place);
    walk.change(item.deref_mut());
    debug_assert_eq!(item.deadline().is_some(), packed.is_volatile());
    let raw = core::mem::ManuallyDrop::into_inner(item).into_raw();
    segment.show(place, tag, Packed::new(raw, packed.window(), packed.is_volatile()));
}
