//! Which offset the stream had when: what a replica will want that is away for some time.

use std::collections::VecDeque;

use dunlin_stdx::time::Monotonic;

/// A replica that restarts, or whose network fails for a moment, is back within this time.
const RETURN_US: u64 = 5_000_000;

/// How much longer than the longest full synchronisation the stream is kept: a replica that loses its
/// link at the end of one, or that restarts and loads as much, needs a partial one only.
const MARGIN: u64 = 2;

/// No window is longer: one mark a second is kept for it.
const WINDOW_US_MAX: u64 = 3_600_000_000;

/// Offsets of the stream with their times, for the window in which replicas come back.
#[derive(Debug)]
pub(crate) struct RecentOffsets {
    /// Oldest first; the first one is as old as the window or older, where there is one so old.
    marks: VecDeque<(Monotonic, u64)>,
    window_us: u64,
}

impl RecentOffsets {
    pub(crate) const fn new() -> Self {
        Self { marks: VecDeque::new(), window_us: RETURN_US }
    }

    /// Takes the offset of a moment, about once a second.
    pub(crate) fn note(&mut self, now: Monotonic, offset: u64) {
        if self.marks.back().is_some_and(|(_, last)| offset < *last) {
            self.marks.clear(); // another history
        }
        self.marks.push_back((now, offset));
        while self.marks.get(1).is_some_and(|(time, _)| now.since_us(*time) >= self.window_us) {
            self.marks.pop_front();
        }
    }

    /// A full synchronisation took so long: the next one may, too.
    pub(crate) fn synced_fully(&mut self, took_us: u64) {
        let window_us = took_us.saturating_mul(MARGIN).min(WINDOW_US_MAX);
        self.window_us = self.window_us.max(window_us);
    }

    /// The offset at the beginning of the window; `None` as long as no offset was noted.
    pub(crate) fn first(&self) -> Option<u64> {
        self.marks.front().map(|(_, offset)| *offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn second(n: u64) -> Monotonic {
        Monotonic(n * 1_000_000)
    }

    #[test]
    fn the_window_covers_a_return_and_twice_a_full_synchronisation() {
        let mut recent = RecentOffsets::new();
        assert_eq!(recent.first(), None);
        for n in 1..=20 {
            recent.note(second(n), n * 100);
        }
        assert_eq!(recent.first(), Some(1500));
        recent.synced_fully(4_000_000);
        for n in 21..=40 {
            recent.note(second(n), n * 100);
        }
        assert_eq!(recent.first(), Some(3200));
        // A shorter one changes nothing.
        recent.synced_fully(1_000_000);
        recent.note(second(41), 4100);
        assert_eq!(recent.first(), Some(3300));
        // Another history begins: its offsets alone count.
        recent.note(second(42), 7);
        assert_eq!(recent.first(), Some(7));
    }
}
