//! A list of listpacks.

/// A list of listpacks.
#[derive(Clone, Debug, Default)]
pub struct Quicklist {}

impl Quicklist {
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
