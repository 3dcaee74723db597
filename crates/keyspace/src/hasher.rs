//! From a key to its hash.

use std::hash::BuildHasher;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;

/// Hashes keys with a seed that follows from the node's, so that nobody outside can predict
/// buckets and a simulation repeats.
#[derive(Clone)]
pub(crate) struct KeyHasher(SeedableRandomState);

impl KeyHasher {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeedableRandomState::with_seed(seed, SharedSeed::global_fixed()))
    }

    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        self.0.hash_one(key)
    }
}
