//! The directory: which segment holds a hash prefix, and the sums over all segments.

use crate::segment::{DEPTH_MAX, Segment};
use crate::summary::{Node, Summary};

/// A table of several segments. Entry `i` is the segment that holds the hashes whose upper `bits`
/// bits are `i`; a segment of smaller depth stands in several neighbouring entries.
pub(crate) struct Directory {
    bits: u32,
    entries: Vec<Segment>,
    /// How many segments there are of each depth.
    at_depth: [usize; DEPTH_MAX as usize + 1],
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
        summary.push_level();
        let mut at_depth = [0; DEPTH_MAX as usize + 1];
        at_depth[0] = 1;
        Directory {
            bits: 1,
            entries: vec![segment; 2],
            at_depth,
            segments: 1,
            len: header.len as usize,
            segment_bytes: segment.memory_bytes(),
            sweep_from: 0,
            summary,
        }
    }

    #[inline]
    pub(crate) fn segment(&self, hash: u64) -> Segment {
        self.entries[(hash >> (64 - self.bits)) as usize]
    }

    pub(crate) fn entry_address(&self, hash: u64) -> *const u8 {
        self.entries.as_ptr().wrapping_add((hash >> (64 - self.bits)) as usize).cast()
    }

    pub(crate) fn bits(&self) -> u32 {
        self.bits
    }

    pub(crate) fn segment_count(&self) -> usize {
        self.segments
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        size_of::<Directory>()
            + self.entries.capacity() * size_of::<Segment>()
            + self.segment_bytes
            + self.summary.memory_bytes()
    }

    /// The segments in hash order.
    pub(crate) fn segments(&self) -> impl Iterator<Item = Segment> + '_ {
        let mut next = 0;
        core::iter::from_fn(move || {
            let segment = *self.entries.get(next)?;
            next += 1 << (self.bits - segment.depth());
            Some(segment)
        })
    }

    fn install(&mut self, segment: Segment) {
        let span = self.bits - segment.depth();
        let first = segment.node().index << span;
        self.entries[first..first + (1 << span)].fill(segment);
        self.segment_bytes += segment.memory_bytes();
    }

    /// Puts `new` in the place of `old`, which has the same prefix.
    pub(crate) fn replace(&mut self, old: Segment, new: Segment) {
        self.segment_bytes -= old.memory_bytes();
        self.install(new);
    }

    /// Whether a segment of this depth may be split: there is an end to prefixes, and the
    /// directory shall not grow out of proportion because a few prefixes are crowded.
    pub(crate) fn may_split(&self, depth: u32) -> bool {
        depth < self.bits
            || self.bits < DEPTH_MAX && self.entries.len() * 2 <= (self.segments * 8).max(64)
    }

    /// Puts the two `halves` in the place of `old`, doubling the directory when it has no room.
    pub(crate) fn split(&mut self, old: Segment, halves: [Segment; 2]) {
        if old.depth() == self.bits {
            self.double();
        }
        self.summary.split(
            old.node(),
            halves.map(|half| (u64::from(half.header().volatile), half.header().earliest)),
        );
        self.segment_bytes -= old.memory_bytes();
        halves.into_iter().for_each(|half| self.install(half));
        self.segments += 1;
        self.at_depth[old.depth() as usize] -= 1;
        self.at_depth[old.depth() as usize + 1] += 2;
    }

    /// Puts `merged` in the place of its two `halves`.
    pub(crate) fn merge(&mut self, halves: [Segment; 2], merged: Segment) {
        self.summary.merge(merged.node());
        self.segment_bytes -= halves[0].memory_bytes() + halves[1].memory_bytes();
        self.install(merged);
        self.segments -= 1;
        self.at_depth[halves[0].depth() as usize] -= 2;
        self.at_depth[merged.depth() as usize] += 1;
        while self.may_halve() {
            self.halve();
        }
    }

    fn double(&mut self) {
        let mut entries = Vec::with_capacity(self.entries.len() * 2);
        entries.extend(self.entries.iter().flat_map(|&segment| [segment; 2]));
        self.entries = entries;
        self.bits += 1;
        self.summary.push_level();
    }

    /// Halving waits until a quarter of the entries would do, so that a table at the edge does
    /// not double and halve in turns.
    fn may_halve(&self) -> bool {
        self.bits > 1
            && self.at_depth[self.bits as usize] == 0
            && self.entries.len() >= self.segments * 4
    }

    fn halve(&mut self) {
        self.entries = self.entries.iter().copied().step_by(2).collect();
        self.bits -= 1;
        self.summary.pop_level();
    }

    /// Panics unless entries and sums agree with the segments. For tests.
    pub(crate) fn assert_consistent(&self) {
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
