//! The 24-bit access clock of an entry: seconds of last use (LRU) or minutes and a logarithmic
//! counter (LFU).
//!
//! Source: Redis documentation, "Key eviction", sections on approximated LRU and the LFU mode.

use dunlin_stdx::time::UnixMs;
use dunlin_values::{AccessHint, Entry};
use fastrand::Rng;

/// Bits of the clock.
const CLOCK_MASK: u32 = 0x00ff_ffff;

/// Counter of a key that was just created: not the first to go, not among the hot ones.
const LFU_INIT: u32 = 5;

/// What the clock of an entry means; it follows `maxmemory-policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessPolicy {
    /// Seconds of last use, modulo 2^24 (194 days).
    Lru,
    /// Sixteen bits of minutes since the last decrement, eight bits of logarithmic counter.
    Lfu {
        /// `lfu-log-factor`: how many hits saturate the counter.
        log_factor: u32,
        /// `lfu-decay-time`: minutes after which the counter loses one; 0 means never.
        decay_minutes: u32,
    },
}

/// Turns "this key is used now" into a clock value.
#[derive(Clone, Copy, Debug)]
pub struct AccessClock {
    policy: AccessPolicy,
    seconds: u32,
    minutes: u32,
    /// Whether files keep how keys were used: where eviction goes by it.
    is_kept: bool,
}

impl AccessClock {
    /// A clock with the given policy, at the epoch until [`AccessClock::set_now`] is called.
    #[must_use]
    pub const fn new(policy: AccessPolicy) -> Self {
        Self { policy, seconds: 0, minutes: 0, is_kept: false }
    }

    /// The policy in force.
    #[must_use]
    pub const fn policy(&self) -> AccessPolicy {
        self.policy
    }

    /// Changes the policy; clocks of existing entries are read under the new meaning from now on,
    /// as in Redis.
    pub const fn set_policy(&mut self, policy: AccessPolicy) {
        self.policy = policy;
    }

    /// Says whether files keep how keys were used.
    pub const fn set_kept(&mut self, is_kept: bool) {
        self.is_kept = is_kept;
    }

    /// How an entry was used, as files keep it.
    #[must_use]
    pub fn hint(&self, entry: &Entry) -> AccessHint {
        let clock = entry.clock();
        match self.policy {
            _ if !self.is_kept => AccessHint::None,
            AccessPolicy::Lru => AccessHint::IdleSeconds(self.idle_seconds(clock).into()),
            AccessPolicy::Lfu { .. } => AccessHint::Frequency(self.frequency(clock) as u8),
        }
    }

    /// Takes the time of this turn.
    pub const fn set_now(&mut self, now: UnixMs) {
        let seconds = now.seconds();
        self.seconds = (seconds & CLOCK_MASK as i64) as u32;
        self.minutes = ((seconds / 60) & 0xffff) as u32;
    }

    /// The clock of a key that is created now.
    #[must_use]
    pub const fn initial(&self) -> u32 {
        match self.policy {
            AccessPolicy::Lru => self.seconds,
            AccessPolicy::Lfu { .. } => (self.minutes << 8) | LFU_INIT,
        }
    }

    /// The `lru_clock` INFO shows: seconds modulo 2^24.
    #[must_use]
    pub const fn lru_seconds(&self) -> u32 {
        self.seconds
    }

    /// The clock of a key that was used as `hint` says.
    #[must_use]
    pub fn clock_of(&self, hint: AccessHint) -> u32 {
        match (hint, self.policy) {
            (AccessHint::IdleSeconds(idle), AccessPolicy::Lru) => {
                // Modulo 2^24, as the clock itself: what is longer ago looks more recent.
                self.seconds.wrapping_sub(idle.min(u64::from(CLOCK_MASK)) as u32) & CLOCK_MASK
            }
            (AccessHint::Frequency(counter), AccessPolicy::Lfu { .. }) => {
                (self.minutes << 8) | u32::from(counter)
            }
            _ => self.initial(),
        }
    }

    /// Marks an entry as used now.
    #[inline]
    pub fn touch(&self, entry: &Entry, rng: &mut Rng) {
        match self.policy {
            AccessPolicy::Lru => entry.set_clock(self.seconds),
            AccessPolicy::Lfu { log_factor, .. } => {
                let counter = increment(self.frequency(entry.clock()), log_factor, rng);
                entry.set_clock((self.minutes << 8) | counter);
            }
        }
    }

    /// Seconds since the last use (OBJECT IDLETIME) of an entry with this clock, under the LRU
    /// policy.
    #[must_use]
    pub const fn idle_seconds(&self, clock: u32) -> u32 {
        self.seconds.wrapping_sub(clock) & CLOCK_MASK
    }

    /// The decayed counter (OBJECT FREQ) of an entry with this clock, under the LFU policy.
    #[must_use]
    pub fn frequency(&self, clock: u32) -> u32 {
        let AccessPolicy::Lfu { decay_minutes, .. } = self.policy else { return 0 };
        let (since, counter) = (clock >> 8, clock & 0xff);
        let elapsed = self.minutes.wrapping_sub(since) & 0xffff;
        let lost = elapsed.checked_div(decay_minutes).unwrap_or(0);
        counter.saturating_sub(lost)
    }
}

/// One hit: the counter grows with probability 1 / (hits above the start * factor + 1).
fn increment(counter: u32, log_factor: u32, rng: &mut Rng) -> u32 {
    if counter >= 255 {
        return 255;
    }
    let base = f64::from(counter.saturating_sub(LFU_INIT));
    let chance = 1.0 / (base * f64::from(log_factor) + 1.0);
    if rng.f64() < chance { counter + 1 } else { counter }
}

#[cfg(test)]
mod tests {
    use dunlin_values::NewValue;

    use super::*;

    fn entry() -> Entry {
        Entry::new(b"k", NewValue::Int(1), None)
    }

    #[test]
    fn idle_time_survives_the_wrap_of_the_clock() {
        let mut clock = AccessClock::new(AccessPolicy::Lru);
        let entry = entry();
        clock.set_now(UnixMs(((1 << 24) - 2) * 1000));
        clock.touch(&entry, &mut Rng::with_seed(1));
        clock.set_now(UnixMs(((1 << 24) + 3) * 1000));
        assert_eq!(clock.idle_seconds(entry.clock()), 5);
    }

    #[test]
    fn lfu_counter_decays_by_minutes_and_saturates() {
        let policy = AccessPolicy::Lfu { log_factor: 0, decay_minutes: 1 };
        let mut clock = AccessClock::new(policy);
        let (entry, mut rng) = (entry(), Rng::with_seed(1));
        entry.set_clock(clock.initial());
        for _ in 0..300 {
            clock.touch(&entry, &mut rng);
        }
        assert_eq!(clock.frequency(entry.clock()), 255);
        clock.set_now(UnixMs(10 * 60_000));
        assert_eq!(clock.frequency(entry.clock()), 245);
    }
}
