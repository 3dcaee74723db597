//! What a stream was when it was frozen.
//!
//! Nodes are handed out in the order of their IDs. Before a node is changed or removed that was not
//! handed out yet, its bytes are kept by its ID. Nodes that come later have greater IDs, unless XSETID
//! went back after the last entries had been removed: then what is behind the last node that is left
//! has gone, and is kept.

use std::collections::BTreeMap;
use std::mem;

use super::Stream;
use super::groups::Changed;
use super::id::StreamId;
use super::log::Log;
use super::nodes::Nodes;
use crate::frozen::{FrozenHeader, FrozenItem, FrozenPlace, SMALL_BYTES_MAX, Thawed, spend};
use crate::kind::Encoding;

/// What the nodes of a stream were, as far as they were not handed out yet.
pub(super) struct FrozenNodes {
    /// Nodes in front of this one were handed out; `None` if all were.
    next: Option<StreamId>,
    /// The last node that was there then and still is; `None` if none is.
    last: Option<StreamId>,
    /// Nodes as they were.
    kept: BTreeMap<StreamId, Box<[u8]>>,
    kept_bytes: usize,
}

impl FrozenNodes {
    pub(super) fn new(last: Option<StreamId>) -> Self {
        Self { next: Some(StreamId::MIN), last, kept: BTreeMap::new(), kept_bytes: 0 }
    }

    /// Whether a node that is there is as it was, and was not handed out.
    fn is_open(&self, master: StreamId) -> bool {
        let is_in_front = self.next.is_none_or(|next| master < next);
        let is_behind = self.last.is_none_or(|last| master > last);
        !is_in_front && !is_behind && !self.kept.contains_key(&master)
    }

    /// A node is about to be changed.
    #[cold]
    #[inline(never)]
    pub(super) fn keep(&mut self, master: StreamId, bytes: &[u8]) {
        if self.is_open(master) {
            self.keep_removed(master, bytes.into());
        }
    }

    /// A node was removed.
    #[cold]
    pub(super) fn keep_removed(&mut self, master: StreamId, bytes: Box<[u8]>) {
        if self.is_open(master) {
            self.kept_bytes += bytes.len();
            self.kept.insert(master, bytes);
        }
    }

    /// A node is about to be added behind `last`, which is the last one if there is one.
    pub(super) fn note_added(&mut self, last: Option<StreamId>) {
        self.last = self.last.min(last);
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Self>() + self.kept.len() * size_of::<(StreamId, Box<[u8]>)>() + self.kept_bytes
    }

    /// Hands out nodes until the budget is spent; whether there are no more.
    pub(super) fn emit(
        &mut self,
        nodes: &Nodes,
        budget: &mut usize,
        visit: &mut dyn FnMut(FrozenItem<'_>),
    ) -> bool {
        while let Some(next) = self.next {
            if *budget == 0 {
                return false;
            }
            let live = nodes.from(next).find(|node| node.master >= next);
            let live = live.filter(|node| self.is_open(node.master));
            let kept = self.kept.first_key_value().map(|(master, _)| *master);
            let master = match (&live, kept) {
                (Some(node), None) => node.master,
                (Some(node), Some(kept)) => node.master.min(kept),
                (None, Some(kept)) => kept,
                (None, None) => {
                    self.next = None;
                    return true;
                }
            };
            let mut hand_out = |bytes: &[u8]| {
                spend(budget, bytes.len());
                visit(FrozenItem::StreamNode(master, bytes));
            };
            if let Some(bytes) = self.kept.remove(&master) {
                self.kept_bytes -= bytes.len();
                hand_out(&bytes);
            } else if let Some(node) = live {
                hand_out(node.as_bytes());
            }
            self.next = master.next();
        }
        true
    }
}

/// What a stream was besides nodes and groups.
#[derive(Debug)]
pub(super) struct FrozenLog {
    id: u32,
    /// The log without its nodes; `None` when it was handed out.
    counters: Option<Log>,
    /// Groups that were handed out as they were: they may be large, so they go with the rest.
    groups: Changed,
}

impl Stream {
    /// Whether it is better handed out in pieces.
    pub(crate) fn is_large(&self) -> bool {
        self.log.heap_bytes() > SMALL_BYTES_MAX
    }

    pub(crate) fn freeze(&mut self, id: u32) -> FrozenHeader {
        let counters = Some(self.log.without_nodes());
        self.log.freeze_nodes();
        self.groups.freeze();
        self.frozen.put(FrozenLog { id, counters, groups: Changed::new() });
        FrozenHeader {
            encoding: Encoding::Stream,
            is_hash: false,
            items: self.log.nodes(),
            earliest_field_deadline: None,
        }
    }

    pub(crate) fn frozen_id(&self) -> Option<u32> {
        self.frozen.get().map(|frozen| frozen.id)
    }

    pub(crate) fn emit_frozen(
        &mut self,
        budget: &mut usize,
        visit: &mut dyn FnMut(FrozenItem<'_>),
    ) -> bool {
        let Some(frozen) = self.frozen.get_mut() else { return true };
        if !self.log.emit_frozen_nodes(budget, visit) {
            return false;
        }
        let Some(log) = frozen.counters.take() else { return true };
        let groups_now = self.groups.go_back();
        self.groups.share();
        let groups = mem::take(&mut self.groups);
        let tail = Self { log, groups, frozen: FrozenPlace::EMPTY };
        visit(FrozenItem::StreamTail(&tail));
        self.groups = tail.groups;
        frozen.groups = self.groups.go_on(groups_now);
        true
    }

    pub(crate) fn thaw(&mut self) -> Thawed {
        let kept = Thawed::both(self.log.thaw_nodes(), self.groups.thaw());
        Thawed::both(kept, self.frozen.clear())
    }
}
