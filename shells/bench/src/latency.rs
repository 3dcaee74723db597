//! How long replies took.
//!
//! Latencies are counted in buckets of a high dynamic range histogram, 10 µs to 3 s. What is shown of
//! a bucket is its highest value, as by redis-benchmark, whose rules of iteration are these:
//! percentiles halve the distance to 100 %, and the cumulative distribution goes in steps of 100 µs,
//! from 2 ms on of 1 ms.
//!
//! Source: output of redis-benchmark 7.0.15 and 7.2.6.

use hdrhistogram::Histogram;

const MICROS_MIN: u64 = 10;
const MICROS_MAX: u64 = 3_000_000;
/// Steps of the cumulative distribution, and the value above which they are large.
const STEP_MICROS: u64 = 100;
const LARGE_STEP_MICROS: u64 = 1_000;
const LARGE_STEP_FROM_MICROS: u64 = 2_000;

/// Latencies of one test, or one thread's share of them.
#[derive(Clone, Debug)]
pub(crate) struct Latencies {
    histogram: Histogram<u64>,
}

/// A line of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share {
    pub(crate) percent: f64,
    /// So many replies took no longer than that.
    pub(crate) millis: f64,
    pub(crate) count: u64,
}

/// The figures of the summary, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) mean: f64,
    pub(crate) min: f64,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Latencies {
    /// None yet; told with so many significant digits.
    pub(crate) fn new(digits: u8) -> Self {
        let histogram = Histogram::new_with_bounds(MICROS_MIN, MICROS_MAX, digits);
        Self { histogram: histogram.expect("0 to 4 digits and these bounds are allowed") }
    }

    /// So many replies took so long.
    pub(crate) fn record(&mut self, micros: u64, count: u64) {
        self.histogram.saturating_record_n(micros.min(MICROS_MAX), count);
    }

    /// Adds another thread's.
    pub(crate) fn add(&mut self, other: &Self) {
        let added = self.histogram.add(&other.histogram);
        added.expect("both have the same bounds");
    }

    /// Buckets that hold something: their highest values and the count up to and with them.
    fn buckets(&self) -> Vec<(u64, u64)> {
        let mut count = 0;
        let recorded = self.histogram.iter_recorded();
        let buckets = recorded.map(|bucket| {
            count += bucket.count_at_value();
            (self.histogram.highest_equivalent(bucket.value_iterated_to()), count)
        });
        buckets.collect()
    }

    /// The distribution by percentiles: 0, 50, 75, 87.5, ... 100 %.
    pub(crate) fn by_percentile(&self) -> Vec<Share> {
        let total = self.histogram.len();
        let (mut shares, mut percent) = (Vec::new(), 0.0);
        for (micros, count) in self.buckets() {
            let reached = 100.0 * count as f64 / total as f64;
            let share = Share { percent, millis: millis(micros), count };
            if percent <= reached {
                shares.push(share);
            }
            if count == total {
                shares.push(Share { percent: 100.0, ..share });
                break;
            }
            while percent <= reached {
                percent = next_percent(percent);
            }
        }
        shares
    }

    /// The cumulative distribution, without steps in which nothing is added.
    pub(crate) fn cumulative(&self) -> Vec<Share> {
        let (total, buckets) = (self.histogram.len(), self.buckets());
        let (mut shares, mut at, mut level, mut step) = (Vec::new(), 0, 0, STEP_MICROS);
        let (mut counted, mut shown) = (0, None);
        while counted < total {
            level += step;
            let highest = self.histogram.highest_equivalent(level);
            while let Some(&(micros, count)) = buckets.get(at).filter(|bucket| bucket.0 <= highest)
            {
                debug_assert!(micros <= highest);
                (at, counted) = (at + 1, count);
            }
            if shown != Some(counted) {
                let percent = counted as f64 / total as f64 * 100.0;
                shares.push(Share { percent, millis: millis(highest), count: counted });
                shown = Some(counted);
            }
            // The step that leads beyond the bound is still a short one.
            if level > LARGE_STEP_FROM_MICROS {
                step = LARGE_STEP_MICROS;
            }
        }
        shares
    }

    /// The figures below the distributions.
    pub(crate) fn summary(&self) -> Summary {
        let buckets = self.buckets();
        let total = self.histogram.len();
        let percentile = |percent: f64| {
            let wanted = ((percent / 100.0 * total as f64 + 0.5) as u64).max(1);
            let bucket = buckets.iter().find(|bucket| bucket.1 >= wanted);
            millis(bucket.map_or(0, |bucket| bucket.0))
        };
        let middles = self.histogram.iter_recorded().map(|bucket| {
            let middle = self.histogram.median_equivalent(bucket.value_iterated_to());
            middle as f64 * bucket.count_at_value() as f64
        });
        Summary {
            mean: middles.sum::<f64>() / total as f64 / 1_000.0,
            min: millis(self.histogram.min()),
            p50: percentile(50.0),
            p95: percentile(95.0),
            p99: percentile(99.0),
            max: millis(self.histogram.max()),
        }
    }
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

/// Half way from here to 100 %.
fn next_percent(percent: f64) -> f64 {
    let halvings = (100.0 / (100.0 - percent)).log2().floor() + 1.0;
    percent + 100.0 / halvings.exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latencies(recorded: &[(u64, u64)]) -> Latencies {
        let mut latencies = Latencies::new(3);
        recorded.iter().for_each(|&(micros, count)| latencies.record(micros, count));
        latencies
    }

    fn shown(shares: &[Share]) -> Vec<String> {
        let line =
            |share: &Share| format!("{:.3} {:.3} {}", share.percent, share.millis, share.count);
        shares.iter().map(line).collect()
    }

    /// As redis-benchmark 7.2.6 showed it for ten requests of 15 (1), 23 (4), 31 (4) and 39 µs (1).
    #[test]
    fn percentiles_of_a_short_run() {
        let latencies = latencies(&[(9, 1), (17, 4), (25, 4), (33, 1)]);
        let expected = [
            "0.000 0.015 1",
            "50.000 0.023 5",
            "75.000 0.031 9",
            "93.750 0.039 10",
            "100.000 0.039 10",
        ];
        assert_eq!(shown(&latencies.by_percentile()), expected);
        assert_eq!(shown(&latencies.cumulative()), ["100.000 0.103 10"]);
        let summary = latencies.summary();
        assert_eq!((summary.min, summary.p50, summary.p95), (0.008, 0.023, 0.039));
        assert_eq!((summary.p99, summary.max), (0.039, 0.039));
        // (12 + 4 * 20 + 4 * 28 + 36) / 10
        assert_eq!(format!("{:.3}", summary.mean), "0.024");
    }

    #[test]
    fn percentiles_halve_the_distance() {
        let mut percent = 0.0;
        for expected in [50.0, 75.0, 87.5, 93.75, 96.875, 98.4375] {
            percent = next_percent(percent);
            assert_eq!(percent, expected);
        }
    }

    #[test]
    fn steps_grow_beyond_two_milliseconds() {
        let latencies =
            latencies(&[(50, 10), (150, 20), (1_000, 30), (2_050, 20), (2_500, 10), (7_000, 10)]);
        assert_eq!(
            shown(&latencies.cumulative()),
            [
                "10.000 0.103 10",
                "30.000 0.207 30",
                "60.000 1.007 60",
                "80.000 2.103 80",
                "90.000 3.103 90",
                "100.000 7.103 100",
            ]
        );
    }

    #[test]
    fn a_first_step_without_replies_is_shown() {
        assert_eq!(
            shown(&latencies(&[(450, 2)]).cumulative()),
            ["0.000 0.103 0", "100.000 0.503 2"]
        );
    }

    #[test]
    fn beyond_the_bounds() {
        let latencies = latencies(&[(0, 1), (10_000_000, 1)]);
        let summary = latencies.summary();
        assert_eq!(summary.min, 0.0);
        assert!((3_000.0..3_002.0).contains(&summary.max), "{}", summary.max);
        assert_eq!(latencies.cumulative().last().map(|share| share.count), Some(2));
    }

    #[test]
    fn threads_are_added() {
        let mut sum = latencies(&[(100, 3)]);
        sum.add(&latencies(&[(200, 1)]));
        assert_eq!(sum.cumulative().last().map(|share| share.count), Some(4));
    }

    #[test]
    fn every_precision_works() {
        for digits in 0..=4 {
            let mut latencies = Latencies::new(digits);
            latencies.record(1_234, 5);
            assert!((1.2..2.1).contains(&latencies.summary().max), "{digits}");
        }
    }
}
