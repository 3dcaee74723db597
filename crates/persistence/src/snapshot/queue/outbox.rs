//! The command thread's end of the queues.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use dunlin_keyspace::Emitter;

use super::{ChunkQueue, GivenUp, Locked};
use crate::snapshot::chunk::Chunk;

/// Bytes that the command thread keeps at most because somebody has the lock; with more it waits. Twice
/// what makes the walk pause: the rest is for what cannot.
const KEPT_BYTES_MAX: usize = 8 << 20;

/// What was not handed over yet.
#[derive(Default)]
pub(super) struct Outbox {
    chunks: VecDeque<(Emitter, Chunk)>,
    bytes: usize,
}

/// Whether the command thread waits for the lock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Waits,
    GoesOn,
}

impl ChunkQueue {
    /// What the walk has encoded, or what was handed out before it changes.
    pub(in crate::snapshot) fn push(&self, from: Emitter, chunk: Chunk) {
        let mut outbox = self.outbox();
        outbox.bytes += chunk.len_bytes();
        outbox.chunks.push_back((from, chunk));
        let is_full = outbox.bytes > KEPT_BYTES_MAX;
        self.flush(outbox, if is_full { Patience::Waits } else { Patience::GoesOn });
    }

    /// Everything was handed out.
    pub(in crate::snapshot) fn close(&self) {
        self.flush(self.outbox(), Patience::Waits);
        self.lock().closed = true;
        self.writer.raise();
        self.spiller.raise();
    }

    /// Hands over what is kept, if nobody has the lock; how many bytes are kept still.
    pub(super) fn flush_outbox(&self) -> usize {
        self.flush(self.outbox(), Patience::GoesOn)
    }

    fn flush(&self, mut outbox: MutexGuard<'_, Outbox>, patience: Patience) -> usize {
        if outbox.chunks.is_empty() {
            return 0;
        }
        let state = match patience {
            Patience::Waits => Some(self.lock()),
            Patience::GoesOn => self.try_lock(),
        };
        let Some(state) = state else {
            // The bell after the note: whoever has the lock looks again when it has heard it.
            self.outbox_waits.store(true, Ordering::SeqCst);
            self.writer.raise();
            return outbox.bytes;
        };
        let barrier_bytes = self.accept(state, &mut outbox);
        drop(outbox);
        self.check_barrier(barrier_bytes);
        self.writer.raise();
        0
    }

    /// Puts what was kept into the queues, unless the snapshot is given up; returns how many bytes of
    /// the barrier wait.
    fn accept(&self, mut state: Locked<'_>, outbox: &mut Outbox) -> usize {
        outbox.bytes = 0;
        if state.given_up.is_some() {
            outbox.chunks.clear();
            return 0;
        }
        for (from, chunk) in outbox.chunks.drain(..) {
            let bytes = chunk.len_bytes();
            match from {
                Emitter::Walk => {
                    state.walk_bytes += bytes;
                    state.walk.push_back(chunk);
                }
                Emitter::Barrier => {
                    state.barrier_bytes += bytes;
                    state.barrier.push_back(chunk);
                }
            }
        }
        self.throttle_if_full(&state);
        state.barrier_bytes
    }

    /// Lets the spill job work, or gives the snapshot up, when too much waits.
    fn check_barrier(&self, barrier_bytes: usize) {
        if barrier_bytes > self.limits.barrier_bytes_max {
            self.give_up(GivenUp::Failed(format!(
                "{barrier_bytes} bytes wait to be written, and the spill file does not keep up"
            )));
        } else if barrier_bytes > self.limits.barrier_bytes {
            self.spiller.raise();
            if !self.spill_is_asked.swap(true, Ordering::Relaxed) {
                // The walk may be pausing for long: somebody is to start the job.
                (self.wake)();
            }
        }
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::snapshot::chunk::Records;
    use crate::snapshot::queue::{QueueLimits, Taken};

    fn chunk(bytes: usize) -> Chunk {
        Chunk::new(Records::Commands(vec![b'x'; bytes]))
    }

    fn queue() -> (ChunkQueue, Arc<AtomicUsize>) {
        let woken: Arc<AtomicUsize> = Arc::default();
        let count = Arc::clone(&woken);
        let wake = move || {
            count.fetch_add(1, Ordering::SeqCst);
        };
        (ChunkQueue::new(QueueLimits::default(), Arc::new(wake)), woken)
    }

    fn taken(queue: &ChunkQueue) -> Option<usize> {
        match queue.take() {
            Taken::Chunk(chunk) => Some(chunk.len_bytes()),
            _ => None,
        }
    }

    #[test]
    fn the_command_thread_goes_on_while_somebody_has_the_lock() {
        let (queue, woken) = queue();
        let locked = queue.lock();
        queue.push(Emitter::Walk, chunk(10));
        queue.push(Emitter::Barrier, chunk(20));
        queue.push(Emitter::Walk, chunk(3 << 20));
        assert!(queue.has_room() && queue.spare().is_none());
        queue.push(Emitter::Walk, chunk(1 << 20));
        assert!(!queue.has_room(), "what is kept counts");
        assert_eq!((queue.figures().walk_bytes, queue.figures().barrier_bytes), (0, 0));
        drop(locked);
        // The writer finds nothing, and has the command thread woken.
        assert_eq!((taken(&queue), woken.load(Ordering::SeqCst)), (None, 1));
        assert!(!queue.has_room(), "now it lies in the queue");
        assert_eq!(queue.figures().walk_bytes, (4 << 20) + 10);
        assert_eq!([taken(&queue), taken(&queue)], [Some(20), Some(10)], "none before its time");
        assert_eq!([taken(&queue), taken(&queue)], [Some(3 << 20), Some(1 << 20)]);
        assert_eq!(woken.load(Ordering::SeqCst), 2, "there is room again");
        assert!(queue.has_room());
    }

    #[test]
    fn what_is_kept_is_there_at_the_end() {
        let (queue, _) = queue();
        let locked = queue.lock();
        queue.push(Emitter::Walk, chunk(10));
        drop(locked);
        queue.close();
        assert_eq!(taken(&queue), Some(10));
        assert!(matches!(queue.take(), Taken::End));
    }

    #[test]
    fn what_is_kept_of_a_snapshot_that_is_given_up_goes() {
        let (queue, _) = queue();
        let locked = queue.lock();
        queue.push(Emitter::Walk, chunk(10));
        drop(locked);
        queue.give_up(GivenUp::Cancelled);
        queue.push(Emitter::Walk, chunk(10));
        assert!(queue.outbox().chunks.is_empty());
        assert!(matches!(queue.take(), Taken::GivenUp));
    }

    /// Both ends at once: everything arrives, each kind in its order.
    #[test]
    fn nothing_is_lost_between_threads() {
        const CHUNKS: usize = 5000;
        let (queue, _) = queue();
        let queue = Arc::new(queue);
        let theirs = Arc::clone(&queue);
        let writer = std::thread::spawn(move || {
            let (signal, mut lens) = (theirs.writer_signal(), [Vec::new(), Vec::new()]);
            loop {
                match theirs.take() {
                    Taken::Chunk(chunk) => {
                        let bytes = chunk.len_bytes();
                        lens[bytes % 2].push(bytes);
                        theirs.recycle(chunk);
                    }
                    Taken::Nothing => drop(signal.wait(std::time::Duration::from_secs(60))),
                    _ => return lens,
                }
            }
        });
        for n in 1..=CHUNKS {
            let from = if n % 2 == 0 { Emitter::Walk } else { Emitter::Barrier };
            queue.push(from, chunk(n));
        }
        queue.close();
        let lens = writer.join().expect("it ends");
        for (odd, found) in lens.iter().enumerate() {
            let expected: Vec<usize> = (1..=CHUNKS).filter(|n| n % 2 == odd).collect();
            assert_eq!(found, &expected);
        }
    }
}
