//! The value of a key for editing, without its name and deadline.

use std::ops::Deref;

use crate::entry::{Entry, NewValue, PackedMut};
use crate::object::Object;

/// The value of a key for editing. Dereferences to the entry for reading.
///
/// Name and deadline stay out of reach: the keyspace counts deadlines, so they change through it.
pub struct ValueMut<'a>(&'a mut Entry);

impl<'a> ValueMut<'a> {
    /// The value of `entry`.
    pub const fn new(entry: &'a mut Entry) -> Self {
        Self(entry)
    }

    /// The same value, borrowed for a shorter time.
    pub const fn reborrow(&mut self) -> ValueMut<'_> {
        ValueMut(self.0)
    }

    /// The bytes of a packed collection; `None` if the value is anything else.
    pub fn packed_mut(&mut self) -> Option<PackedMut<'_>> {
        self.0.packed_mut()
    }

    /// The boxed value; `None` if the value is inside the entry.
    pub fn object_mut(&mut self) -> Option<&mut Object> {
        self.0.object_mut()
    }

    /// The boxed value for as long as the entry is borrowed; `None` if the value is inside it.
    #[must_use]
    pub fn into_object(self) -> Option<&'a mut Object> {
        self.0.object_mut()
    }

    /// Replaces the value: the collection changes its encoding. Returns the old value if it was
    /// boxed.
    pub fn convert(&mut self, value: NewValue<'_>) -> Option<Box<Object>> {
        self.0.convert(value)
    }
}

impl Deref for ValueMut<'_> {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        self.0
    }
}
