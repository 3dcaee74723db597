//! When the append-only file is synced, and on which thread (`appendfsync always`).
//!
//! Handing a sync to another thread lets everything go on meanwhile, and costs two changes of threads.
//! Where syncs are short and nobody is there to be served meanwhile, the command thread does better to
//! sync by itself: nobody is there when all clients wait for their replies, or when a turn has brought
//! no input. So a turn is made without waiting first, and those whom it brings join the group.

use dunlin_stdx::time::Monotonic;

/// Longest wait for more clients to join a sync, in microseconds.
const JOIN_US_MAX: u64 = 2000;

/// A sync that takes no longer, in microseconds, is not worth waiting for others.
const QUICK_SYNC_US: u64 = 300;

/// Who is there when a turn ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Present {
    /// Connections whose output waits for a sync.
    pub(crate) waiting: usize,
    /// All connections.
    pub(crate) connections: usize,
    /// The turn has brought input.
    pub(crate) had_input: bool,
}

/// What is to be done about a sync that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Sync on this thread.
    Here,
    /// Let the log's job sync.
    Beside,
    /// Not yet: ask again at the end of the next turn, which begins by [`SyncGroup::due_at`].
    Later,
}

/// When to begin the next sync, so that one serves as many clients as possible.
///
/// Clients that wait for their replies send the next request when they have them. Were the next sync
/// begun as soon as the last one has ended, they would fall into two groups that wait for each other's
/// syncs, each served every second time. So the next sync waits until as many are there as were served
/// by the last one or waited behind it, but only a quarter of the time that a sync takes. While a sync
/// is under way everything goes on as usual.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SyncGroup {
    clients: usize,
    due_at: Monotonic,
    /// Since when a sync is put off because turns bring input.
    put_off: Option<Monotonic>,
}

impl SyncGroup {
    /// A sync has ended that took `took_us`; `waiting` clients waited for it or for the next one.
    pub(crate) fn synced(&mut self, waiting: usize, took_us: u64, now: Monotonic) {
        self.clients = waiting;
        self.put_off = None;
        let wait_us = if took_us > QUICK_SYNC_US { (took_us / 4).min(JOIN_US_MAX) } else { 0 };
        self.due_at = now.plus_us(wait_us);
    }

    /// What to do about a sync that is wanted and that this thread must leave to the job.
    #[inline]
    pub(crate) fn beside(&mut self, present: Present, now: Monotonic) -> Verdict {
        self.put_off = None;
        let is_due = present.waiting >= self.clients || now >= self.due_at;
        if is_due { Verdict::Beside } else { Verdict::Later }
    }

    /// What to do about a sync that is wanted and usually takes `usual_us`, if this thread may do it.
    ///
    /// As long as turns bring input others can be served, and those who wait do so for as long as a sync
    /// takes at most; then the job has to do it.
    pub(crate) fn here(&mut self, present: Present, usual_us: u64, now: Monotonic) -> Verdict {
        let Present { waiting, connections, had_input } = present;
        if !had_input || waiting >= connections {
            self.put_off = None;
            return Verdict::Here;
        }
        let since = *self.put_off.get_or_insert(now);
        if now.since_us(since) < usual_us {
            return Verdict::Later;
        }
        self.put_off = None;
        Verdict::Beside
    }

    /// When the turn is to begin at the latest that asks again.
    pub(crate) const fn due_at(&self) -> Monotonic {
        match self.put_off {
            // Without waiting: it shows whether somebody is there.
            Some(_) => Monotonic(0),
            None => self.due_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present(waiting: usize, had_input: bool) -> Present {
        Present { waiting, connections: 50, had_input }
    }

    #[test]
    fn the_next_sync_waits_for_those_that_the_last_one_served() {
        let mut group = SyncGroup::default();
        let beside = |group: &mut SyncGroup, waiting, now| {
            group.beside(present(waiting, true), Monotonic(now))
        };
        assert_eq!(beside(&mut group, 1, 0), Verdict::Beside);
        group.synced(50, 4000, Monotonic(10_000));
        assert_eq!(beside(&mut group, 49, 10_999), Verdict::Later);
        assert_eq!(group.due_at(), Monotonic(11_000));
        assert_eq!(beside(&mut group, 50, 10_001), Verdict::Beside);
        assert_eq!(beside(&mut group, 1, 11_000), Verdict::Beside);
        group.synced(50, 100, Monotonic(20_000));
        assert_eq!(beside(&mut group, 1, 20_000), Verdict::Beside);
    }

    #[test]
    fn this_thread_syncs_when_nobody_else_is_there() {
        let mut group = SyncGroup::default();
        assert_eq!(group.here(present(1, false), 200, Monotonic(0)), Verdict::Here);
        assert_eq!(group.here(present(50, true), 200, Monotonic(0)), Verdict::Here);
        assert_eq!(group.here(present(49, true), 200, Monotonic(0)), Verdict::Later);
        assert_eq!(group.due_at(), Monotonic(0));
        assert_eq!(group.here(present(49, false), 200, Monotonic(9)), Verdict::Here);
    }

    #[test]
    fn those_who_wait_do_not_wait_for_an_endless_stream_of_others() {
        let mut group = SyncGroup::default();
        assert_eq!(group.here(present(1, true), 200, Monotonic(1000)), Verdict::Later);
        assert_eq!(group.here(present(9, true), 200, Monotonic(1199)), Verdict::Later);
        assert_eq!(group.here(present(9, true), 200, Monotonic(1200)), Verdict::Beside);
        // The next one is put off anew.
        assert_eq!(group.here(present(9, true), 200, Monotonic(5000)), Verdict::Later);
        group.synced(9, 100, Monotonic(5100));
        assert_eq!(group.due_at(), Monotonic(5100));
    }
}
