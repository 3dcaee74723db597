//! The oldest part of the stream of changes, on disk, where memory does not hold all that replicas
//! may still ask for.
//!
//! ```text
//!  command thread                          job
//!  --------------                          ---
//!  write(block) --> blocks that wait ----> segment files of 64 MB without names
//!  request(offset) --+-- in memory still:          |
//!                    |   answered at once          |
//!                    +-- else ------------> read --+--> StreamSpillEvent
//!  forget_before(offset) ----------------> whole segments are given back
//! ```
//!
//! A block can be read from the moment it was handed over: it stays in memory until it is written.
//! Nothing lasts: the files have no names, and are gone with the process.

mod job;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

pub use job::StreamSpillJob;

use crate::disk::Disk;
use crate::events::Events;
use crate::job::Signal;

/// Most bytes that one request is answered with: readers take turns.
pub(crate) const READ_BYTES_MAX: usize = 1 << 20;

/// Most bytes that wait to be written: a disk that is behind by more will not catch up, and memory is
/// what a spill is to save. As for what a snapshot hands out before a change.
pub(crate) const WAITING_BYTES_MAX: usize = 96 << 20;

/// Where the files of a spilled stream are, and how large they may become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSpillPlan {
    /// The directory of the files.
    pub directory: PathBuf,
    /// Bytes after which another file is begun: what is forgotten is given back in such pieces.
    pub segment_bytes: u64,
    /// Bytes of all files at which nothing more is written.
    pub bytes_max: u64,
}

/// What became of blocks and requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamSpillEvent {
    /// All blocks in front of this offset are on disk, and no longer in memory.
    Written {
        /// The offset of the first byte that is not.
        up_to: u64,
    },
    /// What was asked for.
    Read {
        /// Who asked.
        reader: usize,
        /// Where the bytes begin.
        offset: u64,
        /// The bytes: at least one, perhaps fewer than were asked for.
        bytes: Bytes,
    },
    /// What was asked for is not held: it was forgotten before the request was carried out.
    Gone {
        /// Who asked.
        reader: usize,
        /// For what.
        offset: u64,
    },
    /// The disk refuses something, or is too slow. What is held may still be readable, but whoever
    /// depends on more has to be given up, and the spill with him.
    Failed(String),
}

/// The command thread's end. Dropped, it gives the files back.
pub struct StreamSpill {
    shared: Arc<Shared>,
    events: Events<StreamSpillEvent>,
    start: u64,
    end: u64,
    /// The disk was told to be behind.
    is_behind: bool,
}

/// Between the two ends.
struct Shared {
    state: Mutex<State>,
    signal: Arc<Signal>,
}

#[derive(Default)]
struct State {
    /// Blocks that are not written yet, without gaps.
    waiting: VecDeque<Block>,
    waiting_bytes: usize,
    requests: VecDeque<Request>,
    /// Nothing in front of this offset is wanted.
    forgotten: u64,
    is_closed: bool,
}

/// A piece of the stream.
#[derive(Clone)]
struct Block {
    offset: u64,
    bytes: Bytes,
}

impl Block {
    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

/// What a reader asks for.
#[derive(Clone, Copy)]
struct Request {
    reader: usize,
    offset: u64,
    len: usize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What a request is answered with, if that is still in memory.
    fn in_memory(&self, offset: u64, len: usize) -> Option<Bytes> {
        let behind = self.waiting.partition_point(|block| block.end() <= offset);
        let block = self.waiting.get(behind).filter(|block| block.offset <= offset)?;
        let from = (offset - block.offset) as usize;
        Some(block.bytes.slice(from..block.bytes.len().min(from.saturating_add(len))))
    }
}

impl StreamSpill {
    /// Both ends; nothing is done before the job's first step. `wake` is called after each event.
    pub fn new(
        plan: StreamSpillPlan,
        disk: Arc<dyn Disk>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> (Self, StreamSpillJob) {
        let shared = Arc::new(Shared { state: Mutex::default(), signal: Arc::default() });
        let events = Events::new(wake);
        let job = StreamSpillJob::new(plan, disk, Arc::clone(&shared), events.clone());
        (Self { shared, events, start: 0, end: 0, is_behind: false }, job)
    }

    /// Appends a block of the stream that begins at `offset`. When everything was forgotten, the
    /// stream may go on further behind.
    ///
    /// # Panics
    /// When it does not begin where the one before ended: a gap would be read as data.
    pub fn write(&mut self, offset: u64, block: impl Into<Bytes>) {
        let bytes = block.into();
        if bytes.is_empty() {
            return;
        }
        if self.start == self.end && offset > self.end {
            (self.start, self.end) = (offset, offset);
        }
        assert_eq!(offset, self.end, "a stream without gaps");
        let block = Block { offset, bytes };
        self.end = block.end();
        let mut state = self.shared.lock();
        state.waiting_bytes += block.bytes.len();
        state.waiting.push_back(block);
        let waiting_bytes = state.waiting_bytes;
        drop(state);
        self.shared.signal.raise();
        if waiting_bytes > WAITING_BYTES_MAX && !self.is_behind {
            self.is_behind = true;
            let why =
                format!("{waiting_bytes} bytes wait to be written: the disk does not keep up");
            self.events.tell(StreamSpillEvent::Failed(why));
        }
    }

    /// Whether the disk keeps up: it is no more than half as far behind as it may be.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.shared.lock().waiting_bytes < WAITING_BYTES_MAX / 2
    }

    /// Asks for up to `len` bytes from `offset` on; a [`StreamSpillEvent::Read`] answers, at once if
    /// they are in memory.
    ///
    /// # Panics
    /// When nothing is asked for, or what has not been written.
    pub fn request(&self, reader: usize, offset: u64, len: usize) {
        assert!(len > 0 && offset < self.end, "a part of what is there");
        let len = len.min(READ_BYTES_MAX);
        let mut state = self.shared.lock();
        match state.in_memory(offset, len) {
            Some(bytes) => {
                drop(state);
                self.events.tell(StreamSpillEvent::Read { reader, offset, bytes });
            }
            None => {
                state.requests.push_back(Request { reader, offset, len });
                drop(state);
                self.shared.signal.raise();
            }
        }
    }

    /// Forgets what is in front of `offset`. Its memory is free at once, its files when none of their
    /// bytes is wanted.
    pub fn forget_before(&mut self, offset: u64) {
        self.start = self.start.max(offset.min(self.end));
        let mut state = self.shared.lock();
        state.forgotten = state.forgotten.max(self.start);
        let count = state.waiting.partition_point(|block| block.end() <= self.start);
        let dropped: Vec<Block> = state.waiting.drain(..count).collect();
        state.waiting_bytes -= dropped.iter().map(|block| block.bytes.len()).sum::<usize>();
        drop(state);
        self.shared.signal.raise();
    }

    /// Bytes that can be read.
    #[must_use]
    pub const fn len_bytes(&self) -> u64 {
        self.end - self.start
    }

    /// The offset of the first byte that can be read.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// The offset behind the last byte that can be read.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// Bytes that are not written yet, and therefore in memory.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.shared.lock().waiting_bytes
    }

    /// What has become of blocks and requests, oldest first.
    #[must_use]
    pub fn next_event(&self) -> Option<StreamSpillEvent> {
        self.events.next()
    }
}

impl Drop for StreamSpill {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let waiting = std::mem::take(&mut state.waiting);
        state.is_closed = true;
        drop(state);
        drop(waiting);
        self.shared.signal.raise();
    }
}

impl fmt::Debug for StreamSpill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, end, .. } = self;
        f.debug_struct("StreamSpill")
            .field("start", start)
            .field("end", end)
            .finish_non_exhaustive()
    }
}
