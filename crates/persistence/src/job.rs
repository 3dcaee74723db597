//! Work that is done beside the command thread.

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
#[derive(Debug, Default)]
pub struct Signal {
    raised: Mutex<bool>,
    heard: Condvar,
}

impl Signal {
    /// Wakes whoever waits, or lets the next wait return at once.
    pub fn raise(&self) {
        *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.heard.notify_one();
    }

    /// Waits until it is raised, at most `timeout`, and says whether it was.
    pub fn wait(&self, timeout: Duration) -> bool {
        let raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.heard.wait_timeout_while(raised, timeout, |raised| !*raised);
        std::mem::take(&mut *waited.unwrap_or_else(PoisonError::into_inner).0)
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
}
