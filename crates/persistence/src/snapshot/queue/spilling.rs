//! What has no room in memory: the way to the spill file, and what happens when that takes no more.

use std::sync::atomic::Ordering;

use super::{ChunkQueue, GivenUp, Locked, Overflow, State};
use crate::snapshot::chunk::Chunk;
use crate::snapshot::spill::SpillFile;

/// The state of the spill file.
#[derive(Default)]
pub(super) enum Spill {
    /// Nothing was spilled.
    #[default]
    None,
    /// The job writes it.
    Writing,
    /// It is complete.
    Complete(SpillFile),
    /// The writer has it.
    Taken,
}

impl ChunkQueue {
    /// Whether the spill job has something to do.
    pub(in crate::snapshot) fn wants_spill(&self) -> bool {
        self.shown.wants_spill.load(Ordering::Relaxed)
    }

    /// The next chunk for the spill file; `Err` when there will be none.
    pub(in crate::snapshot) fn take_to_spill(&self) -> Result<Option<Chunk>, ()> {
        let mut state = self.lock();
        if state.given_up.is_some() || state.closed {
            return Err(());
        }
        if state.spill_is_closed || state.barrier_bytes <= self.limits.barrier_bytes {
            return Ok(None);
        }
        // The newest: the writer takes from the other end.
        let chunk = state.barrier.pop_back();
        state.barrier_bytes -= chunk.as_ref().map_or(0, Chunk::len_bytes);
        state.spill = Spill::Writing;
        self.release_if_drained(state);
        Ok(chunk)
    }

    /// Counts what the spill job wrote; if that is too much, nothing more goes there.
    pub(in crate::snapshot) fn spilled(&self, total_bytes: u64) {
        self.lock().spilled_bytes = total_bytes;
        if total_bytes > self.limits.spill_bytes_max {
            let why = format!("the spill file has reached its limit of {total_bytes} bytes");
            self.spill_failed(why, None);
        }
    }

    /// Nothing more goes to the spill file. `rest` could not be written to it.
    pub(in crate::snapshot) fn spill_failed(&self, why: String, rest: Option<Chunk>) {
        if self.limits.overflow == Overflow::Abort {
            return self.give_up(GivenUp::Failed(why));
        }
        let mut state = self.lock();
        if state.given_up.is_some() {
            return;
        }
        if let Some(chunk) = rest {
            state.barrier_bytes += chunk.len_bytes();
            state.barrier.push_back(chunk);
        }
        state.spill_is_closed = true;
        state.spill_failure.get_or_insert(why);
        self.throttle_if_full(&state);
        drop(state);
        self.writer.raise();
    }

    /// See [`SnapshotControl::take_spill_failure`](crate::snapshot::SnapshotControl::take_spill_failure).
    pub(in crate::snapshot) fn take_spill_failure(&self) -> Option<String> {
        self.lock().spill_failure.take()
    }

    /// Whether changes are to wait.
    pub(in crate::snapshot) fn wants_throttle(&self) -> bool {
        self.throttling.load(Ordering::Relaxed)
    }

    /// Changes are to wait from so many bytes on.
    const fn throttle_bytes(&self, state: &State) -> usize {
        match state.spill_is_closed {
            false => self.limits.barrier_bytes.saturating_mul(2),
            true => self.limits.barrier_bytes,
        }
    }

    pub(super) fn throttle_if_full(&self, state: &State) {
        let is_full = state.barrier_bytes > self.throttle_bytes(state);
        if is_full && self.limits.overflow == Overflow::Throttle {
            self.throttling.store(true, Ordering::Relaxed);
        }
    }

    /// Changes go on when half of what made them wait is gone: the spill job brings it down to that,
    /// too.
    pub(super) fn release_if_drained(&self, state: Locked<'_>) {
        let is_drained = state.barrier_bytes <= self.throttle_bytes(&state) / 2;
        if is_drained && self.throttling.swap(false, Ordering::Relaxed) {
            drop(state);
            (self.wake)();
        }
    }

    /// The spill job has ended, and leaves this file.
    pub(in crate::snapshot) fn spill_has_ended(&self, file: Option<SpillFile>) {
        let mut state = self.lock();
        if state.given_up.is_none() {
            state.spill = file.map_or(Spill::None, Spill::Complete);
        }
        drop(state);
        self.writer.raise();
    }
}
