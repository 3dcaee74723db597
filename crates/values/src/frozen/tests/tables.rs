//! Sets, hashes and sorted sets.

use std::collections::BTreeMap;

use dunlin_stdx::time::UnixMs;
use proptest::prelude::*;

use super::{Edit, FrozenItem, HASHER, KEYS, Subject, check_replaced, run, steps};
use crate::hash::{HashLimits, HashMut, HashTable};
use crate::set::{SetLimits, SetMut, SetTable};
use crate::sorted_set::{PackedLimits, SortedSetMut};
use crate::{Entry, NewValue, ValueMut};

/// Members or fields, and what belongs to each.
type Items = BTreeMap<Vec<u8>, Vec<u8>>;

fn add(content: &mut Items, item: FrozenItem<'_>) {
    let (name, rest) = match item {
        FrozenItem::Member(member) => (member, Vec::new()),
        FrozenItem::Scored(member, score) => (member, score.to_string().into()),
        FrozenItem::Field { name, value, deadline } => (name, field(value, deadline)),
        other => panic!("{other:?}"),
    };
    assert!(content.insert(name.to_vec(), rest).is_none(), "handed out twice");
}

fn field(value: &[u8], deadline: Option<UnixMs>) -> Vec<u8> {
    [value, format!(" until {deadline:?}").as_bytes()].concat()
}

fn key(number: u16) -> Vec<u8> {
    let number = number % KEYS;
    // A few are long.
    format!("{number:0width$}", width = if number.is_multiple_of(500) { 300 } else { 4 }).into()
}

struct Set {
    entry: Entry,
    model: Items,
}

const SET_LIMITS: SetLimits =
    SetLimits { intset_len: 0, listpack_len: 0, listpack_member_len: 0, hasher: HASHER };

impl Subject for Set {
    type Content = Items;

    fn new(_: u8) -> Self {
        let mut entry = Entry::new(b"set", SetLimits::NO_MEMBERS, None);
        let mut set = SetMut::new(ValueMut::new(&mut entry), SET_LIMITS);
        let model: BTreeMap<_, _> = (0..100).map(|number| (key(number), Vec::new())).collect();
        model.keys().for_each(|member| assert!(set.add(member)));
        Self { entry, model }
    }

    fn edit(&mut self, (kind, first, count, _): Edit) {
        let mut set = SetMut::new(ValueMut::new(&mut self.entry), SET_LIMITS);
        for number in first..first + count {
            let member = key(number);
            if kind < 5 {
                assert_eq!(set.add(&member), self.model.insert(member, Vec::new()).is_none());
            } else {
                assert_eq!(set.remove(&member), self.model.remove(&member).is_some());
            }
        }
    }

    fn model(&self) -> Items {
        self.model.clone()
    }

    fn content(entry: &Entry) -> Items {
        let set = entry.set().expect("a set");
        set.iter().map(|member| (member.to_vec(), Vec::new())).collect()
    }

    fn entry(&mut self) -> &mut Entry {
        &mut self.entry
    }

    fn add(content: &mut Items, item: FrozenItem<'_>) {
        add(content, item);
    }
}

struct Hash {
    entry: Entry,
    model: BTreeMap<Vec<u8>, (Vec<u8>, Option<UnixMs>)>,
    now: UnixMs,
}

const HASH_LIMITS: HashLimits =
    HashLimits { listpack_len: 0, listpack_value_len: 0, hasher: HASHER };

impl Subject for Hash {
    type Content = Items;

    fn new(_: u8) -> Self {
        let names: Vec<Vec<u8>> = (0..100).map(key).collect();
        let words: Vec<&[u8]> = names.iter().flat_map(|name| [&**name, b"value"]).collect();
        let mut room = Vec::new();
        let (value, _) = HASH_LIMITS.build(&words, &mut room);
        let entry = Entry::new(b"hash", value, None);
        let model = names.iter().map(|name| (name.clone(), (b"value".to_vec(), None))).collect();
        Self { entry, model, now: UnixMs(0) }
    }

    fn edit(&mut self, (kind, first, count, vary): Edit) {
        let value = vec![vary; usize::from(vary % 9)];
        let deadline = (vary % 3 > 0).then_some(UnixMs(self.now.0 + i64::from(vary)));
        let mut hash = HashMut::new(ValueMut::new(&mut self.entry), HASH_LIMITS, self.now);
        for number in first..first + count {
            let name = key(number);
            match kind {
                0..3 => {
                    hash.set(&name, &value);
                    self.model.insert(name, (value.clone(), None));
                }
                3 | 4 => {
                    hash.set_deadline(&name, deadline);
                    if let Some(field) = self.model.get_mut(&name) {
                        field.1 = deadline;
                    }
                }
                5 | 6 => {
                    // A field whose deadline has passed is not there to be removed, but held.
                    if hash.remove(&name) {
                        assert!(self.model.remove(&name).is_some());
                    }
                }
                _ => {
                    self.now.0 += i64::from(vary) / 4;
                    let (mut budget, model) = (usize::from(count), &mut self.model);
                    HashMut::new(ValueMut::new(&mut self.entry), HASH_LIMITS, self.now)
                        .expire_due(&mut budget, &mut |name| assert!(model.remove(name).is_some()));
                    return;
                }
            }
        }
    }

    fn model(&self) -> Items {
        let fields = self.model.iter();
        fields.map(|(name, (value, until))| (name.clone(), field(value, *until))).collect()
    }

    fn content(entry: &Entry) -> Items {
        let fields = entry.hash(UnixMs(i64::MIN)).expect("a hash").iter();
        fields
            .map(|held| {
                let (name, value) = held.to_vecs();
                (name, field(&value, held.deadline))
            })
            .collect()
    }

    fn entry(&mut self) -> &mut Entry {
        &mut self.entry
    }

    fn add(content: &mut Items, item: FrozenItem<'_>) {
        add(content, item);
    }
}

struct SortedSet {
    entry: Entry,
    model: BTreeMap<Vec<u8>, f64>,
}

const SORTED_SET_LIMITS: PackedLimits = PackedLimits { entries: 0, value: 0 };

impl SortedSet {
    fn edit_of(entry: &mut Entry) -> SortedSetMut<'_> {
        SortedSetMut::new(ValueMut::new(entry), SORTED_SET_LIMITS, HASHER).expect("a sorted set")
    }
}

impl Subject for SortedSet {
    type Content = Items;

    fn new(_: u8) -> Self {
        let set = crate::sorted_set::SortedSet::new(SORTED_SET_LIMITS, HASHER, 1, 1);
        let mut entry = set.store(|value| Entry::new(b"sorted set", value, None));
        let model: BTreeMap<_, _> =
            (0..100).map(|number| (key(number), f64::from(number))).collect();
        let mut set = Self::edit_of(&mut entry);
        model.iter().for_each(|(member, score)| assert_eq!(set.set(member, *score), None));
        Self { entry, model }
    }

    fn edit(&mut self, (kind, first, count, vary): Edit) {
        let mut set = Self::edit_of(&mut self.entry);
        if kind == 9 {
            let ranks = usize::from(vary)..usize::from(vary) + usize::from(count);
            let gone: Vec<Vec<u8>> =
                set.view().range(ranks.clone()).map(|(member, _)| member.to_vec()).collect();
            set.remove_ranks(ranks);
            gone.iter().for_each(|member| assert!(self.model.remove(member).is_some()));
            return;
        }
        for number in first..first + count {
            let member = key(number);
            if kind < 6 {
                let score = f64::from(number % u16::from(vary.max(1)));
                assert_eq!(set.set(&member, score), self.model.insert(member, score));
            } else {
                assert_eq!(set.remove(&member), self.model.remove(&member));
            }
        }
    }

    fn model(&self) -> Items {
        let members = self.model.iter();
        members.map(|(member, score)| (member.clone(), score.to_string().into())).collect()
    }

    fn content(entry: &Entry) -> Items {
        let set = entry.sorted_set().expect("a sorted set");
        set.iter().map(|(member, score)| (member.to_vec(), score.to_string().into())).collect()
    }

    fn entry(&mut self) -> &mut Entry {
        &mut self.entry
    }

    fn add(content: &mut Items, item: FrozenItem<'_>) {
        add(content, item);
    }
}

proptest! {
    #[test]
    fn a_set_is_handed_out_as_it_was(steps in steps()) {
        run::<Set>(steps);
    }

    #[test]
    fn a_hash_is_handed_out_as_it_was(steps in steps()) {
        run::<Hash>(steps);
    }

    #[test]
    fn a_sorted_set_is_handed_out_as_it_was(steps in steps()) {
        run::<SortedSet>(steps);
    }
}

#[test]
fn what_is_gone_is_handed_out_by_whoever_holds_the_entry() {
    check_replaced::<Set>((6, 0, KEYS, 0), (0, 1000, 2000, 2));
    check_replaced::<Hash>((6, 0, KEYS, 0), (0, 1000, 2000, 2));
    check_replaced::<SortedSet>((6, 0, KEYS, 0), (0, 1000, 2000, 2));
}

/// What waits to be handed out takes no more memory than there was, however much comes and goes.
#[test]
fn memory_is_bounded_by_what_was_frozen() {
    let mut set = Set::new(0);
    set.edit((0, 0, 1000, 0));
    let before = set.entry.heap_bytes();
    ValueMut::new(&mut set.entry).freeze(1);
    assert!(set.entry.heap_bytes() <= before + 64 * 8 + 100);
    for _ in 0..3 {
        set.edit((9, 0, KEYS, 0));
        set.edit((0, 0, KEYS, 0));
    }
    set.edit((9, 1000, KEYS - 1000, 0));
    let frozen = set.entry.heap_bytes();
    set.entry.thaw();
    let thawed = set.entry.heap_bytes();
    assert!(frozen - thawed <= before, "{frozen} {thawed} {before}");
}

#[test]
fn collections_are_large_from_a_thousand_items_or_many_bytes_on() {
    let mut set = Set::new(0);
    set.edit((0, 0, 1000, 0));
    assert!(!set.entry.is_large());
    set.edit((0, 1000, 1, 0));
    assert!(set.entry.is_large());
    let mut hash = Hash::new(0);
    assert!(!hash.entry.is_large());
    HashMut::new(ValueMut::new(&mut hash.entry), HASH_LIMITS, UnixMs(0))
        .set(b"long", &vec![b'x'; 300_000]);
    assert!(hash.entry.is_large());
    assert!(!Entry::new(b"k", NewValue::string(&vec![b'x'; 300_000]), None).is_large());
}

#[test]
fn being_ready_to_freeze_takes_one_word() {
    assert_eq!(size_of::<SetTable>(), 40);
    assert_eq!(size_of::<HashTable>(), 48);
}
