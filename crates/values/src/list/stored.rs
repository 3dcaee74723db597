//! Lists as files hold them: node by node.

use bytes::Bytes;

use super::edit::ListBuilder;
use super::limits::ListLimits;
use super::quicklist::Quicklist;

/// A node of a list.
#[derive(Clone, Copy, Debug)]
pub enum ListNode<'a> {
    /// A listpack.
    Packed(&'a [u8]),
    /// A listpack of `len` bytes, compressed by LZF.
    Compressed {
        /// What LZF made of it.
        bytes: &'a [u8],
        /// Length of the listpack in bytes.
        len: usize,
    },
    /// One long element.
    Long(&'a Bytes),
}

impl Quicklist {
    /// Lets `visit` see node number `number`, if there is one. O(log n)
    pub fn visit_node(&self, number: usize, visit: impl FnOnce(ListNode<'_>)) {
        if number < self.nodes() {
            visit(self.node(number).stored());
        }
    }

    /// Every node, from front to back. O(log n) for each.
    pub fn for_each_node(&self, mut visit: impl FnMut(ListNode<'_>)) {
        (0..self.nodes()).for_each(|number| visit(self.node(number).stored()));
    }
}

impl ListLimits {
    /// Whether a list of so many bytes and elements may be one listpack.
    #[must_use]
    pub fn allow_packed(self, bytes: usize, elements: usize) -> bool {
        !self.exceeded(bytes, elements)
    }
}

impl ListBuilder {
    /// Adds a node at the back as it is: a listpack that [`crate::listpack::validate()`] accepted.
    /// One without elements adds nothing.
    pub fn push_node(&mut self, listpack: &[u8]) {
        if !crate::listpack::Listpack::new(listpack).is_empty() {
            self.quicklist_mut().push_listpack(listpack);
        }
    }

    /// Adds a node of one element at the back, however short that is.
    pub fn push_long(&mut self, element: Bytes) {
        self.quicklist_mut().push_long(element);
    }

    /// The list without the form of one listpack, however short it is.
    ///
    /// # Panics
    /// If it is empty: there are no keys of empty lists.
    #[must_use]
    pub fn finish_as_nodes(self) -> super::NewList {
        self.into_quicklist()
    }
}
