//! The table against a plain map: random commands, then everything compared.

mod support;

use std::collections::BTreeMap;
use std::rc::Rc;

use dunlin_table::Table;
use proptest::prelude::*;
use support::{Item, number_of, rehash};

#[derive(Clone, Debug)]
enum Step {
    Insert { key: u64, deadline: Option<i64> },
    Remove { key: u64 },
    Change { key: u64, deadline: Option<i64>, moves: bool },
    RemoveThroughGuard { key: u64 },
    Replace { key: u64, deadline: Option<i64> },
    Expire { now: i64, budget: usize },
    InsertMany { from: u64, n: u64 },
    RemoveMany { from: u64, n: u64 },
    Mark { hash: u64, mark: u32 },
}

fn deadlines() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![3 => Just(None), 2 => (0i64..1000).prop_map(Some)]
}

fn steps() -> impl Strategy<Value = Step> {
    let key = 0u64..6000;
    prop_oneof![
        4 => (key.clone(), deadlines()).prop_map(|(key, deadline)| Step::Insert { key, deadline }),
        3 => key.clone().prop_map(|key| Step::Remove { key }),
        3 => (key.clone(), deadlines(), any::<bool>())
            .prop_map(|(key, deadline, moves)| Step::Change { key, deadline, moves }),
        2 => key.clone().prop_map(|key| Step::RemoveThroughGuard { key }),
        2 => (key.clone(), deadlines()).prop_map(|(key, deadline)| Step::Replace { key, deadline }),
        1 => (0i64..1000, 0usize..300).prop_map(|(now, budget)| Step::Expire { now, budget }),
        2 => (key.clone(), 1u64..2500).prop_map(|(from, n)| Step::InsertMany { from, n }),
        2 => (key, 1u64..2500).prop_map(|(from, n)| Step::RemoveMany { from, n }),
        1 => (any::<u64>(), 0u32..3).prop_map(|(hash, mark)| Step::Mark { hash, mark }),
    ]
}

/// The table under test beside what it should hold: deadline by key.
struct Pair {
    table: Table<Item>,
    model: BTreeMap<u64, Option<i64>>,
    alive: Rc<()>,
    hash: fn(u64) -> u64,
}

impl Pair {
    fn new(hash: fn(u64) -> u64) -> Pair {
        Pair { table: Table::new(), model: BTreeMap::new(), alive: Rc::new(()), hash }
    }

    fn insert(&mut self, key: u64, deadline: Option<i64>) {
        if self.model.contains_key(&key) {
            return;
        }
        self.model.insert(key, deadline);
        let item = Item::new(&key.to_le_bytes(), deadline, key, &self.alive);
        let hash = self.hash;
        let Err(table) = self.table.find_or_table(hash(key), &key.to_le_bytes()) else {
            panic!("{key} is not in the model");
        };
        table.insert(hash(key), item, |item| hash(number_of(&item.record().key)));
    }

    fn remove(&mut self, key: u64) {
        let removed = self.table.remove((self.hash)(key), &key.to_le_bytes());
        assert_eq!(removed.map(|item| item.record().deadline), self.model.remove(&key));
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Insert { key, deadline } => self.insert(key, deadline),
            Step::Remove { key } => self.remove(key),
            Step::InsertMany { from, n } => (from..from + n)
                .for_each(|key| self.insert(key, (key % 5 == 0).then_some(key as i64 % 1000))),
            Step::RemoveMany { from, n } => (from..from + n).for_each(|key| self.remove(key)),
            Step::Mark { hash, mark } => self.table.set_segment_mark(hash, mark),
            Step::Expire { now, budget } => self.expire(now, budget),
            Step::Change { key, .. }
            | Step::RemoveThroughGuard { key }
            | Step::Replace { key, .. } => self.apply_to_item(key, step),
        }
    }

    fn apply_to_item(&mut self, key: u64, step: &Step) {
        let (hash, name) = ((self.hash)(key), key.to_le_bytes());
        let deadline = self.model.get(&key).copied();
        let as_modelled = |item: &Item| Some(item.record().deadline) == deadline;
        assert_eq!(self.table.find_if(hash, &name, as_modelled).is_ok(), deadline.is_some());
        assert!(self.table.find_if(hash, &name, |_| false).is_err());
        let found = self.table.find_mut(hash, &name);
        assert_eq!(found.is_some(), self.model.contains_key(&key));
        let Some(mut found) = found else { return };
        match *step {
            Step::Change { deadline, moves, .. } => {
                if moves {
                    found.reallocate();
                }
                found.record_mut().deadline = deadline;
                self.model.insert(key, deadline);
            }
            Step::Replace { deadline, .. } => {
                let item = Item::new(&key.to_le_bytes(), deadline, key, &self.alive);
                assert_eq!(found.replace(item).record().value, key);
                self.model.insert(key, deadline);
            }
            _ => {
                let (item, table) = found.take();
                assert_eq!(item.record().value, key);
                assert!(table.find(hash, &name).is_none());
                self.model.remove(&key);
            }
        }
    }

    fn expire(&mut self, now: i64, mut budget: usize) {
        let mut expired = Vec::new();
        let more = self.table.expire_due(now, &mut budget, &mut |item, _| {
            expired.push(item.record().value);
        });
        for key in expired {
            let deadline = self.model.remove(&key).expect("expired once");
            assert!(deadline.is_some_and(|deadline| deadline <= now));
        }
        if !more {
            assert!(self.model.values().flatten().all(|&deadline| deadline > now));
        }
    }

    fn check(&self) {
        let hash = self.hash;
        self.table.assert_consistent(|item| hash(number_of(&item.record().key)));
        assert_eq!(self.table.len(), self.model.len());
        assert_eq!(Rc::strong_count(&self.alive) - 1, self.model.len(), "leak or double drop");
        assert_eq!(self.table.with_deadline(), self.model.values().flatten().count());
        let stored: BTreeMap<_, _> =
            self.table.iter().map(|item| (item.record().value, item.record().deadline)).collect();
        assert_eq!(stored, self.model);
        let earliest = self.model.values().flatten().min().copied();
        assert_eq!(earliest.is_some(), self.table.earliest_deadline().is_some());
        assert!(self.table.earliest_deadline() <= earliest);
    }
}

fn hash_mixed(key: u64) -> u64 {
    support::hash_number(key)
}

/// Eight distinct prefixes, little below: stashes, refused splits, uneven depths.
fn hash_clumped(key: u64) -> u64 {
    let mixed = support::hash_number(key);
    mixed & 0xe000_0000_0000_0003 | (mixed >> 20 & 0x3f) << 30
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_a_map(steps in proptest::collection::vec(steps(), 1..60)) {
        let mut pair = Pair::new(hash_mixed);
        for step in &steps {
            pair.apply(step);
        }
        pair.check();
    }

    #[test]
    fn behaves_as_a_map_when_hashes_are_clumped(steps in proptest::collection::vec(steps(), 1..40)) {
        let mut pair = Pair::new(hash_clumped);
        for step in &steps {
            pair.apply(step);
        }
        pair.check();
    }
}

#[test]
fn numbers_hash_as_their_items() {
    let item = Item::new(&5u64.to_le_bytes(), None, 5, &Rc::new(()));
    assert_eq!(rehash(&item), hash_mixed(5));
}
