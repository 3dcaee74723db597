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
///
/// Raising it costs a call of the system only if somebody waits: a log that is appended to while its
/// job syncs raises it thousands of times a second.
#[derive(Debug, Default)]
pub struct Signal {
    state: Mutex<SignalState>,
    heard: Condvar,
}

#[derive(Debug, Default)]
struct SignalState {
    is_raised: bool,
    waiting: usize,
}

impl Signal {
    /// Wakes whoever waits, or lets the next wait return at once.
    pub fn raise(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_raised = true;
        let is_awaited = state.waiting > 0;
        drop(state);
        if is_awaited {
            self.heard.notify_one();
        }
    }

    /// Waits until it is raised, at most `timeout`, and says whether it was.
    pub fn wait(&self, timeout: Duration) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.is_raised {
            state.waiting += 1;
            let waited = self.heard.wait_timeout_while(state, timeout, |state| !state.is_raised);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
        std::mem::take(&mut state.is_raised)
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
            while raiser.state.lock().expect("lock").waiting == 0 {
                std::thread::yield_now();
            }
            raiser.raise();
        });
        assert!(signal.wait(Duration::from_secs(3600)));
        thread.join().expect("raised");
        assert_eq!(signal.state.lock().expect("lock").waiting, 0);
    }
}
