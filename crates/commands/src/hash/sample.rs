//! Random fields: which ones, and in one pass.

use std::collections::BTreeSet;

use dunlin_values::hash::{FieldRef, HashRef};
use dunlin_values::listpack::Element;
use fastrand::Rng;

/// How many times as many fields as asked for a hash must have, so that drawing until enough
/// different ones have come is cheaper than a walk over all.
const DRAWN_SHARE_MIN: usize = 3;

/// Visits `count` different random fields, which must be fewer than there are; every choice of so
/// many has the same chance.
pub(super) fn for_each_distinct<'a>(
    hash: HashRef<'a>,
    count: usize,
    rng: &mut Rng,
    mut visit: impl FnMut(FieldRef<'a>),
) {
    let len = hash.len();
    if hash.table().is_none() || count.saturating_mul(DRAWN_SHARE_MIN) > len {
        return choose(hash, len, count, rng, visit);
    }
    let mut drawn = BTreeSet::new();
    while drawn.len() < count {
        let Some(field) = hash.sample(|| rng.u64(..)) else { return };
        // A field of a table is known by its place.
        let Element::Text(name) = field.name else { unreachable!("names in a table are text") };
        if drawn.insert(name.as_ptr().addr()) {
            visit(field);
        }
    }
}

/// Walks over a hash of `len` fields and visits `count` of them. O(length)
fn choose<'a>(
    hash: HashRef<'a>,
    len: usize,
    count: usize,
    rng: &mut Rng,
    mut visit: impl FnMut(FieldRef<'a>),
) {
    // Knuth's selection sampling: of `left` fields `wanted` are still to be chosen.
    let (mut left, mut wanted) = (len, count);
    for field in hash.iter() {
        if wanted == 0 {
            return;
        }
        if rng.usize(..left) < wanted {
            wanted -= 1;
            visit(field);
        }
        left -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dunlin_stdx::time::UnixMs;
    use dunlin_values::hash::{HashLimits, HashMut};
    use dunlin_values::{Entry, MemberHasher, ValueMut};

    use super::*;

    /// A hash of `len` fields that can be seen and as many whose deadline has passed if `hidden`.
    fn hash_of(len: usize, hidden: bool) -> Entry {
        let limits =
            HashLimits { listpack_len: 128, listpack_value_len: 64, hasher: MemberHasher::new(3) };
        let mut entry = Entry::new(b"k", limits.build(&[], &mut Vec::new()).0, None);
        let mut hash = HashMut::new(ValueMut::new(&mut entry), limits, UnixMs(0));
        for n in 0..len {
            hash.set(format!("f{n}").as_bytes(), b"v");
            if hidden {
                let name = format!("hidden{n}");
                hash.set(name.as_bytes(), b"v");
                hash.set_deadline(name.as_bytes(), Some(UnixMs(5)));
            }
        }
        entry
    }

    /// Pearson's statistic of `times` against equal chances, and what it may be at most: five
    /// standard deviations above its mean. `variance` is that of one count.
    fn assert_fair(times: &BTreeMap<Vec<u8>, usize>, len: usize, mean: f64, variance: f64) {
        let counts = (0..len).map(|n| times.values().nth(n).copied().unwrap_or_default() as f64);
        let sum: f64 = counts.map(|count| (count - mean).powi(2) / variance).sum();
        let freedom = len as f64 - 1.0;
        let bound = freedom + 5.0 * (2.0 * freedom).sqrt();
        assert!(sum < bound, "{sum} of {bound} with {len} fields");
    }

    #[test]
    fn every_field_is_chosen_as_often_in_every_form() {
        const ROUNDS: usize = 600;
        let mut rng = Rng::with_seed(11);
        for (len, hidden) in [(50, false), (50, true), (100, false), (200, false), (200, true)] {
            let entry = hash_of(len, hidden);
            let hash = entry.hash(UnixMs(10)).expect("a hash");
            assert_eq!(hash.len(), len);
            for count in [1, 20, 30, len - 1] {
                let mut met: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
                for _ in 0..ROUNDS {
                    let mut round = BTreeSet::new();
                    for_each_distinct(hash, count, &mut rng, |field| {
                        assert!(round.insert(field.name.to_vec()), "different fields");
                    });
                    assert_eq!(round.len(), count);
                    round.into_iter().for_each(|name| *met.entry(name).or_default() += 1);
                }
                let mean = (ROUNDS * count) as f64 / len as f64;
                // A field is in or out: the variance is smaller the more are chosen.
                assert_fair(&met, len, mean, mean * (1.0 - count as f64 / len as f64));
            }
        }
    }

    #[test]
    fn one_field_is_drawn_as_often_as_another() {
        const ROUNDS: usize = 40_000;
        let mut rng = Rng::with_seed(12);
        for (len, hidden) in [(50, false), (50, true), (300, false), (300, true)] {
            let entry = hash_of(len, hidden);
            let hash = entry.hash(UnixMs(10)).expect("a hash");
            let mut met: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
            for _ in 0..ROUNDS {
                let field = hash.sample(|| rng.u64(..)).expect("a field");
                *met.entry(field.name.to_vec()).or_default() += 1;
            }
            let mean = ROUNDS as f64 / len as f64;
            assert_fair(&met, len, mean, mean);
        }
    }
}
