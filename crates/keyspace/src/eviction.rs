//! Choosing keys to remove when `maxmemory` is reached.
//!
//! The choice is an approximation, as in Redis: each round draws `maxmemory-samples` keys from every
//! database and remembers the best [`POOL_MAX`] candidates seen so far; the best of them goes. With
//! five samples this is close to the true order, because good candidates stay in the pool until
//! they are removed or used again.
//!
//! Source: Redis documentation, "Key eviction", section "Approximated LRU algorithm".

use dunlin_values::Entry;

use crate::access::AccessPolicy;
use crate::database::Database;
use crate::keyspace::{DatabaseIndex, Keyspace};

/// Candidates remembered between rounds.
const POOL_MAX: usize = 16;

/// Which keys may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvictionScope {
    /// All keys (`allkeys-*`).
    AllKeys,
    /// Keys with a deadline (`volatile-*`).
    Volatile,
}

/// Which of them goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvictionOrder {
    /// The one unused for longest; under an LFU clock, the one used least often.
    ByClock,
    /// The one whose deadline is nearest.
    ByDeadline,
    /// Any.
    Random,
}

/// `maxmemory-policy` without `noeviction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvictionPolicy {
    /// Which keys may be removed.
    pub scope: EvictionScope,
    /// Which of them goes first.
    pub order: EvictionOrder,
}

/// The best candidates seen so far, worst first.
#[derive(Debug, Default)]
pub(crate) struct EvictionPool {
    candidates: Vec<Candidate>,
    policy: Option<EvictionPolicy>,
}

#[derive(Debug)]
struct Candidate {
    /// The higher, the sooner it goes.
    score: u64,
    db: DatabaseIndex,
    key: Vec<u8>,
}

impl EvictionPool {
    /// Remembers a key if it is better than the worst remembered one, or there is room.
    fn offer(&mut self, score: u64, db: DatabaseIndex, key: &[u8]) {
        let full = self.candidates.len() == POOL_MAX;
        if full && score <= self.candidates[0].score {
            return;
        }
        if self.candidates.iter().any(|known| known.db == db && known.key == key) {
            return;
        }
        // The worst one's buffer serves the new one: no allocation while the pool is full.
        let mut buffer = if full { self.candidates.remove(0).key } else { Vec::new() };
        buffer.clear();
        buffer.extend_from_slice(key);
        let at = self.candidates.partition_point(|known| known.score < score);
        self.candidates.insert(at, Candidate { score, db, key: buffer });
    }
}

impl Keyspace {
    /// Removes one key that the policy allows, the best that sampling finds; returns whether there
    /// was one. `samples` keys are drawn from each database.
    pub fn evict_one(&mut self, policy: EvictionPolicy, samples: usize) -> bool {
        if policy.order == EvictionOrder::Random {
            return self.evict_random(policy.scope);
        }
        let mut pool = std::mem::take(&mut self.eviction_pool);
        if pool.policy != Some(policy) {
            pool = EvictionPool { policy: Some(policy), ..EvictionPool::default() };
        }
        let evicted = self.evict_from(&mut pool, policy, samples);
        self.eviction_pool = pool;
        evicted
    }

    /// Fills the pool and removes its best candidate that still exists.
    fn evict_from(
        &mut self,
        pool: &mut EvictionPool,
        policy: EvictionPolicy,
        samples: usize,
    ) -> bool {
        while self.fill(pool, policy, samples) {
            while let Some(best) = pool.candidates.pop() {
                if self.may_evict(best.db, &best.key, policy.scope)
                    && self.evict(best.db, &best.key)
                {
                    return true;
                }
            }
        }
        false
    }

    /// Draws from every database; returns whether any of them has a key that may be removed.
    fn fill(&mut self, pool: &mut EvictionPool, policy: EvictionPolicy, samples: usize) -> bool {
        let (access, rng) = (&self.access, &mut self.rng);
        let mut any = false;
        for (db, database) in (0..).zip(&self.databases) {
            if eligible(database, policy.scope) == 0 {
                continue;
            }
            any = true;
            let mut offer = |entry: &Entry| {
                let score = match (policy.order, access.policy()) {
                    (EvictionOrder::ByDeadline, _) => {
                        let at = entry.deadline().map_or(i64::MAX, |at| at.0);
                        u64::MAX - at.cast_unsigned()
                    }
                    (_, AccessPolicy::Lru) => u64::from(access.idle_seconds(entry.clock())),
                    (_, AccessPolicy::Lfu { .. }) => {
                        255 - u64::from(access.frequency(entry.clock()))
                    }
                };
                pool.offer(score, db, entry.key());
            };
            match policy.scope {
                EvictionScope::AllKeys => database.sample_many(rng, samples, &mut offer),
                EvictionScope::Volatile => database.sample_volatile(rng, samples, &mut offer),
            }
        }
        any
    }

    /// A candidate may have lost its deadline since it was drawn.
    fn may_evict(&self, db: DatabaseIndex, key: &[u8], scope: EvictionScope) -> bool {
        let hash = self.hasher.hash(key);
        let table = self.databases[db as usize].table(key);
        table
            .and_then(|table| table.find(hash, key))
            .is_some_and(|entry| scope == EvictionScope::AllKeys || entry.deadline().is_some())
    }

    /// Removes a random key, from each database in turn.
    fn evict_random(&mut self, scope: EvictionScope) -> bool {
        let count = self.databases();
        for step in 1..=count {
            let db = (self.eviction_last_db + step) % count;
            let database = &self.databases[db as usize];
            let mut drawn: Option<Box<[u8]>> = None;
            let mut keep = |entry: &Entry| drawn = Some(entry.key().into());
            match scope {
                EvictionScope::AllKeys => {
                    if let Some(entry) = database.sample(&mut self.rng) {
                        keep(&entry);
                    }
                }
                EvictionScope::Volatile => database.sample_volatile(&mut self.rng, 1, &mut keep),
            }
            if let Some(key) = drawn {
                self.eviction_last_db = db;
                return self.evict(db, &key);
            }
        }
        false
    }
}

fn eligible(database: &Database, scope: EvictionScope) -> usize {
    match scope {
        EvictionScope::AllKeys => database.len(),
        EvictionScope::Volatile => database.with_deadline(),
    }
}

#[cfg(test)]
mod tests {
    use dunlin_stdx::time::UnixMs;
    use dunlin_values::NewValue;

    use super::*;
    use crate::database::Layout;
    use crate::garbage::{Freer, Garbage};

    struct DropAtOnce;

    impl Freer for DropAtOnce {
        fn free_later(&mut self, garbage: Garbage) {
            drop(garbage);
        }
    }

    fn keyspace(layout: Layout) -> Keyspace {
        Keyspace::new(2, layout, 7, Box::new(DropAtOnce))
    }

    fn fill(keyspace: &mut Keyspace, count: i64, deadline: impl Fn(i64) -> Option<UnixMs>) {
        for i in 0..count {
            keyspace.begin_turn(UnixMs(i * 1000));
            keyspace.slot(0, i.to_string().as_bytes()).set(NewValue::Int(i), deadline(i));
        }
    }

    fn survivors(keyspace: &mut Keyspace, count: i64) -> Vec<i64> {
        (0..count).filter(|i| keyspace.peek(0, i.to_string().as_bytes()).is_some()).collect()
    }

    #[test]
    fn the_least_recently_used_go_first() {
        for layout in [Layout::OneTable, Layout::TablePerSlot] {
            let mut keyspace = keyspace(layout);
            fill(&mut keyspace, 1000, |_| None);
            let policy =
                EvictionPolicy { scope: EvictionScope::AllKeys, order: EvictionOrder::ByClock };
            for _ in 0..500 {
                assert!(keyspace.evict_one(policy, 10));
            }
            let old = survivors(&mut keyspace, 1000).into_iter().filter(|i| *i < 500).count();
            assert!(old < 125, "{old} of the older half survive");
            assert_eq!(keyspace.stats().evicted, 500);
        }
    }

    #[test]
    fn only_keys_with_a_deadline_go_under_a_volatile_policy() {
        for order in [EvictionOrder::ByClock, EvictionOrder::ByDeadline, EvictionOrder::Random] {
            let mut keyspace = keyspace(Layout::OneTable);
            fill(&mut keyspace, 300, |i| (i % 10 == 0).then_some(UnixMs(1_000_000 + i)));
            let policy = EvictionPolicy { scope: EvictionScope::Volatile, order };
            for _ in 0..30 {
                assert!(keyspace.evict_one(policy, 5));
            }
            assert!(!keyspace.evict_one(policy, 5), "no key with a deadline is left");
            assert_eq!(keyspace.database(0).len(), 270);
        }
    }
}
