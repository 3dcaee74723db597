//! A listpack behaves as a vector of strings, in a vector and inside an entry.

use proptest::prelude::*;

use super::*;
use crate::{Entry, NewValue, PackedKind};

#[derive(Clone, Debug)]
enum Step {
    Insert(usize, Vec<Vec<u8>>),
    Replace(usize, usize, Vec<u8>),
    RemoveBetween(usize, usize),
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        (-40_000_i64..40_000).prop_map(|n| n.to_string().into_bytes()),
        (-9_000_000_i64..9_000_000).prop_map(|n| n.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..70),
        prop_oneof![63_usize..66, 4090_usize..4100, 16_380_usize..16_390]
            .prop_map(|len| vec![b'x'; len]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<usize>(), prop::collection::vec(text(), 0..4))
            .prop_map(|(at, texts)| Step::Insert(at, texts)),
        (any::<usize>(), 0_usize..3, text()).prop_map(|(at, n, text)| Step::Replace(at, n, text)),
        (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Step::RemoveBetween(a, b)),
    ]
}

fn place(list: Listpack<'_>, index: usize) -> Place {
    list.seek(index as i64).unwrap_or_else(|| list.end())
}

fn apply<B: Buffer>(list: &mut ListpackMut<B>, model: &mut Vec<Vec<u8>>, step: &Step) {
    match step {
        Step::Insert(at, texts) => {
            let at = at % (model.len() + 1);
            let elements: Vec<_> = texts.iter().map(|text| Element::of(text)).collect();
            list.insert(place(list.view(), at), &elements);
            model.splice(at..at, texts.clone());
        }
        Step::Replace(at, count, text) => {
            let at = at % (model.len() + 1);
            list.replace(place(list.view(), at), *count, &[Element::of(text)]);
            let until = model.len().min(at + count);
            model.splice(at..until, [text.clone()]);
        }
        Step::RemoveBetween(a, b) => {
            let (a, b) = (a % (model.len() + 1), b % (model.len() + 1));
            let (from, until) = (a.min(b), a.max(b));
            let places = (place(list.view(), from), place(list.view(), until));
            assert_eq!(list.remove_between(places.0, places.1), until - from);
            model.drain(from..until);
        }
    }
}

fn check(list: Listpack<'_>, model: &[Vec<u8>]) {
    assert_eq!(validate(list.as_bytes()), Ok(model.len()));
    assert_eq!(list.len(), model.len());
    assert_eq!(list.is_empty(), model.is_empty());
    let forward: Vec<_> = list.iter().map(|(_, element)| element.to_vec()).collect();
    assert_eq!(forward, model);
    let mut backward: Vec<_> = list.iter().rev().map(|(_, element)| element.to_vec()).collect();
    backward.reverse();
    assert_eq!(backward, model);
    for (index, text) in model.iter().enumerate() {
        let at = list.seek(index as i64).expect("inside");
        assert_eq!(list.get(at).to_vec(), *text);
        assert_eq!(list.seek(index as i64 - model.len() as i64), Some(at));
        let first = model.iter().position(|other| other == text).expect("itself");
        assert_eq!(list.find(Element::of(text)), list.seek(first as i64));
    }
    assert_eq!(list.seek(model.len() as i64), None);
    assert_eq!(list.seek(i64::MIN), None);
}

proptest! {
    #[test]
    fn a_listpack_behaves_as_a_vector(steps in prop::collection::vec(step(), 1..30)) {
        let mut bytes = EMPTY.to_vec();
        let mut entry = Entry::new(b"key", NewValue::Packed(PackedKind::List, &EMPTY), None);
        let (mut model, mut same) = (Vec::new(), Vec::new());
        for step in &steps {
            apply(&mut ListpackMut::new(&mut bytes), &mut model, step);
            let packed = entry.packed_mut().expect("packed");
            apply(&mut ListpackMut::new(packed), &mut same, step);
            check(Listpack::new(&bytes), &model);
            let (kind, packed) = entry.packed().expect("packed");
            prop_assert_eq!((kind, packed), (PackedKind::List, &*bytes));
            prop_assert_eq!(entry.key(), b"key");
        }
    }

    #[test]
    fn hostile_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if validate(&bytes).is_ok() {
            let _ = Listpack::new(&bytes).iter().rev().count();
        }
    }
}

#[test]
fn bytes_are_those_of_the_format() {
    let mut bytes = EMPTY.to_vec();
    let mut list = ListpackMut::new(&mut bytes);
    list.push_back(Element::of(b"f"));
    list.push_back(Element::of(b"v"));
    assert_eq!(bytes, b"\x0d\0\0\0\x02\0\x81f\x02\x81v\x02\xff");
}

#[test]
fn every_second_element_is_looked_at() {
    let mut bytes = EMPTY.to_vec();
    let mut list = ListpackMut::new(&mut bytes);
    for text in ["a", "b", "b", "c"] {
        list.push_back(Element::of(text.as_bytes()));
    }
    let view = list.view();
    assert_eq!(view.find_from(view.first(), Element::of(b"b"), 2), view.seek(2));
    assert_eq!(view.find_from(view.first(), Element::of(b"c"), 2), None);
}

#[test]
fn a_count_beyond_the_header_is_walked() {
    let mut bytes = EMPTY.to_vec();
    let elements = vec![Element::Int(7); 70_000];
    ListpackMut::new(&mut bytes).insert(Place(HEADER_LEN), &elements);
    assert_eq!(Listpack::new(&bytes).len(), 70_000);
    assert_eq!(validate(&bytes), Ok(70_000));
}
