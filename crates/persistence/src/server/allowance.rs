//! How many keys a delay for each key lets pass: `rdb-key-save-delay`, `key-load-delay`.

use dunlin_stdx::time::Monotonic;

/// Longest pause before the delay is looked at again, in microseconds: it may be another one then.
const PAUSE_US_MAX: u64 = 100_000;

/// Counts keys against the time that has passed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowance {
    /// The delay that is being counted.
    delay: i32,
    /// From when on.
    since: Monotonic,
    /// Keys that had passed by then.
    keys_before: u64,
}

impl Allowance {
    /// How many keys may pass now that `keys_done` have passed, or when to ask again. A positive
    /// `delay` is microseconds for each key, a negative one keys for each microsecond; another delay
    /// than the last time counts from now on.
    pub(super) fn keys(
        &mut self,
        delay: i32,
        keys_done: u64,
        now: Monotonic,
    ) -> Result<usize, Monotonic> {
        if delay != self.delay {
            *self = Self { delay, since: now, keys_before: keys_done };
        }
        if delay == 0 {
            return Ok(usize::MAX);
        }
        let passed = keys_done.saturating_sub(self.keys_before);
        let us = now.since_us(self.since);
        let size = u64::from(delay.unsigned_abs());
        let (due, next_us) = if delay > 0 {
            (us / size, (passed + 1).saturating_mul(size))
        } else {
            (us.saturating_mul(size), (passed + 1).div_ceil(size))
        };
        match usize::try_from(due.saturating_sub(passed)) {
            Ok(0) => Err(self.since.plus_us(next_us).min(now.plus_us(PAUSE_US_MAX))),
            Ok(keys) => Ok(keys),
            Err(_) => Ok(usize::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Monotonic = Monotonic(5_000_000);

    fn at(us: u64) -> Monotonic {
        START.plus_us(us)
    }

    #[test]
    fn each_key_takes_its_time() {
        let mut allowance = Allowance::default();
        assert_eq!(allowance.keys(0, 7, START), Ok(usize::MAX));
        assert_eq!(allowance.keys(100, 7, at(0)), Err(at(100)));
        assert_eq!(allowance.keys(100, 7, at(99)), Err(at(100)));
        assert_eq!(allowance.keys(100, 7, at(350)), Ok(3));
        assert_eq!(allowance.keys(100, 10, at(350)), Err(at(400)));
        assert_eq!(allowance.keys(100, 30, at(400)), Err(at(2400)), "commands pass by the block");
    }

    #[test]
    fn another_delay_counts_from_then_on() {
        let mut allowance = Allowance::default();
        assert_eq!(allowance.keys(1_000_000, 0, START), Err(at(100_000)), "it is looked at again");
        assert_eq!(allowance.keys(0, 0, at(100_000)), Ok(usize::MAX));
        assert_eq!(allowance.keys(50, 1000, at(100_000)), Err(at(100_050)));
        assert_eq!(allowance.keys(i32::MAX, 1001, at(100_100)), Err(at(200_100)));
    }

    #[test]
    fn a_negative_delay_is_keys_for_each_microsecond() {
        let mut allowance = Allowance::default();
        assert_eq!(allowance.keys(-25, 0, START), Err(at(1)));
        assert_eq!(allowance.keys(-25, 0, at(2)), Ok(50));
        assert_eq!(allowance.keys(-25, 50, at(2)), Err(at(3)));
        assert_eq!(allowance.keys(i32::MIN, 50, at(2)), Err(at(3)));
        assert!(allowance.keys(i32::MIN, 50, at(u64::MAX / 2)).is_ok());
    }
}
