//! Where a collection keeps what it was.

use std::any::Any;
use std::fmt;

/// What a collection kept while it was frozen. Little when all was handed out; after an end before
/// that, dropping it takes a millisecond for some 30 MB, which another thread may do.
pub struct Thawed(Option<Box<dyn Any + Send>>);

impl Thawed {
    /// Nothing was kept.
    pub(crate) const NOTHING: Self = Self(None);

    /// What two parts of a collection kept.
    pub(crate) fn both(one: Self, other: Self) -> Self {
        match (one.0, other.0) {
            (None, kept) | (kept, None) => Self(kept),
            both => Self(Some(Box::new(both))),
        }
    }

    /// Whether there is nothing to drop.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Debug for Thawed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thawed").field("is_empty", &self.is_empty()).finish()
    }
}

/// The place in a collection for what it was when it was frozen: one word, empty nearly always, and
/// empty in every copy of the collection.
pub(crate) struct FrozenPlace<T>(Option<Box<T>>);

impl<T> FrozenPlace<T> {
    pub(crate) const EMPTY: Self = Self(None);

    pub(crate) fn put(&mut self, frozen: T) {
        self.0 = Some(Box::new(frozen));
    }

    /// Forgets what was kept, and hands it out to be dropped.
    pub(crate) fn clear(&mut self) -> Thawed
    where
        T: Send + 'static,
    {
        Thawed(self.0.take().map(|kept| kept as Box<dyn Any + Send>))
    }

    /// Takes out what is kept, for a moment.
    pub(crate) fn take(&mut self) -> Option<Box<T>> {
        self.0.take()
    }

    /// Puts back what was taken out.
    pub(crate) fn put_back(&mut self, frozen: Box<T>) {
        self.0 = Some(frozen);
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }
}

impl<T> Clone for FrozenPlace<T> {
    fn clone(&self) -> Self {
        Self::EMPTY
    }
}

impl<T> Default for FrozenPlace<T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<T> fmt::Debug for FrozenPlace<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "frozen" } else { "not frozen" })
    }
}
