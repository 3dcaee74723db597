//! Walking over entries.

use super::id::StreamId;
use super::node::{NodeRef, skip};
use super::nodes::Walk;
use crate::listpack::{Element, Elements, Place};

/// Which end of a range comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The oldest entry.
    Forward,
    /// The newest entry.
    Backward,
}

/// The entries within a range of IDs, one after another.
///
/// Not an [`Iterator`]: an entry has no known end before its fields have been walked over, so they
/// are read through the walk itself, and what nobody reads is passed over.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    nodes: Walk<'a>,
    from: StreamId,
    to: StreamId,
    direction: Direction,
    open: Option<Open<'a>>,
}

/// The node a walk is in.
#[derive(Clone, Debug)]
struct Open<'a> {
    node: NodeRef<'a>,
    /// The field names of the master.
    master_names: Elements<'a>,
    master_fields: usize,
    /// Forward: what follows. Backward: the rest of the entry.
    elements: Elements<'a>,
    /// Where the entry begins.
    at: Place,
    /// Field names of the entry that were not read, if they are the master's.
    names: Option<Elements<'a>>,
    /// Fields of the entry that were not read.
    fields: usize,
    /// Whether no entry was read yet.
    fresh: bool,
}

impl<'a> Entries<'a> {
    pub(super) const fn new(
        nodes: Walk<'a>,
        from: StreamId,
        to: StreamId,
        direction: Direction,
    ) -> Self {
        Self { nodes, from, to, direction, open: None }
    }

    /// Moves to the next entry: its ID.
    #[inline]
    pub fn next_id(&mut self) -> Option<StreamId> {
        loop {
            let Some(open) = &mut self.open else {
                let node = match self.direction {
                    Direction::Forward => self.nodes.next(),
                    Direction::Backward => self.nodes.next_back(),
                };
                self.open = Some(Open::new(node?));
                continue;
            };
            let entry = match self.direction {
                Direction::Forward => open.forward(),
                Direction::Backward => open.backward(),
            };
            let Some((id, is_deleted)) = entry else {
                self.open = None;
                continue;
            };
            let (is_before, is_behind) = match self.direction {
                Direction::Forward => (id < self.from, id > self.to),
                Direction::Backward => (id > self.to, id < self.from),
            };
            if is_behind {
                self.nodes = Walk::default();
                self.open = None;
                return None;
            }
            if !is_before && !is_deleted {
                return Some(id);
            }
        }
    }

    /// Number of fields of the entry that were not read yet.
    #[must_use]
    #[inline]
    pub fn fields_left(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.fields)
    }

    /// The next field of the entry and its value.
    #[inline]
    pub fn next_field(&mut self) -> Option<(Element<'a>, Element<'a>)> {
        self.open.as_mut()?.next_field()
    }
}

impl<'a> Open<'a> {
    fn new(node: NodeRef<'a>) -> Self {
        let head = node.head();
        Self {
            node,
            master_fields: head.fields,
            elements: head.entries(),
            master_names: node.names(),
            at: node.end(),
            names: None,
            fields: 0,
            fresh: true,
        }
    }

    #[inline]
    fn forward(&mut self) -> Option<(StreamId, bool)> {
        if !self.fresh {
            let each = if self.names.is_some() { 1 } else { 2 };
            skip(&mut self.elements, self.fields * each + 1);
        }
        self.read_head()
    }

    fn backward(&mut self) -> Option<(StreamId, bool)> {
        self.at = self.node.entry_before(self.at)?;
        self.elements = self.node.from(self.at);
        self.read_head()
    }

    #[inline]
    fn read_head(&mut self) -> Option<(StreamId, bool)> {
        self.fresh = false;
        let entry = self.node.next_entry(&mut self.elements, self.master_fields)?;
        self.fields = entry.fields;
        self.names = entry.has_master_fields().then(|| self.master_names.clone());
        Some((entry.id, entry.is_deleted()))
    }

    #[inline]
    fn next_field(&mut self) -> Option<(Element<'a>, Element<'a>)> {
        self.fields = self.fields.checked_sub(1)?;
        let names = self.names.as_mut().unwrap_or(&mut self.elements);
        let name = names.next()?.1;
        Some((name, self.elements.next()?.1))
    }
}
