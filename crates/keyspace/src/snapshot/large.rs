//! Large collections: frozen where they stand, and handed out in pieces.
//!
//! Neither walk nor barrier encodes one as a whole. They freeze it, after which it keeps by itself
//! what commands change before it was handed out, and queue it here; the walk hands out one after
//! the other, before it goes on in the tables.
//!
//! A frozen collection is found by the database and key it has now: one that is put somewhere, after
//! RENAME or MOVE, tells its place. One that goes away is owned by the queue until it was handed out.

use std::collections::BTreeMap;

use dunlin_slots::key_slot;
use dunlin_stdx::time::UnixMs;
use dunlin_table::ItemMut;
use dunlin_values::{AccessHint, Entry, FrozenHeader, NewValue, Object, ValueMut};

use crate::access::AccessClock;
use crate::database::Database;
use crate::garbage::{Disposal, Garbage};
use crate::hasher::KeyHasher;
use crate::keyspace::DatabaseIndex;
use crate::snapshot::kept::Kept;
use crate::snapshot::sink::{LargeKey, SnapshotSink};
use crate::snapshot::state::{Identity, Snapshot};

/// What a frozen collection counts that takes as long as a small key.
const BYTES_PER_UNIT: usize = 128;

/// Most that is handed out before the sink is asked again whether it has room.
const BYTES_AT_ONCE: usize = 32 * 1024;

/// The frozen collections that were not handed out yet.
#[derive(Default)]
pub(super) struct LargeQueue {
    /// By the number with which each was frozen, so in that order.
    waiting: BTreeMap<u32, Waiting>,
    next_id: u32,
    /// Whether the first one was begun.
    is_begun: bool,
}

/// What a frozen collection was.
struct Waiting {
    database: DatabaseIndex,
    key: Box<[u8]>,
    deadline: Option<UnixMs>,
    access: AccessHint,
    header: FrozenHeader,
    place: Place,
}

/// Where a frozen collection is.
enum Place {
    Table {
        database: Identity,
        key: Box<[u8]>,
    },
    /// It has left its table.
    Own(Entry),
}

impl LargeQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Freezes the collection of an entry that is in a database of the epoch, or has just left it.
    pub(super) fn freeze(&mut self, database: Identity, entry: &mut Entry, access: AccessClock) {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        let access = access.hint(entry);
        let header = ValueMut::new(entry).freeze(id);
        let key: Box<[u8]> = entry.key().into();
        let (deadline, place) = (entry.deadline(), Place::Table { database, key: key.clone() });
        self.waiting.insert(id, Waiting { database, key, deadline, access, header, place });
    }

    /// Whether one of them is in a database, or in a slot of it.
    pub(super) fn is_any_in(&self, identity: Identity, slot: Option<u16>) -> bool {
        self.waiting.values().any(|waiting| match &waiting.place {
            Place::Table { database, key } => {
                *database == identity && slot.is_none_or(|slot| key_slot(key) == slot)
            }
            Place::Own(_) => false,
        })
    }

    /// An entry was put into a database.
    fn moved(&mut self, database: Identity, entry: &Entry) {
        if let Some(waiting) = entry.frozen_id().and_then(|id| self.waiting.get_mut(&id)) {
            waiting.place = Place::Table { database, key: entry.key().into() };
        }
    }

    /// Takes over what is frozen with this number; hands it back if nobody waits for it.
    fn keep(&mut self, id: Option<u32>, entry: Entry) -> Option<Entry> {
        match id.and_then(|id| self.waiting.get_mut(&id)) {
            Some(waiting) => waiting.place = Place::Own(entry),
            None => return Some(entry),
        }
        None
    }
}

impl Snapshot {
    /// An entry was put into a database.
    pub(crate) fn entry_moved(&mut self, db: DatabaseIndex, entry: &Entry) {
        if !self.large.is_empty() {
            self.large.moved(self.identities[db as usize], entry);
        }
    }

    /// An entry has left its table and nobody else needs it: takes it over or hands it back.
    pub(crate) fn keep_entry(&mut self, entry: Entry) -> Option<Entry> {
        if self.large.is_empty() { Some(entry) } else { self.large.keep(entry.frozen_id(), entry) }
    }

    /// A value was overwritten: takes it over or hands it back.
    pub(crate) fn keep_object(&mut self, object: Box<Object>) -> Option<Box<Object>> {
        let id = object.frozen_id();
        if id.is_some() && !self.large.is_empty() {
            let kept = self.large.keep(id, Entry::new(b"", NewValue::Boxed(object), None));
            debug_assert!(kept.is_none(), "what is frozen waits");
            return None;
        }
        Some(object)
    }

    /// Hands out a piece of the collection that is first in the queue; false if there is none.
    pub(super) fn walk_large(
        &mut self,
        databases: &mut [Database],
        hasher: &KeyHasher,
        disposal: &mut Disposal,
        budget: &mut usize,
    ) -> bool {
        let Some(mut first) = self.large.waiting.first_entry() else { return false };
        let id = *first.key();
        let waiting = first.get_mut();
        if !self.large.is_begun {
            self.large.is_begun = true;
            let Waiting { database: db, deadline, access, header, .. } = *waiting;
            self.sink.begin_large(LargeKey { db, key: &waiting.key, deadline, access, header });
        }
        let places =
            Places { identities: &self.identities, databases, kept: &mut self.kept, hasher };
        let is_all = places
            .with(id, &mut waiting.place, |entry| hand_out(&mut *self.sink, entry, budget))
            .expect("a frozen collection stays where it says");
        if is_all {
            self.sink.end_large();
            self.large.is_begun = false;
            if let Place::Own(entry) = first.remove().place {
                disposal.discard(Garbage::Entry(entry), true);
            }
            self.release_kept(disposal);
        }
        true
    }

    /// Gives up everything that was not handed out. O(frozen collections).
    pub(super) fn thaw_all(
        &mut self,
        databases: &mut [Database],
        hasher: &KeyHasher,
        disposal: &mut Disposal,
    ) {
        for (id, waiting) in std::mem::take(&mut self.large).waiting {
            let (identities, kept) = (&self.identities, &mut self.kept);
            let mut place = waiting.place;
            let thawed = Places { identities, databases: &mut *databases, kept, hasher }.with(
                id,
                &mut place,
                Entry::thaw,
            );
            if let Some(thawed) = thawed {
                disposal.discard(Garbage::Thawed(thawed), true);
            }
            if let Place::Own(entry) = place {
                disposal.discard(Garbage::Entry(entry), true);
            }
        }
    }
}

/// Hands out a piece of a frozen collection; true if that was the last one, and it is thawed.
fn hand_out(sink: &mut dyn SnapshotSink, entry: &mut Entry, budget: &mut usize) -> bool {
    let offered = budget.saturating_mul(BYTES_PER_UNIT).min(BYTES_AT_ONCE);
    let mut left = offered;
    let is_all = entry.emit_frozen(&mut left, &mut |item| sink.item(item));
    *budget = budget.saturating_sub((offered - left).div_ceil(BYTES_PER_UNIT).max(1));
    if is_all {
        entry.thaw();
    }
    is_all
}

/// Where frozen collections may be.
struct Places<'a> {
    identities: &'a [Identity],
    databases: &'a mut [Database],
    kept: &'a mut Kept,
    hasher: &'a KeyHasher,
}

impl Places<'_> {
    /// Lets `act` at the entry of the collection that was frozen with number `id`. `None` if it is not there.
    fn with<R>(self, id: u32, place: &mut Place, act: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        let (identity, key) = match place {
            Place::Own(entry) => return Some(act(entry)),
            Place::Table { database, key } => (*database, &**key),
        };
        let hash = self.hasher.hash(key);
        let number = self.identities.iter().position(|id| *id == identity);
        let in_use = number.map(|number| &mut self.databases[number]);
        let given_up = self.kept.databases.iter_mut().filter(|(id, _)| *id == identity);
        let databases = in_use.into_iter().chain(given_up.map(|(_, database)| &mut **database));
        let dropped = self.kept.slots.iter_mut().chain(&mut self.kept.passed);
        let dropped =
            dropped.filter(|kept| kept.database == identity && kept.slot == key_slot(key));
        let tables = databases
            .filter_map(|database| Some(database.existing_table_mut(key)?.table))
            .chain(dropped.map(|slot| &mut *slot.table));
        let is_frozen = |item: &ItemMut<'_, Entry>| item.frozen_id() == Some(id);
        let mut item = tables.filter_map(|table| table.find_mut(hash, key)).find(is_frozen)?;
        Some(act(&mut item))
    }
}
