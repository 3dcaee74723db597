//! How long syncs of the append-only file take.

/// Syncs that are looked at: few enough to follow a disk that becomes slow within some of them, and
/// more than a hiccup lasts.
const SYNCS: usize = 7;

/// What the last syncs took, in microseconds.
///
/// One that was handed to another thread counts with the time until its end was heard. That is more
/// than the disk needed, so syncs that seem short are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SyncPace {
    took_us: [u64; SYNCS],
    /// Syncs so far.
    count: usize,
}

impl SyncPace {
    /// A sync has ended.
    pub(super) const fn note(&mut self, took_us: u64) {
        self.took_us[self.count % SYNCS] = took_us;
        self.count += 1;
    }

    /// The last one.
    pub(super) const fn last_us(&self) -> u64 {
        if self.count == 0 { 0 } else { self.took_us[(self.count - 1) % SYNCS] }
    }

    /// What half of the last ones took at most; `None` while there are too few.
    pub(super) fn usual_us(&self) -> Option<u64> {
        let mut took_us = self.took_us;
        let (_, median, _) = took_us.select_nth_unstable(SYNCS / 2);
        (self.count >= SYNCS).then_some(*median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hiccup_changes_nothing_and_a_slow_disk_is_noticed() {
        let mut pace = SyncPace::default();
        (0..SYNCS - 1).for_each(|_| pace.note(200));
        assert_eq!((pace.usual_us(), pace.last_us()), (None, 200));
        pace.note(9000);
        assert_eq!((pace.usual_us(), pace.last_us()), (Some(200), 9000));
        pace.note(8000);
        pace.note(8000);
        assert_eq!(pace.usual_us(), Some(200));
        pace.note(8000);
        assert_eq!(pace.usual_us(), Some(8000));
        (0..SYNCS / 2 + 1).for_each(|_| pace.note(300));
        assert_eq!(pace.usual_us(), Some(300));
    }
}
