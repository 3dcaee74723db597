//! A hash in a table.

/// A hash in a table.
#[derive(Clone, Debug, Default)]
pub struct HashTable {}

impl HashTable {
    /// How much work dropping it is, counted in allocations.
    #[must_use]
    pub const fn free_effort(&self) -> usize {
        1
    }

    /// Bytes of heap it holds, itself included.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        size_of::<Self>()
    }
}
