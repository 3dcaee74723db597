//! What the command thread has encoded and the writer has not taken yet.
//!
//! Two queues, because one of them can wait and the other cannot. The walk asks for room before it
//! goes on; a command that is about to change an entry hands it out at once, however slow the
//! writer is. What the second queue has no room for goes to the spill file (see
//! [`SpillJob`](super::SpillJob)).
//!
//! The writer leaves the processor to others, so it may stand still for long with the lock of the queues
//! in its hand: the command thread never waits for that. What it cannot hand over at once stays in its
//! [`Outbox`] until the next time, and what it looks at are copies ([`Shown`]). On a busy machine, two
//! processors and four processes that want them, stalls of 4 to 28 ms in every third BGSAVE have gone
//! by that.

mod outbox;
mod spilling;

use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use self::outbox::Outbox;
use self::spilling::Spill;
use super::chunk::Chunk;
use super::spill::SpillFile;
use crate::job::Signal;

/// Chunks that are kept for use again: fresh memory costs page faults.
const SPARE_CHUNKS_MAX: usize = 48;

/// How much may be on its way from the command thread to the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Bytes from which the walk is asked to pause.
    pub walk_bytes: usize,
    /// Bytes handed out before a change from which they go to the spill file.
    pub barrier_bytes: usize,
    /// Bytes handed out before a change at which the snapshot is given up: the spill file is too
    /// slow, or nobody writes it.
    pub barrier_bytes_max: usize,
    /// Bytes in the spill file at which the snapshot is given up.
    pub spill_bytes_max: u64,
    /// What happens before that.
    pub overflow: Overflow,
}

/// What happens when more is handed out before changes than there is room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// Changes go on, and the snapshot is given up when a limit is reached.
    #[default]
    Abort,
    /// Changes are to wait ([`SnapshotControl::wants_throttle`](super::SnapshotControl::wants_throttle)):
    /// when twice as much waits in memory as is to be spilled, or, once the spill file is full or broken,
    /// as much. Only what cannot wait reaches [`QueueLimits::barrier_bytes_max`].
    Throttle,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            walk_bytes: 4 << 20,
            barrier_bytes: 32 << 20,
            barrier_bytes_max: 96 << 20,
            spill_bytes_max: u64::MAX,
            overflow: Overflow::Abort,
        }
    }
}

/// What is and was in the queues, in bytes before compression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueFigures {
    /// Bytes of the walk that wait.
    pub walk_bytes: usize,
    /// Bytes handed out before a change that wait.
    pub barrier_bytes: usize,
    /// The most that ever waited, of both kinds together.
    pub peak_bytes: usize,
    /// All that was handed out before a change.
    pub copied_bytes: u64,
    /// Bytes in the spill file.
    pub spilled_bytes: u64,
}

/// What the writer is to do next.
pub(super) enum Taken {
    /// Write this.
    Chunk(Chunk),
    /// Wait for the signal.
    Nothing,
    /// Everything else is written: copy this.
    Spilled(SpillFile),
    /// Everything is written.
    End,
    /// The snapshot is given up: see [`ChunkQueue::why_given_up`].
    GivenUp,
}

/// Why a snapshot ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// The command thread wants no snapshot any more.
    Cancelled,
    /// It cannot be completed.
    Failed(String),
}

/// The way from the encoder to the writer, with the spill job beside it.
pub(super) struct ChunkQueue {
    limits: QueueLimits,
    state: Mutex<State>,
    shown: Shown,
    /// The command thread's alone.
    outbox: Mutex<Outbox>,
    /// Whether the command thread could not hand everything over, and is to be woken to try again.
    outbox_waits: AtomicBool,
    /// Whether the walk was asked to pause and waits to be woken.
    pausing: AtomicBool,
    /// Whether the snapshot is given up, for those who ask often.
    given_up: AtomicBool,
    /// Whether changes are to wait.
    throttling: AtomicBool,
    /// Whether the spill job was asked for.
    spill_is_asked: AtomicBool,
    /// See [`QueueFigures::copied_bytes`].
    copied_bytes: AtomicU64,
    writer: Arc<Signal>,
    spiller: Arc<Signal>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

/// What others see of [`State`] without its lock, as it was when that was last released.
#[derive(Default)]
struct Shown {
    walk_bytes: AtomicUsize,
    barrier_bytes: AtomicUsize,
    peak_bytes: AtomicUsize,
    spilled_bytes: AtomicU64,
    wants_spill: AtomicBool,
}

/// The lock of the queues; when it is released, the rest sees what was done.
struct Locked<'a> {
    state: MutexGuard<'a, State>,
    queue: &'a ChunkQueue,
}

#[derive(Default)]
struct State {
    walk: VecDeque<Chunk>,
    walk_bytes: usize,
    barrier: VecDeque<Chunk>,
    barrier_bytes: usize,
    peak_bytes: usize,
    spare: Vec<Chunk>,
    /// Whether the chunk that was taken last goes on in the next one of the walk.
    in_run: bool,
    closed: bool,
    given_up: Option<GivenUp>,
    spill: Spill,
    spilled_bytes: u64,
    /// Nothing more goes to the spill file.
    spill_is_closed: bool,
    spill_failure: Option<String>,
}

impl ChunkQueue {
    /// An empty queue. `wake` is called when a walk that was asked to pause may go on.
    pub(super) fn new(limits: QueueLimits, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            limits,
            state: Mutex::default(),
            shown: Shown::default(),
            outbox: Mutex::default(),
            outbox_waits: AtomicBool::new(false),
            pausing: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
            throttling: AtomicBool::new(false),
            spill_is_asked: AtomicBool::new(false),
            copied_bytes: AtomicU64::new(0),
            writer: Arc::default(),
            spiller: Arc::default(),
            wake,
        }
    }

    /// What the writer waits for.
    pub(super) fn writer_signal(&self) -> Arc<Signal> {
        Arc::clone(&self.writer)
    }

    /// What the spill job waits for.
    pub(super) fn spiller_signal(&self) -> Arc<Signal> {
        Arc::clone(&self.spiller)
    }

    /// A used chunk, if one is at hand.
    pub(super) fn spare(&self) -> Option<Chunk> {
        self.try_lock()?.spare.pop()
    }

    /// Keeps the memory of a chunk that was written.
    pub(super) fn recycle(&self, mut chunk: Chunk) {
        if !chunk.is_worth_keeping() {
            return;
        }
        chunk.clear();
        let mut state = self.lock();
        if state.spare.len() < SPARE_CHUNKS_MAX {
            state.spare.push(chunk);
        }
    }

    /// Whether the walk may hand out more. If not, the command thread is woken when it may.
    pub(super) fn has_room(&self) -> bool {
        if self.is_given_up() {
            return false;
        }
        let kept_bytes = self.flush_outbox();
        let may_go_on =
            || self.shown.walk_bytes.load(Ordering::SeqCst) + kept_bytes < self.limits.walk_bytes;
        if may_go_on() {
            return true;
        }
        // Said first and looked again: else the writer could take the last chunk in between and
        // wake nobody.
        self.pausing.store(true, Ordering::SeqCst);
        may_go_on()
    }

    /// Whether the snapshot is given up: what is pushed is dropped.
    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Why the snapshot is given up, if it is.
    pub(super) fn why_given_up(&self) -> Option<GivenUp> {
        if self.is_given_up() { self.lock().given_up.clone() } else { None }
    }

    /// An entry was handed out because it is about to change.
    pub(super) fn count_copied(&self, bytes: usize) {
        self.copied_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Ends the snapshot early; the first reason stays.
    pub(super) fn give_up(&self, why: GivenUp) {
        let mut state = self.lock();
        if state.given_up.is_some() {
            return;
        }
        let ended = State {
            given_up: Some(why),
            peak_bytes: state.peak_bytes,
            spilled_bytes: state.spilled_bytes,
            ..State::default()
        };
        let dropped = std::mem::replace(&mut *state, ended);
        self.given_up.store(true, Ordering::Relaxed);
        self.throttling.store(false, Ordering::Relaxed);
        drop(state);
        drop(dropped);
        self.writer.raise();
        self.spiller.raise();
    }

    /// What the writer is to do next: what cannot wait goes first, unless a large collection is in
    /// progress, whose chunks belong together.
    pub(super) fn take(&self) -> Taken {
        if self.outbox_waits.swap(false, Ordering::SeqCst) {
            (self.wake)();
        }
        let mut state = self.lock();
        if state.given_up.is_some() {
            return Taken::GivenUp;
        }
        if !state.in_run
            && let Some(chunk) = state.barrier.pop_front()
        {
            state.barrier_bytes -= chunk.len_bytes();
            self.release_if_drained(state);
            return Taken::Chunk(chunk);
        }
        if let Some(chunk) = state.walk.pop_front() {
            state.in_run = chunk.continues;
            state.walk_bytes -= chunk.len_bytes();
            let left_bytes = state.walk_bytes;
            drop(state);
            if left_bytes <= self.limits.walk_bytes / 2
                && self.pausing.swap(false, Ordering::SeqCst)
            {
                (self.wake)();
            }
            return Taken::Chunk(chunk);
        }
        if !state.closed {
            return Taken::Nothing;
        }
        assert!(!state.in_run, "a large collection is handed out to its end");
        match std::mem::replace(&mut state.spill, Spill::Taken) {
            Spill::Writing => {
                state.spill = Spill::Writing;
                Taken::Nothing
            }
            Spill::Complete(file) => Taken::Spilled(file),
            Spill::None | Spill::Taken => Taken::End,
        }
    }

    /// Gives back memory that is not going to be used any more.
    pub(super) fn forget_spare(&self) {
        let spare = std::mem::take(&mut self.lock().spare);
        drop(spare);
    }

    /// What is and was in the queues.
    pub(super) fn figures(&self) -> QueueFigures {
        let Shown { walk_bytes, barrier_bytes, peak_bytes, spilled_bytes, .. } = &self.shown;
        QueueFigures {
            walk_bytes: walk_bytes.load(Ordering::Relaxed),
            barrier_bytes: barrier_bytes.load(Ordering::Relaxed),
            peak_bytes: peak_bytes.load(Ordering::Relaxed),
            copied_bytes: self.copied_bytes.load(Ordering::Relaxed),
            spilled_bytes: spilled_bytes.load(Ordering::Relaxed),
        }
    }

    fn lock(&self) -> Locked<'_> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Locked { state, queue: self }
    }

    /// The lock, unless somebody has it.
    fn try_lock(&self) -> Option<Locked<'_>> {
        let state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Locked { state, queue: self })
    }
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let Self { state, queue } = self;
        state.peak_bytes = state.peak_bytes.max(state.walk_bytes + state.barrier_bytes);
        let shown = &queue.shown;
        // In one order with what asks for a wake-up and what wakes.
        shown.walk_bytes.store(state.walk_bytes, Ordering::SeqCst);
        shown.barrier_bytes.store(state.barrier_bytes, Ordering::Relaxed);
        shown.peak_bytes.store(state.peak_bytes, Ordering::Relaxed);
        shown.spilled_bytes.store(state.spilled_bytes, Ordering::Relaxed);
        let is_open = !state.closed && !state.spill_is_closed;
        let wants_spill = is_open && state.barrier_bytes > queue.limits.barrier_bytes;
        shown.wants_spill.store(wants_spill, Ordering::Relaxed);
    }
}

impl fmt::Debug for ChunkQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkQueue").field("figures", &self.figures()).finish_non_exhaustive()
    }
}
