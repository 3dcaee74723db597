//! A sorted set behaves as a map and an ordered set, in every encoding.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proptest::prelude::*;

use super::*;
use crate::listpack::{self, Element};
use crate::{Encoding, Entry, MemberHasher, NewValue, PackedKind, ValueMut};

const HASHER: MemberHasher = MemberHasher::new(7);

/// A score with a total order, for the model. There is no -0 in these tests.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Score(f64);

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[derive(Default)]
struct Model {
    scores: BTreeMap<Vec<u8>, f64>,
    order: BTreeSet<(Score, Vec<u8>)>,
}

impl Model {
    fn set(&mut self, member: &[u8], score: f64) -> Option<f64> {
        let held = self.remove(member);
        self.scores.insert(member.to_vec(), score);
        self.order.insert((Score(score), member.to_vec()));
        held
    }

    fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let held = self.scores.remove(member)?;
        self.order.remove(&(Score(held), member.to_vec()));
        Some(held)
    }

    fn remove_ranks(&mut self, ranks: Range<usize>) {
        let gone: Vec<_> = self.order.iter().skip(ranks.start).take(ranks.len()).cloned().collect();
        for (_, member) in gone {
            self.remove(&member);
        }
    }

    fn pairs(&self) -> Vec<(Vec<u8>, f64)> {
        self.order.iter().map(|(score, member)| (member.clone(), score.0)).collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Set(Vec<u8>, f64),
    Remove(Vec<u8>),
    RemoveRanks(usize, usize),
    Expect(usize),
    Duplicate,
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0_u32..400).prop_map(|n| format!("m{n}").into_bytes()),
        2 => (-50_i64..50).prop_map(|n| n.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (60_usize..70).prop_map(|len| vec![b'x'; len]),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(1.0),
        (-5_i32..5).prop_map(f64::from),
        any::<f64>().prop_filter("no NaN, no -0", |n| !n.is_nan() && n.to_bits() != 1 << 63),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(9e18),
        Just(1.0 / 3.0),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (member(), score()).prop_map(|(member, score)| Step::Set(member, score)),
        4 => member().prop_map(Step::Remove),
        1 => (0_usize..60, 0_usize..20).prop_map(|(at, count)| Step::RemoveRanks(at, count)),
        1 => (0_usize..40).prop_map(Step::Expect),
        1 => Just(Step::Duplicate),
    ]
}

fn empty_entry() -> Entry {
    Entry::new(b"key", NewValue::Packed(PackedKind::SortedSet, &listpack::EMPTY), None)
}

fn edit(entry: &mut Entry, limits: PackedLimits) -> SortedSetMut<'_> {
    SortedSetMut::new(ValueMut::new(entry), limits, HASHER).expect("a sorted set")
}

fn vec_of(members: Members<'_>) -> Vec<(Vec<u8>, f64)> {
    members.map(|(member, score)| (member.to_vec(), score)).collect()
}

fn check(entry: &Entry, model: &Model) {
    let set = entry.sorted_set().expect("a sorted set");
    let pairs = model.pairs();
    assert_eq!((set.len(), set.is_empty()), (pairs.len(), pairs.is_empty()));
    assert_eq!(vec_of(set.iter()), pairs);
    if let Some(crate::Object::SortedSet(index)) = entry.object() {
        index.check();
        assert!(set.is_indexed());
    }
}

fn check_queries(entry: &Entry, model: &Model, a: f64, b: f64, text: &[u8], cut: (usize, usize)) {
    let set = entry.sorted_set().expect("a sorted set");
    let pairs = model.pairs();
    for (rank, (member, score)) in pairs.iter().enumerate() {
        assert_eq!(set.score(member), Some(*score));
        assert_eq!(set.rank(member), Some((rank, *score)));
        let at = set.at(rank).map(|(member, score)| (member.to_vec(), score));
        assert_eq!(at, Some((member.clone(), *score)));
    }
    assert_eq!(set.at(pairs.len()), None);
    let known = model.scores.get(text).copied();
    assert_eq!((set.score(text), set.rank(text).map(|(_, score)| score)), (known, known));
    let (from, until) = (cut.0.min(cut.1), cut.0.max(cut.1));
    let within = from.min(pairs.len())..until.min(pairs.len());
    assert_eq!(vec_of(set.range(from..until)), pairs[within.clone()]);
    let mut backwards = vec_of(set.range_backwards(from..until));
    backwards.reverse();
    assert_eq!(backwards, pairs[within]);
    for exclusive in [(false, false), (false, true), (true, false), (true, true)] {
        let min = ScoreBound { score: a, exclusive: exclusive.0 };
        let max = ScoreBound { score: b, exclusive: exclusive.1 };
        let inside = |score: f64| {
            (score > a || (!min.exclusive && score == a))
                && (score < b || (!max.exclusive && score == b))
        };
        let expected: Vec<_> = pairs.iter().filter(|(_, score)| inside(*score)).cloned().collect();
        assert_eq!(vec_of(set.range(set.ranks_by_score(ScoreRange { min, max }))), expected);
    }
    let mut seen = BTreeSet::new();
    let mut cursor = 0;
    loop {
        cursor = set.scan(cursor, |member, score| {
            assert_eq!(model.scores.get(&member.to_vec()), Some(&score));
            seen.insert(member.to_vec());
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen.len(), pairs.len());
}

proptest! {
    #[test]
    fn a_sorted_set_behaves_as_the_model(
        steps in prop::collection::vec(step(), 1..300),
        entries in prop_oneof![Just(0_u64), Just(16), Just(128), Just(100_000)],
        queries in prop::collection::vec(
            (score(), score(), member(), (0_usize..200, 0_usize..200)), 3,
        ),
    ) {
        let limits = PackedLimits { entries, value: 64 };
        let (mut entry, mut model) = (empty_entry(), Model::default());
        for step in &steps {
            match step {
                Step::Set(member, score) => {
                    let held = edit(&mut entry, limits).set(member, *score);
                    prop_assert_eq!(held, model.set(member, *score));
                }
                Step::Remove(member) => {
                    let held = edit(&mut entry, limits).remove(member);
                    prop_assert_eq!(held, model.remove(member));
                }
                Step::RemoveRanks(at, count) => {
                    edit(&mut entry, limits).remove_ranks(*at..at + count);
                    model.remove_ranks(*at..at + count);
                }
                Step::Expect(members) => edit(&mut entry, limits).expect_members(*members),
                Step::Duplicate => entry = entry.duplicate(b"other", None),
            }
            check(&entry, &model);
        }
        for (a, b, text, cut) in queries {
            check_queries(&entry, &model, a, b, &text, cut);
        }
    }

    #[test]
    fn members_of_equal_scores_are_ordered_by_their_bytes(
        members in prop::collection::btree_set(prop::collection::vec(0_u8..4, 0..6), 0..400),
        bounds in (prop::collection::vec(0_u8..4, 0..6), prop::collection::vec(0_u8..4, 0..6)),
        entries in prop_oneof![Just(0_u64), Just(1000)],
    ) {
        let limits = PackedLimits { entries, value: 64 };
        let mut entry = empty_entry();
        for member in members.iter().rev() {
            edit(&mut entry, limits).set(member, 1.5);
        }
        let set = entry.sorted_set().expect("a sorted set");
        let (a, b) = (&*bounds.0, &*bounds.1);
        let check = |min, max, inside: &dyn Fn(&[u8]) -> bool| {
            let held = set.range(set.ranks_by_lex(LexRange { min, max }));
            let held: Vec<_> = held.map(|(member, _)| member.to_vec()).collect();
            let expected: Vec<_> = members.iter().filter(|m| inside(m)).cloned().collect();
            assert_eq!(held, expected);
        };
        check(LexBound::Inclusive(a), LexBound::Exclusive(b), &|m| m >= a && m < b);
        check(LexBound::Exclusive(a), LexBound::Inclusive(b), &|m| m > a && m <= b);
        check(LexBound::Lowest, LexBound::Inclusive(b), &|m| m <= b);
        check(LexBound::Exclusive(a), LexBound::Highest, &|m| m > a);
        check(LexBound::Highest, LexBound::Lowest, &|_| false);
        check(LexBound::Lowest, LexBound::Highest, &|_| true);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_large_sorted_set_behaves_as_the_model(
        seed: u64,
        distinct in prop_oneof![Just(1_u64), Just(3), Just(1000), Just(u64::MAX)],
    ) {
        // Grows to thousands of members and shrinks to nothing, so that nodes of every level
        // split, share and merge.
        let mut random = fastrand::Rng::with_seed(seed);
        let mut index = ScoreIndex::new(HASHER);
        let mut model = Model::default();
        for (steps, growing) in [(9_000, 9), (7_000, 1), (3_000, 6), (20_000, 0)] {
            for _ in 0..steps {
                let member = random.u32(0..12_000).to_string();
                let member = member.as_bytes();
                if random.u32(0..10) < growing {
                    let score = (random.u64(..) % distinct) as f64;
                    assert_eq!(index.set(member, score), model.set(member, score));
                } else if random.u32(0..50) == 0 && !index.is_empty() {
                    let at = random.usize(0..index.len());
                    let count = random.usize(0..300);
                    index.remove_ranks(at..at + count);
                    model.remove_ranks(at..at + count);
                } else {
                    assert_eq!(index.remove(member), model.remove(member));
                }
            }
            index.check();
            let set = SortedSetRef::indexed(&index);
            assert_eq!(vec_of(set.iter()), model.pairs());
            assert_eq!(vec_of(SortedSetRef::indexed(&index.clone()).iter()), model.pairs());
        }
    }
}

#[test]
fn the_packed_form_is_that_of_the_files() {
    let mut entry = empty_entry();
    let limits = PackedLimits { entries: 128, value: 64 };
    let mut set = edit(&mut entry, limits);
    for (member, score) in [
        ("c", 1.5),
        ("a", 3.0),
        ("12", 3.0),
        ("b", f64::NEG_INFINITY),
        ("z", -0.0),
        ("d", 1e20),
        ("e", 4611686018427387904.0),
    ] {
        set.set(member.as_bytes(), score);
    }
    let (_, bytes) = entry.packed().expect("packed");
    assert_eq!(listpack::validate(bytes), Ok(14));
    let texts: Vec<_> =
        listpack::Listpack::new(bytes).iter().map(|(_, element)| element.to_vec()).collect();
    let expected = "b -inf z 0 c 1.5 12 3 a 3 e 4611686018427387904 d 1e+20";
    assert_eq!(texts.join(&b' '), expected.as_bytes());
    assert_eq!(entry.sorted_set().and_then(|set| set.at(3)), Some((Element::Int(12), 3.0)));
}

#[test]
fn limits_are_those_of_redis() {
    let limits = PackedLimits { entries: 3, value: 4 };
    let mut entry = empty_entry();
    let mut set = edit(&mut entry, limits);
    set.expect_members(3);
    for member in ["a", "b", "four"] {
        set.set(member.as_bytes(), 1.0);
    }
    set.set(b"a", 2.0);
    assert_eq!(entry.encoding(), Encoding::Listpack);
    let mut fourth = entry.duplicate(b"key", None);
    edit(&mut fourth, limits).set(b"d", 1.0);
    assert_eq!((fourth.encoding(), entry.encoding()), (Encoding::Skiplist, Encoding::Listpack));
    let mut longer = entry.duplicate(b"key", None);
    edit(&mut longer, limits).remove(b"a");
    edit(&mut longer, limits).set(b"fives", 1.0);
    assert_eq!(longer.encoding(), Encoding::Skiplist);
    edit(&mut entry, limits).expect_members(4);
    assert_eq!(entry.encoding(), Encoding::Skiplist);
}

#[test]
fn a_result_is_packed_if_it_is_small() {
    let limits = PackedLimits { entries: 3, value: 4 };
    let check = |members: &[&str], encoding| {
        let mut unordered = Unordered::new(HASHER);
        for (score, member) in members.iter().rev().enumerate() {
            unordered.merge(member.as_bytes(), 1.0, |_| unreachable!("members differ"));
            unordered.merge(member.as_bytes(), 9.0, |held| held - score as f64);
        }
        unordered.merge(b"gone", 0.0, |held| held);
        unordered.remove(b"gone");
        let index = unordered.ordered();
        index.check();
        let before = vec_of(SortedSetRef::indexed(&index).iter());
        let names: Vec<_> =
            before.iter().map(|(member, _)| String::from_utf8_lossy(member)).collect();
        assert_eq!(names, members);
        let set = SortedSet::of_result(index, limits, HASHER);
        assert_eq!(vec_of(set.view().iter()), before);
        let entry = set.store(|value| Entry::new(b"key", value, None));
        assert_eq!(entry.encoding(), encoding);
    };
    check(&["a", "2", "four"], Encoding::Listpack);
    check(&["a", "2", "fives"], Encoding::Skiplist);
    check(&["a", "b", "c", "d"], Encoding::Skiplist);
}

/// Bytes per member of 16 bytes beyond the members themselves, which take 32.
fn index_bytes(index: &ScoreIndex) -> f64 {
    index.heap_bytes() as f64 / index.len() as f64 - 32.0
}

#[test]
fn the_indexes_take_little_memory_in_whatever_order_members_come() {
    const MEMBERS: u32 = 100_000;
    let filled = |score: &mut dyn FnMut(u32) -> f64| {
        let mut index = ScoreIndex::new(HASHER);
        for n in 0..MEMBERS {
            index.set(format!("member:{n:09}").as_bytes(), score(n));
        }
        index_bytes(&index)
    };
    let mut random = fastrand::Rng::with_seed(1);
    let at_random = filled(&mut |_| random.f64());
    let ascending = filled(&mut f64::from);
    let descending = filled(&mut |n| -f64::from(n));
    let equal = filled(&mut |_| 1.0);
    assert!(at_random < 33.0, "{at_random}");
    assert!(
        ascending < 30.0 && descending < 30.0 && equal < 30.0,
        "{ascending} {descending} {equal}"
    );
}

#[test]
fn memory_goes_with_the_members() {
    const MEMBERS: u32 = 100_000;
    let name = |n: u32| format!("member:{n:09}").into_bytes();
    // A queue: members come at one end and go at the other.
    let mut queue = ScoreIndex::new(HASHER);
    for n in 0..5 * MEMBERS {
        queue.set(&name(n), f64::from(n));
        if n >= MEMBERS {
            queue.remove_ranks(0..1);
        }
    }
    queue.check();
    assert!(index_bytes(&queue) < 35.0, "{}", index_bytes(&queue));
    // Most members go, here and there.
    let mut random = fastrand::Rng::with_seed(1);
    let mut index = ScoreIndex::new(HASHER);
    for n in 0..MEMBERS {
        index.set(&name(n), random.f64());
    }
    for n in 0..MEMBERS {
        if n % 10 != 0 {
            index.remove(&name(n));
        }
    }
    index.check();
    assert!(index_bytes(&index) < 64.0, "{}", index_bytes(&index));
    index.remove_ranks(0..usize::MAX);
    index.check();
    assert!(index.is_empty() && index.heap_bytes() < 2000);
}

#[test]
fn a_member_that_moves_a_little_stays_in_its_leaf() {
    let mut index = ScoreIndex::new(HASHER);
    for n in 0..10_000 {
        index.set(n.to_string().as_bytes(), f64::from(n) * 10.0);
    }
    for n in 0..10_000 {
        assert_eq!(
            index.set(n.to_string().as_bytes(), f64::from(n) * 10.0 + 5.0),
            Some(f64::from(n) * 10.0)
        );
        assert_eq!(index.score(n.to_string().as_bytes()), Some(f64::from(n) * 10.0 + 5.0));
    }
    index.check();
    assert_eq!(index.rank_of(505.0, b"50"), 50);
}
