//! Signals from the operator, taken by a thread of their own.
//!
//! The thread logs at once and wakes the loop, so a signal is acknowledged even while a long
//! command runs; a second SIGINT ends the process without asking the loop.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use dunlin_reactor::Waker;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::log::Log;

/// Stack of the thread: it formats a line and writes it.
const STACK_BYTES: usize = 128 * 1024;

/// A signal that asks the server to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    Interrupt,
    Terminate,
}

/// What the loop looks at when it is woken.
#[derive(Clone, Default)]
pub(crate) struct StopRequest(Arc<Shared>);

#[derive(Default)]
struct Shared {
    signal: AtomicU8,
    /// A signal asked for a stop, whether or not the loop has seen it.
    under_way: AtomicBool,
}

impl StopRequest {
    /// The signal that asks for a stop, once.
    pub(crate) fn take(&self) -> Option<StopSignal> {
        match self.0.signal.swap(0, Ordering::AcqRel) {
            1 => Some(StopSignal::Interrupt),
            2 => Some(StopSignal::Terminate),
            _ => None,
        }
    }

    /// What was asked for cannot be done: the server goes on, and may be asked again.
    pub(crate) fn refuse(&self) {
        self.0.under_way.store(false, Ordering::Release);
    }

    fn set(&self, signal: StopSignal) {
        let value = if signal == StopSignal::Interrupt { 1 } else { 2 };
        self.0.under_way.store(true, Ordering::Release);
        self.0.signal.store(value, Ordering::Release);
    }

    fn is_under_way(&self) -> bool {
        self.0.under_way.load(Ordering::Acquire)
    }
}

/// Starts listening for SIGTERM and SIGINT, and lets SIGHUP pass without effect. (SIGPIPE is
/// ignored by Rust's start-up.)
///
/// # Errors
/// The system refuses handlers or the thread.
pub(crate) fn listen(log: Log, waker: Waker, request: StopRequest) -> io::Result<()> {
    signal_hook::flag::register(SIGHUP, Arc::new(AtomicBool::new(false)))?;
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let take = move || {
        for number in signals.forever() {
            let signal =
                if number == SIGINT { StopSignal::Interrupt } else { StopSignal::Terminate };
            if request.is_under_way() && signal == StopSignal::Interrupt {
                log.signal("You insist... exiting now.");
                // What the last snapshot has written so far is of no use to anybody.
                for kind in ["temp", "temp-bg"] {
                    let _ = std::fs::remove_file(format!("{kind}-{}.rdb", std::process::id()));
                }
                std::process::exit(1);
            }
            log.signal(match signal {
                StopSignal::Interrupt => "Received SIGINT scheduling shutdown...",
                StopSignal::Terminate => "Received SIGTERM scheduling shutdown...",
            });
            request.set(signal);
            waker.wake();
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).stack_size(STACK_BYTES).spawn(take)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_taken_once() {
        let request = StopRequest::default();
        assert_eq!(request.take(), None);
        request.set(StopSignal::Terminate);
        assert_eq!(request.take(), Some(StopSignal::Terminate));
        assert_eq!(request.take(), None);
    }
}
