//! The way from the connection to whoever takes its bytes, bounded in memory.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};

use crate::job::Signal;

/// Bytes that may wait: beyond them the connection is not read, so that the primary waits.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// How long a reader waits at most before it looks by itself.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Bytes that have arrived and were not taken yet.
pub(crate) struct ReceiveQueue {
    state: Mutex<State>,
    /// Whether a reader waits until something arrives.
    lets_wait: bool,
    /// Raised when there is something to take.
    taker: Arc<Signal>,
    /// Called when there is room again after somebody was told that there is none.
    wake: Arc<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    /// Somebody waits for room.
    is_full: bool,
    end: Option<End>,
}

/// How a transfer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All of it has arrived.
    Whole,
    /// It was given up.
    Aborted,
}

/// What there is to take.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// The bytes that come next.
    Bytes(Bytes),
    /// Nothing yet.
    Nothing,
    /// Nothing more: all was taken.
    End,
    /// The transfer was given up.
    Aborted,
}

impl ReceiveQueue {
    /// An empty queue. `wake` is called when there is room again; `lets_wait` says whether a reader may
    /// wait until something arrives.
    pub(crate) fn new(lets_wait: bool, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { state: Mutex::default(), lets_wait, taker: Arc::default(), wake }
    }

    /// Whether [`ReceiveQueue::read`] waits until something arrives.
    pub(crate) const fn lets_wait(&self) -> bool {
        self.lets_wait
    }

    /// Hands over what has arrived.
    pub(crate) fn push(&self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let mut state = self.lock();
        if state.end.is_some() {
            return;
        }
        state.waiting_bytes += bytes.len();
        state.waiting.push_back(bytes);
        drop(state);
        self.taker.raise();
    }

    /// All has arrived.
    pub(crate) fn finish(&self) {
        self.lock().end.get_or_insert(End::Whole);
        self.taker.raise();
    }

    /// Nothing more will arrive, and what has is not wanted.
    pub(crate) fn abort(&self) {
        let mut state = self.lock();
        state.end = Some(End::Aborted);
        let dropped = std::mem::take(&mut state.waiting);
        state.waiting_bytes = 0;
        drop(state);
        drop(dropped);
        self.taker.raise();
    }

    /// Whether more is welcome. If not, the waker is called when it is.
    pub(crate) fn has_room(&self) -> bool {
        let mut state = self.lock();
        state.is_full = state.waiting_bytes >= WAITING_BYTES_MAX;
        !state.is_full
    }

    /// Whether the transfer was given up.
    pub(super) fn is_aborted(&self) -> bool {
        self.lock().end == Some(End::Aborted)
    }

    pub(crate) fn signal(&self) -> Arc<Signal> {
        Arc::clone(&self.taker)
    }

    /// The next piece as it arrived.
    pub(super) fn take(&self) -> Taken {
        let mut state = self.lock();
        match state.waiting.pop_front() {
            Some(bytes) => {
                self.taken(state, bytes.len());
                Taken::Bytes(bytes)
            }
            None => match state.end {
                None => Taken::Nothing,
                Some(End::Whole) => Taken::End,
                Some(End::Aborted) => Taken::Aborted,
            },
        }
    }

    /// Copies what comes next into `buffer` and says how much that is; 0 is the end.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] while nothing has arrived, unless it lets wait;
    /// [`io::ErrorKind::ConnectionAborted`] when the transfer was given up.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.lets_wait => {
                    self.taker.wait(WAIT_MAX);
                }
                outcome => return outcome,
            }
        }
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.lock();
        let mut count = 0;
        while count < buffer.len()
            && let Some(front) = state.waiting.front_mut()
        {
            let step = front.len().min(buffer.len() - count);
            buffer[count..count + step].copy_from_slice(&front[..step]);
            front.advance(step);
            count += step;
            if front.is_empty() {
                state.waiting.pop_front();
            }
        }
        match state.end {
            _ if count > 0 => {
                self.taken(state, count);
                Ok(count)
            }
            _ if buffer.is_empty() => Ok(0),
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(End::Whole) => Ok(0),
            Some(End::Aborted) => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Makes room, and says so to who waits for it.
    fn taken(&self, mut state: MutexGuard<'_, State>, bytes: usize) {
        state.waiting_bytes -= bytes;
        let is_told = state.is_full && state.waiting_bytes <= WAITING_BYTES_MAX / 2;
        state.is_full &= !is_told;
        drop(state);
        if is_told {
            (self.wake)();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ReceiveQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting_bytes = self.lock().waiting_bytes;
        f.debug_struct("ReceiveQueue")
            .field("waiting_bytes", &waiting_bytes)
            .finish_non_exhaustive()
    }
}
