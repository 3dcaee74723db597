//! From a cycle counter to nanoseconds, without a division.

use dunlin_stdx::time::Clock;

/// The span over which the counter's rate is asked for: 6 minutes at 3 GHz, so that the
/// microseconds it is told in are exact to 3 parts in a billion.
const SPAN_BITS: u32 = 40;

/// The rate of a [`Clock`]'s tick counter.
///
/// Each command takes one reading of the counter and one of these conversions: a multiplication and
/// a shift instead of a call through the clock.
#[derive(Clone, Copy, Debug)]
pub struct TickScale {
    ns_per_span: u64,
}

impl TickScale {
    /// The scale of this clock.
    #[must_use]
    pub fn of(clock: &dyn Clock) -> Self {
        Self { ns_per_span: clock.ticks_to_us(1 << SPAN_BITS).saturating_mul(1000) }
    }

    /// Nanoseconds in `ticks`.
    #[must_use]
    #[inline]
    pub const fn ns(self, ticks: u64) -> u64 {
        ((ticks as u128 * self.ns_per_span as u128) >> SPAN_BITS) as u64
    }
}

#[cfg(test)]
mod tests {
    use dunlin_stdx::time::Now;

    use super::*;

    struct Counter {
        ticks_per_ms: u64,
    }

    impl Clock for Counter {
        fn now(&self) -> Now {
            Now::default()
        }

        fn ticks(&self) -> u64 {
            0
        }

        fn ticks_to_us(&self, ticks: u64) -> u64 {
            (u128::from(ticks) * 1000 / u128::from(self.ticks_per_ms)) as u64
        }
    }

    #[test]
    fn a_second_is_a_second_at_any_rate() {
        for ticks_per_ms in [1_000, 1_000_000, 2_394_000, 3_000_000] {
            let scale = TickScale::of(&Counter { ticks_per_ms });
            let second = scale.ns(ticks_per_ms * 1000);
            assert!(second.abs_diff(1_000_000_000) <= 10, "{ticks_per_ms}: {second}");
            assert_eq!(scale.ns(0), 0);
        }
    }
}
