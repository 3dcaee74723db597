//! What the command thread keeps of a snapshot in progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::queue::{ChunkQueue, GivenUp, QueueFigures};
use super::target::{Pace, TargetLink};

/// Watches and cancels a snapshot.
#[derive(Debug)]
pub struct SnapshotControl {
    queue: Arc<ChunkQueue>,
    written_bytes: Arc<AtomicU64>,
    targets: Vec<Arc<TargetLink>>,
}

impl SnapshotControl {
    pub(super) const fn new(
        queue: Arc<ChunkQueue>,
        written_bytes: Arc<AtomicU64>,
        targets: Vec<Arc<TargetLink>>,
    ) -> Self {
        Self { queue, written_bytes, targets }
    }

    /// Gives the snapshot up: the writer removes what it wrote and tells
    /// [`Cancelled`](super::SnapshotEvent::Cancelled), unless it is complete before it hears.
    pub fn cancel(&self) {
        self.queue.give_up(GivenUp::Cancelled);
    }

    /// Takes one target back, by its number in the request; the others go on. `false` if others can
    /// see it already, or in a moment ([`SnapshotControl::is_being_published`]).
    pub fn cancel_target(&self, target: usize) -> bool {
        let is_cancelled = self.targets.get(target).is_some_and(|link| link.cancel());
        self.queue.writer_signal().raise();
        is_cancelled
    }

    /// Whether a target is getting its name in this moment.
    #[must_use]
    pub fn is_being_published(&self, target: usize) -> bool {
        self.targets.get(target).is_some_and(|link| link.is_being_published())
    }

    /// How far a target is.
    #[must_use]
    pub fn pace(&self, target: usize) -> Pace {
        self.targets.get(target).map_or(Pace::Ended, |link| link.pace())
    }

    /// How many bytes a target has taken.
    #[must_use]
    pub fn taken_bytes(&self, target: usize) -> u64 {
        self.targets.get(target).map_or(0, |link| link.taken_bytes())
    }

    /// A target is to get the rest from a temporary file, so that nobody waits for it.
    pub fn detour(&self, target: usize) {
        if let Some(link) = self.targets.get(target) {
            link.ask_for_detour();
            self.queue.writer_signal().raise();
        }
    }

    /// Gives the snapshot up because it cannot be completed.
    pub fn fail(&self, why: String) {
        self.queue.give_up(GivenUp::Failed(why));
    }

    /// Whether the snapshot is given up: the walk may end, the event follows.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.queue.is_given_up()
    }

    /// Whether the [`SpillJob`](super::SpillJob) has something to do; it need not run before.
    #[must_use]
    pub fn wants_spill(&self) -> bool {
        self.queue.wants_spill()
    }

    /// The spill file cannot be written, for this reason: the snapshot is given up, or goes on without
    /// it, see [`Overflow`](super::Overflow).
    pub fn spill_failed(&self, why: String) {
        self.queue.spill_failed(why, None);
    }

    /// Why nothing more goes to the spill file, once, if the snapshot goes on without it.
    #[must_use]
    pub fn take_spill_failure(&self) -> Option<String> {
        self.queue.take_spill_failure()
    }

    /// Whether so much waits that nothing more is to be handed out before a change, where that can be
    /// helped. When that has passed, the command thread is woken.
    #[must_use]
    #[inline]
    pub fn wants_throttle(&self) -> bool {
        self.queue.wants_throttle()
    }

    /// Bytes of finished records, compressed. Who wants a throughput reads it twice.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    /// How much waits between command thread and writer.
    #[must_use]
    pub fn figures(&self) -> QueueFigures {
        self.queue.figures()
    }
}
