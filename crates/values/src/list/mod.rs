//! Lists: one listpack inside the entry while short, a quicklist of listpacks beyond.
//!
//! ```text
//! Entry [ key | listpack ]                                  encoding "listpack"
//! Entry -> Quicklist -> Directory (tree of counts)          encoding "quicklist"
//!                        +- Node: listpack of up to 8 KB
//!                        +- Node: one long element, shared with replies
//! ```
//!
//! [`ListRef`] reads, [`ListMut`] edits and changes the form where the limits ask for it,
//! [`NewList`] makes the value of a new key. Both ends cost O(1) per element; an element by its
//! number costs O(log n) and a walk through part of one node.
//!
//! Invariants: a node of a quicklist is never empty; long elements stand alone in their node.

mod directory;
mod edit;
mod frozen;
mod limits;
mod node;
mod padded;
mod quicklist;
mod stored;
#[cfg(test)]
mod tests;
mod view;

pub use edit::{ListBuilder, ListMut, NewList};
pub use limits::ListLimits;
pub use quicklist::Quicklist;
pub use stored::ListNode;
pub use view::{ListRef, Wanted};

use crate::{Entry, Object, PackedKind, listpack::Listpack};

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where LPUSH and LPOP work: element 0.
    Front,
    /// Where RPUSH and RPOP work: element -1.
    Back,
}

impl End {
    /// The opposite end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Front => Self::Back,
            Self::Back => Self::Front,
        }
    }
}

impl Entry {
    /// The list this key holds, or `None` if it holds another type.
    #[must_use]
    #[inline]
    pub fn list(&self) -> Option<ListRef<'_>> {
        match self.packed() {
            Some((PackedKind::List, bytes)) => Some(ListRef::Packed(Listpack::new(bytes))),
            Some(_) => None,
            None => match self.object()? {
                Object::List(quicklist) => Some(ListRef::Quick(quicklist)),
                _ => None,
            },
        }
    }
}
