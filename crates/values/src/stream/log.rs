//! The entries of a stream, and what it remembers of those that are gone.

use super::entries::{Direction, Entries};
use super::id::StreamId;
use super::node;
use super::nodes::Nodes;
use super::trim::{Keep, Trim};
use super::validate::{CorruptNode, validate_node};
use crate::frozen::{FrozenItem, Thawed};

/// Up to which size entries share a node: `stream-node-max-bytes` and `stream-node-max-entries`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeLimits {
    /// Most bytes, 0 for no limit.
    pub bytes: u64,
    /// Most entries, deleted ones included, 0 for no limit.
    pub entries: u64,
}

impl NodeLimits {
    /// Whether a node of this size, a new entry's texts included, may take an entry more.
    #[inline]
    pub(super) fn have_room(self, bytes: usize, entries: u64) -> bool {
        let bytes_max = match usize::try_from(self.bytes) {
            Ok(bytes @ 1..=NODE_BYTES_MAX) => bytes,
            _ => NODE_BYTES_MAX,
        };
        bytes < bytes_max && (self.entries == 0 || entries < self.entries)
    }
}

/// Most bytes of the fields and values of an entry, and of a node without another limit: listpacks
/// count in 32 bits.
const NODE_BYTES_MAX: usize = 1 << 30;

/// The ID somebody wants for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewId {
    /// Whatever comes next (`*`).
    Any,
    /// Whatever comes next within this millisecond (`ms-*`).
    Within(u64),
    /// This one.
    Exactly(StreamId),
}

/// Why an entry is not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The last possible ID is taken.
    Exhausted,
    /// The ID is not behind the last one.
    NotBehindLast,
    /// Fields and values are too long.
    TooLarge,
}

/// The entries of a stream, and what it remembers of those that are gone.
#[derive(Clone, Debug, Default)]
pub struct Log {
    nodes: Nodes,
    /// Number of entries that are there.
    len: u64,
    /// The first entry that is there; zero if there is none.
    first_id: StreamId,
    last_id: StreamId,
    max_deleted_id: StreamId,
    entries_added: u64,
}

impl Log {
    /// Number of entries.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no entry (the stream exists all the same).
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first entry; `0-0` if there is none.
    #[must_use]
    pub const fn first_id(&self) -> StreamId {
        self.first_id
    }

    /// The greatest ID ever given.
    #[must_use]
    pub const fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// The greatest ID that XDEL removed; `0-0` if it never did.
    #[must_use]
    pub const fn max_deleted_id(&self) -> StreamId {
        self.max_deleted_id
    }

    /// Number of entries ever added.
    #[must_use]
    pub const fn entries_added(&self) -> u64 {
        self.entries_added
    }

    /// Number of nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Number of nodes that the radix tree of 7.2 would have. O(n) in nodes.
    #[must_use]
    pub fn radix_nodes(&self) -> usize {
        self.nodes.radix_nodes()
    }

    /// Bytes of heap the nodes hold.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.nodes.heap_bytes()
    }

    /// The same without its nodes.
    pub(super) fn without_nodes(&self) -> Self {
        Self { nodes: Nodes::default(), ..*self }
    }

    /// Remembers from now on what the nodes were.
    pub(super) fn freeze_nodes(&mut self) {
        self.nodes.freeze();
    }

    /// Hands out more of what the nodes were; whether that was all.
    pub(super) fn emit_frozen_nodes(
        &mut self,
        budget: &mut usize,
        visit: &mut dyn FnMut(FrozenItem<'_>),
    ) -> bool {
        self.nodes.emit_frozen(budget, visit)
    }

    pub(super) fn thaw_nodes(&mut self) -> Thawed {
        self.nodes.thaw()
    }

    /// The nodes, oldest first: the ID each is filed under, and its bytes as in Redis's files.
    pub fn node_bytes(&self) -> impl Iterator<Item = (StreamId, &[u8])> {
        self.nodes.all().map(|node| (node.master, node.as_bytes()))
    }

    /// As [`Log::node_bytes`], the first node that is filed under a greater ID than `id`. O(log n)
    #[must_use]
    pub fn node_behind(&self, id: StreamId) -> Option<(StreamId, &[u8])> {
        let behind = self.nodes.from(id).find(|node| node.master > id);
        behind.map(|node| (node.master, node.as_bytes()))
    }

    /// Adds a node that comes from elsewhere. What is remembered beyond the entries follows from
    /// them, until [`Log::set_last_id`].
    ///
    /// # Errors
    /// [`CorruptNode`], also if the node does not follow those that are there.
    pub fn load_node(&mut self, master: StreamId, bytes: Vec<u8>) -> Result<(), CorruptNode> {
        let valid = validate_node(master, &bytes)?;
        if self.nodes.len() > 0 && master <= self.last_id {
            return Err(CorruptNode::Order);
        }
        self.nodes.push(master, bytes);
        self.len += valid.live;
        self.entries_added = self.len;
        self.last_id = valid.last_id;
        if self.first_id == StreamId::MIN {
            self.find_first();
        }
        Ok(())
    }

    /// The ID that an entry gets which is added now.
    ///
    /// # Errors
    /// [`Refusal::Exhausted`], [`Refusal::NotBehindLast`].
    pub fn next_id(&self, wanted: NewId, now_ms: u64) -> Result<StreamId, Refusal> {
        let last = self.last_id;
        let behind_last = last.next().ok_or(Refusal::Exhausted)?;
        let id = match wanted {
            NewId::Any if now_ms > last.ms => StreamId::new(now_ms, 0),
            NewId::Any => behind_last,
            NewId::Within(ms) if ms == last.ms => behind_last,
            NewId::Within(ms) => StreamId::new(ms, 0),
            NewId::Exactly(id) => id,
        };
        let leaves_ms = matches!(wanted, NewId::Within(ms) if id.ms != ms);
        if id <= last || leaves_ms { Err(Refusal::NotBehindLast) } else { Ok(id) }
    }

    /// Adds an entry: `pairs` are field, value, field, value. `id` is one that [`Log::next_id`]
    /// gave.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`].
    #[inline]
    pub fn add(
        &mut self,
        id: StreamId,
        pairs: &[&[u8]],
        limits: NodeLimits,
    ) -> Result<(), Refusal> {
        debug_assert!(id > self.last_id && pairs.len().is_multiple_of(2));
        let text_bytes = pairs.iter().map(|text| text.len()).sum::<usize>();
        if text_bytes > NODE_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        if !self.nodes.append(id, pairs, text_bytes, limits) {
            self.nodes.push(id, node::begin(pairs));
        }
        self.len += 1;
        self.entries_added = self.entries_added.wrapping_add(1);
        self.last_id = id;
        if self.len == 1 {
            self.first_id = id;
        }
        Ok(())
    }

    /// Removes an entry; tells whether there was one. O(log n) and the length of a node.
    pub fn delete(&mut self, id: StreamId) -> bool {
        let Some(node) = self.nodes.holding(id) else { return false };
        let Some(entry) = node.find(id) else { return false };
        let master = node.master;
        if node.live() == 1 {
            self.nodes.remove(master);
        } else {
            self.nodes.edit(master, |bytes| {
                node::flag_deleted(bytes, &entry);
                node::count_deleted(bytes, 1);
            });
        }
        self.len -= 1;
        self.max_deleted_id = self.max_deleted_id.max(id);
        if self.len == 0 || id == self.first_id {
            self.find_first();
        }
        true
    }

    /// Whether [`Log::trim`] might remove anything. O(1).
    #[must_use]
    pub fn may_trim(&self, trim: &Trim) -> bool {
        match trim.keep {
            Keep::Newest(count) => self.len > count,
            Keep::From(id) => self.oldest_held_id().is_some_and(|oldest| oldest < id),
        }
    }

    /// Removes entries from the front; tells how many.
    pub fn trim(&mut self, trim: &Trim) -> u64 {
        let mut removed = 0;
        while let Some(node) = self.nodes.first() {
            let live = node.live();
            let is_short = matches!(trim.keep, Keep::Newest(count) if self.len <= count);
            let is_too_much = trim.limit.is_some_and(|limit| removed + live > limit);
            if is_short || is_too_much {
                break;
            }
            let goes_whole = match trim.keep {
                Keep::Newest(count) => self.len - live >= count,
                Keep::From(id) => node.last_id() < id,
            };
            if goes_whole {
                let master = node.master;
                self.nodes.remove(master);
                self.len -= live;
                removed += live;
                continue;
            }
            if !trim.approximate {
                removed += self.trim_first_node(trim.keep);
            }
            break;
        }
        if removed > 0 || self.len == 0 {
            self.find_first();
        }
        removed
    }

    /// Flags entries of the first node as deleted, which stays.
    fn trim_first_node(&mut self, keep: Keep) -> u64 {
        let Some(node) = self.nodes.first() else { return 0 };
        let (master, mut len) = (node.master, self.len);
        let head = node.head();
        let mut elements = head.entries();
        let mut gone = Vec::new();
        while let Some(entry) = node.next_entry(&mut elements, head.fields) {
            let stays = match keep {
                Keep::Newest(count) => len <= count,
                Keep::From(id) => entry.id >= id,
            };
            if stays {
                break;
            }
            node::skip(&mut elements, entry.body_len() + 1);
            if !entry.is_deleted() {
                len -= 1;
                gone.push(entry);
            }
        }
        self.nodes.edit(master, |bytes| {
            // From the back, because a node from elsewhere may hold flags in more bytes than they
            // need, and then loses some.
            gone.iter().rev().for_each(|entry| node::flag_deleted(bytes, entry));
            node::count_deleted(bytes, gone.len() as u64);
        });
        self.len = len;
        gone.len() as u64
    }

    /// XSETID: overwrites what the stream remembers.
    pub fn set_last_id(
        &mut self,
        last_id: StreamId,
        entries_added: Option<u64>,
        max_deleted_id: Option<StreamId>,
    ) {
        self.last_id = last_id;
        self.entries_added = entries_added.unwrap_or(self.entries_added);
        self.max_deleted_id = max_deleted_id.unwrap_or(self.max_deleted_id);
    }

    /// The entries with IDs from `from` to `to`, both included.
    #[must_use]
    #[inline]
    pub fn entries(&self, from: StreamId, to: StreamId, direction: Direction) -> Entries<'_> {
        let nodes = match direction {
            Direction::Forward => self.nodes.from(from),
            Direction::Backward => self.nodes.until(to),
        };
        Entries::new(nodes, from, to, direction)
    }

    /// All entries.
    #[must_use]
    pub fn all(&self, direction: Direction) -> Entries<'_> {
        Entries::new(self.nodes.all(), StreamId::MIN, StreamId::MAX, direction)
    }

    /// Whether there is an entry of this ID.
    #[must_use]
    pub fn contains(&self, id: StreamId) -> bool {
        self.nodes.holding(id).is_some_and(|node| node.find(id).is_some())
    }

    /// The newest entry that is there.
    #[must_use]
    pub fn newest_id(&self) -> Option<StreamId> {
        self.all(Direction::Backward).next_id()
    }

    /// Whether there is an entry behind `id`.
    #[must_use]
    pub fn has_behind(&self, id: StreamId) -> bool {
        id < self.last_id && self.newest_id().is_some_and(|newest| newest > id)
    }

    /// The oldest entry, deleted ones included, that a node still holds.
    #[must_use]
    pub fn oldest_held_id(&self) -> Option<StreamId> {
        let node = self.nodes.first()?;
        let head = node.head();
        node.next_entry(&mut head.entries(), head.fields).map(|entry| entry.id)
    }

    /// Whether XDEL removed an entry that stood at or behind both `id` and the first entry: then
    /// entries cannot be counted by subtracting.
    #[must_use]
    pub fn has_gap_from(&self, id: StreamId) -> bool {
        self.len > 0
            && self.max_deleted_id != StreamId::MIN
            && self.first_id <= self.max_deleted_id
            && id <= self.max_deleted_id
    }

    /// How many entries were ever added up to `id`, itself included, if that can be told without
    /// walking: at the end, at or before the first entry, or if nothing was ever added.
    #[must_use]
    pub fn added_up_to(&self, id: StreamId) -> Option<u64> {
        if self.entries_added == 0 {
            return Some(0);
        }
        if id == self.last_id || self.len == 0 && id < self.last_id {
            return Some(self.entries_added);
        }
        let has_gap = self.max_deleted_id != StreamId::MIN && self.max_deleted_id >= self.first_id;
        if id > self.last_id || id > self.first_id || has_gap {
            return None;
        }
        let before_first = self.entries_added.wrapping_sub(self.len);
        Some(before_first.wrapping_add(u64::from(id == self.first_id)))
    }

    fn find_first(&mut self) {
        let first = if self.len == 0 { None } else { self.all(Direction::Forward).next_id() };
        self.first_id = first.unwrap_or(StreamId::MIN);
    }
}
