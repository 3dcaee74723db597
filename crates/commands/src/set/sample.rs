//! Random members: which ones, and in one pass.

use std::collections::BTreeSet;

use dunlin_values::listpack::Element;
use dunlin_values::set::SetRef;
use fastrand::Rng;

/// How many times as many members as asked for a set must have, so that drawing until enough
/// different ones have come is cheaper than a walk over all.
const DRAWN_SHARE_MIN: usize = 3;

/// Walks over a set and says of each member whether it is one of `count` chosen ones; every choice
/// of `count` members has the same chance. O(length)
pub(super) fn choose<'a>(
    set: SetRef<'a>,
    count: usize,
    rng: &mut Rng,
    mut visit: impl FnMut(Element<'a>, bool),
) {
    // Knuth's selection sampling: of `left` members `wanted` are still to be chosen.
    let (mut left, mut wanted) = (set.len(), count);
    for member in set.iter() {
        let is_chosen = rng.usize(..left) < wanted;
        wanted -= usize::from(is_chosen);
        left -= 1;
        visit(member, is_chosen);
    }
}

/// Visits `count` different random members, which must be fewer than there are.
pub(super) fn for_each_distinct<'a>(
    set: SetRef<'a>,
    count: usize,
    rng: &mut Rng,
    mut visit: impl FnMut(Element<'a>),
) {
    if matches!(set, SetRef::Packed(_)) || count.saturating_mul(DRAWN_SHARE_MIN) > set.len() {
        return choose(set, count, rng, |member, is_chosen| {
            if is_chosen {
                visit(member);
            }
        });
    }
    let mut drawn = BTreeSet::new();
    while drawn.len() < count {
        let Some(member) = set.sample(rng.u64(..)) else { return };
        // A member of a table is known by its place, a number by itself.
        let identity = match member {
            Element::Int(number) => number as usize,
            Element::Text(text) => text.as_ptr().addr(),
        };
        if drawn.insert(identity) {
            visit(member);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dunlin_values::set::{SetLimits, SetMut};
    use dunlin_values::{Entry, MemberHasher, ValueMut};

    use super::*;

    fn set_of(members: impl Iterator<Item = String>) -> Entry {
        let limits = SetLimits {
            intset_len: 512,
            listpack_len: 128,
            listpack_member_len: 64,
            hasher: MemberHasher::new(3),
        };
        let mut entry = Entry::new(b"k", SetLimits::NO_INTS, None);
        let mut set = SetMut::new(ValueMut::new(&mut entry), limits);
        members.for_each(|member| assert!(set.add(member.as_bytes())));
        entry
    }

    #[test]
    fn every_member_is_chosen_as_often_in_every_form() {
        const ROUNDS: usize = 600;
        let mut rng = Rng::with_seed(11);
        let entries = [
            set_of((0..100).map(|n| n.to_string())),
            set_of((0..100).map(|n| format!("m{n}"))),
            set_of((0..200).map(|n| format!("m{n}"))),
        ];
        for entry in &entries {
            let set = entry.set().expect("a set");
            for count in [1, 20, 60, 99] {
                let mut met: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
                for _ in 0..ROUNDS {
                    let mut round = BTreeSet::new();
                    for_each_distinct(set, count, &mut rng, |member| {
                        assert!(round.insert(member.to_vec()), "different members");
                    });
                    assert_eq!(round.len(), count);
                    round.into_iter().for_each(|member| *met.entry(member).or_default() += 1);
                }
                let mean = (ROUNDS * count) as f64 / set.len() as f64;
                // A member is in or out: the variance is smaller the more are chosen.
                let variance = mean * (1.0 - count as f64 / set.len() as f64);
                let sum: f64 = (0..set.len())
                    .map(|n| met.values().nth(n).copied().unwrap_or_default() as f64)
                    .map(|times| (times - mean).powi(2) / variance)
                    .sum();
                let freedom = set.len() as f64 - 1.0;
                let bound = freedom + 5.0 * (2.0 * freedom).sqrt();
                assert!(sum < bound, "{count} of {}: {sum} of {bound}", set.len());
            }
        }
    }
}
