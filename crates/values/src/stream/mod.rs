//! A stream.

/// A stream.
#[derive(Clone, Debug, Default)]
pub struct Stream {}

impl Stream {
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
