//! Work that is done beside the command thread.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A piece of work in steps. The server gives each job a thread that calls [`Job::step`] until it is
/// done and waits for its [`Signal`] while it is idle; the simulator steps it when it likes.
pub trait Job: Send {
    /// Does a bounded piece of work: some hundred kilobytes, one system call that may wait.
    fn step(&mut self) -> Step;

    /// What is raised when an idle job has something to do again.
    fn signal(&self) -> Arc<Signal>;
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do.
    Working,
    /// Nothing to do before the signal is raised.
    Idle,
    /// The job has ended; its last event has been sent.
    Done,
}

/// A bell between threads: raised once, heard once, never missed.
///
/// Raising it takes a lock and a call of the system only if somebody waits: a log that is appended to
/// while its job syncs raises it thousands of times a second, and the command thread is not to wait for
/// a job in the background that is not even running.
#[derive(Debug, Default)]
pub struct Signal {
    is_raised: AtomicBool,
    /// How many are about to wait, or do.
    waiting: AtomicUsize,
    /// Between a look at the bell and the wait for it.
    asleep: Mutex<()>,
    heard: Condvar,
}

impl Signal {
    /// Wakes whoever waits, or lets the next wait return at once.
    pub fn raise(&self) {
        self.is_raised.store(true, Ordering::SeqCst);
        // Who waits has said so before looking at the bell.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            drop(self.asleep.lock().unwrap_or_else(PoisonError::into_inner));
            self.heard.notify_one();
        }
    }

    /// Waits until it is raised, at most `timeout`, and says whether it was.
    pub fn wait(&self, timeout: Duration) -> bool {
        if self.is_raised.swap(false, Ordering::SeqCst) {
            return true;
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        let is_silent = |(): &mut ()| !self.is_raised.load(Ordering::SeqCst);
        drop(self.heard.wait_timeout_while(asleep, timeout, is_silent));
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        self.is_raised.swap(false, Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_raised_before_the_wait_is_heard() {
        let signal = Signal::default();
        signal.raise();
        // Would last an hour if the signal were lost.
        assert!(signal.wait(Duration::from_secs(3600)));
        assert!(!signal.wait(Duration::ZERO), "heard once");
    }

    #[test]
    fn whoever_waits_is_woken() {
        let signal = Arc::new(Signal::default());
        let raiser = Arc::clone(&signal);
        let thread = std::thread::spawn(move || {
            while raiser.waiting.load(Ordering::SeqCst) == 0 {
                std::thread::yield_now();
            }
            raiser.raise();
        });
        assert!(signal.wait(Duration::from_secs(3600)));
        thread.join().expect("raised");
        assert_eq!(signal.waiting.load(Ordering::SeqCst), 0);
    }

    /// Two threads that wait for each other in turns: one signal that got lost would end it.
    #[test]
    fn no_signal_is_lost() {
        const TURNS: usize = 20_000;
        let signals: [Arc<Signal>; 2] = [Arc::default(), Arc::default()];
        let theirs = signals.clone();
        let thread = std::thread::spawn(move || {
            for _ in 0..TURNS {
                assert!(theirs[0].wait(Duration::from_secs(60)));
                theirs[1].raise();
            }
        });
        for _ in 0..TURNS {
            signals[0].raise();
            assert!(signals[1].wait(Duration::from_secs(60)));
        }
        thread.join().expect("all were heard");
    }
}
