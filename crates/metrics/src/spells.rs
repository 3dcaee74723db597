//! How long a condition has held, with interruptions.

use dunlin_stdx::time::Monotonic;

/// The spells during which a condition held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spells {
    /// Sum of those that are over, in microseconds.
    over_us: u64,
    /// Begin of the present one.
    since: Option<Monotonic>,
}

impl Spells {
    /// The condition holds now.
    pub fn begin(&mut self, now: Monotonic) {
        self.since.get_or_insert(now);
    }

    /// The condition does not hold any more.
    pub const fn end(&mut self, now: Monotonic) {
        self.over_us += self.current_us(now);
        self.since = None;
    }

    /// Whether the condition holds.
    #[must_use]
    #[inline]
    pub const fn is_ongoing(&self) -> bool {
        self.since.is_some()
    }

    /// How long the present spell has lasted, in microseconds; 0 without one.
    #[must_use]
    pub const fn current_us(&self, now: Monotonic) -> u64 {
        match self.since {
            Some(since) => now.since_us(since),
            None => 0,
        }
    }

    /// All spells together, in microseconds.
    #[must_use]
    pub const fn total_us(&self, now: Monotonic) -> u64 {
        self.over_us + self.current_us(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_add_up() {
        let mut spells = Spells::default();
        spells.end(Monotonic(5));
        spells.begin(Monotonic(10));
        spells.begin(Monotonic(12));
        assert_eq!((spells.current_us(Monotonic(15)), spells.total_us(Monotonic(15))), (5, 5));
        spells.end(Monotonic(20));
        assert!(!spells.is_ongoing());
        spells.begin(Monotonic(100));
        assert_eq!((spells.current_us(Monotonic(101)), spells.total_us(Monotonic(101))), (1, 11));
    }
}
