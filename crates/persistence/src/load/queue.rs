//! The way from the loader to the command thread, bounded in memory.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::batch::{LoadBatch, LoadedEntry};
use crate::append::{LogLevel, LogLine};
use crate::job::Signal;

/// Bytes that may wait for the command thread: it is never kept waiting, and falls behind no
/// further than this.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// Vectors that are kept for use again.
const SPARE_MAX: usize = 16;

/// Loaded pieces on their way to the command thread.
pub(super) struct LoadQueue {
    state: Mutex<State>,
    /// Whether the loader waits for room.
    is_full: AtomicBool,
    is_cancelled: AtomicBool,
    total_bytes: AtomicU64,
    read_bytes: AtomicU64,
    loader: Arc<Signal>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(LoadBatch, usize)>,
    waiting_bytes: usize,
    spare_entries: Vec<Vec<LoadedEntry>>,
    spare_bytes: Vec<Vec<u8>>,
}

impl LoadQueue {
    /// An empty queue; `loader` is raised when there is room again, `wake` called after each piece.
    pub(super) fn new(loader: Arc<Signal>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            state: Mutex::default(),
            is_full: AtomicBool::new(false),
            is_cancelled: AtomicBool::new(false),
            total_bytes: AtomicU64::new(0),
            read_bytes: AtomicU64::new(0),
            loader,
            wake,
        }
    }

    pub(super) fn signal(&self) -> Arc<Signal> {
        Arc::clone(&self.loader)
    }

    /// Hands a piece over that takes `bytes` of memory.
    pub(super) fn push(&self, batch: LoadBatch, bytes: usize) {
        let mut state = self.lock();
        state.waiting_bytes += bytes;
        state.waiting.push_back((batch, bytes));
        drop(state);
        (self.wake)();
    }

    /// Hands a line for the log over.
    pub(super) fn log(&self, level: LogLevel, text: String) {
        let bytes = text.len();
        self.push(LoadBatch::Log(LogLine { level, text }), bytes);
    }

    /// Whether the loader may go on. If not, its signal is raised when it may.
    pub(super) fn has_room(&self) -> bool {
        // Under the lock, so that no room is made between the look and the note.
        let state = self.lock();
        let has_room = state.waiting_bytes < WAITING_BYTES_MAX;
        self.is_full.store(!has_room, Ordering::Relaxed);
        has_room
    }

    /// A vector for entries.
    pub(super) fn spare_entries(&self) -> Vec<LoadedEntry> {
        self.lock().spare_entries.pop().unwrap_or_default()
    }

    /// A vector for commands.
    pub(super) fn spare_bytes(&self) -> Vec<u8> {
        self.lock().spare_bytes.pop().unwrap_or_default()
    }

    /// Bytes of all files; zero if that is not known.
    pub(super) fn total_bytes(&self) -> u64 {
        self.total_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn set_total_bytes(&self, total_bytes: u64) {
        self.total_bytes.store(total_bytes, Ordering::Relaxed);
    }

    pub(super) fn add_read_bytes(&self, bytes: u64) {
        self.read_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Receives what a [`Loader`](super::Loader) reads, on the command thread.
pub struct LoadReceiver {
    queue: Arc<LoadQueue>,
}

/// How far a load is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadProgress {
    /// Bytes of all files.
    pub total_bytes: u64,
    /// Bytes of them that were read.
    pub read_bytes: u64,
}

impl LoadReceiver {
    pub(super) const fn new(queue: Arc<LoadQueue>) -> Self {
        Self { queue }
    }

    /// The next piece, if one has arrived.
    #[must_use]
    pub fn next(&self) -> Option<LoadBatch> {
        let mut state = self.queue.lock();
        let (batch, bytes) = state.waiting.pop_front()?;
        state.waiting_bytes -= bytes;
        let wants_more = state.waiting_bytes <= WAITING_BYTES_MAX / 2
            && self.queue.is_full.swap(false, Ordering::Relaxed);
        drop(state);
        if wants_more {
            self.queue.loader.raise();
        }
        Some(batch)
    }

    /// Gives the memory of entries back that were taken out.
    pub fn recycle_entries(&self, mut entries: Vec<LoadedEntry>) {
        entries.clear();
        let mut state = self.queue.lock();
        if state.spare_entries.len() < SPARE_MAX {
            state.spare_entries.push(entries);
        }
    }

    /// Gives the memory of commands back.
    pub fn recycle_commands(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        let mut state = self.queue.lock();
        if state.spare_bytes.len() < SPARE_MAX && bytes.capacity() <= 2 * super::BATCH_BYTES {
            state.spare_bytes.push(bytes);
        }
    }

    /// Ends the load early: the loader hands over nothing more.
    pub fn cancel(&self) {
        self.queue.is_cancelled.store(true, Ordering::Relaxed);
        self.queue.loader.raise();
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> LoadProgress {
        LoadProgress {
            total_bytes: self.queue.total_bytes.load(Ordering::Relaxed),
            read_bytes: self.queue.read_bytes.load(Ordering::Relaxed),
        }
    }
}

impl Drop for LoadReceiver {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl fmt::Debug for LoadReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadReceiver").field("progress", &self.progress()).finish_non_exhaustive()
    }
}
