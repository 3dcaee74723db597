//! Who becomes what when nodes become a cluster.

use dunlin_slots::{SLOTS, SlotRange};

use crate::affinity::{Affinity, optimize};

/// A cluster needs so many primaries: a majority outlives the death of one.
const PRIMARIES_MIN: usize = 3;

/// A node of the cluster to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where it runs; nodes with equal texts share a host.
    pub host: String,
}

/// A replica and its primary, by their numbers among the candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The replica.
    pub replica: usize,
    /// Whom it is to follow.
    pub primary: usize,
    /// Whether it is one of the nodes that were left over when each primary had its replicas.
    pub is_extra: bool,
}

/// Roles and slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePlan {
    /// The primaries with what they get, in the order of their slots.
    pub primaries: Vec<(usize, Option<SlotRange>)>,
    /// Replicas in the order in which they were assigned, before hosts were considered.
    pub assignments: Vec<Assignment>,
    /// For each candidate whom it is to follow in the end.
    pub follows: Vec<Option<usize>>,
    /// How well replicas and hosts fit.
    pub affinity: Affinity,
}

/// Too few nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCreation {
    /// How many there are.
    pub nodes: usize,
    /// How many replicas each primary was to have.
    pub replicas: usize,
    /// How many nodes there must be.
    pub required: usize,
}

impl CreatePlan {
    /// Plans a cluster. Primaries are taken from all hosts in turn, replicas from other hosts than
    /// their primaries' where that is possible.
    ///
    /// # Errors
    /// [`InvalidCreation`] if there would be fewer than three primaries.
    pub fn new(
        candidates: &[Candidate],
        replicas: usize,
        rng: &mut fastrand::Rng,
    ) -> Result<Self, InvalidCreation> {
        let count = candidates.len() / replicas.saturating_add(1);
        if count < PRIMARIES_MIN {
            let required = replicas.saturating_add(1).saturating_mul(PRIMARIES_MIN);
            return Err(InvalidCreation { nodes: candidates.len(), replicas, required });
        }
        let mut order = interleaved(candidates);
        let mut free = order.split_off(count);
        // It often keeps the first replica off the first primary's host.
        if !free.is_empty() {
            free.rotate_left(1);
        }
        let assignments = assign(candidates, &order, free, replicas);
        let mut follows = vec![None; candidates.len()];
        for assignment in &assignments {
            follows[assignment.replica] = Some(assignment.primary);
        }
        let hosts: Vec<&str> = candidates.iter().map(|one| one.host.as_str()).collect();
        let affinity = optimize(&hosts, &mut follows, rng);
        let primaries = order.iter().copied().zip(split(count)).collect();
        Ok(Self { primaries, assignments, follows, affinity })
    }
}

/// The candidates, one of each host in turn.
fn interleaved(candidates: &[Candidate]) -> Vec<usize> {
    let mut hosts: Vec<(&str, std::collections::VecDeque<usize>)> = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        match hosts.iter_mut().find(|(host, _)| *host == candidate.host) {
            Some((_, nodes)) => nodes.push_back(index),
            None => hosts.push((&candidate.host, [index].into())),
        }
    }
    let mut order = Vec::with_capacity(candidates.len());
    while order.len() < candidates.len() {
        order.extend(hosts.iter_mut().filter_map(|(_, nodes)| nodes.pop_front()));
    }
    order
}

/// All slots in `count` ranges of nearly one size. `None` where there are more primaries than slots.
fn split(count: usize) -> impl Iterator<Item = Option<SlotRange>> {
    // Single precision, as redis-cli computes: the ranges are to be equal.
    let per_node = f32::from(SLOTS) / count as f32;
    let (mut first, mut cursor) = (0_u32, 0.0_f32);
    (0..count).map(move |index| {
        let last = match index + 1 == count {
            true => u32::from(SLOTS) - 1,
            false => (cursor + per_node - 1.0).round().max(0.0) as u32,
        };
        let last = last.max(first);
        let range = SlotRange::new(u16::try_from(first).ok()?, u16::try_from(last).ok()?).ok();
        (first, cursor) = (last + 1, cursor + per_node);
        range
    })
}

/// Gives each primary its replicas, then what is left over, one each in turn.
fn assign(
    candidates: &[Candidate],
    primaries: &[usize],
    mut free: Vec<usize>,
    replicas: usize,
) -> Vec<Assignment> {
    let mut assignments = Vec::with_capacity(free.len());
    for (round, wanted) in [(false, replicas), (true, 1)] {
        for primary in primaries {
            for _ in 0..wanted {
                let elsewhere = free
                    .iter()
                    .position(|node| candidates[*node].host != candidates[*primary].host);
                if free.is_empty() {
                    return assignments;
                }
                let replica = free.remove(elsewhere.unwrap_or(0));
                assignments.push(Assignment { replica, primary: *primary, is_extra: round });
            }
        }
    }
    assignments
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plan(hosts: &[&str], replicas: usize) -> Result<CreatePlan, InvalidCreation> {
        let candidates: Vec<Candidate> =
            hosts.iter().map(|host| Candidate { host: (*host).to_owned() }).collect();
        CreatePlan::new(&candidates, replicas, &mut fastrand::Rng::with_seed(1))
    }

    fn pairs(plan: &CreatePlan) -> Vec<(usize, usize)> {
        plan.assignments.iter().map(|one| (one.replica, one.primary)).collect()
    }

    /// Guides 5.2, 5.3 and 7.1.
    #[test]
    fn six_nodes() {
        let one_host = plan(&["h"; 6], 1).expect("a plan");
        let ranges: Vec<String> = one_host
            .primaries
            .iter()
            .map(|(node, range)| format!("{node} {}", range.expect("slots")))
            .collect();
        assert_eq!(ranges, ["0 0-5460", "1 5461-10922", "2 10923-16383"]);
        assert_eq!(pairs(&one_host), [(4, 0), (5, 1), (3, 2)]);
        assert_eq!(one_host.affinity, Affinity::WithPrimary);
        let two_hosts = plan(&["a", "a", "a", "b", "b", "b"], 1).expect("a plan");
        let primaries: Vec<usize> = two_hosts.primaries.iter().map(|(node, _)| *node).collect();
        assert_eq!(primaries, [0, 3, 1]);
        assert_eq!(pairs(&two_hosts), [(5, 0), (2, 3), (4, 1)]);
        assert_eq!(two_hosts.affinity, Affinity::Untouched);
        let six_hosts = plan(&["1", "2", "3", "4", "5", "6"], 1).expect("a plan");
        assert_eq!(pairs(&six_hosts), [(4, 0), (5, 1), (3, 2)]);
    }

    #[test]
    fn leftovers_and_refusals() {
        let plan8 = plan(&["h"; 8], 1).expect("a plan");
        assert_eq!(plan8.primaries.len(), 4);
        let plan7 = plan(&["h"; 7], 1).expect("a plan");
        assert_eq!(plan7.primaries.len(), 3);
        let extra: Vec<bool> = plan7.assignments.iter().map(|one| one.is_extra).collect();
        assert_eq!(extra, [false, false, false, true]);
        let refused = InvalidCreation { nodes: 5, replicas: 1, required: 6 };
        assert_eq!(plan(&["h"; 5], 1), Err(refused));
        assert!(plan(&["h"; 5], usize::MAX).is_err());
        assert!(plan(&[], 0).is_err());
    }

    proptest! {
        #[test]
        fn everyone_has_a_role(hosts in prop::collection::vec(0..4_u8, 3..40), replicas in 0..3_usize) {
            let texts: Vec<String> = hosts.iter().map(u8::to_string).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let Ok(plan) = plan(&texts, replicas) else { return Ok(()) };
            let mut slots = dunlin_slots::SlotSet::new();
            for (node, range) in &plan.primaries {
                prop_assert_eq!(plan.follows[*node], None);
                slots.insert_range(range.expect("slots"));
                let followed = plan.follows.iter().filter(|primary| **primary == Some(*node)).count();
                prop_assert!(followed >= replicas);
            }
            prop_assert_eq!(slots.len(), usize::from(SLOTS));
            let replicas = plan.follows.iter().flatten().count();
            prop_assert_eq!(replicas + plan.primaries.len(), hosts.len());
        }
    }
}
