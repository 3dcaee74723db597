//! The latest bytes of the stream, for replicas that come back and for those that are behind.
//!
//! All replicas read the same bytes: each has an offset of its own, and what the slowest one still
//! needs is kept. So the memory of a primary does not grow with the number of its replicas, and
//! there is one place where it is bounded.

use std::collections::VecDeque;

/// Bytes are kept in blocks of this size: as Redis's smallest, so that a backlog as small as guides
/// for testing make it gives memory back.
const BLOCK_BYTES: usize = 16 * 1024;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Bytes that are kept in any case.
    pub bytes: u64,
    /// The offset from which on somebody attached still needs everything.
    pub needed_from: Option<u64>,
}

/// The latest bytes of the stream.
#[derive(Debug)]
pub struct Backlog {
    /// Blocks in memory, oldest first; all but the last are full.
    blocks: VecDeque<Vec<u8>>,
    /// Offset of the first byte of the first block.
    blocks_from: u64,
    /// Offset of the first byte that is kept, in memory or beside it.
    first: u64,
    /// Offset of the byte that comes next.
    next: u64,
}

impl Backlog {
    /// Memory that the blocks may take beyond the bytes that are kept.
    pub const SLACK_BYTES: u64 = 2 * BLOCK_BYTES as u64;

    /// An empty backlog; the first byte that is appended has this offset.
    #[must_use]
    pub const fn new(next: u64) -> Self {
        Self { blocks: VecDeque::new(), blocks_from: next, first: next, next }
    }

    /// Offset of the first byte that is kept; that of the next one if there is none.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// Offset of the byte that comes next.
    #[must_use]
    #[inline]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Offset of the first byte in memory: what is kept before it is elsewhere.
    #[must_use]
    pub const fn resident_from(&self) -> u64 {
        if self.blocks_from > self.first { self.blocks_from } else { self.first }
    }

    /// Number of bytes that are kept (`repl_backlog_histlen`).
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.next - self.first
    }

    /// Whether no byte is kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.next == self.first
    }

    /// Bytes of memory that the blocks take.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        (self.blocks.len() * BLOCK_BYTES) as u64
    }

    /// Whether somebody who wants the bytes from `offset` on can have them.
    #[must_use]
    pub const fn covers(&self, offset: u64) -> bool {
        self.first <= offset && offset <= self.next
    }

    /// Adds bytes to the end.
    pub fn append(&mut self, mut bytes: &[u8]) {
        self.next += bytes.len() as u64;
        while !bytes.is_empty() {
            let has_room = self.blocks.back().is_some_and(|block| block.len() < BLOCK_BYTES);
            if !has_room {
                self.blocks.push_back(Vec::with_capacity(BLOCK_BYTES));
            }
            let Some(block) = self.blocks.back_mut() else { return };
            let taken = bytes.len().min(BLOCK_BYTES - block.len());
            block.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
        }
    }

    /// Shows up to `bytes_max` bytes from `offset` on, in pieces; returns how many there were. Bytes
    /// that are not in memory are not shown.
    pub fn read(&self, offset: u64, bytes_max: usize, mut show: impl FnMut(&[u8])) -> usize {
        if offset < self.resident_from() || offset >= self.next {
            return 0;
        }
        let skipped = (offset - self.blocks_from) as usize;
        let (mut block, mut at) = (skipped / BLOCK_BYTES, skipped % BLOCK_BYTES);
        let mut shown = 0;
        while shown < bytes_max
            && let Some(bytes) = self.blocks.get(block)
        {
            let piece = &bytes[at..bytes.len().min(at.saturating_add(bytes_max - shown))];
            show(piece);
            shown += piece.len();
            (block, at) = (block + 1, 0);
        }
        shown
    }

    /// Forgets what need not be kept.
    pub fn trim(&mut self, retention: Retention) {
        let by_size = self.next.saturating_sub(retention.bytes);
        let from = retention.needed_from.map_or(by_size, |needed| needed.min(by_size));
        self.first = self.first.max(from);
        while self.blocks_from + BLOCK_BYTES as u64 <= self.first && self.blocks.len() > 1 {
            self.blocks.pop_front();
            self.blocks_from += BLOCK_BYTES as u64;
        }
    }

    /// Takes the oldest block out of memory, to be kept elsewhere: its first offset and its bytes.
    /// The block that is being filled stays.
    pub fn evict_block(&mut self) -> Option<(u64, Vec<u8>)> {
        if self.blocks.len() < 2 {
            return None;
        }
        let block = self.blocks.pop_front()?;
        let from = self.blocks_from;
        self.blocks_from += BLOCK_BYTES as u64;
        Some((from, block))
    }

    /// What is kept beside memory is lost.
    pub fn forget_evicted(&mut self) {
        self.first = self.resident_from();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes_at(offset: u64, len: usize) -> Vec<u8> {
        (offset..offset + len as u64).map(|at| (at % 251) as u8).collect()
    }

    fn read(backlog: &Backlog, offset: u64, max: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let count = backlog.read(offset, max, |piece| bytes.extend_from_slice(piece));
        assert_eq!(count, bytes.len());
        bytes
    }

    #[test]
    fn an_empty_backlog_covers_its_end() {
        let backlog = Backlog::new(51);
        assert!(backlog.covers(51) && !backlog.covers(50) && !backlog.covers(52));
        assert!(backlog.is_empty() && read(&backlog, 51, 10).is_empty());
    }

    #[test]
    fn what_a_replica_needs_is_kept_beyond_the_size() {
        let mut backlog = Backlog::new(1);
        backlog.append(&bytes_at(1, 300_000));
        backlog.trim(Retention { bytes: 1000, needed_from: Some(100_000) });
        assert_eq!((backlog.first(), backlog.len()), (100_000, 200_001));
        backlog.trim(Retention { bytes: 1000, needed_from: None });
        assert_eq!((backlog.first(), backlog.len()), (299_001, 1000));
        assert!(backlog.resident_bytes() <= 2 * BLOCK_BYTES as u64);
        // A smaller need than the size frees nothing.
        backlog.trim(Retention { bytes: 1000, needed_from: Some(299_900) });
        assert_eq!(backlog.first(), 299_001);
    }

    #[test]
    fn evicted_blocks_are_kept_but_not_shown() {
        let mut backlog = Backlog::new(10);
        backlog.append(&bytes_at(10, 200_000));
        let (from, block) = backlog.evict_block().expect("a full block");
        assert_eq!((from, block), (10, bytes_at(10, BLOCK_BYTES)));
        assert!(backlog.covers(10));
        assert!(read(&backlog, 10, 100).is_empty());
        assert_eq!(backlog.resident_from(), 10 + BLOCK_BYTES as u64);
        backlog.forget_evicted();
        assert!(!backlog.covers(10));
    }

    proptest! {
        #[test]
        fn whatever_is_appended_is_read_back(
            start in 1_u64..1000,
            steps in prop::collection::vec((0_usize..90_000, 0_u64..200_000), 1..12),
        ) {
            let mut backlog = Backlog::new(start);
            for (len, keep) in steps {
                let at = backlog.next();
                backlog.append(&bytes_at(at, len));
                backlog.trim(Retention { bytes: keep, needed_from: None });
                prop_assert!(backlog.len() <= keep);
                let (first, next) = (backlog.first(), backlog.next());
                prop_assert_eq!(
                    read(&backlog, first, usize::MAX),
                    bytes_at(first, (next - first) as usize)
                );
                let middle = first + (next - first) / 2;
                let want = bytes_at(middle, ((next - middle) as usize).min(70_000));
                prop_assert_eq!(read(&backlog, middle, 70_000), want);
            }
        }
    }
}
