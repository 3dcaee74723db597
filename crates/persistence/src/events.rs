//! What became of a job, told to the command thread.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Where jobs tell what became of them. Clones tell the same listener.
pub struct Events<T> {
    told: Arc<Mutex<VecDeque<T>>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl<T> Clone for Events<T> {
    fn clone(&self) -> Self {
        Self { told: Arc::clone(&self.told), wake: Arc::clone(&self.wake) }
    }
}

impl<T> Events<T> {
    /// A queue; `wake` is called after each event, from the thread that tells it.
    #[must_use]
    pub fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { told: Arc::default(), wake }
    }

    /// Tells something and wakes the listener.
    pub fn tell(&self, event: T) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push_back(event);
        (self.wake)();
    }

    /// The oldest event that was not heard yet.
    #[must_use]
    pub fn next(&self) -> Option<T> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

impl<T> fmt::Debug for Events<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn events_are_heard_in_order_and_each_wakes() {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&woken);
        let wake = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        let events = Events::new(Arc::new(wake));
        events.clone().tell(1);
        events.tell(2);
        assert_eq!((events.next(), events.next(), events.next()), (Some(1), Some(2), None));
        assert_eq!(woken.load(Ordering::Relaxed), 2);
    }
}
