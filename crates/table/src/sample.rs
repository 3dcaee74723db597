//! Random items, from all or from those with a deadline.

use fastrand::Rng;

use crate::bucket::SLOTS;
use crate::guard::ItemRef;
use crate::item::{Packed, ThinItem};
use crate::segment::{BUCKETS_MAX, Segment};
use crate::table::{Root, Table};

/// How often a random slot is tried before the next item in hash order is taken instead. Between
/// a third and two thirds of the tries hit while the table is not shrinking.
const TRIES: usize = 64;

impl<T: ThinItem> Table<T> {
    /// One random item, all with (very nearly) the same chance; `None` when the table is empty.
    ///
    /// `random` is a random number; the same number gives the same item. Some two slots are
    /// probed on average. Items in a stash are drawn with a smaller chance when there are many.
    pub fn sample(&self, random: u64) -> Option<ItemRef<'_, T>> {
        if self.is_empty() {
            return None;
        }
        let mut rng = Rng::with_seed(random);
        let drawn = (0..TRIES).find_map(|_| self.probe(&mut rng));
        let packed = drawn.or_else(|| self.packed_from(rng.u64(..)).next())?;
        Some(ItemRef::new(packed))
    }

    /// Draws a slot such that each slot of the table has the same chance, and returns its item.
    fn probe(&self, rng: &mut Rng) -> Option<Packed> {
        let (segment, slots) = match &self.root {
            Root::Empty => return None,
            Root::Single(segment) => (*segment, segment.slots() + segment.stash_len()),
            Root::Directory(directory) => {
                // Each segment shall be drawn as often as any other, so only the first of the
                // deepest possible prefixes that it covers counts.
                let unused = 64 - directory.deepest();
                let hash = rng.u64(..) >> unused << unused;
                let segment = directory.segment(hash);
                if segment.header().prefix != hash {
                    return None;
                }
                (segment, (BUCKETS_MAX * SLOTS).max(segment.slots() + segment.stash_len()))
            }
        };
        let slot = rng.usize(..slots);
        if slot < segment.slots() {
            let bucket = segment.bucket(slot / SLOTS);
            let slot = slot % SLOTS;
            return (bucket.tag(slot) != 0).then(|| bucket.slot(slot));
        }
        segment.stash_item(slot - segment.slots())
    }

    /// Up to `n` different items that are neighbours in hash order from a random point on, as
    /// cheap as reading them: about one cache line for five items. Not independent of each other.
    pub fn sample_many(&self, random: u64, n: usize, visit: &mut dyn FnMut(&T)) -> usize {
        let mut visited = 0;
        for packed in self.packed_from(random).take(n.min(self.len())) {
            visit(&packed.view::<T>());
            visited += 1;
        }
        visited
    }

    /// All items once, from the bucket of `hash` on and around to the buckets before it.
    fn packed_from(&self, hash: u64) -> impl Iterator<Item = Packed> + '_ {
        let start = self.segment(hash).map(|segment| (segment.home(hash), segment));
        let mut next = start;
        let mut done = false;
        let buckets = core::iter::from_fn(move || {
            let (home, segment) = next?;
            if done && Some((home, segment)) == start {
                return None;
            }
            done = true;
            next = if home + 1 < segment.buckets() {
                Some((home + 1, segment))
            } else {
                let behind = segment.first_hash_of(home + 1).unwrap_or(0);
                self.segment(behind).map(|segment| (0, segment))
            };
            let mut items = Vec::with_capacity(SLOTS);
            segment.for_each_of_home(home, &mut |packed| items.push(packed));
            Some(items)
        });
        buckets.flatten()
    }

    /// One random item with a deadline, each with the same chance. O(log segments) and a walk
    /// over the tags of one segment.
    pub fn sample_with_deadline(&self, random: u64) -> Option<ItemRef<'_, T>> {
        let rank = Rng::with_seed(random).u64(..self.with_deadline().max(1) as u64);
        let (segment, rank) = self.segment_of_rank(rank)?;
        segment.volatile_items().nth(rank).map(ItemRef::new)
    }

    /// Up to `n` different items with a deadline, neighbours in hash order from a random one on.
    pub fn sample_many_with_deadline(
        &self,
        random: u64,
        n: usize,
        visit: &mut dyn FnMut(&T),
    ) -> usize {
        let total = self.with_deadline() as u64;
        let wanted = n.min(total as usize);
        let mut rank = Rng::with_seed(random).u64(..total.max(1));
        let mut visited = 0;
        while visited < wanted {
            let Some((segment, first)) = self.segment_of_rank(rank) else { break };
            let here = (segment.header().volatile as usize).saturating_sub(first);
            if here == 0 {
                break;
            }
            for packed in segment.volatile_items().skip(first).take(wanted - visited) {
                visit(&packed.view::<T>());
                visited += 1;
            }
            rank = (rank + here as u64) % total;
        }
        visited
    }

    /// The segment that holds the item of `rank` among those with a deadline, and the rank
    /// within the segment.
    fn segment_of_rank(&self, rank: u64) -> Option<(Segment, usize)> {
        if rank >= self.with_deadline() as u64 {
            return None;
        }
        match &self.root {
            Root::Empty => None,
            Root::Single(segment) => Some((*segment, rank as usize)),
            Root::Directory(directory) => {
                let (node, rank) = directory.summary.nth(rank);
                Some((directory.segment(node.first_hash()), rank as usize))
            }
        }
    }
}
