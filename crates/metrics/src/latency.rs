//! Latency spikes by their cause (LATENCY).
//!
//! Source: Redis documentation, "Latency monitoring"; checked against a 7.2.6 server.

/// Samples that are kept of an event: the last 160 seconds in which it was seen.
const SAMPLES_MAX: usize = 160;

/// The worst spike of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencySample {
    /// Wall clock, in seconds since the Unix epoch.
    pub unix_seconds: i64,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// The spikes of one event.
#[derive(Clone, Debug)]
pub struct EventHistory {
    name: &'static str,
    /// A ring once it is full; `oldest` is then the place of the next sample.
    samples: Vec<LatencySample>,
    oldest: usize,
    max_ms: u64,
}

/// What LATENCY DOCTOR tells of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencySummary {
    /// Number of samples; at least one.
    pub samples: usize,
    /// Mean of the samples, in milliseconds.
    pub mean_ms: u64,
    /// Mean distance of the samples from their mean, in milliseconds.
    pub deviation_ms: u64,
    /// From the oldest sample to now, in seconds; at least one.
    pub period_seconds: u64,
}

impl EventHistory {
    const fn new(name: &'static str) -> Self {
        Self { name, samples: Vec::new(), oldest: 0, max_ms: 0 }
    }

    /// The name of the event, `command` for example.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The worst spike ever, in milliseconds.
    #[must_use]
    pub const fn max_ms(&self) -> u64 {
        self.max_ms
    }

    /// The samples, oldest first.
    pub fn samples(&self) -> impl Iterator<Item = LatencySample> {
        let (newer, older) = self.samples.split_at(self.oldest);
        older.iter().chain(newer).copied()
    }

    /// The last sample.
    #[must_use]
    pub fn latest(&self) -> Option<LatencySample> {
        let newest = self.oldest.checked_sub(1).unwrap_or(self.samples.len().checked_sub(1)?);
        self.samples.get(newest).copied()
    }

    fn record(&mut self, sample: LatencySample) {
        self.max_ms = self.max_ms.max(sample.ms);
        let newest = self.oldest.checked_sub(1).unwrap_or(self.samples.len().saturating_sub(1));
        if let Some(last) = self.samples.get_mut(newest)
            && last.unix_seconds == sample.unix_seconds
        {
            last.ms = last.ms.max(sample.ms);
        } else if self.samples.len() < SAMPLES_MAX {
            self.samples.push(sample);
        } else {
            self.samples[self.oldest] = sample;
            self.oldest = (self.oldest + 1) % SAMPLES_MAX;
        }
    }

    /// Mean and spread of the samples, seen from `now`, in seconds since the Unix epoch.
    #[must_use]
    pub fn summary(&self, now: i64) -> LatencySummary {
        let count = self.samples.len().max(1) as u64;
        let mean_ms = self.samples.iter().map(|sample| sample.ms).sum::<u64>() / count;
        let distance: u64 = self.samples.iter().map(|sample| sample.ms.abs_diff(mean_ms)).sum();
        let oldest = self.samples.iter().map(|sample| sample.unix_seconds).min().unwrap_or(now);
        LatencySummary {
            samples: self.samples.len(),
            mean_ms,
            deviation_ms: distance / count,
            period_seconds: u64::try_from(now - oldest).unwrap_or(0).max(1),
        }
    }
}

/// Latency spikes of a server, by event.
#[derive(Clone, Debug, Default)]
pub struct LatencyMonitor {
    events: Vec<EventHistory>,
}

impl LatencyMonitor {
    /// Notes that `event` took `ms` milliseconds; the caller has compared that with
    /// `latency-monitor-threshold`. Of one second only the worst spike is kept.
    pub fn record(&mut self, event: &'static str, unix_seconds: i64, ms: u64) {
        let index = self.events.iter().position(|known| known.name == event);
        let index = index.unwrap_or_else(|| {
            self.events.push(EventHistory::new(event));
            self.events.len() - 1
        });
        self.events[index].record(LatencySample { unix_seconds, ms });
    }

    /// The events that were seen.
    #[must_use]
    pub fn events(&self) -> &[EventHistory] {
        &self.events
    }

    /// The event of this name.
    #[must_use]
    pub fn event(&self, name: &[u8]) -> Option<&EventHistory> {
        self.events.iter().find(|event| event.name.as_bytes() == name)
    }

    /// Forgets an event, named in any case; tells whether there was one.
    pub fn reset(&mut self, name: &[u8]) -> bool {
        let before = self.events.len();
        self.events.retain(|event| !event.name.as_bytes().eq_ignore_ascii_case(name));
        self.events.len() < before
    }

    /// Forgets all events; returns how many there were.
    pub fn reset_all(&mut self) -> usize {
        std::mem::take(&mut self.events).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_second_keeps_its_worst_spike() {
        let mut monitor = LatencyMonitor::default();
        for (second, ms) in [(1, 50), (1, 70), (1, 60), (3, 10)] {
            monitor.record("command", second, ms);
        }
        let event = monitor.event(b"command").expect("seen");
        let samples: Vec<_> = event.samples().map(|s| (s.unix_seconds, s.ms)).collect();
        assert_eq!(samples, [(1, 70), (3, 10)]);
        assert_eq!(event.latest().map(|s| s.ms), Some(10));
        assert_eq!(event.max_ms(), 70);
        let summary = event.summary(5);
        assert_eq!((summary.mean_ms, summary.deviation_ms, summary.period_seconds), (40, 30, 4));
        assert_eq!(event.summary(1).period_seconds, 1);
    }

    #[test]
    fn the_last_160_samples_are_kept_in_order() {
        let mut monitor = LatencyMonitor::default();
        for second in 0..1000 {
            monitor.record("command", second, 1000 - second as u64);
            let event = &monitor.events()[0];
            let seconds: Vec<i64> = event.samples().map(|s| s.unix_seconds).collect();
            let first = (second - SAMPLES_MAX as i64 + 1).max(0);
            assert_eq!(seconds, (first..=second).collect::<Vec<_>>());
            assert_eq!(event.latest().map(|s| s.unix_seconds), Some(second));
        }
        assert_eq!(monitor.events()[0].max_ms(), 1000);
    }

    #[test]
    fn events_are_reset_by_name_in_any_case() {
        let mut monitor = LatencyMonitor::default();
        monitor.record("command", 1, 1);
        monitor.record("fast-command", 1, 1);
        assert!(monitor.event(b"COMMAND").is_none());
        assert!(monitor.reset(b"COMMAND"));
        assert!(!monitor.reset(b"command"));
        assert_eq!(monitor.reset_all(), 1);
        assert!(monitor.events().is_empty());
    }
}
