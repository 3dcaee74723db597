//! Reading a list in any of its forms.

use std::ops::ControlFlow;

use super::End;
use super::quicklist::Quicklist;
use crate::StringRef;
use crate::listpack::{Element, Listpack};

/// A list, for reading.
#[derive(Clone, Copy, Debug)]
pub enum ListRef<'a> {
    /// In one listpack.
    Packed(Listpack<'a>),
    /// In several.
    Quick(&'a Quicklist),
}

impl ListRef<'_> {
    /// Number of elements.
    #[must_use]
    #[inline]
    pub fn len(self) -> usize {
        match self {
            Self::Packed(listpack) => listpack.len(),
            Self::Quick(quicklist) => quicklist.len(),
        }
    }

    /// Whether there is no element; keys of empty lists do not exist.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Calls `visit` with the elements from number `from` on, towards `towards`, until it breaks.
    /// Nothing is visited if there is no such element. O(log n) to get there.
    #[inline]
    pub fn visit(
        self,
        from: usize,
        towards: End,
        mut visit: impl FnMut(StringRef<'_>) -> ControlFlow<()>,
    ) {
        let _ = match self {
            Self::Packed(listpack) => visit_listpack(listpack, from, towards, &mut visit),
            Self::Quick(quicklist) => quicklist.visit(from, towards, &mut visit),
        };
    }

    /// Calls `visit` with `count` elements, fewer where the list ends, from number `from` on,
    /// towards `towards`.
    #[inline]
    pub fn visit_range(
        self,
        from: usize,
        count: usize,
        towards: End,
        mut visit: impl FnMut(StringRef<'_>),
    ) {
        if count == 0 {
            return;
        }
        let mut left = count;
        self.visit(from, towards, |element| {
            visit(element);
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }

    /// Calls `visit` with every element, from front to back.
    pub fn for_each(self, mut visit: impl FnMut(StringRef<'_>)) {
        self.visit(0, End::Back, |element| {
            visit(element);
            ControlFlow::Continue(())
        });
    }

    /// What `read` makes of element number `index`, if it exists. O(log n), and a walk through the
    /// elements of one node.
    #[inline]
    pub fn get<R>(self, index: usize, read: impl FnOnce(StringRef<'_>) -> R) -> Option<R> {
        let (mut read, mut result) = (Some(read), None);
        self.visit(index, End::Back, |element| {
            result = read.take().map(|read| read(element));
            ControlFlow::Break(())
        });
        result
    }

    /// The number of the first element that equals `wanted`, from the front.
    #[must_use]
    pub fn find(self, wanted: &[u8]) -> Option<usize> {
        let wanted = Wanted::new(wanted);
        let (mut index, mut found) = (0, None);
        self.visit(0, End::Back, |element| {
            if wanted.is(element) {
                found = Some(index);
                return ControlFlow::Break(());
            }
            index += 1;
            ControlFlow::Continue(())
        });
        found
    }
}

/// An element that is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    text: &'a [u8],
    /// The text as listpacks hold it: numbers are compared as numbers.
    packed: Element<'a>,
}

impl<'a> Wanted<'a> {
    /// Elements that equal `text`.
    #[must_use]
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, packed: Element::of(text) }
    }

    /// Whether an element of a list is one.
    #[must_use]
    #[inline]
    pub fn is(&self, element: StringRef<'_>) -> bool {
        match element {
            StringRef::Int(number) => self.packed == Element::Int(number),
            StringRef::Bytes(bytes) => self.text == bytes,
            StringRef::Shared(bytes) => self.text == bytes,
        }
    }
}

/// The elements of one listpack from number `offset` on.
#[inline]
pub(super) fn visit_listpack(
    listpack: Listpack<'_>,
    offset: usize,
    towards: End,
    visit: &mut impl FnMut(StringRef<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some(place) = listpack.seek(offset as i64) else { return ControlFlow::Continue(()) };
    match towards {
        End::Back => {
            for (_, element) in listpack.iter_from(place) {
                visit(element.into())?;
            }
        }
        End::Front => {
            for (_, element) in listpack.iter_until(listpack.behind(place)).rev() {
                visit(element.into())?;
            }
        }
    }
    ControlFlow::Continue(())
}
