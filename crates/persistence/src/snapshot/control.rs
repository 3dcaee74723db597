//! What the command thread keeps of a snapshot in progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::queue::{ChunkQueue, GivenUp, QueueFigures};

/// Watches and cancels a snapshot.
#[derive(Debug)]
pub struct SnapshotControl {
    queue: Arc<ChunkQueue>,
    written_bytes: Arc<AtomicU64>,
}

impl SnapshotControl {
    pub(super) const fn new(queue: Arc<ChunkQueue>, written_bytes: Arc<AtomicU64>) -> Self {
        Self { queue, written_bytes }
    }

    /// Gives the snapshot up: the writer removes what it wrote and tells
    /// [`Cancelled`](super::SnapshotEvent::Cancelled), unless it is complete before it hears.
    pub fn cancel(&self) {
        self.queue.give_up(GivenUp::Cancelled);
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
