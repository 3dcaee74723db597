//! From an element to a register and a run of zeros.

/// Bits of the hash that choose the register.
pub(super) const INDEX_BITS: u32 = 14;

/// Bits of the hash that make the run.
pub(super) const RUN_BITS: u32 = u64::BITS - INDEX_BITS;

const SEED: u64 = 0xadc8_3b19;

/// What an element says of the multiset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The register it belongs to.
    pub register: usize,
    /// Its run of zeros, plus one: 1 to 51.
    pub run: u8,
}

impl Observation {
    /// What `element` says.
    #[must_use]
    pub fn of(element: &[u8]) -> Self {
        let hash = murmur(element, SEED);
        let register = (hash & ((1 << INDEX_BITS) - 1)) as usize;
        // A one behind the last bit ends the run.
        let rest = hash >> INDEX_BITS | 1 << RUN_BITS;
        Self { register, run: rest.trailing_zeros() as u8 + 1 }
    }
}

/// MurmurHash2 for 64 bits, variant A, reading little endian.
///
/// Source: Austin Appleby, MurmurHash2 (public domain).
#[must_use]
pub fn murmur(bytes: &[u8], seed: u64) -> u64 {
    const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        word ^= word >> SHIFT;
        hash ^= word.wrapping_mul(MULTIPLIER);
        hash = hash.wrapping_mul(MULTIPLIER);
    }
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(MULTIPLIER);
    }
    hash ^= hash >> SHIFT;
    hash = hash.wrapping_mul(MULTIPLIER);
    hash ^ hash >> SHIFT
}
