//! Tracking as one client has asked for it.

use std::collections::BTreeSet;

use crate::sessions::ClientId;

/// Which keys a client is told about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrackingMode {
    /// All that it reads.
    #[default]
    Default,
    /// Those read by a command that follows CLIENT CACHING YES.
    OptIn,
    /// All that it reads, but by a command that follows CLIENT CACHING NO.
    OptOut,
    /// All with a prefix, read or not (BCAST).
    Broadcast,
}

/// What CLIENT TRACKING ON asks for, prefixes aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackingOptions {
    /// Which keys.
    pub mode: TrackingMode,
    /// Who is told instead of the client.
    pub redirect: Option<ClientId>,
    /// The client is not told of its own changes (NOLOOP).
    pub no_loop: bool,
}

/// The tracking of a client that has it on.
#[derive(Debug, Default)]
pub struct ClientTracking {
    /// What it asked for.
    pub options: TrackingOptions,
    /// CLIENT CACHING was called, and the command it is meant for has not run yet.
    pub caching: bool,
    /// The client that is told instead is gone.
    pub is_broken: bool,
    /// Prefixes, for [`TrackingMode::Broadcast`].
    pub(crate) prefixes: BTreeSet<Box<[u8]>>,
    /// Sum of their lengths.
    prefix_bytes: usize,
}

impl ClientTracking {
    /// The prefixes whose keys the client is told of, in order; without BCAST there are none.
    pub fn prefixes(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.prefixes.iter().map(|prefix| &**prefix)
    }

    pub(crate) fn add_prefix(&mut self, prefix: &[u8]) {
        if self.prefixes.insert(prefix.into()) {
            self.prefix_bytes += prefix.len();
        }
    }

    /// Memory it takes, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.prefixes.len() * size_of::<Box<[u8]>>() + self.prefix_bytes
    }

    /// A prefix of the client for which there are keys that have `prefix` as well.
    #[must_use]
    pub fn overlapping(&self, prefix: &[u8]) -> Option<&[u8]> {
        self.prefixes().find(|own| own.starts_with(prefix) || prefix.starts_with(own))
    }

    /// Whether keys that the client reads now are to be remembered.
    pub(crate) const fn remembers(&self) -> bool {
        match self.options.mode {
            TrackingMode::Default => true,
            TrackingMode::OptIn => self.caching,
            TrackingMode::OptOut => !self.caching,
            TrackingMode::Broadcast => false,
        }
    }
}
