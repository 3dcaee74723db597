//! Values nobody needs any more, and where they are dropped.
//!
//! Dropping a large collection takes as long as building it. Values of more than a few dozen
//! allocations can be dropped on another thread; the parameters `lazyfree-*` and commands such as
//! UNLINK say when.
//!
//! Source: Redis configuration file, "LAZY FREEING".

use dunlin_table::Table;
use dunlin_values::{Entry, Object, Thawed};

use crate::database::Database;

/// Allocations from which handing a value over is cheaper than dropping it here.
const LAZY_EFFORT_MIN: usize = 64;

/// Something to be dropped.
pub enum Garbage {
    /// A value that was overwritten.
    Object(Box<Object>),
    /// A key that was removed.
    Entry(Entry),
    /// A whole database.
    Database(Box<Database>),
    /// The keys of a cluster slot.
    Table(Box<Table<Entry>>),
    /// What a large collection kept for a snapshot that was given up.
    Thawed(Thawed),
}

impl Garbage {
    /// How much work dropping it is, counted in allocations.
    #[must_use]
    pub fn effort(&self) -> usize {
        match self {
            Self::Object(object) => object.free_effort(),
            Self::Entry(entry) => entry.free_effort(),
            Self::Database(database) => database.len(),
            Self::Table(table) => table.len(),
            Self::Thawed(thawed) => {
                if thawed.is_empty() {
                    0
                } else {
                    LAZY_EFFORT_MIN
                }
            }
        }
    }
}

/// Drops garbage where it is: for keyspaces whose pauses nobody notices.
pub(crate) struct DropAtOnce;

impl Freer for DropAtOnce {
    fn free_later(&mut self, garbage: Garbage) {
        drop(garbage);
    }
}

/// Drops garbage elsewhere: another thread in the server, at once in a test.
pub trait Freer: Send {
    /// Takes garbage over. It should return at once.
    fn free_later(&mut self, garbage: Garbage);

    /// Number of pieces taken over and not yet dropped (`lazyfree_pending_objects`).
    fn pending(&self) -> usize {
        0
    }

    /// Number of pieces dropped since [`Freer::reset_freed`] (`lazyfreed_objects`).
    fn freed(&self) -> usize {
        0
    }

    /// Begins to count anew (CONFIG RESETSTAT).
    fn reset_freed(&mut self) {}
}

/// What is dropped elsewhere although no command asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LazyFree {
    /// Keys that expired (`lazyfree-lazy-expire`).
    pub expired: bool,
    /// Keys that were evicted (`lazyfree-lazy-eviction`).
    pub evicted: bool,
    /// Values that a command overwrote (`lazyfree-lazy-server-del`).
    pub overwritten: bool,
}

/// Decides where garbage is dropped.
pub(crate) struct Disposal {
    pub(crate) freer: Box<dyn Freer>,
    pub(crate) lazy: LazyFree,
}

impl Disposal {
    /// Drops garbage: elsewhere if that is wished and worth it, else here.
    #[inline]
    pub(crate) fn discard(&mut self, garbage: Garbage, lazily: bool) {
        if lazily && garbage.effort() >= LAZY_EFFORT_MIN {
            self.freer.free_later(garbage);
        }
    }
}
