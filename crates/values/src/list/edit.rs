//! Editing a list: its form changes where it must.

use super::End;
use super::limits::ListLimits;
use super::node::{Content, Without, packed_element, without};
use super::quicklist::Quicklist;
use super::view::ListRef;
use crate::listpack::{self, Listpack, ListpackMut};
use crate::{NewValue, Object, PackedKind, PackedMut, StringRef, ValueMut};

/// A list, for editing.
///
/// A list begins as one listpack inside the entry, becomes a quicklist when that would grow beyond
/// `list-max-listpack-size`, and one listpack again when a single node is left that is at most half
/// as long.
pub struct ListMut<'a> {
    value: ValueMut<'a>,
    limits: ListLimits,
}

/// The two forms of a list.
enum Form<'a> {
    Packed(ListpackMut<PackedMut<'a>>),
    Quick(&'a mut Quicklist),
}

impl<'a> ListMut<'a> {
    /// The list that `value` is.
    ///
    /// # Panics
    /// If it is none: look first, see [`crate::Entry::list`].
    #[must_use]
    #[inline]
    pub fn new(value: ValueMut<'a>, limits: ListLimits) -> Self {
        debug_assert!(value.list().is_some(), "the caller has looked");
        Self { value, limits }
    }

    /// The list, for reading.
    #[must_use]
    pub fn view(&self) -> ListRef<'_> {
        self.value.list().expect("it is a list")
    }

    /// Number of elements.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether the last element was removed: the key has to go.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds elements at an end, one after the other.
    pub fn push<'e>(
        &mut self,
        end: End,
        elements: impl IntoIterator<Item = StringRef<'e>, IntoIter: Clone>,
    ) {
        let elements = elements.into_iter();
        self.prepare_growth(elements.clone());
        match self.form() {
            Form::Packed(mut listpack) => {
                for element in elements.map(packed_element) {
                    match end {
                        End::Front => listpack.push_front(element),
                        End::Back => listpack.push_back(element),
                    }
                }
            }
            Form::Quick(quicklist) => {
                for element in elements {
                    quicklist.push(end, element);
                }
            }
        }
    }

    /// Puts an element in front of element number `pivot`, which exists, or behind it.
    pub fn insert(&mut self, pivot: usize, side: End, element: StringRef<'_>) {
        self.prepare_growth([element].into_iter());
        match self.form() {
            Form::Packed(mut listpack) => {
                let view = listpack.view();
                let pivot = view.seek(pivot as i64).expect("the element exists");
                let place = match side {
                    End::Front => pivot,
                    End::Back => view.behind(pivot),
                };
                listpack.insert(place, &[packed_element(element)]);
            }
            Form::Quick(quicklist) => quicklist.insert(pivot, side, element),
        }
    }

    /// Replaces element number `index`, which exists.
    pub fn set(&mut self, index: usize, element: StringRef<'_>) {
        // As Redis reckons: with the new element, and without that the old one goes.
        self.prepare_growth([element].into_iter());
        match self.form() {
            Form::Packed(mut listpack) => {
                let place = listpack.view().seek(index as i64).expect("the element exists");
                listpack.replace(place, 1, &[packed_element(element)]);
            }
            Form::Quick(quicklist) => quicklist.set(index, element),
        }
        self.settle_shrunk();
    }

    /// Removes up to `most` elements equal to `wanted`, the first ones met from `from` on; tells how
    /// many that were.
    pub fn remove_equal(&mut self, wanted: &[u8], from: End, most: usize) -> usize {
        let removed = match self.form() {
            Form::Packed(listpack) => {
                let Some(Without { removed, kept }) = without(listpack.view(), wanted, from, most)
                else {
                    return 0;
                };
                let kept = kept.as_deref().unwrap_or(&listpack::EMPTY);
                self.value.convert(NewValue::Packed(PackedKind::List, kept));
                return removed;
            }
            Form::Quick(quicklist) => quicklist.remove_equal(wanted, from, most),
        };
        if removed > 0 {
            self.settle_shrunk();
        }
        removed
    }

    /// Moves `element`, which is the one at end `from`, to end `to`.
    pub fn rotate(&mut self, from: End, to: End, element: StringRef<'_>) {
        let len = self.len();
        if len > 1 && from != to {
            let start = match from {
                End::Front => 0,
                End::Back => len - 1,
            };
            self.remove(start, 1);
            self.push(to, [element]);
        }
        self.settle_shrunk();
    }

    /// Removes `count` elements from number `start` on. They must exist.
    #[inline]
    pub fn remove_range(&mut self, start: usize, count: usize) {
        if count > 0 {
            self.remove(start, count);
            self.settle_shrunk();
        }
    }

    fn remove(&mut self, start: usize, count: usize) {
        match self.form() {
            Form::Packed(mut listpack) => {
                let place = listpack.view().seek(start as i64).expect("the element exists");
                listpack.remove(place, count);
            }
            Form::Quick(quicklist) => quicklist.remove_range(start, count),
        }
    }

    /// Takes the form in which `element` could be added, and does not add it: LINSERT and LSET do so
    /// in Redis before they look for a place.
    pub fn make_room(&mut self, element: StringRef<'_>) {
        self.prepare_growth([element].into_iter());
    }

    /// Becomes a quicklist if one listpack cannot take these elements too.
    fn prepare_growth<'e>(&mut self, elements: impl Iterator<Item = StringRef<'e>>) {
        let Some((_, bytes)) = self.value.packed() else { return };
        let listpack = Listpack::new(bytes);
        if growth_exceeds(listpack, elements, self.limits) {
            let mut quicklist = Quicklist::new(self.limits);
            if !listpack.is_empty() {
                quicklist.push_listpack(bytes);
            }
            self.value.convert(NewValue::Boxed(Box::new(Object::List(Box::new(quicklist)))));
        }
    }

    /// Becomes one listpack if few elements are left, unless the list is frozen: it then does when
    /// it shrinks further.
    fn settle_shrunk(&mut self) {
        let Some(Object::List(quicklist)) = self.value.object() else { return };
        if quicklist.frozen_id().is_some() {
            return;
        }
        let Some(node) = quicklist.only_node() else { return };
        if !self.limits.half_used(node.len_bytes(), node.count()) {
            return;
        }
        let packed = match node.content(&mut Vec::new()) {
            Content::Packed(listpack) => listpack.as_bytes().to_vec(),
            Content::Plain(bytes) if bytes.len() < self.limits.packed_threshold => {
                let mut packed = listpack::EMPTY.to_vec();
                ListpackMut::new(&mut packed).push_back(packed_element(StringRef::Bytes(bytes)));
                packed
            }
            Content::Plain(_) => return,
        };
        self.value.convert(NewValue::Packed(PackedKind::List, &packed));
    }

    fn form(&mut self) -> Form<'_> {
        // Asked first: a packed list is the usual case, and the borrow must end in either.
        if self.value.packed().is_some() {
            let packed = self.value.packed_mut().expect("just looked");
            return Form::Packed(ListpackMut::new(packed));
        }
        match self.value.object_mut() {
            Some(Object::List(quicklist)) => Form::Quick(quicklist),
            _ => unreachable!("it is a list"),
        }
    }
}

impl ListRef<'_> {
    /// Whether the list would have to change its form to take `element` too.
    #[must_use]
    pub fn is_outgrown_by(self, element: StringRef<'_>, limits: ListLimits) -> bool {
        match self {
            Self::Packed(listpack) => growth_exceeds(listpack, [element].into_iter(), limits),
            Self::Quick(_) => false,
        }
    }
}

/// Whether a listpack cannot take these elements too. Redis reckons with the texts alone.
fn growth_exceeds<'e>(
    listpack: Listpack<'_>,
    elements: impl Iterator<Item = StringRef<'e>>,
    limits: ListLimits,
) -> bool {
    let (bytes, count) =
        elements.fold((listpack.as_bytes().len(), listpack.len()), |(bytes, count), element| {
            match element {
                // Redis counts what it holds as an integer object (LMOVE's element) as no bytes.
                StringRef::Int(_) => (bytes, count + 1),
                StringRef::Bytes(text) => (bytes + text.len(), count + 1),
                StringRef::Shared(text) => (bytes + text.len(), count + 1),
            }
        });
    limits.exceeded(bytes, count)
}

/// A list that does not exist yet.
#[derive(Debug)]
pub struct NewList(Built);

#[derive(Debug)]
enum Built {
    Packed(Vec<u8>),
    Quick(Box<Quicklist>),
}

impl NewList {
    /// The list of these elements, in the order in which pushing them at `end` leaves them.
    pub fn pushed<'e>(
        end: End,
        elements: impl IntoIterator<Item = StringRef<'e>, IntoIter: Clone>,
        limits: ListLimits,
    ) -> Self {
        let elements = elements.into_iter();
        if growth_exceeds(Listpack::new(&listpack::EMPTY), elements.clone(), limits) {
            let mut quicklist = Box::new(Quicklist::new(limits));
            for element in elements {
                quicklist.push(end, element);
            }
            return Self(Built::Quick(quicklist));
        }
        let mut packed = listpack::EMPTY.to_vec();
        let mut listpack = ListpackMut::new(&mut packed);
        for element in elements.map(packed_element) {
            match end {
                End::Front => listpack.push_front(element),
                End::Back => listpack.push_back(element),
            }
        }
        Self(Built::Packed(packed))
    }

    /// The list as a value; `bytes` is room for the packed form.
    pub fn into_value(self, bytes: &mut Vec<u8>) -> NewValue<'_> {
        match self.0 {
            Built::Packed(packed) => {
                *bytes = packed;
                NewValue::Packed(PackedKind::List, bytes)
            }
            Built::Quick(quicklist) => NewValue::Boxed(Box::new(Object::List(quicklist))),
        }
    }

    /// Hands the list over as a value.
    pub fn put<R>(self, put: impl FnOnce(NewValue<'_>) -> R) -> R {
        match self.0 {
            Built::Packed(packed) => put(NewValue::Packed(PackedKind::List, &packed)),
            Built::Quick(quicklist) => put(NewValue::Boxed(Box::new(Object::List(quicklist)))),
        }
    }
}

/// Makes a list of elements whose number is not known yet.
#[derive(Debug)]
pub struct ListBuilder {
    quicklist: Quicklist,
    limits: ListLimits,
}

impl ListBuilder {
    /// Begins an empty list.
    #[must_use]
    pub fn new(limits: ListLimits) -> Self {
        Self { quicklist: Quicklist::new(limits), limits }
    }

    /// Adds an element at the back.
    pub fn push(&mut self, element: StringRef<'_>) {
        self.quicklist.push(End::Back, element);
    }

    /// Number of elements so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.quicklist.len()
    }

    /// Whether there is no element yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) const fn quicklist_mut(&mut self) -> &mut Quicklist {
        &mut self.quicklist
    }

    pub(super) fn into_quicklist(self) -> NewList {
        assert!(!self.is_empty(), "keys of empty lists do not exist");
        NewList(Built::Quick(Box::new(self.quicklist)))
    }

    /// The list: in one listpack if the limits allow it.
    ///
    /// # Panics
    /// If it is empty: there are no keys of empty lists.
    #[must_use]
    pub fn finish(self) -> NewList {
        assert!(!self.is_empty(), "keys of empty lists do not exist");
        if let Some(node) = self.quicklist.only_node()
            && let Content::Packed(listpack) = node.content(&mut Vec::new())
            && !self.limits.exceeded(node.len_bytes(), node.count())
        {
            return NewList(Built::Packed(listpack.as_bytes().to_vec()));
        }
        NewList(Built::Quick(Box::new(self.quicklist)))
    }
}
