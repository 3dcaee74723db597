//! How run times spread: counts in buckets whose width grows with the value.
//!
//! Each power of two is divided into 128 buckets, so a value is known to two significant digits,
//! and recording one takes a leading-zero count, a shift and an addition. Only the buckets up to
//! the highest value seen take memory: 4 to 6 KB for a command of a few microseconds.
//!
//! The layout is that of HdrHistogram with two significant digits, and so are the percentiles. The
//! crate of that name is not used because this stands on the path of every command: it took 5 ns to
//! record a value where this takes 2 to 3 (values of 0.2 to 3 µs in a loop), and 24 KB each.

/// Values below this have a bucket of their own each.
const EXACT_BITS: u32 = 8;

/// Buckets in each power of two above.
const HALF: usize = 1 << (EXACT_BITS - 1);

/// Longer runs count as this long: one second.
const NS_MAX: u64 = 1_000_000_000;

/// Counts of values, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    counts: Vec<u64>,
}

impl Histogram {
    /// Counts a value. Zero counts as one, more than a second as a second.
    #[inline]
    pub fn record(&mut self, ns: u64) {
        let bucket = bucket(ns.clamp(1, NS_MAX));
        match self.counts.get_mut(bucket) {
            Some(count) => *count += 1,
            None => self.grow_and_count(bucket),
        }
    }

    #[cold]
    fn grow_and_count(&mut self, bucket: usize) {
        self.counts.reserve_exact((bucket + 1).next_multiple_of(HALF) - self.counts.len());
        self.counts.resize((bucket + 1).next_multiple_of(HALF), 0);
        self.counts[bucket] = 1;
    }

    /// Whether nothing was counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Number of values counted. O(buckets).
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The value that `percentile` percent (0 to 100) of all values do not exceed, in nanoseconds:
    /// the highest one of its bucket. Zero if nothing was counted. O(buckets).
    #[must_use]
    pub fn percentile(&self, percentile: f64) -> u64 {
        let share = percentile.clamp(0.0, 100.0) / 100.0 * self.total() as f64;
        let wanted = ((share + 0.5) as u64).max(1);
        let mut seen = 0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return highest(bucket);
            }
        }
        0
    }

    /// Number of values up to each power of two of about a microsecond (1,024 ns, 2,048 ns...): the
    /// highest value of the step in nanoseconds, and the count of all values up to it. Steps that
    /// add nothing are left out. O(buckets).
    #[must_use]
    pub fn cumulative(&self) -> Vec<(u64, u64)> {
        let mut steps = Vec::new();
        let mut seen = 0;
        let mut reported = 0;
        let mut edge = bucket(1024);
        for (at, &count) in self.counts.iter().enumerate() {
            seen += count;
            if at == edge {
                if seen > reported {
                    steps.push((highest(at), seen));
                    reported = seen;
                }
                edge += HALF;
            }
        }
        if seen > reported {
            steps.push((highest(edge), seen));
        }
        steps
    }
}

/// The bucket of a value: values below 256 have their own, above each power of two has 128.
#[inline]
const fn bucket(ns: u64) -> usize {
    let shift = (ns | (2 * HALF as u64 - 1)).ilog2() + 1 - EXACT_BITS;
    shift as usize * HALF + (ns >> shift) as usize
}

/// The highest value that falls into a bucket.
const fn highest(bucket: usize) -> u64 {
    let shift = (bucket / HALF).saturating_sub(1);
    let first = ((bucket - shift * HALF) as u64) << shift;
    first + (1 << shift) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for &value in values {
            histogram.record(value);
        }
        histogram
    }

    #[test]
    fn steps_are_powers_of_two_of_a_microsecond() {
        let micros: Vec<u64> = (0..21).map(|power| 1000 << power).collect();
        let steps = histogram(&micros).cumulative();
        let shown: Vec<u64> = steps.iter().map(|(ns, _)| ns / 1000).take(12).collect();
        assert_eq!(shown, [1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113]);
        assert_eq!(steps.last().map(|(_, count)| *count), Some(21));
        assert!(histogram(&[]).cumulative().is_empty());
    }

    #[test]
    fn steps_that_add_nothing_are_left_out() {
        let steps = histogram(&[500, 500, 40_000]).cumulative();
        assert_eq!(steps, [(1031, 2), (66_047, 3)]);
    }

    #[test]
    fn percentiles_are_the_highest_value_of_their_bucket() {
        let values: Vec<u64> = (1..=100).map(|n| n * 1000).collect();
        let histogram = histogram(&values);
        assert_eq!(histogram.percentile(50.0), 50_175);
        assert_eq!(histogram.percentile(100.0), 100_351);
        assert_eq!(histogram.percentile(0.0), 1003);
        assert_eq!(Histogram::default().percentile(50.0), 0);
    }

    proptest! {
        #[test]
        fn a_bucket_holds_its_values_to_two_digits(ns in 1..=NS_MAX) {
            let top = highest(bucket(ns));
            prop_assert!(top >= ns);
            prop_assert!(top - ns <= ns / 100, "{} in {}", ns, top);
            prop_assert_eq!(bucket(top), bucket(ns));
            prop_assert_eq!(bucket(top + 1), bucket(ns) + 1);
        }

        #[test]
        fn nothing_gets_lost(values in prop::collection::vec(any::<u64>(), 0..100)) {
            let histogram = histogram(&values);
            prop_assert_eq!(histogram.total(), values.len() as u64);
            let last = histogram.cumulative().last().map_or(0, |(_, count)| *count);
            prop_assert_eq!(last, values.len() as u64);
        }
    }
}
