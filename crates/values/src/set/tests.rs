//! Sets of every form beside a plain model.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;
use crate::entry::{Entry, NewValue};
use crate::hasher::MemberHasher;
use crate::kind::Encoding;
use crate::listpack::Element;
use crate::value_mut::ValueMut;

const HASHER: MemberHasher = MemberHasher::new(7);

fn limits(intset_len: usize, listpack_len: usize, listpack_member_len: usize) -> SetLimits {
    SetLimits { intset_len, listpack_len, listpack_member_len, hasher: HASHER }
}

fn usual() -> SetLimits {
    limits(512, 128, 64)
}

fn empty(limits: SetLimits) -> (Entry, SetLimits) {
    (Entry::new(b"key:000000000001", SetLimits::NO_INTS, None), limits)
}

fn edit(set: &mut (Entry, SetLimits)) -> SetMut<'_> {
    SetMut::new(ValueMut::new(&mut set.0), set.1)
}

fn members(entry: &Entry) -> Vec<Vec<u8>> {
    entry.set().expect("a set").iter().map(Element::to_vec).collect()
}

fn of<'a>(members: impl IntoIterator<Item = &'a [u8]>) -> Entry {
    let mut set = empty(usual());
    for member in members {
        edit(&mut set).add(member);
    }
    set.0
}

#[test]
fn forms_change_at_the_limits() {
    let mut set = empty(limits(4, 6, 5));
    let mut check = |member: &str, encoding: Encoding| {
        assert!(edit(&mut set).add(member.as_bytes()));
        assert_eq!(set.0.encoding(), encoding, "{member}");
    };
    for number in 1..=4 {
        check(&number.to_string(), Encoding::IntSet);
    }
    check("a", Encoding::Listpack);
    check("bbbbb", Encoding::Listpack);
    check("c", Encoding::Hashtable);

    let after = |members: &[&str]| {
        let mut set = empty(limits(4, 6, 5));
        for member in members {
            edit(&mut set).add(member.as_bytes());
        }
        set.0.encoding()
    };
    assert_eq!(after(&["1", "2", "3", "4", "5"]), Encoding::Hashtable);
    assert_eq!(after(&["1", "bbbbbb"]), Encoding::Hashtable);
    assert_eq!(after(&["123456", "a"]), Encoding::Hashtable);
    assert_eq!(after(&["-1234", "a"]), Encoding::Listpack);
    assert_eq!(after(&["a", "123456"]), Encoding::Hashtable);
    assert_eq!(after(&["01"]), Encoding::Listpack);
}

#[test]
fn a_guess_of_the_length_chooses_the_first_form() {
    let check = |first: &[u8], len, encoding: Encoding| {
        let entry = Entry::new(b"k", limits(4, 6, 5).new_set(first, len), None);
        assert_eq!(entry.encoding(), encoding);
    };
    check(b"1", 4, Encoding::IntSet);
    check(b"1", 5, Encoding::Listpack);
    check(b"a", 6, Encoding::Listpack);
    check(b"a", 7, Encoding::Hashtable);
    let mut set = (of([b"1".as_slice()]), limits(4, 6, 5));
    edit(&mut set).expect(4);
    assert_eq!(set.0.encoding(), Encoding::IntSet);
    edit(&mut set).expect(5);
    assert_eq!(set.0.encoding(), Encoding::Hashtable);
}

#[test]
fn sizes_are_as_promised() {
    let numbers: Vec<String> = (1000..1020).map(|n: i32| (n * 1000).to_string()).collect();
    let ints = of(numbers.iter().map(|n| n.as_bytes()));
    assert_eq!(ints.heap_bytes(), 112);
    let long = of([[b'x'; 65].as_slice()]);
    assert_eq!((long.encoding(), long.heap_bytes()), (Encoding::Hashtable, 112));
}

#[test]
fn a_large_set_tells_its_effort_and_heap() {
    let members: Vec<String> = (0..10_000).map(|n| format!("member:{n:08}")).collect();
    let entry = of(members.iter().map(|member| member.as_bytes()));
    assert_eq!(entry.free_effort(), 10_001);
    let per_member = entry.heap_bytes() as f64 / 10_000.0;
    assert!((27.0..30.0).contains(&per_member), "{per_member} bytes");
    let mut copy = (entry.duplicate(b"copy", None), usual());
    assert_eq!(copy.0.set().map(SetRef::len), Some(10_000));
    // Filled in the order of another table, it is as even as one that was filled at random.
    for held in [&entry, &copy.0] {
        let Some(SetRef::Table(table)) = held.set() else { panic!("a table") };
        let stats = table.stats();
        assert!(stats.stashed < 100 && stats.slots() < 20_000, "{stats:?}");
    }
    for member in &members {
        assert!(edit(&mut copy).remove(member.as_bytes()));
    }
    assert_eq!(entry.set().map(SetRef::len), Some(10_000));
    let Some(SetRef::Table(table)) = copy.0.set() else { panic!("stays a table") };
    assert_eq!(table.heap_bytes(), size_of::<SetTable>());
}

#[test]
fn random_members_are_fair() {
    for len in [3, 40, 100, 1000] {
        for (prefix, encoded) in [("", "numbers"), ("m", "texts")] {
            let names: Vec<String> = (0..len).map(|n| format!("{prefix}{n}")).collect();
            let entry = of(names.iter().map(|name| name.as_bytes()));
            let set = entry.set().expect("a set");
            let draws = len * 200;
            let mut counts: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
            let mut rng = 1_u64;
            for _ in 0..draws {
                // SplitMix64: a fixed sequence for the test.
                rng = rng.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (rng ^ (rng >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                let member = set.sample(mixed ^ (mixed >> 31)).expect("not empty");
                *counts.entry(member.to_vec()).or_default() += 1;
            }
            assert_eq!(counts.len(), len, "{len} {encoded}: each is met");
            let chi_square: f64 =
                counts.values().map(|&n| (n as f64 - 200.0).powi(2) / 200.0).sum();
            // Mean n - 1, deviation sqrt(2 (n - 1)): five deviations.
            let freedom = len as f64 - 1.0;
            let bound = freedom + 5.0 * (2.0 * freedom).sqrt();
            assert!(chi_square < bound, "{len} {encoded}: {chi_square} of {bound}");
        }
    }
}

#[test]
fn a_scan_meets_what_stays_whatever_comes_and_goes() {
    let name = |n: usize| format!("member:{n}").into_bytes();
    let mut set = empty(usual());
    for n in 0..3000 {
        edit(&mut set).add(&name(n));
    }
    let (mut cursor, mut seen, mut steps) = (0, BTreeSet::new(), 0);
    loop {
        let view = set.0.set().expect("a set");
        cursor = view.scan(cursor, &mut |member| {
            seen.insert(member.to_vec());
        });
        if cursor == 0 {
            break;
        }
        // Grows in the first half of the scan, shrinks in the second.
        for n in 0..40 {
            let other = name(10_000 + (steps % 200) * 40 + n);
            if steps < 200 {
                edit(&mut set).add(&other);
            } else {
                edit(&mut set).remove(&other);
                edit(&mut set).remove(&name(1000 + ((steps - 200) * 40 + n) % 2000));
            }
        }
        steps += 1;
    }
    assert!(steps > 400, "{steps} steps");
    assert!((0..1000).all(|n| seen.contains(&name(n))));
}

#[test]
fn common_and_missing_members_are_those_of_a_plain_set() {
    let numbers = |range: std::ops::Range<i32>, extra: &[&str]| {
        let mut texts: Vec<String> = range.map(|n| n.to_string()).collect();
        texts.extend(extra.iter().map(|text| (*text).to_owned()));
        of(texts.iter().map(|text| text.as_bytes()))
    };
    let entries = [
        numbers(0..100, &[]),
        numbers(10..60, &["a", "b"]),
        numbers(20..1000, &["a"]),
        numbers(0..70, &[&"x".repeat(70)]),
    ];
    for first in &entries {
        for second in &entries {
            let mut common = BTreeSet::new();
            let others = [second.set().expect("a set")];
            for_each_common(first.set().expect("a set"), &others, |member| {
                assert!(common.insert(member.to_vec()), "each once");
                ControlFlow::Continue(())
            });
            let [ours, theirs] =
                [first, second].map(|entry| members(entry).into_iter().collect::<BTreeSet<_>>());
            assert!(common.iter().eq(ours.intersection(&theirs)));
            let mut missing = BTreeSet::new();
            for_each_missing(first.set().expect("a set"), &others, |member| {
                assert!(missing.insert(member.to_vec()), "each once");
                ControlFlow::Continue(())
            });
            assert!(missing.iter().eq(ours.difference(&theirs)));
        }
    }
    let mut met = 0;
    for_each_common(entries[0].set().expect("a set"), &[], |_| {
        met += 1;
        if met == 17 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(met, 17);
}

#[derive(Clone, Debug)]
enum Step {
    Add(Vec<u8>),
    AddElement(Vec<u8>),
    Remove(Vec<u8>),
    Pop(u64),
    Expect(usize),
    Duplicate,
    ConvertToInts,
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (-30_i64..30).prop_map(|n| n.to_string().into_bytes()),
        1 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        3 => prop::collection::vec(97_u8..100, 0..4),
        1 => (60_usize..300).prop_map(|len| vec![b'l'; len]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => member().prop_map(Step::Add),
        4 => member().prop_map(Step::AddElement),
        4 => member().prop_map(Step::Remove),
        1 => any::<u64>().prop_map(Step::Pop),
        1 => (0_usize..20).prop_map(Step::Expect),
        1 => Just(Step::Duplicate),
        1 => Just(Step::ConvertToInts),
    ]
}

proptest! {
    #[test]
    fn a_set_is_a_set_in_every_form(
        intset_len in 0_usize..30,
        listpack_len in 0_usize..30,
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut set = empty(limits(intset_len, listpack_len, 64));
        let mut model: BTreeSet<Vec<u8>> = BTreeSet::new();
        for step in steps {
            match step {
                Step::Add(member) => {
                    prop_assert_eq!(edit(&mut set).add(&member), model.insert(member));
                }
                Step::AddElement(member) => {
                    // As text, though it may be a number: so members of a table arrive.
                    let added = edit(&mut set).add_element(Element::Text(&member));
                    prop_assert_eq!(added, model.insert(member));
                }
                Step::Remove(member) => {
                    prop_assert_eq!(edit(&mut set).remove(&member), model.remove(&member));
                }
                Step::Pop(random) => match edit(&mut set).pop(random) {
                    Some(member) => prop_assert!(model.remove(&member)),
                    None => prop_assert!(model.is_empty()),
                },
                Step::Expect(len) => edit(&mut set).expect(len),
                Step::Duplicate => set.0 = set.0.duplicate(b"other", None),
                Step::ConvertToInts => {
                    let is_int = |m: &Vec<u8>| matches!(Element::of(m), Element::Int(_));
                    if model.iter().all(is_int) {
                        edit(&mut set).convert_to_ints();
                    }
                }
            }
            let view = set.0.set().expect("a set");
            prop_assert_eq!((view.len(), view.is_empty()), (model.len(), model.is_empty()));
            let mut held = members(&set.0);
            held.sort();
            prop_assert!(held.iter().eq(model.iter()));
            prop_assert!(model.iter().all(|member| view.contains(member)));
            prop_assert!(!view.contains(b"nosuch"));
        }
    }
}

#[test]
fn other_values_are_not_sets() {
    assert!(Entry::new(b"k", NewValue::string(b"1"), None).set().is_none());
    assert!(Entry::new(b"k", NewValue::string(&[b'x'; 5000]), None).set().is_none());
}
