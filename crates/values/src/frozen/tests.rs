//! What is handed out is what was frozen, whatever is changed meanwhile.

use std::collections::BTreeMap;

use dunlin_stdx::time::UnixMs;
use proptest::prelude::*;

use super::FrozenItem;
use crate::hash::{HashLimits, HashMut};
use crate::hasher::MemberHasher;
use crate::set::{SetLimits, SetMut};
use crate::sorted_set::{PackedLimits, SortedSetMut};
use crate::{Entry, Object, ValueMut};

const HASHER: MemberHasher = MemberHasher::new(7);

/// Keys that edits are about: enough for a table to split and to merge.
const KEYS: u16 = 3000;

/// An item, as tests compare it.
type Item = (Vec<u8>, Vec<u8>);

fn item(item: FrozenItem<'_>) -> Item {
    match item {
        FrozenItem::Member(member) => (member.to_vec(), Vec::new()),
        FrozenItem::Scored(member, score) => (member.to_vec(), score.to_string().into()),
        FrozenItem::Field { name, value, deadline } => (name.to_vec(), field(value, deadline)),
        other => panic!("{other:?}"),
    }
}

fn field(value: &[u8], deadline: Option<UnixMs>) -> Vec<u8> {
    [value, format!(" until {deadline:?}").as_bytes()].concat()
}

/// An edit: what kind, the first key, how many keys, and something to vary it.
type Edit = (u8, u16, u16, u8);

fn key(number: u16) -> Vec<u8> {
    let number = number % KEYS;
    // A few are long.
    format!("{number:0width$}", width = if number.is_multiple_of(500) { 300 } else { 4 }).into()
}

/// A collection and what it should be.
trait Subject: Sized {
    fn new() -> Self;
    fn edit(&mut self, edit: Edit);
    /// The items it should have.
    fn model(&self) -> BTreeMap<Vec<u8>, Vec<u8>>;
    /// The items it has.
    fn items_of(entry: &Entry) -> BTreeMap<Vec<u8>, Vec<u8>>;
    fn entry(&mut self) -> &mut Entry;
}

struct Set {
    entry: Entry,
    model: BTreeMap<Vec<u8>, Vec<u8>>,
}

const SET_LIMITS: SetLimits =
    SetLimits { intset_len: 0, listpack_len: 0, listpack_member_len: 0, hasher: HASHER };

impl Subject for Set {
    fn new() -> Self {
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

    fn model(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.model.clone()
    }

    fn items_of(entry: &Entry) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let set = entry.set().expect("a set");
        set.iter().map(|member| (member.to_vec(), Vec::new())).collect()
    }

    fn entry(&mut self) -> &mut Entry {
        &mut self.entry
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
    fn new() -> Self {
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

    fn model(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let fields = self.model.iter();
        fields.map(|(name, (value, until))| (name.clone(), field(value, *until))).collect()
    }

    fn items_of(entry: &Entry) -> BTreeMap<Vec<u8>, Vec<u8>> {
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
    fn new() -> Self {
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

    fn model(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let members = self.model.iter();
        members.map(|(member, score)| (member.clone(), score.to_string().into())).collect()
    }

    fn items_of(entry: &Entry) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let set = entry.sorted_set().expect("a sorted set");
        set.iter().map(|(member, score)| (member.to_vec(), score.to_string().into())).collect()
    }

    fn entry(&mut self) -> &mut Entry {
        &mut self.entry
    }
}

#[derive(Clone, Debug)]
enum Step {
    Edit(Edit),
    Freeze,
    Emit(usize),
    Thaw,
    Copy,
    Rename,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0u8..10, 0..KEYS, 1u16..400, any::<u8>()).prop_map(Step::Edit),
        10 => (0u8..10, 0..KEYS, 1u16..4, any::<u8>()).prop_map(Step::Edit),
        4 => Just(Step::Freeze),
        20 => (0usize..20_000).prop_map(Step::Emit),
        1 => Just(Step::Thaw),
        1 => Just(Step::Copy),
        1 => Just(Step::Rename),
    ]
}

/// A collection that is frozen, and what was handed out of it.
struct Frozen {
    expected: BTreeMap<Vec<u8>, Vec<u8>>,
    emitted: Vec<Item>,
}

impl Frozen {
    /// Hands out more; checks all when it is complete, which it tells.
    fn emit(&mut self, entry: &mut Entry, mut budget: usize) -> bool {
        let complete = entry.emit_frozen(&mut budget, &mut |part| self.emitted.push(item(part)));
        if complete {
            self.emitted.sort();
            assert!(self.emitted.iter().cloned().eq(self.expected.clone()), "other items");
            assert!(entry.emit_frozen(&mut 1, &mut |part| panic!("once more: {part:?}")));
        }
        complete
    }
}

fn run<S: Subject>(steps: Vec<Step>) {
    let mut subject = S::new();
    let mut frozen: Option<Frozen> = None;
    let mut id = 0;
    for step in steps {
        match step {
            Step::Edit(edit) => subject.edit(edit),
            // What is frozen already is frozen again.
            Step::Freeze => {
                id += 1;
                let header = ValueMut::new(subject.entry()).freeze(id);
                let expected = subject.model();
                assert_eq!(header.items, expected.len());
                assert_eq!(subject.entry().frozen_id(), Some(id));
                frozen = Some(Frozen { expected, emitted: Vec::new() });
            }
            Step::Emit(budget) => {
                if frozen.as_mut().is_some_and(|frozen| frozen.emit(subject.entry(), budget)) {
                    subject.entry().thaw();
                    frozen = None;
                }
            }
            Step::Thaw => {
                subject.entry().thaw();
                frozen = None;
            }
            Step::Copy => {
                let copy = subject.entry().duplicate(b"copy", None);
                assert_eq!(copy.frozen_id(), None);
                assert_eq!(S::items_of(&copy), subject.model());
            }
            Step::Rename => {
                let entry = std::mem::replace(
                    subject.entry(),
                    Entry::new(b"", crate::NewValue::Int(0), None),
                );
                *subject.entry() = entry.renamed(b"a longer name for the key");
            }
        }
        assert_eq!(subject.entry().frozen_id().is_some(), frozen.is_some());
    }
    if let Some(mut frozen) = frozen {
        while !frozen.emit(subject.entry(), 5000) {}
    }
    assert_eq!(S::items_of(subject.entry()), subject.model());
}

proptest! {
    #[test]
    fn a_set_is_handed_out_as_it_was(steps in prop::collection::vec(step(), 1..60)) {
        run::<Set>(steps);
    }

    #[test]
    fn a_hash_is_handed_out_as_it_was(steps in prop::collection::vec(step(), 1..60)) {
        run::<Hash>(steps);
    }

    #[test]
    fn a_sorted_set_is_handed_out_as_it_was(steps in prop::collection::vec(step(), 1..60)) {
        run::<SortedSet>(steps);
    }
}

/// Everything is removed and other items come in its place before anything is handed out.
#[test]
fn what_is_gone_is_handed_out_by_whoever_holds_the_entry() {
    fn check<S: Subject>() {
        let mut subject = S::new();
        subject.edit((0, 0, 2000, 1));
        let expected = subject.model();
        ValueMut::new(subject.entry()).freeze(1);
        subject.edit((6, 0, KEYS, 0));
        assert!(subject.model().is_empty());
        subject.edit((0, 1000, 2000, 2));
        let mut frozen = Frozen { expected, emitted: Vec::new() };
        while !frozen.emit(subject.entry(), 1000) {}
    }
    check::<Set>();
    check::<Hash>();
    check::<SortedSet>();
}

/// What waits to be handed out takes no more memory than there was, however much comes and goes.
#[test]
fn memory_is_bounded_by_what_was_frozen() {
    let mut set = Set::new();
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
    let mut set = Set::new();
    set.edit((0, 0, 1000, 0));
    assert!(!set.entry.is_large());
    set.edit((0, 1000, 1, 0));
    assert!(set.entry.is_large());
    let mut hash = Hash::new();
    assert!(!hash.entry.is_large());
    HashMut::new(ValueMut::new(&mut hash.entry), HASH_LIMITS, UnixMs(0))
        .set(b"long", &vec![b'x'; 300_000]);
    assert!(hash.entry.is_large());
    assert!(!Entry::new(b"k", crate::NewValue::string(&vec![b'x'; 300_000]), None).is_large());
}

#[test]
fn being_ready_to_freeze_takes_one_word() {
    assert_eq!(size_of::<Object>(), 40);
    assert_eq!(size_of::<crate::set::SetTable>(), 40);
    assert_eq!(size_of::<crate::hash::HashTable>(), 48);
}
