//! The active cycle: keys whose deadline has passed go even if nobody asks for them.
//!
//! The tables know their earliest deadlines, so the cycle finds due keys without sampling. It works
//! in slices of [`SLICE_NS`]; while more is due, the next one follows after
//! [`Engine::expiry_pause_us`], so that clients are served in between.
//!
//! Source: Redis documentation, EXPIRE, section "How Redis expires keys"; the annotated redis.conf
//! of 7.2, `active-expire-effort`.
//!
//! Differs: Redis samples keys and leaves a share of expired ones; here none are left.

use crate::engine::Engine;

/// How long a slice takes, about.
const SLICE_NS: u64 = 1_000_000;

/// Candidates read between two looks at the clock.
const CANDIDATES_PER_LOOK: usize = 64;

/// Databases visited in a slice, at most: a server may have very many.
const DATABASES_PER_SLICE: u32 = 16;

impl Engine {
    /// Removes keys that are due, for one slice; returns whether there may be more.
    pub fn expire_due(&mut self) -> bool {
        if self.sessions.pause.mode().is_some() || self.replication.is_replica() {
            return false;
        }
        let begin = self.clock.ticks();
        let expired_before = self.keyspace.stats().expired;
        let count = self.keyspace.databases();
        let mut more = false;
        for _ in 0..count.min(DATABASES_PER_SLICE) {
            let db = self.expire_from;
            // The next slice begins with another database, whatever is left in this one.
            self.expire_from = (db + 1) % count;
            more = self.expire_in(db, begin);
            if more {
                break;
            }
        }
        if self.keyspace.stats().expired != expired_before {
            self.metrics.counters.expire_cycle_us += self.slice_ns(begin) / 1000;
            self.note_spike("expire-cycle", begin);
        }
        self.metrics.counters.expire_cycles_cut += u64::from(more);
        self.tell_removed();
        more
    }

    /// Expires in one database; returns whether the slice is over before the database is done.
    fn expire_in(&mut self, db: u32, begin: u64) -> bool {
        loop {
            let mut budget = CANDIDATES_PER_LOOK;
            let more = self.keyspace.expire_due(db, &mut budget);
            self.propagate_removals();
            if !more || self.slice_ns(begin) >= SLICE_NS {
                return more;
            }
        }
    }

    fn slice_ns(&self, begin: u64) -> u64 {
        self.tick_scale.ns(self.clock.ticks().wrapping_sub(begin))
    }

    /// Time from the begin of one slice to the begin of the next while keys are due, in
    /// microseconds. `active-expire-effort` shortens what is left to clients.
    #[must_use]
    pub fn expiry_pause_us(&self) -> u64 {
        let effort = u64::from(self.config.memory.active_expire_effort.clamp(1, 10));
        SLICE_NS / 1000 + 600 - 50 * effort
    }
}
