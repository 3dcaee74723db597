//! From a member or a field to its hash.

use std::hash::BuildHasher;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;

/// Hashes what tables inside values are keyed by.
///
/// All values of a node share the seed, so that a hash computed for one set finds the member in
/// another. It follows from the node's seed: nobody outside can predict buckets, and a simulation
/// repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberHasher(u64);

impl MemberHasher {
    /// The hasher of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The hash of a member or field.
    #[must_use]
    #[inline]
    pub fn hash(self, member: &[u8]) -> u64 {
        SeedableRandomState::with_seed(self.0, SharedSeed::global_fixed()).hash_one(member)
    }
}
