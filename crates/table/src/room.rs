//! Tables made for so many items from the beginning.
//!
//! A table that grows with its items moves each of them some four times per doubling, at every step
//! of its segment's size and at every split. Whoever knows how many items follow spares that: of
//! loading ten million small keys it was a third of the inserting thread's time (see
//! `bench/RESULTS.md`, "Loading small keys").

use crate::bucket::SLOTS;
use crate::directory::Directory;
use crate::item::ThinItem;
use crate::segment::{BUCKETS_MAX, DEPTH_MAX, Segment, size_with_room};
use crate::summary::Node;
use crate::table::{Root, Table};

/// Most items that a segment is meant for: with as many, and the usual spread around it, the largest
/// segment does not have to grow.
const ITEMS_PER_SEGMENT: usize = 700;

impl<T: ThinItem> Table<T> {
    /// An empty table with room for `items` items: memory for all of them, and next to no growth while
    /// they come. O(items / 700).
    ///
    /// Room that is not needed stays until [`Table::give_room_back`], or until items near it are
    /// removed.
    #[must_use]
    pub fn with_room_for(items: usize) -> Self {
        let mut table = Self::new();
        if items == 0 {
            return table;
        }
        let mut depth = 0;
        while items >> depth > ITEMS_PER_SEGMENT && depth < DEPTH_MAX {
            depth += 1;
        }
        let buckets = size_with_room(items >> depth);
        let room = |node: Node| Segment::allocate(buckets, node, depth);
        table.root = match depth {
            0 => Root::Single(room(Node::ROOT)),
            _ => Root::Directory(Box::new(divided(depth, &room))),
        };
        table
    }

    /// Gives back the memory of segments that hold few items. O(segments).
    pub fn give_room_back(&mut self) {
        let mut next = Some(0);
        while let Some(hash) = next {
            self.shrink_if_sparse(hash);
            let Some(segment) = self.segment(hash) else { return };
            next = segment.node().last_hash().checked_add(1);
        }
    }
}

/// A directory whose segments all have this depth; `room` makes them.
fn divided(depth: u32, room: &dyn Fn(Node) -> Segment) -> Directory {
    let small = |node: Node| match node.depth == depth {
        true => room(node),
        false => Segment::allocate(1, node, 0),
    };
    let mut directory = Directory::of_one(small(Node::ROOT));
    for level in 0..depth {
        for index in 0..1 << level {
            let old = directory.segment(Node { depth: level, index }.first_hash());
            let halves = [0, 1].map(|bit| small(Node { depth: level + 1, index: index * 2 + bit }));
            directory.split(old, halves);
            old.release();
        }
    }
    directory
}

const _: () = assert!(ITEMS_PER_SEGMENT + 60 < BUCKETS_MAX * SLOTS * 225 / 256);
