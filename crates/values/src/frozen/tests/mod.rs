//! What is handed out is what was frozen, whatever is changed meanwhile.

mod list;
mod stream;
mod tables;

use std::fmt::Debug;

use proptest::prelude::*;

use super::FrozenItem;
use crate::hasher::MemberHasher;
use crate::{Entry, NewValue, ValueMut};

const HASHER: MemberHasher = MemberHasher::new(7);

/// Keys that edits are about: enough for a table to split and to merge.
const KEYS: u16 = 3000;

/// An edit: what kind, the first key, how many keys, and something to vary it.
type Edit = (u8, u16, u16, u8);

/// A collection and what it should be.
trait Subject: Sized {
    /// What is in it, put together from what is handed out.
    type Content: Clone + Debug + Default + PartialEq;

    fn new(vary: u8) -> Self;
    fn edit(&mut self, edit: Edit);
    /// What should be in it.
    fn model(&self) -> Self::Content;
    /// What is in it.
    fn content(entry: &Entry) -> Self::Content;
    fn entry(&mut self) -> &mut Entry;
    /// Adds an item to what was handed out before.
    fn add(content: &mut Self::Content, item: FrozenItem<'_>);
    /// Whether the item is one of those that the header counts.
    fn is_counted(item: FrozenItem<'_>) -> bool {
        !matches!(item, FrozenItem::StreamTail(_))
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

fn steps() -> impl Strategy<Value = (u8, Vec<Step>)> {
    (any::<u8>(), prop::collection::vec(step(), 1..60))
}

/// A collection that is frozen, and what was handed out of it.
struct Frozen<S: Subject> {
    expected: S::Content,
    emitted: S::Content,
    /// Items that are to come.
    items_left: usize,
}

impl<S: Subject> Frozen<S> {
    /// Freezes the collection, which may be frozen already.
    fn new(subject: &mut S, id: u32) -> Self {
        let header = ValueMut::new(subject.entry()).freeze(id);
        assert_eq!(subject.entry().frozen_id(), Some(id));
        let (expected, emitted) = (subject.model(), S::Content::default());
        Self { expected, emitted, items_left: header.items }
    }

    /// Hands out more; checks all when it is complete, which it tells.
    fn emit(&mut self, entry: &mut Entry, mut budget: usize) -> bool {
        let complete = entry.emit_frozen(&mut budget, &mut |item| {
            self.items_left -= usize::from(S::is_counted(item));
            S::add(&mut self.emitted, item);
        });
        if complete {
            assert_eq!(self.items_left, 0);
            assert!(self.emitted == self.expected, "{:?} {:?}", self.emitted, self.expected);
            assert!(entry.emit_frozen(&mut 1, &mut |part| panic!("once more: {part:?}")));
        }
        complete
    }
}

fn run<S: Subject>((vary, steps): (u8, Vec<Step>)) {
    let mut subject = S::new(vary);
    let mut frozen: Option<Frozen<S>> = None;
    let mut id = 0;
    for step in steps {
        match step {
            Step::Edit(edit) => subject.edit(edit),
            Step::Freeze if subject.entry().object().is_none() => {}
            Step::Freeze => {
                id += 1;
                frozen = Some(Frozen::new(&mut subject, id));
            }
            Step::Emit(budget) => {
                if frozen.as_mut().is_some_and(|frozen| frozen.emit(subject.entry(), budget)) {
                    subject.entry().thaw();
                    frozen = None;
                }
            }
            Step::Thaw => {
                let kept = subject.entry().thaw();
                assert_eq!(kept.is_empty(), frozen.is_none());
                frozen = None;
            }
            Step::Copy => {
                let copy = subject.entry().duplicate(b"copy", None);
                assert_eq!(copy.frozen_id(), None);
                assert_eq!(S::content(&copy), subject.model());
            }
            Step::Rename => {
                let none = Entry::new(b"", NewValue::Int(0), None);
                let entry = std::mem::replace(subject.entry(), none);
                *subject.entry() = entry.renamed(b"a longer name for the key");
            }
        }
        assert_eq!(subject.entry().frozen_id().is_some(), frozen.is_some());
    }
    if let Some(mut frozen) = frozen {
        while !frozen.emit(subject.entry(), 5000) {}
    }
    assert_eq!(S::content(subject.entry()), subject.model());
}

/// Everything is removed and other items come in its place before anything is handed out: with
/// edits that remove all, and that add some.
fn check_replaced<S: Subject>(removal: Edit, addition: Edit) {
    let mut subject = S::new(0);
    subject.edit(addition);
    let mut frozen = Frozen::new(&mut subject, 1);
    subject.edit(removal);
    assert!(subject.model() != frozen.expected);
    subject.edit(addition);
    while !frozen.emit(subject.entry(), 1000) {}
}
