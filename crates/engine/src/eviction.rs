//! `maxmemory`: keys are removed before a command runs that would need more.
//!
//! Removing stops after a time that `maxmemory-eviction-tenacity` sets, so that a large excess
//! (`maxmemory` was lowered, say) does not hold up everybody; the rest goes turn by turn.
//!
//! Source: Redis documentation, "Key eviction"; the annotated redis.conf of 7.2,
//! `maxmemory-eviction-tenacity`. Text checked against a 7.2.6 server.

use dunlin_commands::parameters::eviction_policy;
use dunlin_commands::{Caller, CommandError};
use dunlin_keyspace::Growth;

use dunlin_resp::Reply;

use crate::engine::Engine;

const OUT_OF_MEMORY: CommandError =
    CommandError::fixed("OOM command not allowed when used memory > 'maxmemory'.");

/// Keys removed between two looks at the clock.
const KEYS_PER_LOOK: u32 = 16;

/// How an attempt to use less memory than `maxmemory` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// There is room.
    Enough,
    /// Not yet: the time was up.
    Pending,
    /// Not yet: another thread is still freeing.
    Freeing,
    /// There is nothing that may be removed.
    Nothing,
}

/// Memory is tight when less than this share of `maxmemory` is left: tables grow late then. A
/// sixty-fourth is more than all the slack a table has.
const TIGHT_SHARE: u64 = 64;

impl Engine {
    /// Makes room for a command of a client, and refuses one that needs memory when there is none.
    /// What the client is told of keys that had to go, from memory or from the table of keys that
    /// are tracked, comes before its reply.
    #[inline]
    pub(crate) fn check_memory(
        &mut self,
        caller: Caller,
        needs_memory: impl FnOnce() -> bool,
        reply: &mut Reply,
    ) -> Result<(), CommandError> {
        let maxmemory = self.config.memory.maxmemory;
        if maxmemory | self.sessions.tracking().clients() as u64 == 0 {
            return Ok(());
        }
        self.check_limits(caller, needs_memory, reply)
    }

    fn check_limits(
        &mut self,
        caller: Caller,
        needs_memory: impl FnOnce() -> bool,
        reply: &mut Reply,
    ) -> Result<(), CommandError> {
        if caller.checked_client().is_none() {
            return Ok(());
        }
        let room = if self.is_limited() { self.make_room() } else { Room::Enough };
        if self.sessions.tracking().clients() > 0 || self.keyspace.has_touched() {
            self.tell_before_command(caller, reply);
        }
        if room == Room::Nothing && needs_memory() {
            return Err(OUT_OF_MEMORY);
        }
        Ok(())
    }

    /// Whether there is a limit: for a replica only if it does not leave that to its primary
    /// (`replica-ignore-maxmemory`).
    const fn is_limited(&self) -> bool {
        let leaves_it = self.config.replication.replica_ignore_maxmemory;
        self.config.memory.maxmemory != 0 && !(leaves_it && self.replication.is_replica())
    }

    /// After changes that nobody asked leave for, those of a primary: keys go if that is too much.
    pub(crate) const fn look_after_memory(&mut self) {
        self.eviction_pending |= self.is_limited();
    }

    /// Whether keys are still to be removed: [`Engine::continue_eviction`] wants to be called.
    #[must_use]
    pub const fn is_eviction_pending(&self) -> bool {
        self.eviction_pending
    }

    /// Removes some more keys; to be called once in a turn.
    pub fn continue_eviction(&mut self) {
        self.eviction_pending = false;
        if self.is_limited() {
            self.make_room();
        }
        self.tell_removed();
    }

    /// Removes keys until less than `maxmemory` is used, as far as policy and time allow.
    #[inline]
    fn make_room(&mut self) -> Room {
        let maxmemory = self.config.memory.maxmemory;
        let used = if maxmemory == 0 { 0 } else { self.host.used_memory_bytes() };
        let tight = maxmemory > 0 && used > maxmemory - maxmemory / TIGHT_SHARE;
        self.keyspace.set_growth(if tight { Growth::Late } else { Growth::Early });
        if used <= maxmemory {
            if self.metrics.memory_exceeded.is_ongoing() {
                self.metrics.memory_exceeded.end(self.now.monotonic);
            }
            return Room::Enough;
        }
        self.evict(maxmemory)
    }

    #[cold]
    fn evict(&mut self, maxmemory: u64) -> Room {
        // While writes are paused nothing may change, nor while data is still being loaded.
        if self.is_loading() || self.sessions.pause.mode().is_some() {
            return Room::Enough;
        }
        self.metrics.memory_exceeded.begin(self.now.monotonic);
        let begin = self.clock.ticks();
        let room = self.evict_until_time_is_up(maxmemory, begin);
        self.eviction_pending = room == Room::Pending;
        self.propagate_removals();
        self.note_spike("eviction-cycle", begin);
        room
    }

    fn evict_until_time_is_up(&mut self, maxmemory: u64, begin: u64) -> Room {
        let memory = &self.config.memory;
        let limit_ns = limit_us(memory.maxmemory_eviction_tenacity).saturating_mul(1000);
        let samples = memory.maxmemory_samples as usize;
        let Some(policy) = eviction_policy(memory.maxmemory_policy) else { return Room::Nothing };
        loop {
            for _ in 0..KEYS_PER_LOOK {
                if !self.keyspace.evict_one(policy, samples) {
                    let is_freeing = self.keyspace.freer().pending() > 0;
                    return if is_freeing { Room::Freeing } else { Room::Nothing };
                }
                if self.host.used_memory_bytes() <= maxmemory {
                    self.metrics.memory_exceeded.end(self.now.monotonic);
                    return Room::Enough;
                }
            }
            if self.tick_scale.ns(self.clock.ticks().wrapping_sub(begin)) > limit_ns {
                return Room::Pending;
            }
        }
    }

    /// Notes in the latency monitor how long something took that began at `begin` (ticks).
    pub(crate) fn note_spike(&mut self, event: &'static str, begin: u64) {
        let threshold = self.config.logging.latency_monitor_threshold;
        if threshold == 0 {
            return;
        }
        let ms = self.tick_scale.ns(self.clock.ticks().wrapping_sub(begin)) / 1_000_000;
        if ms >= threshold {
            self.metrics.latency.record(event, self.now.unix_ms().seconds(), ms);
        }
    }
}

/// Microseconds that one command may spend on removing keys, by `maxmemory-eviction-tenacity`: up
/// to half a millisecond in equal steps, from there 15% more with each step, in the end no limit.
fn limit_us(tenacity: u32) -> u64 {
    match tenacity {
        0..=10 => 50 * u64::from(tenacity),
        11..100 => (500.0 * 1.15_f64.powf(f64::from(tenacity) - 10.0)) as u64,
        100.. => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenacity_grows_from_nothing_to_no_limit() {
        assert_eq!([0, 1, 10, 100].map(limit_us), [0, 50, 500, u64::MAX]);
        assert_eq!(limit_us(11), 575);
        assert!((100_000_000..200_000_000).contains(&limit_us(99)), "about two minutes");
    }
}
