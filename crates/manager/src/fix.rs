//! What mends slots that stand open, and slots that nobody owns.

use dunlin_slots::SlotSet;

use crate::text::Dialect;
use crate::view::View;

/// How an open slot stands: who owns it, who gives it, who gets it. Nodes are numbers in the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSlot {
    /// The slot.
    pub slot: u16,
    /// Nodes that hold keys of it and do not own it.
    pub strays: Vec<usize>,
    /// Nodes that hold keys of it without any claim.
    pub keepers: Vec<usize>,
    /// Nodes that say it leaves them.
    pub migrating: Vec<usize>,
    /// Nodes that say it comes to them, and those that hold keys without a claim.
    pub importing: Vec<usize>,
    /// Whether there is one owner, or one must be chosen.
    pub election: Election,
}

/// Who is to own an open slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Election {
    /// There is one owner.
    Owned(usize),
    /// Several claim it or hold keys: the one with most keys gets it, the others lose it.
    Chosen {
        /// The new owner.
        owner: usize,
        /// Who loses it.
        losers: Vec<usize>,
    },
    /// There is no primary at all.
    Nobody,
}

/// What mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Case 1: the move goes on where it stopped.
    Move {
        /// Who gives.
        source: usize,
        /// Who gets.
        target: usize,
    },
    /// Case 2: all keys go to the owner, and the others close the slot.
    Gather {
        /// The owner.
        owner: usize,
        /// Who has or may have keys.
        from: Vec<usize>,
    },
    /// Case 3: the move goes on, and those that were no target close the slot.
    MoveAndClose {
        /// Who gives.
        source: usize,
        /// Who gets.
        target: usize,
        /// Who closes it.
        close: Vec<usize>,
    },
    /// Case 3 without a target: everybody closes it.
    CloseAll(Vec<usize>),
    /// Case 4: who gives closes it, having it or having no keys.
    Close(usize),
    /// None of these.
    Unknown,
}

impl OpenSlot {
    /// Looks at a slot; `keys` is how many keys of it each node of the view holds. With redis-cli
    /// whoever holds keys claims it as the owner does; with redis-trib only owners do, unless that
    /// leaves no remedy.
    ///
    /// Differs: where one owner gives to one node that gets, the move is what was broken off, and keys
    /// at the receiver belong there. redis-cli then chooses an owner by the number of keys, which
    /// takes the slot from everybody for a moment.
    #[must_use]
    pub fn new(view: &View, dialect: Dialect, slot: u16, keys: &[u64]) -> Self {
        if dialect == Dialect::Trib {
            let open = Self::with_claims(view, slot, keys, |owns, _| owns);
            if open.remedy(view, keys) != Remedy::Unknown {
                return open;
            }
        }
        Self::with_claims(view, slot, keys, |owns, keys| owns || keys > 0)
    }

    fn with_claims(
        view: &View,
        slot: u16,
        keys: &[u64],
        claims: impl Fn(bool, u64) -> bool,
    ) -> Self {
        let owns = |node: usize| view.nodes[node].slots.contains(slot);
        let gives = |node: usize| view.nodes[node].migrating.iter().any(|(own, _)| *own == slot);
        let gets = |node: usize| view.nodes[node].importing.iter().any(|(own, _)| *own == slot);
        let primaries: Vec<usize> = view.primaries().collect();
        let of = |test: &dyn Fn(usize) -> bool| -> Vec<usize> {
            primaries.iter().copied().filter(|node| test(*node)).collect()
        };
        let strays = of(&|node| !owns(node) && keys[node] > 0);
        let claims = of(&|node| claims(owns(node), keys[node]));
        let migrating = of(&gives);
        let mut open = Self {
            slot,
            strays,
            keepers: Vec::new(),
            migrating,
            importing: of(&|node| !gives(node) && gets(node)),
            election: Election::Nobody,
        };
        open.election = match claims[..] {
            [owner] => Election::Owned(owner),
            _ => match open.broken_off(view, &of(&owns)) {
                Some(owner) => Election::Owned(owner),
                None => elect(&primaries, &claims, keys),
            },
        };
        let owner = match open.election {
            Election::Owned(owner) => Some(owner),
            Election::Chosen { .. } | Election::Nobody => None,
        };
        open.keepers =
            of(&|node| !gives(node) && !gets(node) && Some(node) != owner && keys[node] > 0);
        open.importing.extend(&open.keepers);
        open.importing.sort_unstable();
        open
    }

    /// The owner, if it gives to exactly one node, which gets from it, and nobody else has keys.
    fn broken_off(&self, view: &View, owners: &[usize]) -> Option<usize> {
        let ([owner], [source], [target]) = (owners, &self.migrating[..], &self.importing[..])
        else {
            return None;
        };
        let names = |list: &[(u16, dunlin_cluster::NodeId)], peer: usize| {
            list.contains(&(self.slot, view.nodes[peer].id))
        };
        let is_one_move = owner == source
            && names(&view.nodes[*source].migrating, *target)
            && names(&view.nodes[*target].importing, *source)
            && self.strays.iter().all(|stray| stray == target);
        is_one_move.then_some(*owner)
    }

    /// The owner, chosen or not.
    #[must_use]
    pub fn owner(&self) -> Option<usize> {
        match &self.election {
            Election::Owned(owner) | Election::Chosen { owner, .. } => Some(*owner),
            Election::Nobody => None,
        }
    }

    /// What mends it, once a chosen owner has been given the slot and the losers import from it.
    #[must_use]
    pub fn remedy(&self, view: &View, keys: &[u64]) -> Remedy {
        let (migrating, importing) = self.settled();
        let Some(owner) = self.owner() else { return Remedy::Unknown };
        match (&migrating[..], &importing[..]) {
            ([source], [target]) => Remedy::Move { source: *source, target: *target },
            ([], [_, ..]) => {
                let from = importing.into_iter().filter(|node| *node != owner).collect();
                Remedy::Gather { owner, from }
            }
            ([source], []) => match *source == owner || keys[*source] == 0 {
                true => Remedy::Close(*source),
                false => Remedy::Unknown,
            },
            ([source], _) if importing.iter().all(|node| keys[*node] == 0) => {
                self.one_of_several(view, *source, importing)
            }
            _ => Remedy::Unknown,
        }
    }

    /// Several import without keys: the one that the giver names goes on.
    fn one_of_several(&self, view: &View, source: usize, importing: Vec<usize>) -> Remedy {
        let given = view.nodes[source].migrating.iter().find(|(slot, _)| *slot == self.slot);
        let target = importing
            .iter()
            .copied()
            .find(|node| given.is_some_and(|(_, to)| *to == view.nodes[*node].id));
        match target {
            Some(target) => {
                let close = importing.into_iter().filter(|node| *node != target).collect();
                Remedy::MoveAndClose { source, target, close }
            }
            None => Remedy::CloseAll([vec![source], importing].concat()),
        }
    }

    /// Who gives and who gets when the election has been carried out.
    fn settled(&self) -> (Vec<usize>, Vec<usize>) {
        let (mut migrating, mut importing) = (self.migrating.clone(), self.importing.clone());
        if let Election::Chosen { owner, losers } = &self.election {
            migrating.retain(|node| node != owner && !losers.contains(node));
            importing.retain(|node| node != owner && !losers.contains(node));
            importing.extend(losers);
        }
        (migrating, importing)
    }
}

fn elect(primaries: &[usize], claims: &[usize], keys: &[u64]) -> Election {
    // The first of those with most keys.
    let most = primaries.iter().copied().rev().max_by_key(|node| keys[*node]);
    let Some(owner) = most else { return Election::Nobody };
    let losers = claims.iter().copied().filter(|node| *node != owner).collect();
    Election::Chosen { owner, losers }
}

/// Slots that nobody owns, by where their keys are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uncovered {
    /// No keys: any node may get them.
    pub without_keys: SlotSet,
    /// Keys in one node.
    pub in_one: Vec<(u16, usize)>,
    /// Keys in several nodes: the one with most, and the others.
    pub in_several: Vec<(u16, usize, Vec<usize>)>,
}

/// Sorts slots that nobody owns; `keys` tells how many keys of a slot a node of the view holds.
pub fn uncovered(view: &View, slots: &SlotSet, keys: impl Fn(usize, u16) -> u64) -> Uncovered {
    let mut sorted = Uncovered::default();
    for slot in slots.iter() {
        let mut holders: Vec<usize> =
            view.primaries().filter(|node| keys(*node, slot) > 0).collect();
        match holders[..] {
            [] => {
                sorted.without_keys.insert(slot);
            }
            [holder] => sorted.in_one.push((slot, holder)),
            _ => {
                let most = holders.iter().copied().rev().max_by_key(|node| keys(*node, slot));
                let most = most.unwrap_or(holders[0]);
                holders.retain(|node| *node != most);
                sorted.in_several.push((slot, most, holders));
            }
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{id, view};

    /// Nodes a, b, c; `{a}` and so on stand for their names.
    fn look(nodes: [&str; 3], keys: [u64; 3]) -> (OpenSlot, Remedy) {
        look_as(Dialect::Cli, nodes, keys)
    }

    fn look_as(dialect: Dialect, nodes: [&str; 3], keys: [u64; 3]) -> (OpenSlot, Remedy) {
        let nodes = nodes.map(|text| {
            let mut text = text.to_owned();
            for letter in ['a', 'b', 'c'] {
                text = text.replace(&format!("{{{letter}}}"), id(letter).as_str());
            }
            text
        });
        let view = view(&nodes.each_ref().map(String::as_str));
        let open = OpenSlot::new(&view, dialect, 5, &keys);
        let remedy = open.remedy(&view, &keys);
        (open, remedy)
    }

    /// Every state in which a move from a to b can be broken off.
    #[test]
    fn a_move_broken_off() {
        let importing = ["a master 0-9", "b master [5-<-{a}]", "c master"];
        let (open, remedy) = look(importing, [3, 0, 0]);
        assert_eq!(open.election, Election::Owned(0));
        assert_eq!(remedy, Remedy::Gather { owner: 0, from: vec![1] });
        let both = ["a master 0-9 [5->-{b}]", "b master [5-<-{a}]", "c master"];
        for keys in [[3, 0, 0], [2, 1, 0], [1, 2, 0], [0, 3, 0], [0, 0, 0]] {
            let (open, remedy) = look(both, keys);
            assert_eq!(open.election, Election::Owned(0), "{keys:?}");
            assert_eq!(remedy, Remedy::Move { source: 0, target: 1 }, "{keys:?}");
        }
        let target_knows = ["a master 0-4 6-9 [5->-{b}]", "b master 5", "c master"];
        assert_eq!(look(target_knows, [0, 3, 0]).1, Remedy::Close(0));
        // The target died, and its replica has what it got.
        let replaced = ["a master 0-9 [5->-{b}]", "c master", "b slave c"];
        let (open, remedy) = look(replaced, [2, 1, 0]);
        assert_eq!(open.election, Election::Chosen { owner: 0, losers: vec![1] });
        assert_eq!(remedy, Remedy::Gather { owner: 0, from: vec![1] });
    }

    #[test]
    fn other_states() {
        let (open, remedy) =
            look(["a master 0-9 [5->-{b}]", "b master [5-<-{a}]", "c master [5-<-{a}]"], [3, 0, 0]);
        assert_eq!(open.owner(), Some(0));
        assert_eq!(remedy, Remedy::MoveAndClose { source: 0, target: 1, close: vec![2] });
        let nowhere = ["a master 0-9 [5->-{a}]", "b master [5-<-{a}]", "c master [5-<-{a}]"];
        assert_eq!(look(nowhere, [3, 0, 0]).1, Remedy::CloseAll(vec![0, 1, 2]));
        let giver = ["a master 0-9 [5->-{b}]", "b master", "c master"];
        assert_eq!(look(giver, [3, 0, 0]).1, Remedy::Close(0));
        // Two claim it; the one with most keys keeps it.
        let two = ["a master 0-9", "b master 5 [5->-{a}]", "c master"];
        let (open, remedy) = look(two, [1, 4, 0]);
        assert_eq!(open.election, Election::Chosen { owner: 1, losers: vec![0] });
        assert_eq!(remedy, Remedy::Gather { owner: 1, from: vec![0] });
        // A third node has keys: nobody knows whose they are.
        let stray = ["a master 0-9 [5->-{b}]", "b master [5-<-{a}]", "c master"];
        let (open, _) = look(stray, [3, 1, 1]);
        assert_eq!(open.election, Election::Chosen { owner: 0, losers: vec![1, 2] });
        assert_eq!(open.strays, [1, 2]);
    }

    #[test]
    fn redis_trib_keeps_the_owner_whoever_holds_keys() {
        let trib = |nodes, keys| look_as(Dialect::Trib, nodes, keys);
        let held = ["a master 0-9", "b master [5-<-{a}]", "c master"];
        assert_eq!(look(held, [1, 2, 0]).0.owner(), Some(1));
        let (open, remedy) = trib(held, [1, 2, 0]);
        assert_eq!(open.election, Election::Owned(0));
        assert_eq!(remedy, Remedy::Gather { owner: 0, from: vec![1] });
        // Of nobody: the one with most keys gets it.
        let lost = ["a master 0-4", "b master [5-<-{a}]", "c master"];
        let (open, remedy) = trib(lost, [0, 1, 2]);
        assert_eq!(open.election, Election::Chosen { owner: 2, losers: vec![] });
        assert_eq!(remedy, Remedy::Gather { owner: 2, from: vec![1] });
        // What redis-trib cannot mend is mended as redis-cli mends it.
        let stray = ["a master 0-9 [5->-{b}]", "b master [5-<-{a}]", "c master"];
        assert_eq!(trib(stray, [3, 1, 1]), look(stray, [3, 1, 1]));
    }

    #[test]
    fn slots_of_nobody() {
        let view = view(&["a master", "b master", "c slave a"]);
        let slots: SlotSet = "1-3".parse().expect("slots");
        let keys = |node: usize, slot: u16| match (node, slot) {
            (1, 2) => 7,
            (0, 3) => 1,
            (1, 3) => 2,
            _ => 0,
        };
        let sorted = uncovered(&view, &slots, keys);
        assert_eq!(sorted.without_keys.to_string(), "1");
        assert_eq!((sorted.in_one, sorted.in_several), (vec![(2, 1)], vec![(3, 1, vec![0])]));
    }
}
