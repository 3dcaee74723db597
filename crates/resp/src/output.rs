//! Bytes on their way to a client.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;
use smallvec::SmallVec;

/// The slices of one `writev`.
pub type IoSlices<'a> = SmallVec<[IoSlice<'a>; IO_SLICES_MAX]>;

/// Slices per write: 16 full chunks are more than a socket buffer takes.
const IO_SLICES_MAX: usize = 16;

/// Size of a chunk: what Redis uses for its own (`PROTO_REPLY_CHUNK_BYTES`), and the size of the
/// buffers that a pool should supply.
pub const CHUNK_BYTES: usize = 16 * 1024;

/// A first reply that finds no pooled buffer gets this much.
const FIRST_BYTES: usize = 512;

/// A chunk that ends with so little in it is copied to its size, so that its buffer goes on being
/// the tail: between two shared values there are only a few header bytes.
const SHORT_CHUNK_BYTES: usize = 512;

/// Bytes waiting to be sent: full or shared chunks, then the tail that is being written to.
///
/// Without bytes and without a buffer (see [`Self::recycle`]) it owns no heap memory beyond an
/// empty queue.
#[derive(Debug, Default)]
pub struct Output {
    chunks: VecDeque<Chunk>,
    tail: Vec<u8>,
    /// Bytes of the first chunk (of the tail, if there is none) that have been sent.
    sent: usize,
    /// Sum of the lengths of `chunks`.
    chunk_bytes: usize,
    /// How many chunks have left: makes places permanent.
    chunks_gone: u64,
    /// Bytes beyond which everything is dropped; 0 is no limit.
    limit: usize,
    overflowed: bool,
}

#[derive(Debug)]
enum Chunk {
    Owned(Vec<u8>),
    Shared(Bytes),
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// A place in the bytes appended so far. Places stay valid until the bytes behind them are sent
/// or truncated, or something is inserted before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    chunk: u64,
    offset: usize,
}

impl Output {
    /// No bytes, no buffer.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            chunks: VecDeque::new(),
            tail: Vec::new(),
            sent: 0,
            chunk_bytes: 0,
            chunks_gone: 0,
            limit: 0,
            overflowed: false,
        }
    }

    /// Sets how many bytes may wait (0 is no limit, and a chunk may always). Beyond it the output
    /// [overflows](Self::has_overflowed): what waits is dropped, and so is all that follows. One
    /// command with a reply of a billion elements then costs a chunk of memory, not all of it.
    #[inline]
    pub const fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// Whether the limit was exceeded: nothing of use can be sent any more, the connection is to
    /// be closed. A command with a long reply may stop when it sees this.
    #[must_use]
    #[inline]
    pub const fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// Bytes not yet sent.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.chunk_bytes + self.tail.len() - self.sent
    }

    /// Whether all bytes are sent.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory held, in bytes: buffers by capacity, shared values by length.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.queued_memory_bytes() + self.tail_capacity()
    }

    /// Memory of what waits behind the first buffer, in bytes (`omem` of CLIENT LIST): chunks, and
    /// the tail if it outgrew one.
    #[must_use]
    pub fn queued_memory_bytes(&self) -> usize {
        let chunk_memory = |chunk: &Chunk| match chunk {
            Chunk::Owned(bytes) => bytes.capacity(),
            Chunk::Shared(bytes) => bytes.len(),
        };
        self.chunks.iter().map(chunk_memory).sum::<usize>()
            + self.chunks.len() * size_of::<Chunk>()
            + if self.tail_is_long() { self.tail.capacity() } else { 0 }
    }

    /// What `client-output-buffer-limit` limits, in bytes: all memory held, once more waits than one
    /// chunk takes.
    #[must_use]
    pub fn limited_bytes(&self) -> usize {
        if self.queued_chunks() == 0 { 0 } else { self.memory_bytes() }
    }

    /// Count of what [`Self::queued_memory_bytes`] counts (`oll` of CLIENT LIST).
    #[must_use]
    pub fn queued_chunks(&self) -> usize {
        self.chunks.len() + usize::from(self.tail_is_long())
    }

    /// Unsent bytes of the buffer that is being filled (`obl` of CLIENT LIST).
    #[must_use]
    pub fn tail_len(&self) -> usize {
        match (self.tail_is_long(), self.chunks.is_empty()) {
            (true, _) => 0,
            (false, true) => self.tail.len() - self.sent,
            (false, false) => self.tail.len(),
        }
    }

    /// Bytes that buffer has room for (`rbs` of CLIENT LIST).
    #[must_use]
    pub const fn tail_capacity(&self) -> usize {
        if self.tail_is_long() { 0 } else { self.tail.capacity() }
    }

    const fn tail_is_long(&self) -> bool {
        self.tail.capacity() > CHUNK_BYTES && !self.tail.is_empty()
    }

    /// Appends bytes.
    #[inline]
    pub fn extend(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).extend_from_slice(bytes);
    }

    /// Appends a shared value without copying it.
    pub fn push_shared(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        if self.overflows(bytes.len()) {
            return;
        }
        self.seal();
        self.chunk_bytes += bytes.len();
        self.chunks.push_back(Chunk::Shared(bytes));
    }

    /// Moves all that waits in `other` behind what waits here; shared values stay shared.
    #[inline]
    pub fn append(&mut self, other: &mut Self) {
        if !other.is_empty() || other.overflowed {
            self.append_all(other);
        }
    }

    #[cold]
    fn append_all(&mut self, other: &mut Self) {
        self.overflowed |= other.overflowed;
        if self.overflows(other.len()) {
            return other.clear();
        }
        let mut skip = std::mem::take(&mut other.sent);
        other.chunks_gone += other.chunks.len() as u64;
        for chunk in other.chunks.drain(..) {
            match chunk {
                Chunk::Owned(bytes) => self.extend(&bytes[skip..]),
                Chunk::Shared(bytes) => self.push_shared(bytes.slice(skip..)),
            }
            skip = 0;
        }
        self.extend(&other.tail[skip..]);
        other.chunk_bytes = 0;
        other.tail.clear();
    }

    /// Whether `additional` bytes are too many, or were before; drops everything if so.
    fn overflows(&mut self, additional: usize) -> bool {
        if self.limit != 0 && self.len() + additional > self.limit.max(CHUNK_BYTES) {
            self.overflowed = true;
        }
        if self.overflowed {
            self.chunks_gone += self.chunks.len() as u64;
            self.chunks.clear();
            self.tail.clear();
            self.chunk_bytes = 0;
            self.sent = 0;
        }
        self.overflowed
    }

    /// The tail, with room for `additional` bytes.
    #[inline(always)]
    pub(crate) fn room(&mut self, additional: usize) -> &mut Vec<u8> {
        if self.tail.capacity() - self.tail.len() < additional {
            self.grow(additional);
        }
        &mut self.tail
    }

    /// Fills `slices` with what is to be sent next, without going beyond its inline size.
    pub fn io_slices<'a>(&'a self, slices: &mut IoSlices<'a>) {
        self.io_slices_of(usize::MAX, slices);
    }

    /// As [`Self::io_slices`], for the first `limit` bytes alone.
    pub fn io_slices_of<'a>(&'a self, limit: usize, slices: &mut IoSlices<'a>) {
        slices.clear();
        let (mut sent, mut left) = (self.sent, limit);
        let parts = self.chunks.iter().map(Chunk::bytes).chain([self.tail.as_slice()]);
        for part in parts {
            if left == 0 || slices.len() == IO_SLICES_MAX {
                break;
            }
            let unsent = &part[sent..];
            sent = 0;
            let unsent = &unsent[..unsent.len().min(left)];
            // What was inserted into nothing is a chunk of nothing in front of it.
            if !unsent.is_empty() {
                slices.push(IoSlice::new(unsent));
                left -= unsent.len();
            }
        }
    }

    /// The only slice there is, when everything lies in the tail: the usual case, one `write`.
    #[must_use]
    #[inline]
    pub fn single_slice(&self) -> Option<&[u8]> {
        self.chunks.is_empty().then(|| &self.tail[self.sent..])
    }

    /// Removes the first `count` bytes, which have been sent.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn advance(&mut self, count: usize) {
        assert!(count <= self.len(), "more bytes sent than there were");
        self.sent += count;
        while let Some(chunk) = self.chunks.front() {
            let len = chunk.bytes().len();
            if self.sent < len {
                return;
            }
            self.sent -= len;
            self.chunk_bytes -= len;
            self.chunks_gone += 1;
            self.chunks.pop_front();
        }
        if self.sent == self.tail.len() {
            self.tail.clear();
            self.sent = 0;
        }
    }

    /// Takes the buffer when everything is sent, for a pool: ten thousand idle clients then hold
    /// none. Buffers beyond the pool's size are freed.
    pub fn recycle(&mut self) -> Option<Vec<u8>> {
        if !self.is_empty() || self.tail.capacity() == 0 {
            return None;
        }
        if self.chunks.capacity() > IO_SLICES_MAX {
            self.chunks = VecDeque::new();
        }
        let buffer = std::mem::take(&mut self.tail);
        (buffer.capacity() <= 2 * CHUNK_BYTES).then_some(buffer)
    }

    /// Gives a buffer for the next bytes; dropped if there is one already.
    pub fn supply(&mut self, mut buffer: Vec<u8>) {
        if self.tail.capacity() == 0 {
            buffer.clear();
            self.tail = buffer;
        }
    }

    /// Whether [`Self::supply`] would spare an allocation.
    #[must_use]
    #[inline]
    pub const fn needs_buffer(&self) -> bool {
        self.tail.capacity() == 0
    }

    /// Forgets everything that has not been sent.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// All bytes to be sent, for tests and for replies that are looked at instead of sent.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.chunk_bytes + self.tail.len());
        for chunk in &self.chunks {
            bytes.extend_from_slice(chunk.bytes());
        }
        bytes.extend_from_slice(&self.tail);
        bytes.drain(..self.sent);
        bytes
    }

    /// The end of what has been appended so far.
    #[inline]
    pub(crate) fn place(&self) -> Place {
        Place { chunk: self.chunks_gone + self.chunks.len() as u64, offset: self.tail.len() }
    }

    /// Bytes behind `place`.
    pub(crate) fn len_since(&self, place: Place) -> usize {
        if self.overflowed {
            return 0;
        }
        let index = self.index(place);
        let before: usize =
            self.chunks.iter().take(index).map(|chunk| chunk.bytes().len()).sum::<usize>();
        self.chunk_bytes + self.tail.len() - before - place.offset
    }

    /// Inserts bytes at a place; they come before everything appended since.
    pub(crate) fn insert(&mut self, place: Place, bytes: &[u8]) {
        if self.overflowed {
            return;
        }
        let index = self.index(place);
        if index == self.chunks.len() {
            self.tail.splice(place.offset..place.offset, bytes.iter().copied());
            return;
        }
        self.chunk_bytes += bytes.len();
        match &mut self.chunks[index] {
            Chunk::Owned(chunk) => {
                chunk.splice(place.offset..place.offset, bytes.iter().copied());
            }
            // The tail was empty at the place, then a shared value came: its start is the place.
            Chunk::Shared(_) => {
                debug_assert_eq!(place.offset, 0);
                self.chunks.insert(index, Chunk::Owned(bytes.to_vec()));
            }
        }
    }

    /// Drops everything appended since `place`.
    pub(crate) fn truncate(&mut self, place: Place) {
        if self.overflowed {
            return;
        }
        let index = self.index(place);
        while self.chunks.len() > index {
            let Some(chunk) = self.chunks.pop_back() else { break };
            self.chunk_bytes -= chunk.bytes().len();
            self.tail = match chunk {
                Chunk::Owned(bytes) => bytes,
                Chunk::Shared(_) => Vec::new(),
            };
        }
        self.tail.truncate(place.offset);
    }

    fn index(&self, place: Place) -> usize {
        debug_assert!(place.chunk >= self.chunks_gone, "the place has been sent");
        (place.chunk - self.chunks_gone) as usize
    }

    #[cold]
    fn grow(&mut self, additional: usize) {
        if self.overflows(additional) {
            self.tail.reserve(additional);
            return;
        }
        if self.tail.capacity() < CHUNK_BYTES {
            // Small replies in small buffers, doubling up to one chunk.
            let wanted = (self.tail.len() + additional).max(FIRST_BYTES).next_power_of_two();
            if wanted <= CHUNK_BYTES {
                self.tail.reserve_exact(wanted - self.tail.len());
                return;
            }
        }
        self.seal();
        if self.tail.capacity() - self.tail.len() < additional {
            self.tail = Vec::with_capacity(additional.max(CHUNK_BYTES));
        }
    }

    /// Ends the tail: what is appended next begins a chunk.
    fn seal(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        self.chunk_bytes += self.tail.len();
        let full = if self.tail.len() <= SHORT_CHUNK_BYTES {
            let short = self.tail.as_slice().to_vec();
            self.tail.clear();
            short
        } else {
            std::mem::take(&mut self.tail)
        };
        self.chunks.push_back(Chunk::Owned(full));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shared(byte: u8, len: usize) -> Bytes {
        Bytes::from(vec![byte; len])
    }

    #[test]
    fn an_idle_output_holds_no_buffer() {
        let mut output = Output::new();
        assert!(output.recycle().is_none());
        output.extend(b"+OK\r\n");
        assert!(output.recycle().is_none());
        output.advance(5);
        let buffer = output.recycle().unwrap();
        assert_eq!((output.memory_bytes(), output.needs_buffer()), (0, true));
        output.supply(buffer);
        assert!(!output.needs_buffer());
    }

    #[test]
    fn what_waits_moves_behind_what_waits_elsewhere() {
        let (mut first, mut second) = (Output::new(), Output::new());
        first.extend(b"a");
        second.extend(b"gone,b");
        second.push_shared(shared(b'x', 100_000));
        second.extend(b"c");
        second.advance(5);
        first.append(&mut second);
        assert!(second.is_empty());
        let bytes = first.to_vec();
        assert_eq!(
            (bytes.len(), &bytes[..3], &bytes[100_002..]),
            (100_003, &b"abx"[..], &b"c"[..])
        );
        second.extend(b"d");
        first.append(&mut second);
        assert_eq!(first.to_vec()[100_002..], *b"cd");
        second.set_limit(1);
        second.extend(&[0; 2 * CHUNK_BYTES]);
        first.append(&mut second);
        assert!(first.has_overflowed() && first.is_empty() && second.is_empty());
    }

    #[test]
    fn shared_values_are_not_copied() {
        let value = shared(b'x', 100_000);
        let mut output = Output::new();
        output.extend(b"a");
        output.push_shared(value.clone());
        output.extend(b"b");
        let mut slices = IoSlices::new();
        output.io_slices(&mut slices);
        assert_eq!(slices[1].as_ptr(), value.as_ptr());
        drop(slices);
        assert_eq!(output.len(), 100_002);
        output.advance(50_000);
        assert_eq!(output.len(), 50_002);
        output.advance(50_002);
        assert!(output.is_empty());
    }

    #[test]
    fn beyond_the_limit_nothing_is_kept() {
        let mut output = Output::new();
        output.set_limit(100_000);
        let place = output.place();
        output.extend(&[b'x'; 90_000]);
        assert!(!output.has_overflowed());
        for _ in 0..100_000 {
            output.extend(&[b'y'; 1000]);
        }
        assert!(output.has_overflowed());
        assert!(output.memory_bytes() <= 2 * CHUNK_BYTES, "{} bytes", output.memory_bytes());
        output.push_shared(shared(b'z', 10));
        output.insert(place, b"header");
        output.truncate(place);
        assert_eq!((output.len_since(place), output.queued_chunks()), (0, 0));
    }

    #[test]
    fn a_place_before_a_shared_value() {
        let mut output = Output::new();
        let (outer, inner) = (output.place(), output.place());
        output.push_shared(shared(b'x', 3));
        output.extend(b"y");
        assert_eq!(output.len_since(outer), 4);
        output.insert(inner, b"2");
        output.insert(outer, b"1");
        assert_eq!(output.to_vec(), b"12xxxy");
        output.truncate(outer);
        assert!(output.is_empty());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Extend(usize),
        Share(usize),
        Advance(usize),
        Mark,
        Insert(usize),
        Truncate,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..40_000usize).prop_map(Step::Extend),
            (0..30usize).prop_map(Step::Extend),
            (0..2000usize).prop_map(Step::Share),
            (0..50_000usize).prop_map(Step::Advance),
            Just(Step::Mark),
            (0..20usize).prop_map(Step::Insert),
            Just(Step::Truncate),
        ]
    }

    #[test]
    fn a_chunk_of_nothing_does_not_hide_what_follows() {
        let mut output = Output::new();
        let place = output.place();
        output.push_shared(shared(1, 1));
        output.insert(place, &[]);
        let mut slices = IoSlices::new();
        output.io_slices(&mut slices);
        assert_eq!(slices.iter().map(|slice| slice.len()).sum::<usize>(), 1);
        output.io_slices_of(0, &mut slices);
        assert!(slices.is_empty());
    }

    proptest! {
        /// Against one plain vector.
        #[test]
        fn like_a_vector(steps in prop::collection::vec(step(), 0..60)) {
            let mut output = Output::new();
            let mut model: Vec<u8> = Vec::new();
            let mut marks: Vec<(Place, usize)> = Vec::new();
            let mut next = 0u8;
            for step in steps {
                next = next.wrapping_add(1);
                match step {
                    Step::Extend(len) => {
                        output.extend(&vec![next; len]);
                        model.extend(vec![next; len]);
                    }
                    Step::Share(len) => {
                        output.push_shared(shared(next, len));
                        model.extend(vec![next; len]);
                    }
                    Step::Advance(count) => {
                        let count = count.min(model.len());
                        output.advance(count);
                        model.drain(..count);
                        marks.clear();
                    }
                    Step::Mark => marks.push((output.place(), model.len())),
                    Step::Insert(len) => if let Some((place, at)) = marks.pop() {
                        output.insert(place, &vec![next; len]);
                        model.splice(at..at, vec![next; len]);
                    },
                    Step::Truncate => if let Some((place, at)) = marks.pop() {
                        prop_assert_eq!(output.len_since(place), model.len() - at);
                        output.truncate(place);
                        model.truncate(at);
                    },
                }
                prop_assert_eq!(output.len(), model.len());
                let mut slices = IoSlices::new();
                output.io_slices(&mut slices);
                let prefix: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
                prop_assert!(model.starts_with(&prefix));
                prop_assert_eq!(prefix.is_empty(), model.is_empty());
            }
            prop_assert_eq!(output.to_vec(), model);
        }
    }
}
