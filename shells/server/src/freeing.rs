//! The thread that drops large values, so that the command thread does not pause for it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use dunlin_keyspace::{Freer, Garbage};

use crate::memory::{Allocator, HelperShares};

/// Values that may wait. When as many do, the next is dropped by the command thread itself: the
/// server slows down instead of using more and more memory.
const WAITING_MAX: usize = 4096;

/// The command thread's end of the queue.
pub(crate) struct FreeThread {
    queue: SyncSender<Garbage>,
    taken: usize,
    dropped: Arc<AtomicUsize>,
    /// How many were dropped when counting began anew.
    forgotten: usize,
}

impl FreeThread {
    /// Starts the thread; it ends when this value is dropped.
    ///
    /// # Errors
    /// The system refuses another thread.
    pub(crate) fn start(
        allocator: &'static dyn Allocator,
        shares: &HelperShares,
    ) -> io::Result<Self> {
        let (queue, waiting) = sync_channel::<Garbage>(WAITING_MAX);
        let dropped = Arc::new(AtomicUsize::new(0));
        let (count, share) = (Arc::clone(&dropped), shares.join());
        let run = move || {
            for garbage in waiting {
                drop(garbage);
                share.publish(allocator);
                count.fetch_add(1, Ordering::Release);
            }
        };
        std::thread::Builder::new().name("lazy-free".to_owned()).spawn(run)?;
        Ok(Self { queue, taken: 0, dropped, forgotten: 0 })
    }
}

impl Freer for FreeThread {
    fn free_later(&mut self, garbage: Garbage) {
        self.taken += 1;
        if let Err(TrySendError::Full(garbage) | TrySendError::Disconnected(garbage)) =
            self.queue.try_send(garbage)
        {
            drop(garbage);
            self.dropped.fetch_add(1, Ordering::Release);
        }
    }

    fn pending(&self) -> usize {
        self.taken.saturating_sub(self.dropped.load(Ordering::Acquire))
    }

    fn freed(&self) -> usize {
        self.dropped.load(Ordering::Acquire) - self.forgotten
    }

    fn reset_freed(&mut self) {
        self.forgotten = self.dropped.load(Ordering::Acquire);
    }
}
