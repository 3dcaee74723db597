//! Lists.

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::{Edit, Frozen, FrozenItem, Subject, check_replaced, run, steps};
use crate::list::{End, ListLimits, ListMut, NewList};
use crate::listpack::Listpack;
use crate::{Entry, StringRef, ValueMut};

struct List {
    entry: Entry,
    model: Vec<Vec<u8>>,
    limits: ListLimits,
}

/// Some are long, so that they stand alone.
fn element(number: u16) -> Vec<u8> {
    if number.is_multiple_of(17) { vec![b'x'; 150] } else { number.to_string().into() }
}

impl List {
    fn edit_list(&mut self) -> ListMut<'_> {
        ListMut::new(ValueMut::new(&mut self.entry), self.limits)
    }

    fn push(&mut self, end: End, elements: &[Vec<u8>]) {
        self.edit_list().push(end, elements.iter().map(|element| StringRef::Bytes(element)));
        for element in elements {
            match end {
                End::Front => self.model.insert(0, element.clone()),
                End::Back => self.model.push(element.clone()),
            }
        }
    }

    fn remove_equal(&mut self, wanted: &[u8]) {
        let before = self.model.len();
        self.model.retain(|element| element != wanted);
        let removed = self.edit_list().remove_equal(wanted, End::Front, usize::MAX);
        assert_eq!(removed, before - self.model.len());
    }
}

impl Subject for List {
    type Content = Vec<Vec<u8>>;

    fn new(vary: u8) -> Self {
        let limits = ListLimits {
            max_listpack_size: [4, 9, -1][usize::from(vary) % 3],
            compress_depth: u32::from(vary) / 3 % 3,
            packed_threshold: 100,
        };
        let model: Vec<Vec<u8>> = (0..100).map(element).collect();
        let elements = model.iter().map(|element| StringRef::Bytes(element));
        let entry = NewList::pushed(End::Back, elements, limits)
            .put(|value| Entry::new(b"list", value, None));
        Self { entry, model, limits }
    }

    fn edit(&mut self, (kind, first, count, vary): Edit) {
        let (len, count) = (self.model.len(), usize::from(count));
        let at = usize::from(first) * len / 3000;
        let elements: Vec<Vec<u8>> = (first..).take(count / 8 + 1).map(element).collect();
        match kind {
            0 => self.push(End::Back, &elements),
            1 => self.push(End::Front, &elements),
            _ if len == 0 => {}
            2 | 3 => {
                let count = count.min(len - at);
                self.edit_list().remove_range(at, count);
                self.model.drain(at..at + count);
            }
            4 | 5 => {
                for (step, element) in elements.into_iter().enumerate() {
                    let at = (at + step * usize::from(vary)) % len;
                    self.edit_list().set(at, StringRef::Bytes(&element));
                    self.model[at] = element;
                }
            }
            6 | 7 => {
                for (step, element) in elements.into_iter().take(10).enumerate() {
                    let at = (at + step * usize::from(vary)) % len;
                    let side = if vary.is_multiple_of(2) { End::Front } else { End::Back };
                    self.edit_list().insert(at, side, StringRef::Bytes(&element));
                    self.model.insert(at + usize::from(side == End::Back), element);
                }
            }
            8 => {
                let wanted = self.model[at].clone();
                self.remove_equal(&wanted);
            }
            _ => {
                let last = self.model.pop().expect("it is not empty");
                self.edit_list().rotate(End::Back, End::Front, StringRef::Bytes(&last));
                self.model.insert(0, last);
            }
        }
    }

    fn model(&self) -> Vec<Vec<u8>> {
        self.model.clone()
    }

    fn content(entry: &Entry) -> Vec<Vec<u8>> {
        let mut elements = Vec::new();
        let list = entry.list().expect("a list");
        list.visit(0, End::Back, |element| {
            elements.push(element.as_bytes(&mut Default::default()).to_vec());
            ControlFlow::Continue(())
        });
        elements
    }

    fn entry(&mut self) -> &mut Entry {
        &mut self.entry
    }

    fn add(content: &mut Vec<Vec<u8>>, item: FrozenItem<'_>) {
        match item {
            FrozenItem::ListNode(node) => {
                content.extend(Listpack::new(node).iter().map(|(_, element)| element.to_vec()));
            }
            FrozenItem::LongElement(element) => content.push(element.to_vec()),
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn a_list_is_handed_out_as_it_was(steps in steps()) {
        run::<List>(steps);
    }
}

#[test]
fn what_is_gone_is_handed_out_by_whoever_holds_the_entry() {
    check_replaced::<List>((2, 0, u16::MAX, 0), (0, 0, 2000, 0));
}

/// A list that is one short node while it is frozen becomes a listpack when it shrinks later.
#[test]
fn a_frozen_list_keeps_its_form() {
    let mut list = List::new(0);
    let mut frozen = Frozen::new(&mut list, 1);
    list.edit((2, 0, 98, 0));
    assert!(list.entry.object().is_some());
    while !frozen.emit(&mut list.entry, 1000) {}
    assert!(!list.entry.thaw().is_empty());
    list.edit((2, 0, 1, 0));
    assert!(list.entry.packed().is_some());
    assert_eq!(List::content(&list.entry), list.model);
}

#[test]
fn lists_are_large_from_a_few_nodes_on() {
    let limits = ListLimits::default();
    let list = |elements: usize, len: usize| {
        let text = vec![b'x'; len];
        let elements = std::iter::repeat_n(StringRef::Bytes(&text), elements);
        NewList::pushed(End::Back, elements, limits).put(|value| Entry::new(b"list", value, None))
    };
    assert!(!list(1000, 100).is_large());
    assert!(list(3000, 100).is_large());
    assert!(!list(20, 100_000).is_large(), "long elements are shared");
    assert!(list(100, 100_000).is_large());
}
