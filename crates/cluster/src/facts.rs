//! What a server tells its cluster.

use dunlin_stdx::time::Monotonic;

/// How a server stands at the moment of an input.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// A primary: bytes of the stream of changes that it has produced. A replica: bytes that it has
    /// processed.
    pub offset: u64,
    /// The link to its primary.
    pub primary_link: PrimaryLink,
    /// The keys that it holds.
    pub keys: &'a dyn SlotKeys,
}

/// A replica's link to its primary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrimaryLink {
    /// It was never up since the server started, or the server is a primary.
    #[default]
    Never,
    /// It is up.
    Up {
        /// When the primary last sent something.
        last_interaction: Monotonic,
    },
    /// It is down.
    Down {
        /// When it went down.
        since: Monotonic,
    },
}

/// Counts keys. The first database is the only one of a cluster.
pub trait SlotKeys {
    /// Count of keys in a slot.
    fn count(&self, slot: u16) -> usize;

    /// Whether there is no key at all.
    fn is_empty(&self) -> bool;
}

/// No keys: for servers without data, and tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKeys;

impl SlotKeys for NoKeys {
    fn count(&self, _: u16) -> usize {
        0
    }

    fn is_empty(&self) -> bool {
        true
    }
}
