//! Instants as values: whoever moves bytes reads the clock once per turn and passes [`Now`] in.
//!
//! Nothing below the shells reads a clock, so one seed replays a whole cluster and a test can
//! let a year pass in one line.

use std::ops::{Add, Sub};

/// A point of wall-clock time, in milliseconds since the Unix epoch.
///
/// Signed, because clients may name deadlines before 1970 and they must compare correctly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMs(pub i64);

impl UnixMs {
    /// Whole seconds since the Unix epoch, rounded towards minus infinity.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl Add<i64> for UnixMs {
    type Output = Self;

    fn add(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

impl Sub for UnixMs {
    type Output = i64;

    fn sub(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A point on a clock that never goes back, in microseconds since an arbitrary start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(pub u64);

impl Monotonic {
    /// Microseconds from `earlier` to this instant; zero if `earlier` is later.
    #[must_use]
    pub const fn since_us(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant, `us` microseconds later.
    #[must_use]
    pub const fn plus_us(self, us: u64) -> Self {
        Self(self.0.saturating_add(us))
    }
}

/// Both clocks, read together: what "now" means to a state machine for the length of one turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Wall clock, microseconds since the Unix epoch (TIME shows microseconds).
    pub unix_us: i64,
    /// Monotonic clock, for durations and timers.
    pub monotonic: Monotonic,
}

impl Now {
    /// Wall clock in milliseconds: the unit of deadlines.
    #[must_use]
    pub const fn unix_ms(self) -> UnixMs {
        UnixMs(self.unix_us.div_euclid(1000))
    }
}

/// Where time comes from, for the one place that must read it inside a turn: the engine takes the
/// time again after a command that ran long, else a pipelined `SET k v PX 100` after a slow KEYS
/// is born expired.
///
/// `ticks` is cheap (a cycle counter), `now` is a clock read; the simulator implements both from
/// its own time.
pub trait Clock {
    /// Reads both clocks.
    fn now(&self) -> Now;

    /// A cheap counter that grows at a constant rate.
    fn ticks(&self) -> u64;

    /// Microseconds between two values of [`Clock::ticks`].
    fn ticks_to_us(&self, ticks: u64) -> u64;
}
