//! All databases of a node, and how a command reaches a key.

use std::cell::Cell;

use dunlin_stdx::time::UnixMs;
use dunlin_table::{Growth, ItemRef};
use dunlin_values::{Entry, MemberHasher};
use fastrand::Rng;

use crate::access::{AccessClock, AccessPolicy};
use crate::changes::{Changes, KeyIncident, KeyspaceStats, RemovalCause};
use crate::database::{Database, Layout, TableOfKey};
use crate::eviction::EvictionPool;
use crate::garbage::{Disposal, DropAtOnce, Freer, LazyFree};
use crate::hasher::KeyHasher;
use crate::slot::{Occupied, Slot, Vacant};
use crate::snapshot::Epoch;
use crate::touched::Touched;

/// The number of a database, as SELECT names it.
pub type DatabaseIndex = u32;

/// Where a key belongs.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub(crate) hash: u64,
    /// Its cluster slot, where the keys of each slot have a table of their own.
    pub slot: Option<u16>,
}

impl Place {
    #[inline(always)]
    pub(crate) fn new(hash: u64, key: &[u8], layout: Layout) -> Self {
        let slot = match layout {
            Layout::OneTable => None,
            Layout::TablePerSlot => Some(dunlin_slots::key_slot(key)),
        };
        Self { hash, slot }
    }
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
    pub(crate) databases: Vec<Database>,
    pub(crate) layout: Layout,
    pub(crate) hasher: KeyHasher,
    member_hasher: Cell<MemberHasher>,
    pub(crate) access: AccessClock,
    pub(crate) changes: Changes,
    pub(crate) disposal: Disposal,
    pub(crate) expiry: Expiry,
    /// Whether keys are also looked for that nobody meets.
    pub(crate) active_expiry: bool,
    pub(crate) now: UnixMs,
    pub(crate) rng: Rng,
    pub(crate) eviction_pool: EvictionPool,
    pub(crate) growth: Growth,
    pub(crate) eviction_last_db: DatabaseIndex,
    /// The last snapshot.
    pub(crate) epoch: Epoch,
    /// Whether lookups move the access clock; CLIENT NO-TOUCH switches it off for a command.
    pub touch: bool,
}

impl Keyspace {
    /// `databases` empty databases; hashes and samples follow from `seed`.
    #[must_use]
    pub fn new(databases: u32, layout: Layout, seed: u64, freer: Box<dyn Freer>) -> Self {
        let mut rng = Rng::with_seed(seed);
        let hasher = KeyHasher::new(rng.u64(..));
        let member_hasher = MemberHasher::new(rng.u64(..));
        Self {
            databases: (0..databases).map(|_| Database::new(layout, member_hasher)).collect(),
            layout,
            hasher,
            member_hasher: Cell::new(member_hasher),
            access: AccessClock::new(AccessPolicy::Lru),
            changes: Changes::default(),
            disposal: Disposal { freer, lazy: LazyFree::default() },
            expiry: Expiry::Remove,
            active_expiry: true,
            now: UnixMs(0),
            rng,
            eviction_pool: EvictionPool::default(),
            growth: Growth::Early,
            eviction_last_db: 0,
            epoch: Epoch::default(),
            touch: true,
        }
    }

    /// A keyspace without keys that hashes as this one does, to be filled beside it
    /// ([`Keyspace::take_over`]).
    #[must_use]
    pub fn spare(&self) -> Self {
        let mut spare = Self::new(0, self.layout, 0, Box::new(DropAtOnce));
        spare.hasher = self.hasher.clone();
        spare.member_hasher = Cell::new(self.member_hasher());
        spare.access = self.access;
        spare.now = self.now;
        let empty = |_| Database::new(self.layout, self.member_hasher());
        spare.databases = (0..self.databases.len()).map(empty).collect();
        spare
    }

    /// Takes the time of this turn: what "expired" and "used now" mean until the next call.
    pub fn begin_turn(&mut self, now: UnixMs) {
        self.now = now;
        self.access.set_now(now);
        self.tell_snapshot_of_access();
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
    pub fn set_access_policy(&mut self, policy: AccessPolicy) {
        self.access.set_policy(policy);
        self.tell_snapshot_of_access();
    }

    #[inline]
    fn tell_snapshot_of_access(&mut self) {
        if let Some(snapshot) = &mut self.changes.snapshot {
            snapshot.set_access(self.access);
        }
    }

    /// Says whether snapshots keep how keys were used: with an eviction policy that goes by it.
    pub const fn keep_access(&mut self, is_kept: bool) {
        self.access.set_kept(is_kept);
    }

    /// Says what happens to keys whose deadline has passed.
    pub const fn set_expiry(&mut self, expiry: Expiry) {
        self.expiry = expiry;
    }

    /// Says whether [`Keyspace::expire_due`] does anything (DEBUG SET-ACTIVE-EXPIRE).
    pub const fn set_active_expiry(&mut self, enabled: bool) {
        self.active_expiry = enabled;
    }

    /// What happens to keys whose deadline has passed.
    #[must_use]
    pub const fn expiry(&self) -> Expiry {
        self.expiry
    }

    /// Says how full tables may become before they grow: late when memory is at its limit.
    #[inline]
    pub const fn set_growth(&mut self, growth: Growth) {
        self.growth = growth;
    }

    /// Follows a change of the `lazyfree-*` parameters.
    pub const fn set_lazy_free(&mut self, lazy: LazyFree) {
        self.disposal.lazy = lazy;
    }

    /// Where garbage goes, for INFO.
    #[must_use]
    pub fn freer(&self) -> &dyn Freer {
        &*self.disposal.freer
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

    /// CONFIG RESETSTAT: begins to count anew.
    pub fn reset_stats(&mut self) {
        self.changes.stats = KeyspaceStats::default();
        self.disposal.freer.reset_freed();
    }

    /// Whether something happened that was not reported yet.
    #[must_use]
    #[inline]
    pub fn has_incidents(&self) -> bool {
        !self.changes.incidents.is_empty()
    }

    /// The oldest incident that was not reported yet.
    pub fn next_incident(&mut self) -> Option<KeyIncident> {
        self.changes.incidents.pop_front()
    }

    /// Says whether anybody asks which keys change (WATCH, tracking, blocked clients).
    pub const fn record_touched(&mut self, wanted: bool) {
        self.changes.record_touched = wanted;
    }

    /// Whether anything changed since [`Keyspace::take_touched`], as far as anybody asks.
    #[must_use]
    #[inline]
    pub const fn has_touched(&self) -> bool {
        !self.changes.touched.is_empty()
    }

    /// What changed since the last call; hand it back to [`Keyspace::reuse_touched`].
    #[must_use]
    pub fn take_touched(&mut self) -> Touched {
        std::mem::take(&mut self.changes.touched)
    }

    /// Keeps the memory of what was taken.
    pub fn reuse_touched(&mut self, mut touched: Touched) {
        touched.clear();
        if !self.has_touched() {
            self.changes.touched = touched;
        }
    }

    /// Hash of a key.
    #[must_use]
    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash(key)
    }

    /// Where a key belongs, for [`Keyspace::prefetch_bucket`] and [`Keyspace::prefetch_entry`].
    #[must_use]
    #[inline(always)]
    pub fn place(&self, key: &[u8]) -> Place {
        Place::new(self.hash(key), key, self.layout)
    }

    /// The cluster slot of a key, where the keys of each slot have a table of their own.
    #[must_use]
    #[inline(always)]
    pub fn cluster_slot(&self, key: &[u8]) -> Option<u16> {
        match self.layout {
            Layout::OneTable => None,
            Layout::TablePerSlot => Some(dunlin_slots::key_slot(key)),
        }
    }

    /// Says in which cluster slot all keys are that are asked for next, so that it is not computed
    /// again for each of them; `None` when any key may be asked for. A wrong answer makes keys
    /// unreachable: it is for the time of one command whose keys have been looked at.
    #[inline]
    pub fn expect_slot(&mut self, db: DatabaseIndex, slot: Option<u16>) {
        self.databases[db as usize].expect_slot(slot);
    }

    /// How a value hashes what it holds, if it begins to need a table: each differently.
    #[must_use]
    pub fn member_hasher(&self) -> MemberHasher {
        let hasher = self.member_hasher.get();
        self.member_hasher.set(hasher.another());
        hasher
    }

    /// A random number, for replies and values that must be fair.
    pub fn random(&mut self) -> u64 {
        self.rng.u64(..)
    }

    /// First step of a batch: brings the bucket of a key towards the processor.
    #[inline]
    pub fn prefetch_bucket(&self, db: DatabaseIndex, place: Place) {
        if let Some(table) = self.databases[db as usize].table_at(place) {
            table.prefetch_bucket(place.hash);
        }
    }

    /// Second step of a batch: brings the entry of a key towards the processor.
    #[inline]
    pub fn prefetch_entry(&self, db: DatabaseIndex, place: Place) {
        self.prefetch_entries(db, &[place]);
    }

    /// Second step of a batch for several keys. Which table holds them is found once, where there is
    /// but one.
    #[inline]
    pub fn prefetch_entries(&self, db: DatabaseIndex, places: &[Place]) {
        let database = &self.databases[db as usize];
        match database.only_table() {
            Some(table) => places.iter().for_each(|place| table.prefetch_item(place.hash)),
            None => {
                for place in places {
                    if let Some(table) = database.table_at(*place) {
                        table.prefetch_item(place.hash);
                    }
                }
            }
        }
    }

    /// Reads a key for a command: counts a hit or miss and moves the access clock.
    #[inline]
    pub fn get(&mut self, db: DatabaseIndex, key: &[u8]) -> Option<ItemRef<'_, Entry>> {
        self.read(db, key, self.touch, true)
    }

    /// Reads a key for a command that asks about it rather than for its value (EXISTS, TTL, TYPE):
    /// counts a hit or miss, and leaves the access clock as it is.
    pub fn inspect(&mut self, db: DatabaseIndex, key: &[u8]) -> Option<ItemRef<'_, Entry>> {
        self.read(db, key, false, true)
    }

    /// As [`Keyspace::inspect`], but nobody is told of a miss (OBJECT).
    pub fn inspect_quietly(&mut self, db: DatabaseIndex, key: &[u8]) -> Option<ItemRef<'_, Entry>> {
        self.read(db, key, false, false)
    }

    #[inline(always)]
    fn read(
        &mut self,
        db: DatabaseIndex,
        key: &[u8],
        touch: bool,
        tell: bool,
    ) -> Option<ItemRef<'_, Entry>> {
        let sight = Sight { expiry: self.expiry, now: self.now, db };
        let hash = self.hasher.hash(key);
        let place = self.databases[db as usize].existing_table_mut(key);
        let found = place.and_then(|place| {
            lookup(place, hash, key, sight, &mut self.changes, &mut self.disposal)
        });
        match &found {
            Some(entry) => {
                self.changes.stats.hits += 1;
                if touch {
                    self.access.touch(entry, &mut self.rng);
                }
            }
            None => {
                self.changes.stats.misses += 1;
                if tell {
                    self.changes.missed(db, key);
                }
            }
        }
        found
    }

    /// Looks at a key without leaving a trace in its clock or the counters.
    pub fn peek(&mut self, db: DatabaseIndex, key: &[u8]) -> Option<ItemRef<'_, Entry>> {
        let sight = Sight { expiry: self.expiry, now: self.now, db };
        let hash = self.hasher.hash(key);
        let place = self.databases[db as usize].existing_table_mut(key)?;
        lookup(place, hash, key, sight, &mut self.changes, &mut self.disposal)
    }

    /// The entry of a key as it is held, expired or not, without leaving a trace (DEBUG).
    #[must_use]
    pub fn held(&self, db: DatabaseIndex, key: &[u8]) -> Option<ItemRef<'_, Entry>> {
        self.databases[db as usize].table(key)?.find(self.hash(key), key)
    }

    /// What a command would find under this key. Leaves no trace: a key whose time has come stays.
    #[must_use]
    pub fn visible(&self, db: DatabaseIndex, key: &[u8]) -> Option<ItemRef<'_, Entry>> {
        let is_hidden = |entry: &Entry| self.expiry != Expiry::Ignore && is_due(self.now, entry);
        self.held(db, key).filter(|entry| !is_hidden(entry))
    }

    /// The place of a key, for a command that changes it: the only mutable access to a value.
    #[inline]
    pub fn slot<'a>(&'a mut self, db: DatabaseIndex, key: &'a [u8]) -> Slot<'a> {
        let hash = self.hash(key);
        let TableOfKey { table, mut counts } = self.databases[db as usize].table_mut(key);
        let (changes, disposal) = (&mut self.changes, &mut self.disposal);
        let table = match table.find_or_table(hash, key) {
            Ok(mut item) if self.expiry == Expiry::Remove && is_due(self.now, &item) => {
                changes.barrier(db, counts.slot_number(), &mut item);
                let (entry, table) = item.take();
                counts.removed(&entry);
                expired(entry, db, changes, disposal);
                table
            }
            Ok(item) => {
                if self.touch {
                    self.access.touch(&item, &mut self.rng);
                }
                return Slot::Occupied(Occupied { item, counts, changes, disposal, db });
            }
            Err(table) => table,
        };
        let (hasher, clock, growth) = (&self.hasher, self.access.initial(), self.growth);
        Slot::Vacant(Vacant { table, hash, hasher, key, clock, growth, counts, changes, db })
    }
}

/// Which keys a command can see, and where it looks.
#[derive(Clone, Copy)]
struct Sight {
    expiry: Expiry,
    now: UnixMs,
    db: DatabaseIndex,
}

/// Looks a key up for reading, with one probe if it is there; a key whose deadline has passed is
/// removed (lazy expiry) or hidden.
#[inline]
fn lookup<'t>(
    place: TableOfKey<'t>,
    hash: u64,
    key: &[u8],
    sight: Sight,
    changes: &mut Changes,
    disposal: &mut Disposal,
) -> Option<ItemRef<'t, Entry>> {
    let TableOfKey { table, mut counts } = place;
    let visible = |entry: &Entry| sight.expiry == Expiry::Ignore || !is_due(sight.now, entry);
    match table.find_if(hash, key, visible) {
        Ok(entry) => Some(entry),
        Err(table) => {
            if sight.expiry == Expiry::Remove
                && table.with_deadline() > 0
                && let Some(mut item) = table.find_mut(hash, key)
            {
                changes.barrier(sight.db, counts.slot_number(), &mut item);
                let entry = item.remove();
                counts.removed(&entry);
                expired(entry, sight.db, changes, disposal);
            }
            None
        }
    }
}

/// Reports a key that was removed because its deadline had passed.
#[cold]
fn expired(entry: Entry, db: DatabaseIndex, changes: &mut Changes, disposal: &mut Disposal) {
    changes.removed(db, entry.key(), RemovalCause::Expired);
    let lazily = disposal.lazy.expired;
    changes.discard_entry(entry, disposal, lazily);
}

pub(crate) fn is_due(now: UnixMs, entry: &Entry) -> bool {
    entry.deadline().is_some_and(|at| at <= now)
}
