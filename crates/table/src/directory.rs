//! The directory: which segment holds a hash prefix, and the sums over all segments.
//!
//! It is an extendible hash of two levels. The *top* maps the upper hash bits to *pages*, a page
//! maps the bits that follow to segments. A page doubles when one of its segments becomes deeper
//! than it can tell apart, and at 512 entries it splits in two; the top doubles when a page does.
//! So growth touches 4 KiB here and there; one flat array would be copied as a whole, a megabyte
//! and its 256 page faults at a hundred million keys.

use crate::segment::{DEPTH_MAX, Segment};
use crate::summary::{Node, Summary};

/// Largest page: 2^9 entries of 8 bytes, 4 KiB. (Unit tests use tiny pages.)
const PAGE_BITS_MAX: u32 = if cfg!(test) { 3 } else { 9 };

/// As many entries as every table may have, however few segments they name: 32 KiB, so that items
/// whose hashes agree in many bits are still told apart. (Unit tests reach the bound.)
const ENTRIES_ALWAYS: usize = if cfg!(test) { 64 } else { 4096 };

/// The segments below a prefix of `depth` bits, told apart by the next `bits` bits. A segment of
/// smaller depth stands in several neighbouring entries.
struct Page {
    /// The upper `depth` hash bits of all that is in here, the rest zero.
    prefix: u64,
    depth: u32,
    bits: u32,
    entries: Vec<Segment>,
}

/// The upper `bits` bits of `hash` as a number; `bits` is below 64.
#[inline]
fn upper_bits(hash: u64, bits: u32) -> usize {
    (hash >> 1 >> (63 - bits)) as usize
}

impl Page {
    #[inline]
    fn index(&self, hash: u64) -> usize {
        upper_bits(hash << self.depth, self.bits)
    }

    fn double(&mut self) {
        self.entries = doubled(&self.entries);
        self.bits += 1;
    }

    /// Whether half the entries would do, with a quarter to spare, so that a page at the edge does
    /// not double and halve in turns.
    fn may_halve(&self) -> bool {
        self.bits >= 2
            && self.entries.chunks_exact(4).all(|four| four.iter().all(|e| *e == four[0]))
    }

    fn halve(&mut self) {
        self.entries = self.entries.iter().copied().step_by(2).collect();
        self.bits -= 1;
    }
}

fn doubled(entries: &[Segment]) -> Vec<Segment> {
    let mut doubled = Vec::with_capacity(entries.len() * 2);
    doubled.extend(entries.iter().flat_map(|&segment| [segment; 2]));
    doubled
}

/// A table of several segments.
pub(crate) struct Directory {
    /// Page number by the upper `top_bits` hash bits.
    top: Vec<u32>,
    top_bits: u32,
    pages: Vec<Page>,
    /// Entries of all pages.
    entries: usize,
    /// How many segments there are of each depth.
    at_depth: [usize; DEPTH_MAX as usize + 1],
    /// Depth of the deepest segments, and of the summary.
    deepest: u32,
    segments: usize,
    /// Items in all segments.
    pub(crate) len: usize,
    /// Bytes of all segments and their stashes.
    pub(crate) segment_bytes: usize,
    /// Where the search for due items goes on.
    pub(crate) sweep_from: u64,
    pub(crate) summary: Summary,
}

impl Directory {
    /// A directory of the one segment that a table has outgrown.
    pub(crate) fn of_one(segment: Segment) -> Directory {
        debug_assert_eq!(segment.depth(), 0);
        let header = segment.header();
        let mut summary = Summary::new();
        summary.add(segment.node(), i64::from(header.volatile));
        summary.note(segment.node(), header.earliest);
        let mut at_depth = [0; DEPTH_MAX as usize + 1];
        at_depth[0] = 1;
        Directory {
            top: vec![0],
            top_bits: 0,
            pages: vec![Page { prefix: 0, depth: 0, bits: 0, entries: vec![segment] }],
            entries: 1,
            at_depth,
            deepest: 0,
            segments: 1,
            len: header.len as usize,
            segment_bytes: segment.memory_bytes(),
            sweep_from: 0,
            summary,
        }
    }

    #[inline]
    fn page(&self, hash: u64) -> &Page {
        &self.pages[self.top[upper_bits(hash, self.top_bits)] as usize]
    }

    fn page_mut(&mut self, hash: u64) -> &mut Page {
        &mut self.pages[self.top[upper_bits(hash, self.top_bits)] as usize]
    }

    #[inline]
    pub(crate) fn segment(&self, hash: u64) -> Segment {
        let page = self.page(hash);
        page.entries[page.index(hash)]
    }

    pub(crate) fn entry_address(&self, hash: u64) -> *const u8 {
        let page = self.page(hash);
        (&raw const page.entries[page.index(hash)]).cast()
    }

    /// Depth of the deepest segments.
    pub(crate) fn deepest(&self) -> u32 {
        self.deepest
    }

    pub(crate) fn entry_count(&self) -> usize {
        self.entries
    }

    pub(crate) fn segment_count(&self) -> usize {
        self.segments
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        size_of::<Directory>()
            + self.top.capacity() * size_of::<u32>()
            + self.pages.capacity() * size_of::<Page>()
            + self.entries * size_of::<Segment>()
            + self.segment_bytes
            + self.summary.memory_bytes()
    }

    /// The segments in hash order.
    pub(crate) fn segments(&self) -> impl Iterator<Item = Segment> + '_ {
        let mut next = Some(0);
        core::iter::from_fn(move || {
            let segment = self.segment(next?);
            next = segment.node().last_hash().checked_add(1);
            Some(segment)
        })
    }

    /// Writes a segment into all entries that its prefix covers.
    fn install(&mut self, segment: Segment) {
        self.segment_bytes += segment.memory_bytes();
        let node = segment.node();
        let mut hash = node.first_hash();
        loop {
            let page = self.page_mut(hash);
            let reach = Node::on_path(page.depth, hash).last_hash();
            let last = page.index(node.last_hash().min(reach));
            let first = page.index(hash);
            page.entries[first..=last].fill(segment);
            if reach >= node.last_hash() {
                return;
            }
            hash = reach + 1;
        }
    }

    /// Puts `new` in the place of `old`, which has the same prefix.
    pub(crate) fn replace(&mut self, old: Segment, new: Segment) {
        self.segment_bytes -= old.memory_bytes();
        self.install(new);
    }

    /// Whether a segment may be split: there is an end to prefixes, and the directory shall not
    /// grow out of proportion because a few prefixes are crowded.
    pub(crate) fn may_split(&self, segment: Segment) -> bool {
        let page = self.page(segment.header().prefix);
        let has_room = segment.depth() < page.depth + page.bits;
        let affordable =
            self.entries + page.entries.len() <= (self.segments * 8).max(ENTRIES_ALWAYS);
        segment.depth() < DEPTH_MAX && (has_room || affordable)
    }

    /// Puts the two `halves` in the place of `old`, making room where there is none.
    pub(crate) fn split(&mut self, old: Segment, halves: [Segment; 2]) {
        let prefix = old.header().prefix;
        let page = self.page(prefix);
        if old.depth() == page.depth + page.bits {
            self.double_page(prefix);
        }
        let depth = old.depth() + 1;
        if depth > self.deepest {
            self.deepest = depth;
            self.summary.push_level();
        }
        self.summary.split(
            old.node(),
            halves.map(|half| (u64::from(half.header().volatile), half.header().earliest)),
        );
        self.segment_bytes -= old.memory_bytes();
        halves.into_iter().for_each(|half| self.install(half));
        self.segments += 1;
        self.at_depth[old.depth() as usize] -= 1;
        self.at_depth[depth as usize] += 2;
    }

    /// Puts `merged` in the place of its two `halves`.
    pub(crate) fn merge(&mut self, halves: [Segment; 2], merged: Segment) {
        self.summary.merge(merged.node());
        self.segment_bytes -= halves[0].memory_bytes() + halves[1].memory_bytes();
        self.install(merged);
        self.segments -= 1;
        self.at_depth[halves[0].depth() as usize] -= 2;
        self.at_depth[merged.depth() as usize] += 1;
        while self.at_depth[self.deepest as usize] == 0 {
            self.deepest -= 1;
            self.summary.pop_level();
        }
        self.shrink_pages_below(merged.node());
    }

    /// Lets the page of `hash` tell one more bit apart, as one page or as two.
    fn double_page(&mut self, hash: u64) {
        let page = self.page_mut(hash);
        let added = page.entries.len();
        if page.bits < PAGE_BITS_MAX {
            page.double();
        } else {
            let right = doubled(&page.entries[added / 2..]);
            page.entries.truncate(added / 2);
            page.entries = doubled(&page.entries);
            page.depth += 1;
            let (depth, bits) = (page.depth, page.bits);
            let prefix = page.prefix | 1 << (64 - depth);
            if depth > self.top_bits {
                self.top = self.top.iter().flat_map(|&page| [page; 2]).collect();
                self.top_bits += 1;
            }
            self.pages.push(Page { prefix, depth, bits, entries: right });
            self.point_to_page(self.pages.len() - 1);
        }
        self.entries += added;
    }

    /// Lets all top entries below its prefix name a page.
    fn point_to_page(&mut self, number: usize) {
        let Page { prefix, depth, .. } = self.pages[number];
        let first = upper_bits(prefix, self.top_bits);
        self.top[first..first + (1 << (self.top_bits - depth))].fill(number as u32);
    }

    /// Gives entries back in all pages that a merged segment reaches.
    fn shrink_pages_below(&mut self, node: Node) {
        let mut hash = node.first_hash();
        loop {
            self.shrink_pages(hash);
            let page = self.page(hash);
            let reach = Node::on_path(page.depth, hash).last_hash();
            if reach >= node.last_hash() {
                return;
            }
            hash = reach + 1;
        }
    }

    /// Gives entries back around `hash`: halves its page where it has more than it needs, and
    /// merges it with its buddy as long as both are small.
    fn shrink_pages(&mut self, hash: u64) {
        loop {
            while self.page(hash).may_halve() {
                self.page_mut(hash).halve();
                self.entries -= self.page(hash).entries.len();
            }
            let page = self.page(hash);
            let buddy = self.page(page.prefix ^ 1u64.checked_shl(64 - page.depth).unwrap_or(0));
            let small = page.bits.max(buddy.bits) + 2 <= PAGE_BITS_MAX;
            if page.depth == 0 || page.depth != buddy.depth || !small {
                return;
            }
            self.merge_pages(page.prefix.min(buddy.prefix), page.prefix.max(buddy.prefix));
        }
    }

    /// Joins two buddy pages into one that tells as many bits apart as the finer of them.
    fn merge_pages(&mut self, left: u64, right: u64) {
        let bits = self.page(left).bits.max(self.page(right).bits);
        for half in [left, right] {
            while self.page(half).bits < bits {
                self.entries += self.page(half).entries.len();
                self.page_mut(half).double();
            }
        }
        let [left, right] =
            [left, right].map(|hash| self.top[upper_bits(hash, self.top_bits)] as usize);
        let right_entries = core::mem::take(&mut self.pages[right].entries);
        let page = &mut self.pages[left];
        page.entries.extend(right_entries);
        page.entries.shrink_to_fit();
        page.bits += 1;
        page.depth -= 1;
        self.point_to_page(left);
        self.pages.swap_remove(right);
        if right < self.pages.len() {
            // The last page took the number of the one that left.
            self.point_to_page(right);
        }
    }

    /// Panics unless entries and sums agree with the segments. For tests.
    pub(crate) fn assert_consistent(&self) {
        for (number, page) in self.pages.iter().enumerate() {
            assert_eq!(page.entries.len(), 1 << page.bits);
            let range = Node::on_path(page.depth, page.prefix);
            for hash in [range.first_hash(), range.last_hash()] {
                assert_eq!(self.top[upper_bits(hash, self.top_bits)] as usize, number);
            }
            for (index, segment) in page.entries.iter().enumerate() {
                let below = (index as u64) << (63 - page.bits) << 1 >> page.depth;
                assert_eq!(Node::on_path(segment.depth(), page.prefix | below), segment.node());
            }
        }
        assert_eq!(self.entries, self.pages.iter().map(|page| page.entries.len()).sum::<usize>());
        let mut at_depth = [0; DEPTH_MAX as usize + 1];
        let (mut len, mut bytes, mut volatile) = (0, 0, 0);
        for segment in self.segments() {
            let node = segment.node();
            for hash in [node.first_hash(), node.last_hash()] {
                assert_eq!(self.segment(hash), segment);
            }
            at_depth[segment.depth() as usize] += 1;
            len += segment.header().len as usize;
            bytes += segment.memory_bytes();
            volatile += segment.header().volatile as usize;
            assert_eq!(self.summary.count(node), u64::from(segment.header().volatile));
            assert_eq!(self.summary.known_earliest(node), segment.header().earliest);
        }
        assert_eq!(at_depth, self.at_depth);
        assert_eq!(at_depth.iter().sum::<usize>(), self.segments);
        assert_eq!((len, bytes, volatile), (self.len, self.segment_bytes, self.summary.total()));
        self.summary.assert_consistent(Node::ROOT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;

    fn allocate(depth: u32, index: usize) -> Segment {
        Segment::allocate(1, Node { depth, index }, 0)
    }

    fn split(directory: &mut Directory, old: Segment) {
        let Node { depth, index } = old.node();
        directory.split(old, [0, 1].map(|bit| allocate(depth + 1, index * 2 + bit)));
        old.release();
    }

    fn merge(directory: &mut Directory, segment: Segment) -> bool {
        let Node { depth, index } = segment.node();
        let pair = [index & !1, index | 1];
        let halves = pair.map(|index| directory.segment(Node { depth, index }.first_hash()));
        if depth == 0 || halves[0].depth() != halves[1].depth() {
            return false;
        }
        directory.merge(halves, allocate(depth - 1, index / 2));
        halves.into_iter().for_each(Segment::release);
        true
    }

    /// Random splits, then random merges down to two segments; pages hold eight entries here, so
    /// that they split and merge too.
    #[test]
    fn pages_follow_splits_and_merges() {
        for seed in 0..40 {
            let mut rng = Rng::with_seed(seed);
            let mut directory = Directory::of_one(allocate(0, 0));
            // Some seeds crowd one corner, so that depths and page sizes differ.
            let crowd = if seed % 2 == 0 { 0 } else { u64::MAX << 59 };
            while directory.segment_count() < 400 {
                let segment = directory.segment(rng.u64(..) | crowd);
                if directory.may_split(segment) {
                    split(&mut directory, segment);
                } else {
                    split_anywhere(&mut directory, &mut rng);
                }
            }
            directory.assert_consistent();
            assert!(directory.pages.len() > 16);
            while directory.segment_count() > 2 {
                let segment = directory.segment(rng.u64(..));
                if merge(&mut directory, segment) && rng.u8(..) < 20 {
                    directory.assert_consistent();
                }
            }
            directory.assert_consistent();
            assert!(directory.entry_count() <= 64, "{}", directory.entry_count());
            let left: Vec<_> = directory.segments().collect();
            assert_eq!(left.len(), 2);
            left.into_iter().for_each(Segment::release);
        }
    }

    fn split_anywhere(directory: &mut Directory, rng: &mut Rng) {
        let segment = directory.segment(rng.u64(..));
        if directory.may_split(segment) {
            split(directory, segment);
        }
    }
}
