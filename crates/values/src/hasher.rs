//! From a member or a field to its hash.

use std::hash::BuildHasher;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;

/// Hashes what tables inside values are keyed by.
///
/// Each table has a seed of its own. A table is walked in the order of its hashes, and one that is
/// filled in the order of *its* hashes crowds one segment after the other (SINTERSTORE of 50,000
/// members took 750 ms): so what is walked and what is filled must not agree. The seeds follow from
/// the node's: nobody outside can predict buckets, and a simulation repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberHasher(u64);

impl MemberHasher {
    /// The hasher of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A hasher for a copy: its order is not this one's.
    #[must_use]
    pub const fn another(self) -> Self {
        // Two to the 64th divided by the golden ratio: any odd number visits all seeds, this one
        // far apart.
        Self(self.0.wrapping_add(0x9e37_79b9_7f4a_7c15))
    }

    /// The hash of a member or field.
    #[must_use]
    #[inline]
    pub fn hash(self, member: &[u8]) -> u64 {
        SeedableRandomState::with_seed(self.0, SharedSeed::global_fixed()).hash_one(member)
    }
}
