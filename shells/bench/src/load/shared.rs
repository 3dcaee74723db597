//! What the workers of a test share.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use mio::Waker;

use super::{Plan, Targets};

/// Counters of one test. They are touched once per batch, so that one of each is enough for all
/// workers; nothing else is ordered by them.
#[derive(Debug)]
pub(crate) struct Shared<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) targets: &'a Targets,
    issued: AtomicU64,
    finished: AtomicU64,
    latency_micros: AtomicU64,
    is_over: AtomicBool,
    ended: OnceLock<Instant>,
    wakers: Vec<Waker>,
}

impl<'a> Shared<'a> {
    pub(crate) fn new(plan: &'a Plan, targets: &'a Targets) -> Self {
        Self {
            plan,
            targets,
            issued: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            latency_micros: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            ended: OnceLock::new(),
            wakers: Vec::new(),
        }
    }

    /// One more worker, who is told of the end.
    pub(crate) fn add_waker(&mut self, waker: Waker) {
        self.wakers.push(waker);
    }

    /// Takes a batch of requests from those that are still to be sent; false if none is left.
    pub(crate) fn issue(&self) -> bool {
        let depth = self.plan.load.depth as u64;
        self.issued.fetch_add(depth, Ordering::Relaxed) < self.plan.load.requests
    }

    /// Whether no request is left to be sent.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.issued.load(Ordering::Relaxed) >= self.plan.load.requests
    }

    /// Counts replies; says how many of them are to be measured, which are no more than were asked
    /// for, and, when these were all, ends the test.
    pub(crate) fn finish(&self, replies: u64, latency_micros: u64) -> u64 {
        let before = self.finished.fetch_add(replies, Ordering::Relaxed);
        let measured = self.plan.load.requests.saturating_sub(before).min(replies);
        self.latency_micros.fetch_add(latency_micros * measured, Ordering::Relaxed);
        measured
    }

    /// Ends the test if all replies are there.
    pub(crate) fn end_if_finished(&self) {
        if self.finished() >= self.plan.load.requests {
            self.end();
        }
    }

    /// Ends the test for all workers.
    pub(crate) fn end(&self) {
        self.ended.get_or_init(Instant::now);
        if !self.is_over.swap(true, Ordering::Relaxed) {
            for waker in &self.wakers {
                // Its event loop is as long-lived as this; without a wake-up it looks at its next tick.
                let _ = waker.wake();
            }
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// When the last reply came.
    pub(crate) fn ended(&self) -> Option<Instant> {
        self.ended.get().copied()
    }

    /// How many replies have come.
    pub(crate) fn finished(&self) -> u64 {
        self.finished.load(Ordering::Relaxed)
    }

    /// The sum of all latencies.
    pub(crate) fn latency_micros(&self) -> u64 {
        self.latency_micros.load(Ordering::Relaxed)
    }
}
