//! Which slots a receiver gets from whom.

use dunlin_slots::SlotSet;

/// A primary that gives slots, by its number in the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its number.
    pub node: usize,
    /// What it owns.
    pub slots: SlotSet,
}

/// One slot that leaves a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The node that gives it.
    pub source: usize,
    /// The slot.
    pub slot: u16,
}

/// Takes `count` slots from the sources in proportion to what they own, the lowest ones of each. The
/// one that owns most comes first and its share is rounded up, the others' down, so the plan may be a
/// few slots short of `count`; it is never longer.
#[must_use]
pub fn reshard(sources: &[Source], count: usize) -> Vec<Step> {
    let mut sorted: Vec<&Source> = sources.iter().collect();
    sorted.sort_by_key(|source| std::cmp::Reverse(source.slots.len()));
    let total: usize = sources.iter().map(|source| source.slots.len()).sum();
    let mut plan = Vec::with_capacity(count.min(total));
    for (index, source) in sorted.into_iter().enumerate() {
        // Single precision, as redis-cli computes: the plans are to be equal.
        let share = count as f32 / total as f32 * source.slots.len() as f32;
        let share = if index == 0 { share.ceil() } else { share.floor() } as usize;
        let taken = source.slots.iter().take(share.min(count - plan.len()));
        plan.extend(taken.map(|slot| Step { source: source.node, slot }));
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin_slots::SLOTS;
    use proptest::prelude::*;

    fn source(node: usize, slots: &str) -> Source {
        Source { node, slots: slots.parse().expect("slots") }
    }

    /// Guide 5.8: 4,096 slots from three primaries.
    #[test]
    fn a_quarter_for_the_fourth() {
        let sources = [source(0, "0-5460"), source(1, "5461-10922"), source(2, "10923-16383")];
        let plan = reshard(&sources, 4096);
        assert_eq!(plan.len(), 4096);
        assert_eq!(
            (plan[0], plan[4095]),
            (Step { source: 1, slot: 5461 }, Step { source: 2, slot: 12287 })
        );
        let moved: SlotSet = plan.iter().map(|step| step.slot).collect();
        assert_eq!(moved.to_string(), "0-1364 5461-6826 10923-12287");
        assert!(reshard(&[], 5).is_empty());
        assert!(reshard(&[Source { node: 0, slots: SlotSet::new() }], 5).is_empty());
        assert_eq!(reshard(&sources[..1], 9999).len(), 5461);
    }

    proptest! {
        #[test]
        fn plans_conserve(owners in prop::collection::vec(0..5_usize, 64), count in 0..20_000_usize) {
            let sources: Vec<Source> = (0..5)
                .map(|node| {
                    let mine = (0..SLOTS).filter(|slot| owners[usize::from(*slot) % 64] == node);
                    Source { node, slots: mine.collect() }
                })
                .collect();
            let plan = reshard(&sources, count);
            prop_assert!(plan.len() <= count);
            prop_assert!(plan.len() + 5 >= count.min(usize::from(SLOTS)));
            let mut seen = SlotSet::new();
            for step in &plan {
                prop_assert!(sources[step.source].slots.contains(step.slot));
                prop_assert!(seen.insert(step.slot), "slot {} twice", step.slot);
            }
        }
    }
}
