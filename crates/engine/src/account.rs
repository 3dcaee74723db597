//! What is noted after a command has run: its statistics, and, if it ran long, the slow log and the
//! latency monitor.
//!
//! The usual command costs one reading of the cycle counter, three additions and one entry in a
//! histogram: 36 instructions besides the reading, measured with callgrind on the example
//! `pipeline` of dunlin-node. All thresholds are folded into one number, so that a command which
//! crosses none of them pays for a single comparison.

use dunlin_commands::table::Registered;
use dunlin_commands::{Args, Caller};
use dunlin_config::Logging;
use dunlin_metrics::SlowCommand;
use dunlin_spec::Flags;

use crate::engine::Engine;
use crate::redact;

/// A command that ran longer than this makes the engine read the clock again: else a pipelined
/// `SET k v PX 100` after a slow KEYS would be born expired.
const STALE_CLOCK_NS: u64 = 1_000_000;

const NS_IN_US: u64 = 1000;
const NS_IN_MS: u64 = 1_000_000;

/// From how many nanoseconds on a command concerns the clock, the slow log or the latency monitor.
pub(crate) fn notable_ns(logging: &Logging) -> u64 {
    let slow = match u64::try_from(logging.slowlog_log_slower_than) {
        Ok(us) => us.saturating_mul(NS_IN_US),
        Err(_) => u64::MAX,
    };
    let spike = match logging.latency_monitor_threshold {
        0 => u64::MAX,
        ms => ms.saturating_mul(NS_IN_MS),
    };
    STALE_CLOCK_NS.min(slow).min(spike)
}

impl Engine {
    /// Counts a run.
    #[inline]
    pub(crate) fn account(
        &mut self,
        caller: Caller,
        registered: Registered,
        args: Args<'_>,
        failed: bool,
    ) {
        let ticks = self.clock.ticks();
        let mut ns = self.tick_scale.ns(ticks.wrapping_sub(self.ticks));
        self.ticks = ticks;
        let blocking = &mut self.sessions.blocking;
        if blocking.take_just_blocked() {
            // A command that waits is counted when the wait is over.
            return blocking.add_spent(caller.client(), ns);
        }
        if matches!(caller, Caller::Again(_)) {
            ns += blocking.resumed.as_ref().map_or(0, |wait| wait.spent_ns);
        }
        self.account_ns(caller, registered, args, ns, failed);
    }

    /// Counts a run that took `ns` nanoseconds.
    #[inline(always)]
    pub(crate) fn account_ns(
        &mut self,
        caller: Caller,
        registered: Registered,
        args: Args<'_>,
        ns: u64,
        failed: bool,
    ) {
        let logging = &self.config.logging;
        let flags = registered.command.spec.all_flags();
        self.metrics.counters.commands_processed += 1;
        let stats = &mut self.metrics.commands[usize::from(registered.number.0)];
        stats.ran(ns, failed, logging.latency_tracking);
        if flags.contains(Flags::ADMIN) {
            // It may have been CONFIG SET.
            self.notable_ns = notable_ns(logging);
            self.eviction_pending = self.config.memory.maxmemory != 0;
        }
        if ns >= self.notable_ns {
            self.account_notable(caller, registered, args, ns);
        }
    }

    /// Notes a command that ran longer than at least one of the thresholds.
    #[cold]
    fn account_notable(&mut self, caller: Caller, registered: Registered, args: Args<'_>, ns: u64) {
        // Within a transaction time stands still.
        if ns >= STALE_CLOCK_NS && !matches!(caller, Caller::Transaction(_)) {
            self.take_time(self.clock.now());
        }
        let flags = registered.command.spec.all_flags();
        let logging = &self.config.logging;
        let ms = ns / NS_IN_MS;
        if logging.latency_monitor_threshold != 0 && ms >= logging.latency_monitor_threshold {
            let event = if flags.contains(Flags::FAST) { "fast-command" } else { "command" };
            self.metrics.latency.record(event, self.now.unix_ms().seconds(), ms);
        }
        let slow = u64::try_from(logging.slowlog_log_slower_than)
            .is_ok_and(|slower_than| ns / NS_IN_US >= slower_than);
        if slow && !flags.contains(Flags::SKIP_SLOWLOG) {
            self.log_slow(caller, registered, args, ns / NS_IN_US);
        }
    }

    fn log_slow(&mut self, caller: Caller, registered: Registered, args: Args<'_>, us: u64) {
        let session = caller.client().and_then(|token| self.sessions.get(token));
        let words = redact::without_secrets(&registered.command.spec, args.words());
        let len_max = usize::try_from(self.config.logging.slowlog_max_len).unwrap_or(usize::MAX);
        let command = SlowCommand {
            unix_seconds: self.now.unix_ms().seconds(),
            duration_us: us,
            words: &words,
            address: session.map_or("", |session| &session.peer.address),
            client_name: session.map_or(b"", |session| &session.name),
        };
        self.metrics.slow_log.record(&command, len_max);
    }
}

#[cfg(test)]
mod tests {
    use dunlin_config::Config;

    use super::*;

    #[test]
    fn one_number_stands_for_all_thresholds() {
        let check = |slower_than: i64, spike_ms: u64, expected: u64| {
            let mut logging = Config::default().logging;
            logging.slowlog_log_slower_than = slower_than;
            logging.latency_monitor_threshold = spike_ms;
            assert_eq!(notable_ns(&logging), expected, "{slower_than} {spike_ms}");
        };
        check(10_000, 0, STALE_CLOCK_NS);
        check(0, 0, 0);
        check(100, 0, 100_000);
        check(-1, 1, STALE_CLOCK_NS);
        check(i64::MAX, u64::MAX, STALE_CLOCK_NS);
    }
}
