//! Hashes of every form against a plain map with deadlines and a clock.

use std::collections::BTreeMap;

use dunlin_stdx::time::UnixMs;
use proptest::prelude::*;

use super::*;
use crate::{Encoding, Entry, MemberHasher, ValueMut};

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

#[derive(Clone, Debug)]
enum Step {
    Set(Vec<u8>, Vec<u8>),
    SetKeeping(Vec<u8>, Vec<u8>),
    SetMany(Vec<(Vec<u8>, Vec<u8>)>),
    Remove(Vec<u8>),
    Deadline(Vec<u8>, Option<i64>),
    Advance(i64),
    ExpireDue(usize),
    ExpireNamed(Vec<u8>),
    Duplicate,
    Rename,
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (0_u8..20).prop_map(|n| format!("f{n}").into_bytes()),
        4 => (0_i64..10).prop_map(|n| n.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
        1 => (0_u8..3).prop_map(|n| vec![n; 300]),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..12),
        4 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        1 => (0_usize..200).prop_map(|len| vec![b'v'; len]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (name(), value()).prop_map(|(n, v)| Step::Set(n, v)),
        3 => (name(), value()).prop_map(|(n, v)| Step::SetKeeping(n, v)),
        1 => prop::collection::vec((name(), value()), 1..20).prop_map(Step::SetMany),
        3 => name().prop_map(Step::Remove),
        4 => (name(), prop::option::of(1_i64..200)).prop_map(|(n, at)| Step::Deadline(n, at)),
        2 => (0_i64..40).prop_map(Step::Advance),
        1 => (0_usize..30).prop_map(Step::ExpireDue),
        1 => name().prop_map(Step::ExpireNamed),
        1 => Just(Step::Duplicate),
        1 => Just(Step::Rename),
    ]
}

struct Trial {
    entry: Entry,
    /// Fields as they are held: due ones included, until something removes them.
    model: Model,
    now: i64,
    limits: HashLimits,
}

impl Trial {
    fn edit(&mut self) -> HashMut<'_> {
        HashMut::new(ValueMut::new(&mut self.entry), self.limits, UnixMs(self.now))
    }

    fn is_visible(&self, name: &[u8]) -> bool {
        self.model.get(name).is_some_and(|(_, at)| at.is_none_or(|at| at > self.now))
    }

    fn visible(&self) -> Model {
        let mut visible = self.model.clone();
        visible.retain(|_, (_, at)| at.is_none_or(|at| at > self.now));
        visible
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Set(name, value) => {
                let is_new = self.edit().set(&name, &value);
                assert_eq!(is_new, !self.is_visible(&name));
                self.model.insert(name, (value, None));
            }
            Step::SetKeeping(name, value) => {
                let is_new = self.edit().set_keeping_deadline(&name, &value);
                assert_eq!(is_new, !self.is_visible(&name));
                let kept = self.visible().get(&name).and_then(|(_, at)| *at);
                self.model.insert(name, (value, kept));
            }
            Step::SetMany(pairs) => {
                let words: Vec<&[u8]> =
                    pairs.iter().flat_map(|(name, value)| [&name[..], &value[..]]).collect();
                let mut hash = self.edit();
                hash.expect(&words);
                for pair in words.chunks_exact(2) {
                    hash.set(pair[0], pair[1]);
                }
                self.model.extend(pairs.into_iter().map(|(name, value)| (name, (value, None))));
            }
            Step::Remove(name) => {
                let removed = self.edit().remove(&name);
                assert_eq!(removed, self.is_visible(&name));
                if removed {
                    self.model.remove(&name);
                }
            }
            Step::Deadline(name, at) => {
                self.edit().set_deadline(&name, at.map(UnixMs));
                if let Some(field) = self.model.get_mut(&name) {
                    field.1 = at;
                }
            }
            Step::Advance(by) => self.now += by,
            Step::ExpireDue(mut budget) => {
                let mut removed = Vec::new();
                let more =
                    self.edit().expire_due(&mut budget, &mut |name| removed.push(name.to_vec()));
                for name in removed {
                    assert!(!self.is_visible(&name));
                    assert!(self.model.remove(&name).is_some());
                }
                assert!(more || self.visible().len() == self.model.len());
            }
            Step::ExpireNamed(name) => {
                let expired = self.edit().expire(&name);
                let is_due = self.model.contains_key(&name) && !self.is_visible(&name);
                assert_eq!(expired, is_due);
                if expired {
                    self.model.remove(&name);
                }
            }
            Step::Duplicate => self.entry = self.entry.duplicate(b"copy", None),
            Step::Rename => {
                let entry = std::mem::replace(&mut self.entry, empty(&self.limits));
                self.entry = entry.renamed(b"another");
            }
        }
    }

    fn check(&self, probe: &[u8]) {
        let visible = self.visible();
        let hash = self.entry.hash(UnixMs(self.now)).expect("a hash");
        let deadline = |field: &FieldRef<'_>| field.deadline.map(|at| at.0);
        let seen: Model = hash
            .iter()
            .map(|field| {
                let (name, value) = field.to_vecs();
                (name, (value, deadline(&field)))
            })
            .collect();
        assert_eq!(seen, visible);
        assert_eq!((hash.len(), hash.iter().count()), (visible.len(), visible.len()));
        assert_eq!(hash.is_empty(), visible.is_empty());
        assert_eq!(hash.held_len(), self.model.len());
        let found = hash.get(probe).map(|field| (field.to_vecs().1, deadline(&field)));
        assert_eq!(found.as_ref(), visible.get(probe));
        let mut random = 1_u64;
        let sampled = hash.sample(|| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            random
        });
        match sampled {
            None => assert!(visible.is_empty()),
            Some(field) => assert!(visible.contains_key(&field.to_vecs().0)),
        }
        let (mut scanned, mut cursor) = (Model::new(), 0);
        loop {
            cursor = hash.scan(cursor, &mut |field| {
                let (name, value) = field.to_vecs();
                scanned.insert(name, (value, deadline(&field)));
            });
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(scanned, visible);
        let earliest = self.model.values().filter_map(|(_, at)| *at).min();
        match self.entry.earliest_field_deadline() {
            None => assert_eq!(earliest, None),
            // A table may name an earlier time.
            Some(at) => assert!(earliest.is_none_or(|earliest| at.0 <= earliest)),
        }
        assert!(earliest.is_none() || self.entry.had_field_deadlines());
    }
}

fn empty(limits: &HashLimits) -> Entry {
    Entry::new(b"key", limits.build(&[], &mut Vec::new()).0, None)
}

fn limits(listpack_len: usize, listpack_value_len: usize) -> HashLimits {
    HashLimits { listpack_len, listpack_value_len, hasher: MemberHasher::new(1) }
}

proptest! {
    #[test]
    fn a_hash_of_any_form_is_a_map_with_deadlines(
        steps in prop::collection::vec(step(), 1..80),
        probe in name(),
        listpack_len in prop_oneof![Just(0_usize), Just(4), Just(16), Just(512)],
    ) {
        let limits = limits(listpack_len, 64);
        let mut trial = Trial { entry: empty(&limits), model: Model::new(), now: 0, limits };
        for step in steps {
            trial.run(step);
            trial.check(&probe);
        }
        let heap = trial.entry.heap_bytes();
        let copy = trial.entry.duplicate(b"key", None);
        prop_assert!(heap > 0 && copy.free_effort() == trial.entry.free_effort());
    }

    #[test]
    fn a_hash_is_built_at_once_as_it_is_step_by_step(
        pairs in prop::collection::vec((name(), value()), 1..60),
        listpack_len in prop_oneof![Just(0_usize), Just(16), Just(512)],
    ) {
        let limits = limits(listpack_len, 64);
        let words: Vec<&[u8]> =
            pairs.iter().flat_map(|(name, value)| [&name[..], &value[..]]).collect();
        let mut bytes = Vec::new();
        let (value, len) = limits.build(&words, &mut bytes);
        let built = Entry::new(b"key", value, None);
        let model: Model =
            pairs.iter().cloned().map(|(name, value)| (name, (value, None))).collect();
        prop_assert_eq!(len, model.len());
        let trial = Trial { entry: built, model, now: 0, limits };
        trial.check(words[0]);
    }
}

/// The encoding of a hash that is `fields` fields long with values of `value_len` bytes.
fn encoding(fields: usize, value_len: usize) -> Encoding {
    let limits = limits(128, 64);
    let mut entry = empty(&limits);
    for n in 0..fields {
        let mut hash = HashMut::new(ValueMut::new(&mut entry), limits, UnixMs(0));
        hash.set(format!("field:{n}").as_bytes(), &vec![b'x'; value_len]);
    }
    entry.encoding()
}

#[test]
fn encodings_change_at_the_limits() {
    assert_eq!(encoding(1, 64), Encoding::Listpack);
    assert_eq!(encoding(1, 65), Encoding::Hashtable);
    assert_eq!(encoding(128, 1), Encoding::Listpack);
    assert_eq!(encoding(129, 1), Encoding::Hashtable);
}

#[test]
fn deadlines_change_the_encoding_and_keep_the_fields() {
    let limits = limits(128, 64);
    for (value_len, expected) in [(10, Encoding::ListpackEx), (100, Encoding::Hashtable)] {
        let mut entry = empty(&limits);
        let mut hash = HashMut::new(ValueMut::new(&mut entry), limits, UnixMs(0));
        hash.set(b"a", &vec![b'x'; value_len]);
        hash.set(b"b", b"1");
        hash.set_deadline(b"b", Some(UnixMs(50)));
        assert_eq!(entry.encoding(), expected);
        assert_eq!(entry.earliest_field_deadline(), Some(UnixMs(50)));
        let len_at = |now| entry.hash(UnixMs(now)).expect("a hash").len();
        assert_eq!((len_at(49), len_at(50)), (2, 1));
    }
}

/// The figures that the type is built for: see the module's front page.
#[test]
fn small_hashes_are_one_allocation() {
    let limits = limits(128, 64);
    let check = |fields: usize, value: &[u8], bytes: usize| {
        let names: Vec<String> = (0..fields).map(|n| format!("f{n}")).collect();
        let words: Vec<&[u8]> = names.iter().flat_map(|name| [name.as_bytes(), value]).collect();
        let mut scratch = Vec::new();
        let entry = Entry::new(b"key:000000000001", limits.build(&words, &mut scratch).0, None);
        assert_eq!(entry.heap_bytes(), bytes, "{fields} fields of {} bytes", value.len());
    };
    check(5, &[b'x'; 100], 640);
    check(10, b"12345678", 160);
}
