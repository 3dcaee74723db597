//! All databases of a node, and how a command reaches a key.

use dunlin_stdx::time::UnixMs;
use dunlin_table::ItemRef;
use dunlin_values::{Entry, Object};
use fastrand::Rng;

use crate::access::{AccessClock, AccessPolicy};
use crate::changes::{Changes, KeyspaceStats, Removal, RemovalCause};
use crate::database::Database;
use crate::hasher::KeyHasher;
use crate::slot::{Occupied, Slot, Vacant};

/// The number of a database, as SELECT names it.
pub type DatabaseIndex = u32;

/// Where values go when nobody needs them any more: dropped at once, or on another thread.
pub trait Freer: Send {
    /// Drops a displaced value.
    fn free_object(&mut self, object: Box<Object>);

    /// Drops a removed key.
    fn free_entry(&mut self, entry: Entry);
}

/// What happens to a key whose deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It is removed when met, and the removal is reported.
    Remove,
    /// It is hidden, but stays until the primary says DEL (replicas).
    Hide,
    /// Deadlines mean nothing (while data is loaded).
    Ignore,
}

/// All databases of a node.
pub struct Keyspace {
    databases: Vec<Database>,
    hasher: KeyHasher,
    access: AccessClock,
    changes: Changes,
    freer: Box<dyn Freer>,
    expiry: Expiry,
    now: UnixMs,
    rng: Rng,
    /// Whether lookups move the access clock; CLIENT NO-TOUCH switches it off for a command.
    pub touch: bool,
}

impl Keyspace {
    /// `databases` empty databases; hashes and samples follow from `seed`.
    #[must_use]
    pub fn new(databases: u32, seed: u64, freer: Box<dyn Freer>) -> Self {
        let mut rng = Rng::with_seed(seed);
        Self {
            databases: (0..databases).map(|_| Database::default()).collect(),
            hasher: KeyHasher::new(rng.u64(..)),
            access: AccessClock::new(AccessPolicy::Lru),
            changes: Changes::default(),
            freer,
            expiry: Expiry::Remove,
            now: UnixMs(0),
            rng,
            touch: true,
        }
    }

    /// Takes the time of this turn: what "expired" and "used now" mean until the next call.
    pub const fn begin_turn(&mut self, now: UnixMs) {
        self.now = now;
        self.access.set_now(now);
    }

    /// The time of this turn.
    #[must_use]
    pub const fn now(&self) -> UnixMs {
        self.now
    }

    /// What the access clocks mean.
    #[must_use]
    pub const fn access(&self) -> &AccessClock {
        &self.access
    }

    /// Follows a change of `maxmemory-policy` or the `lfu-*` parameters.
    pub const fn set_access_policy(&mut self, policy: AccessPolicy) {
        self.access.set_policy(policy);
    }

    /// Says what happens to keys whose deadline has passed.
    pub const fn set_expiry(&mut self, expiry: Expiry) {
        self.expiry = expiry;
    }

    /// Number of databases.
    #[must_use]
    pub fn databases(&self) -> u32 {
        u32::try_from(self.databases.len()).expect("made from a u32")
    }

    /// A database by number.
    ///
    /// # Panics
    /// If there is no such database: SELECT has checked the number.
    #[must_use]
    pub fn database(&self, db: DatabaseIndex) -> &Database {
        &self.databases[db as usize]
    }

    /// The counters of INFO that belong to keys.
    pub const fn stats_mut(&mut self) -> &mut KeyspaceStats {
        &mut self.changes.stats
    }

    /// The counters of INFO that belong to keys.
    #[must_use]
    pub const fn stats(&self) -> &KeyspaceStats {
        &self.changes.stats
    }

    /// The oldest removal that was not reported yet.
    #[inline]
    pub fn next_removal(&mut self) -> Option<Removal> {
        self.changes.removals.pop_front()
    }

    /// Hash of a key, for [`Keyspace::prefetch_bucket`] and [`Keyspace::prefetch_entry`].
    #[must_use]
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash(key)
    }

    /// First step of a batch: brings the bucket of a key towards the processor.
    #[inline]
    pub fn prefetch_bucket(&self, db: DatabaseIndex, key: &[u8], hash: u64) {
        self.databases[db as usize].table(key).prefetch_bucket(hash);
    }

    /// Second step of a batch: brings the entry of a key towards the processor.
    #[inline]
    pub fn prefetch_entry(&self, db: DatabaseIndex, key: &[u8], hash: u64) {
        self.databases[db as usize].table(key).prefetch_item(hash);
    }

    /// Reads a key for a command: counts a hit or miss and moves the access clock.
    pub fn get(&mut self, db: DatabaseIndex, key: &[u8]) -> Option<ItemRef<'_, Entry>> {
        let hash = self.hash(key);
        self.expire_if_due(db, key, hash);
        let found = self.databases[db as usize].table(key).find(hash, key);
        let visible = found.filter(|entry| !hidden(self.expiry, self.now, entry));
        match &visible {
            Some(entry) => {
                self.changes.stats.hits += 1;
                if self.touch {
                    self.access.touch(entry, &mut self.rng);
                }
            }
            None => self.changes.stats.misses += 1,
        }
        visible
    }

    /// Looks at a key without leaving a trace in its clock or the counters (TTL, OBJECT, TYPE).
    pub fn peek(&mut self, db: DatabaseIndex, key: &[u8]) -> Option<ItemRef<'_, Entry>> {
        let hash = self.hash(key);
        self.expire_if_due(db, key, hash);
        let found = self.databases[db as usize].table(key).find(hash, key);
        found.filter(|entry| !hidden(self.expiry, self.now, entry))
    }

    /// The place of a key, for a command that changes it: the only mutable access to a value.
    pub fn slot<'a>(&'a mut self, db: DatabaseIndex, key: &'a [u8]) -> Slot<'a> {
        let hash = self.hash(key);
        self.expire_if_due(db, key, hash);
        let clock = self.access.initial();
        let table = self.databases[db as usize].table_mut(key);
        if table.find(hash, key).is_none() {
            let (hasher, changes) = (&self.hasher, &mut self.changes);
            return Slot::Vacant(Vacant { table, hash, hasher, key, clock, changes, db });
        }
        let item = table.find_mut(hash, key).expect("just found");
        if self.touch {
            self.access.touch(&item, &mut self.rng);
        }
        let (changes, freer) = (&mut self.changes, &mut *self.freer);
        Slot::Occupied(Occupied { item, changes, freer, db })
    }

    /// Lazy expiry: removes a key whose deadline has passed.
    #[inline]
    fn expire_if_due(&mut self, db: DatabaseIndex, key: &[u8], hash: u64) {
        if self.databases[db as usize].with_deadline() == 0 || self.expiry != Expiry::Remove {
            return;
        }
        let table = self.databases[db as usize].table_mut(key);
        let due = table.find(hash, key).is_some_and(|entry| is_due(self.now, &entry));
        if due && let Some(entry) = table.remove(hash, key) {
            self.changes.before_write(db, key);
            self.changes.stats.expired += 1;
            let cause = RemovalCause::Expired;
            self.changes.removals.push_back(Removal { db, key: key.into(), cause });
            self.freer.free_entry(entry);
        }
    }
}

fn is_due(now: UnixMs, entry: &Entry) -> bool {
    entry.deadline().is_some_and(|at| at <= now)
}

fn hidden(expiry: Expiry, now: UnixMs, entry: &Entry) -> bool {
    expiry != Expiry::Ignore && is_due(now, entry)
}
