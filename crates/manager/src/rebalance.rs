//! Slots spread over the primaries by their weights.

use dunlin_slots::{SLOTS, SlotSet};

use crate::reshard::{Source, reshard};

/// A primary that takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Its number in the view.
    pub node: usize,
    /// What it owns.
    pub slots: SlotSet,
    /// How much it is to have.
    pub weight: Weight,
}

/// How much of the slots one is to have, relative to the sum of all weights.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Weight(f32);

impl Eq for Weight {}

impl Default for Weight {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Weight {
    /// A weight; `None` unless it is a finite number that is not negative.
    #[must_use]
    pub fn new(value: f32) -> Option<Self> {
        (value.is_finite() && value >= 0.0).then_some(Self(value))
    }
}

/// Slots that go from one primary to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Who gives, by its number in the view.
    pub source: usize,
    /// Who gets.
    pub target: usize,
    /// Which slots, lowest first.
    pub slots: Vec<u16>,
}

/// How many slots a primary has too many (positive) or too few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Its number in the view.
    pub node: usize,
    /// Slots beyond its share.
    pub excess: i64,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Rebalance {
    /// Nobody is further from its share than the threshold.
    WithinThreshold,
    /// Slots move.
    Needed {
        /// Who has too few, first, to who has too many, last.
        balances: Vec<Balance>,
        /// Sum of the weights.
        total_weight: f32,
        /// What moves, in this order.
        transfers: Vec<Transfer>,
    },
    /// The weights are all 0.
    NoWeight,
}

/// Plans transfers, so that each primary owns its share of all slots by weight. Nothing moves unless
/// one is further from its share than `threshold_percent` of what it owns.
#[must_use]
pub fn rebalance(shares: &[Share], threshold_percent: f32) -> Rebalance {
    let total_weight: f32 = shares.iter().map(|share| share.weight.0).sum();
    if total_weight <= 0.0 {
        return Rebalance::NoWeight;
    }
    let mut balances = Vec::with_capacity(shares.len());
    let mut is_needed = false;
    for share in shares {
        // Single precision, as redis-cli computes: the plans are to be equal.
        let expected = (f32::from(SLOTS) / total_weight * share.weight.0) as i64;
        let owned = share.slots.len() as i64;
        balances.push(Balance { node: share.node, excess: owned - expected });
        is_needed |= threshold_percent > 0.0
            && if owned > 0 {
                let off = (100.0 - 100.0 * expected as f64 / owned as f64).abs() as f32;
                off > threshold_percent
            } else {
                expected > 1
            };
    }
    if !is_needed {
        return Rebalance::WithinThreshold;
    }
    spread_rounding(&mut balances);
    balances.sort_by_key(|balance| balance.excess);
    let transfers = pair(shares, &balances);
    Rebalance::Needed { balances, total_weight, transfers }
}

/// Shares are rounded down, so that some slots belong to nobody's: those who get slots get them, one
/// each in turn.
fn spread_rounding(balances: &mut [Balance]) {
    let mut rest: i64 = balances.iter().map(|balance| balance.excess).sum();
    while rest > 0 && balances.iter().any(|balance| balance.excess <= 0) {
        for balance in balances.iter_mut().filter(|balance| balance.excess <= 0) {
            if rest == 0 {
                break;
            }
            balance.excess -= 1;
            rest -= 1;
        }
    }
}

/// Whoever lacks most gets from whoever has most, as much as both allow, and so on.
fn pair(shares: &[Share], sorted: &[Balance]) -> Vec<Transfer> {
    let mut left = sorted.to_vec();
    let mut owned: Vec<Source> = shares
        .iter()
        .map(|share| Source { node: share.node, slots: share.slots.clone() })
        .collect();
    let mut transfers = Vec::new();
    let (mut getter, mut giver) = (0, left.len().saturating_sub(1));
    while getter < giver {
        let count = left[getter].excess.abs().min(left[giver].excess.abs());
        if count > 0 {
            let (source, target) = (left[giver].node, left[getter].node);
            let from = owned.iter_mut().find(|own| own.node == source).expect("it has a balance");
            let steps = reshard(std::slice::from_ref(from), count as usize);
            let slots: Vec<u16> = steps.iter().map(|step| step.slot).collect();
            slots.iter().for_each(|slot| {
                from.slots.remove(*slot);
            });
            transfers.push(Transfer { source, target, slots });
        }
        left[getter].excess += count;
        left[giver].excess -= count;
        let (got, gave) = (left[getter].excess == 0, left[giver].excess == 0);
        if !got && !gave {
            // Both lack slots: nobody is left to give.
            break;
        }
        getter += usize::from(got);
        giver -= usize::from(gave);
    }
    transfers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn share(node: usize, slots: &str, weight: f32) -> Share {
        let slots = if slots.is_empty() { SlotSet::new() } else { slots.parse().expect("slots") };
        Share { node, slots, weight: Weight::new(weight).expect("a weight") }
    }

    fn even() -> [Share; 3] {
        [share(0, "0-5460", 1.0), share(1, "5461-10922", 1.0), share(2, "10923-16383", 1.0)]
    }

    #[test]
    fn nothing_to_do() {
        assert_eq!(rebalance(&even(), 2.0), Rebalance::WithinThreshold);
        assert_eq!(rebalance(&[share(0, "0-16383", 0.0)], 2.0), Rebalance::NoWeight);
        assert_eq!(rebalance(&[], 2.0), Rebalance::NoWeight);
        for weight in [-1.0, f32::NAN, f32::INFINITY] {
            assert_eq!(Weight::new(weight), None);
        }
    }

    #[test]
    fn a_newcomer_gets_its_share() {
        let [a, b, c] = even();
        let plan = rebalance(&[a, b, c, share(3, "", 1.0)], 2.0);
        let Rebalance::Needed { transfers, total_weight, balances } = plan else {
            panic!("{plan:?}")
        };
        assert_eq!(total_weight, 4.0);
        assert_eq!(balances[0], Balance { node: 3, excess: -4096 });
        let told: Vec<(usize, usize, usize)> =
            transfers.iter().map(|one| (one.source, one.target, one.slots.len())).collect();
        assert_eq!(told, [(1, 3, 1366), (2, 3, 1365), (0, 3, 1365)]);
        assert_eq!(transfers[0].slots[0], 5461);
    }

    proptest! {
        #[test]
        fn shares_are_met(
            owners in prop::collection::vec(0..4_usize, 128),
            weights in prop::collection::vec(0..8_u8, 4),
        ) {
            let shares: Vec<Share> = (0..4)
                .map(|node| {
                    let mine = (0..SLOTS).filter(|slot| owners[usize::from(*slot) % 128] == node);
                    Share { node, slots: mine.collect(), weight: Weight(f32::from(weights[node])) }
                })
                .collect();
            let Rebalance::Needed { transfers, total_weight, .. } = rebalance(&shares, 2.0) else {
                return Ok(());
            };
            let mut after: Vec<SlotSet> = shares.iter().map(|share| share.slots.clone()).collect();
            for transfer in &transfers {
                for slot in &transfer.slots {
                    prop_assert!(after[transfer.source].remove(*slot));
                    prop_assert!(after[transfer.target].insert(*slot));
                }
            }
            let all = after.iter().fold(SlotSet::new(), |all, one| all | one);
            prop_assert_eq!(all.len(), usize::from(SLOTS));
            for (slots, weight) in after.iter().zip(&weights) {
                let expected = f32::from(SLOTS) / total_weight * f32::from(*weight);
                prop_assert!((slots.len() as f32 - expected).abs() <= 4.0, "{} {}", slots.len(), expected);
            }
            // What has been balanced stays.
            let again: Vec<Share> = shares
                .iter()
                .zip(&after)
                .filter(|(_, slots)| slots.len() > 100)
                .map(|(share, slots)| Share { slots: slots.clone(), ..share.clone() })
                .collect();
            let again = rebalance(&again, 5.0);
            prop_assert!(matches!(again, Rebalance::WithinThreshold), "{again:?}");
        }
    }
}
