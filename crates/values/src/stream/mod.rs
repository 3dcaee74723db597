//! Streams: entries in the order of their IDs, and groups of consumers who share them.
//!
//! The [`Log`] holds the entries in nodes that are listpacks, byte for byte those of Redis's files;
//! a [`Group`] remembers how far its consumers are and who has which entry.
//!
//! Source: Redis documentation, "Streams"; RDB format, "streams".

mod entries;
mod frozen;
mod group;
mod groups;
mod id;
mod id_map;
mod log;
mod node;
mod nodes;
#[cfg(test)]
mod tests;
mod trim;
mod validate;

pub use entries::{Direction, Entries};
pub use group::{Consumer, ConsumerIndex, Delivery, Group};
pub use groups::Groups;
pub use id::{IdText, StreamId};
pub use log::{Log, NewId, NodeLimits, Refusal};
pub use trim::{Keep, Trim};
pub use validate::{CorruptNode, ValidNode, validate_node};

use self::frozen::FrozenLog;
use crate::entry::{Entry, NewValue};
use crate::frozen::FrozenPlace;
use crate::object::Object;
use crate::value_mut::ValueMut;

/// A stream.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// The entries.
    pub log: Log,
    /// The groups by name.
    pub groups: Groups,
    frozen: FrozenPlace<FrozenLog>,
}

impl Stream {
    /// How much work dropping it is, counted in allocations. One group stands for all.
    #[must_use]
    pub fn free_effort(&self) -> usize {
        let pending = self.groups.values().next().map_or(0, Group::pending_len);
        // A run of pending entries holds up to 64, in the group and again at its consumer.
        self.log.nodes() + self.groups.len() * (1 + pending / 32)
    }

    /// Bytes of heap it holds, itself included.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.log.heap_bytes() + self.groups.heap_bytes()
    }
}

impl Entry {
    /// The stream, if the value is one.
    #[must_use]
    #[inline]
    pub fn stream(&self) -> Option<&Stream> {
        match self.object()? {
            Object::Stream(stream) => Some(stream),
            _ => None,
        }
    }
}

impl<'a> ValueMut<'a> {
    /// The stream for editing, if the value is one.
    #[must_use]
    #[inline]
    pub fn into_stream(self) -> Option<&'a mut Stream> {
        match self.into_object()? {
            Object::Stream(stream) => Some(stream),
            _ => None,
        }
    }
}

impl From<Stream> for NewValue<'_> {
    fn from(stream: Stream) -> Self {
        Self::Boxed(Box::new(Object::Stream(Box::new(stream))))
    }
}
