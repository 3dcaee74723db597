//! What happens to keys, kept until the engine asks: removals nobody commanded, keys that were
//! changed, and the counters INFO shows.

use std::collections::VecDeque;

use crate::keyspace::DatabaseIndex;
use crate::touched::Touched;

/// Why a key went away without a command that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalCause {
    /// Its deadline passed.
    Expired,
    /// `maxmemory` was reached.
    Evicted,
}

/// A key that was removed; the engine propagates it and notifies about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The database the key was in.
    pub db: DatabaseIndex,
    /// The key.
    pub key: Box<[u8]>,
    /// Why it was removed.
    pub cause: RemovalCause,
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
}

/// The journal of one keyspace.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) stats: KeyspaceStats,
    /// Whether anybody wants to hear of removals (followers, subscribers of events).
    pub(crate) report_removals: bool,
    /// Keys removed and not yet reported; only while `report_removals`.
    pub(crate) removals: VecDeque<Removal>,
    /// Whether anybody asked to know which keys change (WATCH, tracking, blocked clients).
    pub(crate) record_touched: bool,
    /// What changed since the engine last asked; only while `record_touched`.
    pub(crate) touched: Touched,
}

impl Changes {
    /// Called before any change of a key, by the slot and by removals: the one place where the
    /// snapshot barrier and WATCH learn of it.
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
        }
        if self.report_removals {
            self.removals.push_back(Removal { db, key: key.into(), cause });
        }
    }

    /// Every key of a database may have changed.
    pub(crate) fn flushed(&mut self, db: DatabaseIndex) {
        if self.record_touched {
            self.touched.add_database(db);
        }
    }
}
