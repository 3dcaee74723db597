//! What is wrong with a cluster.

use std::collections::BTreeMap;

use dunlin_cluster::NodeId;
use dunlin_slots::{SLOTS, SlotSet};

use crate::line::Line;
use crate::text::Dialect;
use crate::view::View;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Nodes differ in who owns which slot.
    Disagreement,
    /// Slots leave a node.
    Migrating {
        /// Its number in the view.
        node: usize,
        /// Which slots.
        slots: Vec<u16>,
    },
    /// Slots come to a node.
    Importing {
        /// Its number in the view.
        node: usize,
        /// Which slots.
        slots: Vec<u16>,
    },
    /// Nobody owns some slots.
    Uncovered,
}

/// What a view shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// What is wrong, in the order in which it is told.
    pub problems: Vec<Problem>,
    /// Slots that are on their way.
    pub open: SlotSet,
    /// Slots that nobody owns.
    pub uncovered: SlotSet,
}

impl Health {
    /// Judges a view; whether the nodes agree must be asked ([`agree`]).
    #[must_use]
    pub fn of(view: &View, nodes_agree: bool) -> Self {
        let mut problems = Vec::new();
        if !nodes_agree {
            problems.push(Problem::Disagreement);
        }
        let mut open = SlotSet::new();
        for (node, member) in view.nodes.iter().enumerate() {
            let slots = |list: &[(u16, NodeId)]| list.iter().map(|(slot, _)| *slot).collect();
            let (migrating, importing): (Vec<u16>, Vec<u16>) =
                (slots(&member.migrating), slots(&member.importing));
            migrating.iter().chain(&importing).for_each(|slot| {
                open.insert(*slot);
            });
            if !migrating.is_empty() {
                problems.push(Problem::Migrating { node, slots: migrating });
            }
            if !importing.is_empty() {
                problems.push(Problem::Importing { node, slots: importing });
            }
        }
        let uncovered = SlotSet::full() - &view.covered();
        if !uncovered.is_empty() {
            problems.push(Problem::Uncovered);
        }
        Self { problems, open, uncovered }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }
}

impl Problem {
    /// What is said about it.
    #[must_use]
    pub fn text(&self, view: &View, dialect: Dialect) -> String {
        let on_their_way = |node: usize, state: &str, slots: &[u16]| {
            let slots: Vec<String> = slots.iter().map(u16::to_string).collect();
            let (address, slots) = (view.nodes[node].address(), slots.join(","));
            let slots = if dialect == Dialect::Trib { format!("({slots})") } else { slots };
            format!("[WARNING] Node {address} has slots in {state} state {slots}.")
        };
        match self {
            Self::Disagreement => "[ERR] Nodes don't agree about configuration!".to_owned(),
            Self::Migrating { node, slots } => on_their_way(*node, "migrating", slots),
            Self::Importing { node, slots } => on_their_way(*node, "importing", slots),
            Self::Uncovered => {
                // redis-cli ends the line twice.
                let end = if dialect == Dialect::Cli { "\n" } else { "" };
                format!("[ERR] Not all {SLOTS} slots are covered by nodes.{end}")
            }
        }
    }
}

/// Whether nodes name the same owners of all slots, from what each of them says of all. One node
/// agrees with itself; several that know no owners of any slot do not.
#[must_use]
pub fn agree(views: &[Vec<Line>]) -> bool {
    let signature = |lines: &Vec<Line>| -> BTreeMap<NodeId, String> {
        let owners = lines.iter().filter(|line| !line.slots.is_empty());
        owners.map(|line| (line.id, line.slots.to_string())).collect()
    };
    let Some((first, others)) = views.split_first() else { return false };
    let expected = signature(first);
    others.is_empty()
        || (!expected.is_empty() && others.iter().all(|lines| signature(lines) == expected))
}

/// Whether nodes [`agree`] and know the config epochs of all owners. Who gets a slot takes an epoch
/// above all that it knows: a node that does not know the last owner's takes one that others do not
/// believe, and loses the slot with its keys.
#[must_use]
pub fn are_settled(views: &[Vec<Line>]) -> bool {
    let epochs = |lines: &Vec<Line>| -> BTreeMap<NodeId, u64> {
        let owners = lines.iter().filter(|line| !line.slots.is_empty());
        owners.map(|line| (line.id, line.config_epoch)).collect()
    };
    let mut all = views.iter().map(epochs);
    let first = all.next();
    agree(views) && all.all(|epochs| Some(&epochs) == first.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::parse_lines;
    use crate::view::tests::{id, view};

    #[test]
    fn what_is_wrong() {
        let good = view(&["a master 0-8000", "b master 8001-16383", "c slave a"]);
        assert!(Health::of(&good, true).is_good());
        let b = id('b');
        let bad = view(&[
            &format!("a master 0-7 9 [5->-{b}] [6->-{b}]"),
            &format!("b master [10-<-{b}]"),
        ]);
        let health = Health::of(&bad, false);
        let texts: Vec<String> =
            health.problems.iter().map(|one| one.text(&bad, Dialect::Cli)).collect();
        assert_eq!(
            texts,
            [
                "[ERR] Nodes don't agree about configuration!",
                "[WARNING] Node 127.0.0.1:7000 has slots in migrating state 5,6.",
                "[WARNING] Node 127.0.0.1:7001 has slots in importing state 10.",
                "[ERR] Not all 16384 slots are covered by nodes.\n",
            ]
        );
        assert_eq!(health.open.to_string(), "5-6 10");
        assert_eq!(health.uncovered.to_string(), "8 10-16383");
    }

    #[test]
    fn agreement() {
        let lines = |a: &str, b: &str| {
            let (first, second) = (id('a'), id('b'));
            let text = format!(
                "{first} h:1@2 myself,master - 0 0 1 connected {a}\n\
                 {second} h:2@3 master - 0 0 1 connected {b}"
            );
            parse_lines(&text).expect("lines")
        };
        assert!(!agree(&[]));
        assert!(agree(&[lines("", "")]));
        assert!(!agree(&[lines("", ""), lines("", "")]));
        assert!(agree(&[lines("0-5", "6 8"), lines("0-5", "6 8")]));
        let open = format!("0-5 [3->-{}]", id('b'));
        assert!(agree(&[lines("0-5", "6"), lines(&open, "6")]));
        assert!(!agree(&[lines("0-5", "6"), lines("0-4", "5-6")]));
        let mut late = lines("0-5", "6");
        assert!(are_settled(&[lines("0-5", "6"), late.clone()]));
        late[0].config_epoch = 7;
        assert!(agree(&[lines("0-5", "6"), late.clone()]));
        assert!(!are_settled(&[lines("0-5", "6"), late]));
    }
}
