//! Statistics of one command (INFO's `commandstats` and `latencystats`).

use crate::histogram::Histogram;

/// What INFO tells of one command or subcommand.
#[derive(Clone, Debug, Default)]
pub struct CommandStats {
    /// Times it ran.
    pub calls: u64,
    /// Time it took in all, in nanoseconds.
    pub ns: u64,
    /// Times it was refused before it ran: arity, authentication, memory.
    pub rejected: u64,
    /// Times it ran and answered with an error.
    pub failed: u64,
    /// How its run times spread, in nanoseconds; empty while `latency-tracking` is off.
    pub latency: Histogram,
}

impl CommandStats {
    /// Counts a run of `ns` nanoseconds, also in the histogram if it is `tracked`.
    #[inline]
    pub fn ran(&mut self, ns: u64, failed: bool, tracked: bool) {
        self.calls += 1;
        self.ns += ns;
        self.failed += u64::from(failed);
        if tracked {
            self.latency.record(ns);
        }
    }

    /// Time it took in all, in whole microseconds.
    #[must_use]
    pub const fn us(&self) -> u64 {
        self.ns / 1000
    }

    /// Whether INFO has anything to tell of it.
    #[must_use]
    pub const fn is_used(&self) -> bool {
        self.calls > 0 || self.rejected > 0 || self.failed > 0
    }
}
