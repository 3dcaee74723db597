//! Lists against a plain model, in every form and with every limit.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{Encoding, IntText, NewValue, StringRef, ValueMut};

#[derive(Clone, Debug)]
enum Step {
    Push(End, Vec<Vec<u8>>),
    Pop(End, usize),
    RemoveRange(prop::sample::Index, usize),
    Set(prop::sample::Index, Vec<u8>),
    Insert(prop::sample::Index, End, Vec<u8>),
    RemoveEqual(prop::sample::Index, End, usize),
    Duplicate,
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0_i64..20).prop_map(|n| n.to_string().into_bytes()),
        3 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        6 => prop::collection::vec(any::<u8>(), 0..40),
        3 => (0_usize..5000, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
        1 => (30_000_usize..40_000).prop_map(|len| vec![b'x'; len]),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Front), Just(End::Back)]
}

fn step() -> impl Strategy<Value = Step> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        8 => (end(), prop::collection::vec(element(), 1..8)).prop_map(|(at, es)| Step::Push(at, es)),
        2 => (end(), 1_usize..12).prop_map(|(at, count)| Step::Pop(at, count)),
        1 => (place(), 1_usize..60).prop_map(|(from, count)| Step::RemoveRange(from, count)),
        3 => (place(), element()).prop_map(|(at, element)| Step::Set(at, element)),
        4 => (place(), end(), element()).prop_map(|(at, side, e)| Step::Insert(at, side, e)),
        2 => (place(), end(), 1_usize..10).prop_map(|(at, from, most)| Step::RemoveEqual(at, from, most)),
        1 => Just(Step::Duplicate),
    ]
}

fn limits() -> impl Strategy<Value = ListLimits> {
    (
        prop_oneof![-5_i32..=-1, 0_i32..10, 1_i32..4, Just(128)],
        0_u32..4,
        prop_oneof![2 => Just(1_usize << 30), 1 => Just(20_usize)],
    )
        .prop_map(|(max_listpack_size, compress_depth, packed_threshold)| ListLimits {
            max_listpack_size,
            compress_depth,
            packed_threshold,
        })
}

/// Long elements come in shared memory, as from a client.
fn as_sent(element: &[u8], shared: &mut Vec<Bytes>) -> usize {
    shared.push(Bytes::copy_from_slice(element));
    shared.len() - 1
}

fn string_ref(bytes: &Bytes) -> StringRef<'_> {
    if bytes.len() >= 32 << 10 { StringRef::Shared(bytes) } else { StringRef::Bytes(bytes) }
}

fn text(element: StringRef<'_>) -> Vec<u8> {
    element.as_bytes(&mut IntText::default()).to_vec()
}

fn walk(list: ListRef<'_>, from: usize, towards: End) -> Vec<Vec<u8>> {
    let mut elements = Vec::new();
    list.visit(from, towards, |element| {
        elements.push(text(element));
        ControlFlow::Continue(())
    });
    elements
}

fn remove_equal(model: &mut VecDeque<Vec<u8>>, wanted: &[u8], from: End, most: usize) -> usize {
    let mut places: Vec<usize> = (0..model.len()).filter(|at| model[*at] == wanted).collect();
    if from == End::Back {
        places.reverse();
    }
    places.truncate(most);
    places.sort_unstable();
    for at in places.iter().rev() {
        model.remove(*at);
    }
    places.len()
}

/// Makes one change in both; returns the entry, which may be another one now.
fn apply(
    mut entry: Entry,
    model: &mut VecDeque<Vec<u8>>,
    step: &Step,
    limits: ListLimits,
) -> Entry {
    let len = model.len();
    let mut list = ListMut::new(ValueMut::new(&mut entry), limits);
    let mut shared = Vec::new();
    match step {
        Step::Push(end, elements) => {
            for element in elements {
                as_sent(element, &mut shared);
                match end {
                    End::Front => model.push_front(element.clone()),
                    End::Back => model.push_back(element.clone()),
                }
            }
            list.push(*end, shared.iter().map(string_ref));
        }
        Step::Pop(end, count) => {
            let count = (*count).min(len - 1);
            let start = if *end == End::Front { 0 } else { len - count };
            list.remove_range(start, count);
            model.drain(start..start + count);
        }
        Step::RemoveRange(start, count) => {
            let start = start.index(len);
            let count = (*count).min(len - start).min(len - 1);
            list.remove_range(start, count);
            model.drain(start..start + count);
        }
        Step::Set(at, element) => {
            let at = at.index(len);
            as_sent(element, &mut shared);
            list.set(at, string_ref(&shared[0]));
            model[at].clone_from(element);
        }
        Step::Insert(at, side, element) => {
            let at = at.index(len);
            as_sent(element, &mut shared);
            list.insert(at, *side, string_ref(&shared[0]));
            model.insert(at + usize::from(*side == End::Back), element.clone());
        }
        Step::RemoveEqual(at, from, most) => {
            let wanted = model[at.index(len)].clone();
            if model.iter().all(|element| *element == wanted) {
                return entry;
            }
            let removed = list.remove_equal(&wanted, *from, *most);
            assert_eq!(removed, remove_equal(model, &wanted, *from, *most));
        }
        Step::Duplicate => return entry.duplicate(b"other", None),
    }
    entry
}

proptest! {
    #[test]
    fn a_list_behaves_as_a_deque(
        steps in prop::collection::vec(step(), 1..80),
        limits in limits(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 4),
    ) {
        let first = [StringRef::Int(7)];
        let mut entry = NewList::pushed(End::Back, first, limits)
            .put(|value| Entry::new(b"l", value, None));
        let mut model = VecDeque::from([b"7".to_vec()]);
        for step in &steps {
            entry = apply(entry, &mut model, step, limits);
            let list = entry.list().expect("a list");
            prop_assert_eq!(list.len(), model.len());
            if let ListRef::Quick(quicklist) = list {
                quicklist.check_compression();
            }
            for place in &places {
                let at = place.index(model.len());
                prop_assert_eq!(list.get(at, text), Some(model[at].clone()));
            }
            prop_assert_eq!(list.get(model.len(), text), None);
        }
        let list = entry.list().expect("a list");
        prop_assert_eq!(walk(list, 0, End::Back), Vec::from(model.clone()));
        model.make_contiguous().reverse();
        prop_assert_eq!(walk(list, model.len() - 1, End::Front), Vec::from(model.clone()));
        let from = places[0].index(model.len());
        prop_assert_eq!(walk(list, model.len() - 1 - from, End::Front), model.range(from..).cloned().collect::<Vec<_>>());
    }
}

fn list_of(elements: impl Iterator<Item = Vec<u8>>, limits: ListLimits) -> Entry {
    let mut entry = NewList::pushed(End::Back, [StringRef::Int(0)], limits)
        .put(|value: NewValue<'_>| Entry::new(b"l", value, None));
    for element in elements {
        ListMut::new(ValueMut::new(&mut entry), limits)
            .push(End::Back, [StringRef::Bytes(&element)]);
    }
    entry
}

#[test]
fn a_list_changes_its_form_at_the_limit_and_back_at_half_of_it() {
    let limits = ListLimits { max_listpack_size: 10, ..ListLimits::default() };
    let mut entry = list_of((1..10).map(|n| n.to_string().into_bytes()), limits);
    assert_eq!(entry.encoding(), Encoding::Listpack);
    ListMut::new(ValueMut::new(&mut entry), limits).push(End::Front, [StringRef::Int(1)]);
    assert_eq!(entry.encoding(), Encoding::Quicklist);
    for left in (6..=10).rev() {
        ListMut::new(ValueMut::new(&mut entry), limits).remove_range(0, 1);
        let list = entry.list().expect("a list");
        assert_eq!((entry.encoding(), list.len()), (Encoding::Quicklist, left));
    }
    ListMut::new(ValueMut::new(&mut entry), limits).remove_range(0, 1);
    assert_eq!(entry.encoding(), Encoding::Listpack);
}

#[test]
fn many_short_elements_take_few_bytes_each() {
    let limits = ListLimits::default();
    let entry = list_of((0..200_000).map(|n| format!("element:{n:06}").into_bytes()), limits);
    let per_element = entry.heap_bytes() as f64 / 200_001.0;
    assert!(per_element < 16.5, "{per_element}");
}

#[test]
fn inner_nodes_are_compressed() {
    let limits = ListLimits { compress_depth: 1, ..ListLimits::default() };
    let texts = || (0..50_000).map(|n| format!("a text that repeats itself {n}").into_bytes());
    let (plain, compressed) = (list_of(texts(), ListLimits::default()), list_of(texts(), limits));
    assert!(compressed.heap_bytes() < plain.heap_bytes() / 2, "{}", compressed.heap_bytes());
    let (plain, compressed) = (plain.list().expect("a list"), compressed.list().expect("a list"));
    assert_eq!(walk(plain, 0, End::Back), walk(compressed, 0, End::Back));
}
