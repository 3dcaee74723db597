//! Everything a server counts, in one value.

use dunlin_stdx::time::Now;

use crate::{CommandStats, Counters, ErrorCounts, LatencyMonitor, Rates, SlowLog, Spells};

/// What a server counts and remembers about itself.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Counters of INFO's `stats` section.
    pub counters: Counters,
    /// Statistics of each command, by its number in the command table.
    pub commands: Vec<CommandStats>,
    /// How often each error code was sent.
    pub errors: ErrorCounts,
    /// Commands that ran long.
    pub slow_log: SlowLog,
    /// Latency spikes by their cause.
    pub latency: LatencyMonitor,
    /// What happened per second, lately.
    pub rates: Rates,
    /// The use of memory when it was last asked for, in bytes (`used_memory`).
    pub memory_used_bytes: u64,
    /// The highest use of memory seen, in bytes (`used_memory_peak`).
    pub memory_peak_bytes: u64,
    /// The use of memory when the server was made, without data, in bytes (`used_memory_startup`).
    pub memory_startup_bytes: u64,
    /// When the server was made.
    pub started: Now,
    /// While more than `maxmemory` was used (`total_eviction_exceeded_time`).
    pub memory_exceeded: Spells,
}

impl Metrics {
    /// Nothing counted yet, for a table of `commands` commands and subcommands.
    #[must_use]
    pub fn new(commands: usize) -> Self {
        Self { commands: vec![CommandStats::default(); commands], ..Self::default() }
    }

    /// Time that all commands took in all, in nanoseconds.
    #[must_use]
    pub fn commands_ns(&self) -> u64 {
        self.commands.iter().map(|stats| stats.ns).sum()
    }

    /// Counts an error reply by its text, which begins with its code.
    pub fn error_sent(&mut self, text: &[u8]) {
        self.counters.error_replies += 1;
        self.errors.count(text);
    }

    /// Notes how much memory is used now; the peak follows.
    pub const fn memory_used(&mut self, bytes: u64) {
        self.memory_used_bytes = bytes;
        if bytes > self.memory_peak_bytes {
            self.memory_peak_bytes = bytes;
        }
    }

    /// CONFIG RESETSTAT: forgets what INFO counts. The slow log, the latency events and the peak of
    /// memory have commands of their own.
    pub fn reset(&mut self) {
        self.counters.reset();
        self.commands.fill_with(CommandStats::default);
        self.errors = ErrorCounts::default();
        self.rates = Rates::default();
        self.memory_exceeded = Spells::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_keeps_what_is_not_a_statistic() {
        let mut metrics = Metrics::new(2);
        metrics.error_sent(b"ERR no");
        metrics.commands[1].ran(10, false, true);
        metrics.memory_used(7);
        metrics.memory_used(5);
        metrics.counters.changes_since_save = 3;
        metrics.reset();
        assert_eq!(metrics.counters.error_replies, 0);
        assert_eq!(metrics.errors.iter().count(), 0);
        assert_eq!(metrics.commands.len(), 2);
        assert_eq!(metrics.commands[1].calls, 0);
        assert_eq!((metrics.memory_peak_bytes, metrics.counters.changes_since_save), (7, 3));
    }
}
