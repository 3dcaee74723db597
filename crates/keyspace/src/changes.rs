//! What happens to keys, kept until the engine asks: removals nobody commanded, keys that were
//! changed, and the counters INFO shows.

use std::collections::VecDeque;

use dunlin_table::ItemMut;
use dunlin_values::{Entry, Object};

use crate::garbage::{Disposal, Garbage};
use crate::keyspace::DatabaseIndex;
use crate::snapshot::Snapshot;
use crate::touched::Touched;

/// Why a key, or a part of it, went away without a command that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalCause {
    /// Its deadline passed.
    Expired,
    /// `maxmemory` was reached.
    Evicted,
    /// Not the key went away, but fields of the hash that it holds: their deadlines passed.
    FieldsExpired,
}

/// Something that happened to a key beside what a command says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incident {
    /// It went away without a command that names it: followers are told, and subscribers.
    Removed(RemovalCause),
    /// It came to be.
    Created,
    /// A command looked for it in order to read it, and it was not there.
    Missed,
    /// It went away because its last field did.
    Emptied,
}

/// An [`Incident`] and its key; the engine propagates removals and notifies about all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyIncident {
    /// The database.
    pub db: DatabaseIndex,
    /// The key.
    pub key: Box<[u8]>,
    /// What happened.
    pub incident: Incident,
    /// The fields that went away with [`RemovalCause::FieldsExpired`].
    pub fields: Vec<Box<[u8]>>,
}

/// Which incidents somebody wants to hear of; others are not recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IncidentsWanted {
    /// [`Incident::Removed`]: followers, subscribers.
    pub removed: bool,
    /// [`Incident::Created`]: subscribers.
    pub created: bool,
    /// [`Incident::Missed`]: subscribers.
    pub missed: bool,
}

/// Counters of INFO's `stats` section that belong to keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyspaceStats {
    /// Reads that found their key (`keyspace_hits`).
    pub hits: u64,
    /// Reads that did not (`keyspace_misses`).
    pub misses: u64,
    /// Keys removed because their deadline passed (`expired_keys`).
    pub expired: u64,
    /// Keys removed because of `maxmemory` (`evicted_keys`).
    pub evicted: u64,
    /// Fields of hashes removed because their deadline passed (`expired_subkeys`).
    pub expired_fields: u64,
}

/// The journal of one keyspace.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) stats: KeyspaceStats,
    pub(crate) wanted: IncidentsWanted,
    /// What happened and was not reported yet.
    pub(crate) incidents: VecDeque<KeyIncident>,
    /// Whether anybody asked to know which keys change (WATCH, tracking, blocked clients).
    pub(crate) record_touched: bool,
    /// What changed since the engine last asked; only while `record_touched`.
    pub(crate) touched: Touched,
    /// The snapshot that is running.
    pub(crate) snapshot: Option<Box<Snapshot>>,
}

impl Changes {
    /// Called before any change or removal of an entry, whoever is to learn of it: the snapshot
    /// barrier, one branch while no snapshot runs.
    #[inline]
    pub(crate) fn barrier(
        &mut self,
        db: DatabaseIndex,
        slot: Option<u16>,
        item: &mut ItemMut<'_, Entry>,
    ) {
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.before_change(db, slot, item);
        }
    }

    /// Drops an entry that has left its table, unless the snapshot still needs it.
    #[inline]
    pub(crate) fn discard_entry(&mut self, entry: Entry, disposal: &mut Disposal, lazily: bool) {
        let entry = if self.snapshot.is_some() { self.keep_frozen(entry) } else { Some(entry) };
        if let Some(entry) = entry {
            disposal.discard(Garbage::Entry(entry), lazily);
        }
    }

    #[cold]
    #[inline(never)]
    fn keep_frozen(&mut self, entry: Entry) -> Option<Entry> {
        match &mut self.snapshot {
            Some(snapshot) => snapshot.keep_entry(entry),
            None => Some(entry),
        }
    }

    /// Drops a value that was overwritten, unless the snapshot still needs it.
    #[inline]
    pub(crate) fn discard_value(&mut self, value: Box<Object>, disposal: &mut Disposal) {
        let unneeded = match &mut self.snapshot {
            Some(snapshot) => snapshot.keep_object(value),
            None => Some(value),
        };
        if let Some(value) = unneeded {
            disposal.discard(Garbage::Object(value), disposal.lazy.overwritten);
        }
    }

    /// Called before any change of a key that somebody may watch, wait for or cache.
    #[inline]
    pub(crate) fn before_write(&mut self, db: DatabaseIndex, key: &[u8]) {
        if self.record_touched {
            self.touched.add(db, key, None);
        }
    }

    /// A key went away without a command that names it.
    pub(crate) fn removed(&mut self, db: DatabaseIndex, key: &[u8], cause: RemovalCause) {
        if self.record_touched {
            self.touched.add(db, key, Some(cause));
        }
        match cause {
            RemovalCause::Expired => self.stats.expired += 1,
            RemovalCause::Evicted => self.stats.evicted += 1,
            RemovalCause::FieldsExpired => {}
        }
        if self.wanted.removed {
            self.record(db, key, Incident::Removed(cause));
        }
    }

    /// Fields of a hash went away because their deadlines passed.
    pub(crate) fn fields_expired(&mut self, db: DatabaseIndex, key: &[u8], fields: Vec<Box<[u8]>>) {
        let cause = RemovalCause::FieldsExpired;
        if self.record_touched {
            self.touched.add(db, key, Some(cause));
        }
        self.stats.expired_fields += fields.len() as u64;
        if self.wanted.removed {
            let incident = Incident::Removed(cause);
            self.incidents.push_back(KeyIncident { db, key: key.into(), incident, fields });
        }
    }

    /// A key went away because the last field of its hash did.
    pub(crate) fn hash_emptied(&mut self, db: DatabaseIndex, key: &[u8]) {
        if self.wanted.removed {
            self.record(db, key, Incident::Emptied);
        }
    }

    /// A key came to be.
    #[inline]
    pub(crate) fn created(&mut self, db: DatabaseIndex, key: &[u8]) {
        if self.wanted.created {
            self.record(db, key, Incident::Created);
        }
    }

    /// A key that a command wants to read is not there.
    #[inline]
    pub(crate) fn missed(&mut self, db: DatabaseIndex, key: &[u8]) {
        if self.wanted.missed {
            self.record(db, key, Incident::Missed);
        }
    }

    #[cold]
    fn record(&mut self, db: DatabaseIndex, key: &[u8], incident: Incident) {
        let fields = Vec::new();
        self.incidents.push_back(KeyIncident { db, key: key.into(), incident, fields });
    }

    /// All keys of a database are gone.
    pub(crate) fn emptied(&mut self, db: DatabaseIndex) {
        if self.record_touched {
            self.touched.add_emptied(db);
        }
    }

    /// A database holds other keys than before.
    pub(crate) fn exchanged(&mut self, db: DatabaseIndex) {
        if self.record_touched {
            self.touched.add_exchanged(db);
        }
    }
}
