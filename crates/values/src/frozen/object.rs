//! Freezing a value, whatever its type.

use super::{FrozenHeader, FrozenItem, Thawed};
use crate::entry::Entry;
use crate::object::Object;
use crate::value_mut::ValueMut;

impl Entry {
    /// Whether the value is a collection that should be handed out in pieces: encoding it as a whole
    /// might take longer than some 100 µs. Strings never are, nor is anything inside the entry.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.object().is_some_and(Object::is_large)
    }

    /// The number with which the collection was frozen, if it is.
    #[must_use]
    pub fn frozen_id(&self) -> Option<u32> {
        self.object()?.frozen_id()
    }

    /// As [`Object::emit_frozen`].
    pub fn emit_frozen(
        &mut self,
        budget: &mut usize,
        visit: &mut dyn FnMut(FrozenItem<'_>),
    ) -> bool {
        self.object_mut().is_none_or(|object| object.emit_frozen(budget, visit))
    }

    /// As [`Object::thaw`].
    pub fn thaw(&mut self) -> Thawed {
        self.object_mut().map_or(Thawed::NOTHING, Object::thaw)
    }
}

impl ValueMut<'_> {
    /// As [`Object::freeze`].
    ///
    /// # Panics
    /// If the value is not in a box: look first, see [`Entry::is_large`].
    pub fn freeze(&mut self, id: u32) -> FrozenHeader {
        self.object_mut().expect("what is large is in a box").freeze(id)
    }
}

impl Object {
    /// As [`Entry::is_large`].
    #[must_use]
    pub fn is_large(&self) -> bool {
        match self {
            Self::Set(set) => set.is_large(),
            Self::SortedSet(set) => set.is_large(),
            Self::Hash(hash) => hash.is_large(),
            Self::List(list) => list.is_large(),
            Self::Stream(stream) => stream.is_large(),
            Self::String(_) => false,
        }
    }

    /// Freezes the collection: from now on it remembers what it is at this moment, until it is
    /// thawed. `id` is for whoever asks later which freezing it was. What it was frozen for before
    /// is forgotten. Fields of a hash whose deadline has passed but that are still held are counted
    /// and handed out, as Redis writes them to its files.
    ///
    /// # Panics
    /// If the value is a string.
    pub fn freeze(&mut self, id: u32) -> FrozenHeader {
        match self {
            Self::Set(set) => set.freeze(id),
            Self::SortedSet(set) => set.freeze(id),
            Self::Hash(hash) => hash.freeze(id),
            Self::List(list) => list.freeze(id),
            Self::Stream(stream) => stream.freeze(id),
            Self::String(_) => panic!("a string is not frozen"),
        }
    }

    /// The number with which the collection was frozen, if it is.
    #[must_use]
    pub fn frozen_id(&self) -> Option<u32> {
        match self {
            Self::Set(set) => set.frozen_id(),
            Self::SortedSet(set) => set.frozen_id(),
            Self::Hash(hash) => hash.frozen_id(),
            Self::List(list) => list.frozen_id(),
            Self::Stream(stream) => stream.frozen_id(),
            Self::String(_) => None,
        }
    }

    /// Hands out more of what the collection was when it was frozen, each item once; returns whether
    /// that was all. Each item takes its bytes and 64 more from `budget`; at 0 this ends, after the
    /// piece that is being handed out: some 256 members or one node.
    ///
    /// Members and fields come in no order, nodes of lists and streams in theirs.
    pub fn emit_frozen(
        &mut self,
        budget: &mut usize,
        visit: &mut dyn FnMut(FrozenItem<'_>),
    ) -> bool {
        match self {
            Self::Set(set) => set.emit_frozen(budget, visit),
            Self::SortedSet(set) => set.emit_frozen(budget, visit),
            Self::Hash(hash) => hash.emit_frozen(budget, visit),
            Self::List(list) => list.emit_frozen(budget, visit),
            Self::Stream(stream) => stream.emit_frozen(budget, visit),
            Self::String(_) => true,
        }
    }

    /// Forgets what the collection was, whether it was handed out or not, and hands out what was kept
    /// for it, to be dropped wherever there is time.
    pub fn thaw(&mut self) -> Thawed {
        match self {
            Self::Set(set) => set.thaw(),
            Self::SortedSet(set) => set.thaw(),
            Self::Hash(hash) => hash.thaw(),
            Self::List(list) => list.thaw(),
            Self::Stream(stream) => stream.thaw(),
            Self::String(_) => Thawed::NOTHING,
        }
    }
}
