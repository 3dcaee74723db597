//! Replicas that are too slow for the walk that others share with them.
//!
//! A walk goes on as fast as the slowest of its targets. One that takes less than `snapshot-min-rate`
//! for [`WINDOW_US`], while others wait for it all the time, gets the rest from a temporary file
//! ([`SnapshotControl::detour`](crate::snapshot::SnapshotControl::detour)): for the others the snapshot
//! is complete when they have it. Others are the other targets of the walk, and whatever is due and
//! cannot begin before it has ended.

use dunlin_config::Config;
use dunlin_stdx::time::{Monotonic, Now};

use super::Persistence;
use super::walk::{Role, Walk};
use crate::snapshot::Pace;

/// How long a replica may be slow.
const WINDOW_US: u64 = 3_000_000;

/// How fast the replicas of a walk are, by the numbers of their targets.
#[derive(Debug, Default)]
pub(super) struct Rates(Vec<Option<Window>>);

/// Since when others wait for a target, and what it had taken then.
#[derive(Clone, Copy, Debug)]
struct Window {
    began: Monotonic,
    taken_bytes: u64,
}

impl Rates {
    /// Takes note of what a target has taken while others wait for it; whether it has been too slow.
    fn is_too_slow(&mut self, target: usize, taken_bytes: u64, min_rate: u64, now: Now) -> bool {
        let now = now.monotonic;
        if self.0.len() <= target {
            self.0.resize(target + 1, None);
        }
        let window = self.0[target].get_or_insert(Window { began: now, taken_bytes });
        let took_us = now.since_us(window.began);
        if took_us < WINDOW_US {
            return false;
        }
        let bytes = u128::from(taken_bytes - window.taken_bytes);
        let is_slow = bytes * 1_000_000 < u128::from(min_rate) * u128::from(took_us);
        *window = Window { began: now, taken_bytes };
        is_slow
    }

    /// Nobody waits for a target.
    fn forget(&mut self, target: usize) {
        if let Some(window) = self.0.get_mut(target) {
            *window = None;
        }
    }
}

impl Persistence {
    /// Periodic work on the walk under way.
    pub(super) fn tend_walk(&mut self, config: &Config, now: Now) {
        let min_rate = config.persistence.snapshot_min_rate;
        let is_due = self.is_anything_due(config, now);
        let Some(walk) = &mut self.walk else { return };
        if let Some(why) = walk.control.take_spill_failure() {
            self.journal.warning(format!("{why}. Clients that change data wait for the snapshot."));
        }
        if min_rate == 0 {
            return;
        }
        let outlets: Vec<usize> = walk.targets(Role::Outlet).collect();
        for target in outlets {
            if !is_waited_for(walk, target, is_due) {
                walk.rates.forget(target);
                continue;
            }
            let taken_bytes = walk.control.taken_bytes(target);
            if walk.rates.is_too_slow(target, taken_bytes, min_rate, now) {
                walk.control.detour(target);
                self.journal.notice(format!(
                    "A replica takes less than {min_rate} bytes of the snapshot in a second while \
                     others wait: it gets the rest from a temporary file"
                ));
            }
        }
    }

    /// Whether something waits for the walk to end.
    fn is_anything_due(&self, config: &Config, now: Now) -> bool {
        self.saves.is_scheduled
            || self.log.status.is_rewrite_scheduled
            || self.is_sync_wanted
            || self.save_point_reached(config, self.changes_noted, now).is_some()
    }
}

/// Whether others wait for a target to take what there is.
fn is_waited_for(walk: &Walk, target: usize, is_anything_due: bool) -> bool {
    let has_others = || {
        let others = (0..walk.targets_len()).filter(|other| *other != target);
        others.into_iter().any(|other| walk.control.pace(other) == Pace::CaughtUp)
    };
    walk.control.pace(target) == Pace::Behind && (is_anything_due || has_others())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Now {
        Now { unix_us: 0, monotonic: Monotonic(ms * 1000) }
    }

    #[test]
    fn a_target_is_too_slow_after_a_whole_window() {
        let mut rates = Rates::default();
        for ms in (0..3000).step_by(100) {
            assert!(!rates.is_too_slow(1, 5_000_000 + ms * 900, 1_000_000, at(ms)), "{ms}");
        }
        assert!(rates.is_too_slow(1, 5_000_000 + 3000 * 900, 1_000_000, at(3000)));
    }

    #[test]
    fn one_that_is_fast_enough_begins_another_window() {
        let mut rates = Rates::default();
        let mut check = |ms, taken, expected| {
            assert_eq!(rates.is_too_slow(0, taken, 1000, at(ms)), expected, "{ms}");
        };
        check(0, 0, false);
        check(3000, 3000, false);
        check(5999, 3001, false);
        check(6000, 3001, true);
    }

    #[test]
    fn time_in_which_nobody_waits_does_not_count() {
        let mut rates = Rates::default();
        assert!(!rates.is_too_slow(0, 0, 1000, at(0)));
        rates.forget(0);
        assert!(!rates.is_too_slow(0, 0, 1000, at(3000)));
        assert!(rates.is_too_slow(0, 0, 1000, at(6000)));
    }
}
