//! The pipe between a snapshot's writer and a replica's connection.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::job::Signal;
use crate::snapshot::Outlet;

/// Bytes that may wait for a replica: enough that neither side waits for the other's turn, and little
/// enough to have them for each replica.
const WAITING_BYTES_MAX: usize = 1 << 20;

/// Why an outlet takes nothing more when its [`Feed`] was dropped.
pub(crate) const REPLICA_IS_GONE: &str = "the replica is gone";

/// How a replica finds the end of what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `$EOF:<mark>` in front and the mark behind: the length is not known before.
    Mark([u8; 40]),
    /// `$<bytes>` in front.
    Length(u64),
}

/// What a feed is waiting for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedState {
    /// More will come; there is a wake-up when it can be taken.
    Running,
    /// Everything was taken.
    Finished,
    /// Nothing more will come, for this reason; the replica has only a part.
    Failed(String),
}

/// A replica's end of a snapshot. Dropping it says that the replica is gone.
pub struct Feed {
    pipe: Arc<Pipe>,
}

/// The writer's end of a [`Feed`]: a place that gets a snapshot.
pub struct FeedOutlet {
    pipe: Arc<Pipe>,
    framing: Framing,
    /// Whether what stands in front was handed over.
    has_begun: bool,
}

struct Pipe {
    state: Mutex<State>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    blocks: VecDeque<Bytes>,
    bytes: usize,
    end: Option<Result<(), String>>,
    /// Whether the feed was dropped.
    is_gone: bool,
    /// Whether somebody has found nothing to take and waits to be woken.
    is_awaited: bool,
    /// Whether the writer has found no room and waits for its signal.
    is_full: bool,
    writer: Option<Arc<Signal>>,
}

impl State {
    /// Lets the writer have a look.
    fn raise(&self) {
        if let Some(signal) = &self.writer {
            signal.raise();
        }
    }
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something in and wakes whoever waits for it.
    fn put(&self, bytes: Bytes) {
        let mut state = self.lock();
        state.bytes += bytes.len();
        state.blocks.push_back(bytes);
        let wakes = std::mem::replace(&mut state.is_awaited, false);
        drop(state);
        if wakes {
            (self.wake)();
        }
    }

    /// Nothing more will come; the first reason stays.
    fn end(&self, end: Result<(), String>) {
        let mut state = self.lock();
        if state.end.is_some() {
            return;
        }
        if end.is_err() {
            state.blocks.clear();
            state.bytes = 0;
        }
        state.end = Some(end);
        state.is_awaited = false;
        drop(state);
        (self.wake)();
    }

    /// Whether anybody is there to take what is put in.
    fn check(&self) -> Result<(), String> {
        if self.lock().is_gone { Err(REPLICA_IS_GONE.to_owned()) } else { Ok(()) }
    }

    /// How many bytes may be put in. If none, the writer's signal is raised when some may.
    fn room(&self) -> Result<usize, String> {
        self.check()?;
        let mut state = self.lock();
        let room = WAITING_BYTES_MAX.saturating_sub(state.bytes);
        state.is_full = room == 0;
        Ok(room)
    }
}

impl Feed {
    /// A pipe and its two ends. `wake` is called, from another thread, when there is something to take
    /// after [`Feed::take`] had nothing, and when no more will come.
    #[must_use]
    pub fn new(framing: Framing, wake: Arc<dyn Fn() + Send + Sync>) -> (FeedOutlet, Self) {
        let state = State { is_awaited: true, ..State::default() };
        let pipe = Arc::new(Pipe { state: Mutex::new(state), wake });
        let outlet = FeedOutlet { pipe: Arc::clone(&pipe), framing, has_begun: false };
        (outlet, Self { pipe })
    }

    /// What comes next, at most `bytes_max` of it; `None` if nothing is there at present.
    ///
    /// # Panics
    /// If `bytes_max` is 0.
    #[must_use]
    pub fn take(&mut self, bytes_max: usize) -> Option<Bytes> {
        assert!(bytes_max > 0, "nothing can be taken");
        let mut state = self.pipe.lock();
        let Some(first) = state.blocks.front_mut() else {
            state.is_awaited = state.end.is_none();
            return None;
        };
        let taken = if first.len() > bytes_max {
            first.split_to(bytes_max)
        } else {
            state.blocks.pop_front()?
        };
        state.bytes -= taken.len();
        if state.is_full && state.bytes <= WAITING_BYTES_MAX / 2 {
            state.is_full = false;
            state.raise();
        }
        Some(taken)
    }

    /// Whether more will come.
    #[must_use]
    pub fn state(&self) -> FeedState {
        let state = self.pipe.lock();
        match &state.end {
            Some(Err(why)) => FeedState::Failed(why.clone()),
            Some(Ok(())) if state.blocks.is_empty() => FeedState::Finished,
            Some(Ok(())) | None => FeedState::Running,
        }
    }

    /// Bytes that wait to be taken.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.pipe.lock().bytes
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let mut state = self.pipe.lock();
        state.is_gone = true;
        state.bytes = 0;
        let blocks = std::mem::take(&mut state.blocks);
        state.raise();
        drop(state);
        drop(blocks);
    }
}

impl FeedOutlet {
    fn begin(&mut self) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let mut front = Vec::new();
        match self.framing {
            Framing::Mark(mark) => {
                front.extend_from_slice(b"$EOF:");
                front.extend_from_slice(&mark);
            }
            Framing::Length(bytes) => front.extend_from_slice(format!("${bytes}").as_bytes()),
        }
        front.extend_from_slice(b"\r\n");
        self.pipe.put(front.into());
    }

    /// Puts in what there is room for; `part` gives so many bytes of the beginning.
    fn put(&mut self, len: usize, part: impl FnOnce(usize) -> Bytes) -> Result<usize, String> {
        let count = self.pipe.room()?.min(len);
        if count > 0 {
            self.begin();
            self.pipe.put(part(count));
        }
        Ok(count)
    }
}

impl Outlet for FeedOutlet {
    fn attach(&mut self, signal: Arc<Signal>) {
        self.pipe.lock().writer = Some(signal);
    }

    fn check(&mut self) -> Result<(), String> {
        self.pipe.check()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, String> {
        self.put(bytes.len(), |count| Bytes::copy_from_slice(&bytes[..count]))
    }

    fn write_shared(&mut self, bytes: &Bytes, from: usize) -> Result<usize, String> {
        self.put(bytes.len() - from, |count| bytes.slice(from..from + count))
    }

    fn finish(&mut self) -> Result<bool, String> {
        self.check()?;
        self.begin();
        if let Framing::Mark(mark) = self.framing {
            self.pipe.put(Bytes::copy_from_slice(&mark));
        }
        self.pipe.end(Ok(()));
        Ok(true)
    }

    fn abandon(&mut self, why: &str) {
        self.pipe.end(Err(why.to_owned()));
    }
}

impl Drop for FeedOutlet {
    fn drop(&mut self) {
        self.pipe.end(Err("the snapshot was given up".to_owned()));
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("state", &self.state()).finish_non_exhaustive()
    }
}

impl fmt::Debug for FeedOutlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedOutlet").field("framing", &self.framing).finish_non_exhaustive()
    }
}
