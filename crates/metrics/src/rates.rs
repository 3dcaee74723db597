//! What happened per second, lately (INFO's `instantaneous_*`).

use dunlin_stdx::time::Monotonic;

use crate::counters::Counters;

/// Samples that a rate is the mean of: 1.6 seconds at ten a second.
const SAMPLES: usize = 16;

/// The growth of a counter against another one, as the mean of the last 16 samples.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    samples: [u64; SAMPLES],
    next: usize,
    last: Option<(u64, u64)>,
}

impl Rate {
    /// Takes a sample: how much `value` grew for each `unit` by which `base` grew.
    pub fn sample(&mut self, value: u64, base: u64, unit: u64) {
        if let Some((last_value, last_base)) = self.last {
            let grown = value.saturating_sub(last_value);
            let elapsed = base.saturating_sub(last_base);
            self.samples[self.next] = grown.saturating_mul(unit).checked_div(elapsed).unwrap_or(0);
            self.next = (self.next + 1) % SAMPLES;
        }
        self.last = Some((value, base));
    }

    /// The mean of the samples; those not taken yet count as zero.
    #[must_use]
    pub fn mean(&self) -> u64 {
        self.samples.iter().sum::<u64>() / SAMPLES as u64
    }
}

/// The rates INFO shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Commands per second (`instantaneous_ops_per_sec`).
    pub commands: Rate,
    /// Bytes read per second (`instantaneous_input_kbps`, in KiB there).
    pub net_input: Rate,
    /// Bytes written per second (`instantaneous_output_kbps`, in KiB there).
    pub net_output: Rate,
    /// Turns of the event loop per second (`instantaneous_eventloop_cycles_per_sec`).
    pub loop_turns: Rate,
    /// Microseconds for each turn of the event loop (`instantaneous_eventloop_duration_usec`).
    pub loop_us: Rate,
}

impl Rates {
    /// Takes a sample of every rate; to be called ten times a second.
    pub fn sample(&mut self, counters: &Counters, now: Monotonic) {
        const SECOND_US: u64 = 1_000_000;
        self.commands.sample(counters.commands_processed, now.0, SECOND_US);
        self.net_input.sample(counters.net_input_bytes, now.0, SECOND_US);
        self.net_output.sample(counters.net_output_bytes, now.0, SECOND_US);
        self.loop_turns.sample(counters.loop_turns, now.0, SECOND_US);
        self.loop_us.sample(counters.loop_us, counters.loop_turns, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_load_shows_its_rate_once_the_window_is_full() {
        let mut rates = Rates::default();
        let mut counters = Counters::default();
        for tenth in 0..=SAMPLES as u64 {
            counters.commands_processed = tenth * 50;
            counters.loop_turns = tenth * 10;
            counters.loop_us = tenth * 70;
            rates.sample(&counters, Monotonic(5 + tenth * 100_000));
        }
        assert_eq!(rates.commands.mean(), 500);
        assert_eq!(rates.loop_turns.mean(), 100);
        assert_eq!(rates.loop_us.mean(), 7);
        assert_eq!(rates.net_input.mean(), 0);
    }

    #[test]
    fn a_counter_that_was_reset_counts_as_not_grown() {
        let mut rate = Rate::default();
        rate.sample(100, 0, 1);
        rate.sample(3, 1, 1);
        rate.sample(3, 1, 1);
        assert_eq!(rate.mean(), 0);
        rate.sample(35, 2, 1);
        assert_eq!(rate.mean(), 2);
    }
}
