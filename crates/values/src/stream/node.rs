//! One node: some entries of a stream in one listpack, byte for byte that of Redis's files.
//!
//! ```text
//! master: live | deleted | number of fields | field ... | 0
//! entry:  flags | ms - master ms | seq - master seq | value ...                          | count
//!     or  flags | ms - master ms | seq - master seq | number of fields | field | value ... | count
//! ```
//!
//! The node is filed under the ID of its first entry, whose field names the master keeps: an entry
//! with the same names ([`SAME_FIELDS`]) holds values alone. A deleted entry stays, flagged
//! ([`DELETED`]). `count` is the number of elements of the entry in front of it, for walking
//! backwards; the master ends in 0 for that.
//!
//! Source: RDB format, "stream listpack".

use super::id::StreamId;
use super::log::NodeLimits;
use crate::listpack::{Appender, Buffer, EMPTY, Element, Elements, Listpack, ListpackMut, Place};

/// Flag of an entry that is no longer there.
pub(super) const DELETED: i64 = 1;

/// Flag of an entry that has the field names of the master.
pub(super) const SAME_FIELDS: i64 = 2;

/// Elements of an entry in front of its fields and values: flags and two differences.
pub(super) const ENTRY_HEAD: i64 = 3;

/// A node, for reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeRef<'a> {
    pub(super) master: StreamId,
    list: Listpack<'a>,
}

/// What stands in front of the entries of a node.
#[derive(Clone, Debug)]
pub(super) struct Head<'a> {
    pub(super) live: u64,
    pub(super) deleted: u64,
    pub(super) fields: usize,
    /// The field names, then the rest of the node.
    names: Elements<'a>,
}

impl<'a> Head<'a> {
    /// Whether `pairs` (field, value, field, value) have the master's field names, in order.
    #[inline]
    fn has_fields(&self, pairs: &[&[u8]]) -> bool {
        let mut names = self.names.clone();
        let mut is_next = |field| names.next().is_some_and(|(_, name)| Element::of(field) == name);
        self.fields * 2 == pairs.len() && pairs.chunks_exact(2).all(|pair| is_next(pair[0]))
    }

    /// What stands behind the master.
    pub(super) fn entries(&self) -> Elements<'a> {
        let mut elements = self.names.clone();
        skip(&mut elements, self.fields + 1);
        elements
    }
}

/// What stands in front of the values of an entry.
#[derive(Clone, Debug)]
pub(super) struct EntryHead {
    pub(super) id: StreamId,
    pub(super) flags: i64,
    /// Place of the flags.
    pub(super) at: Place,
    pub(super) fields: usize,
}

impl EntryHead {
    pub(super) const fn is_deleted(&self) -> bool {
        self.flags & DELETED != 0
    }

    pub(super) const fn has_master_fields(&self) -> bool {
        self.flags & SAME_FIELDS != 0
    }

    /// Elements behind the head: values, and names if they are its own.
    pub(super) const fn body_len(&self) -> usize {
        if self.has_master_fields() { self.fields } else { 2 * self.fields }
    }
}

impl<'a> NodeRef<'a> {
    #[inline]
    pub(super) const fn new(master: StreamId, bytes: &'a [u8]) -> Self {
        Self { master, list: Listpack::new(bytes) }
    }

    #[inline]
    pub(super) fn head(self) -> Head<'a> {
        let mut elements = self.list.iter();
        Head {
            live: take_int(&mut elements) as u64,
            deleted: take_int(&mut elements) as u64,
            fields: take_int(&mut elements) as usize,
            names: elements,
        }
    }

    /// The bytes of the node.
    pub(super) const fn as_bytes(self) -> &'a [u8] {
        self.list.as_bytes()
    }

    /// Number of entries that are there.
    pub(super) fn live(self) -> u64 {
        self.head().live
    }

    /// The field names of the master and what follows them.
    pub(super) fn names(self) -> Elements<'a> {
        self.head().names
    }

    /// The next entry forward: leaves `elements` behind its head. `fields` is the master's number.
    #[inline]
    pub(super) fn next_entry(
        self,
        elements: &mut Elements<'a>,
        fields: usize,
    ) -> Option<EntryHead> {
        let (at, flags) = elements.next()?;
        let flags = int(flags);
        let id = StreamId {
            ms: self.master.ms.wrapping_add(take_int(elements) as u64),
            seq: self.master.seq.wrapping_add(take_int(elements) as u64),
        };
        let fields = match flags & SAME_FIELDS {
            0 => take_int(elements) as usize,
            _ => fields,
        };
        Some(EntryHead { id, flags, at, fields })
    }

    /// Where the entry begins that ends at `end`; `None` if the master ends there.
    pub(super) fn entry_before(self, end: Place) -> Option<Place> {
        let mut place = self.list.before(end)?;
        let count = int(self.list.get(place));
        if count == 0 {
            return None;
        }
        for _ in 0..count {
            place = self.list.before(place)?;
        }
        Some(place)
    }

    /// The place behind the last entry.
    pub(super) const fn end(self) -> Place {
        self.list.end()
    }

    /// The elements from `place` on.
    pub(super) const fn from(self, place: Place) -> Elements<'a> {
        self.list.iter_from(place)
    }

    /// ID of the last entry, deleted or not; the master's if there is none.
    pub(super) fn last_id(self) -> StreamId {
        let Some(place) = self.entry_before(self.end()) else { return self.master };
        self.next_entry(&mut self.from(place), 0).map_or(self.master, |entry| entry.id)
    }

    /// The entry with this ID that is not deleted.
    pub(super) fn find(self, id: StreamId) -> Option<EntryHead> {
        let head = self.head();
        let mut elements = head.entries();
        while let Some(entry) = self.next_entry(&mut elements, head.fields) {
            if entry.id == id && !entry.is_deleted() {
                return Some(entry);
            }
            if entry.id > id {
                return None;
            }
            skip(&mut elements, entry.body_len() + 1);
        }
        None
    }
}

/// Passes over elements.
#[inline]
pub(super) fn skip(elements: &mut Elements<'_>, count: usize) {
    for _ in 0..count {
        elements.next();
    }
}

/// An element that is a number in every node this program wrote or accepted.
#[inline]
pub(super) fn int(element: Element<'_>) -> i64 {
    match element {
        Element::Int(number) => number,
        Element::Text(_) => unreachable!("a checked node has a number here"),
    }
}

#[inline]
fn take_int(elements: &mut Elements<'_>) -> i64 {
    int(elements.next().expect("a checked node has an element here").1)
}

/// A node of one entry.
pub(super) fn begin(pairs: &[&[u8]]) -> Vec<u8> {
    /// Room for the numbers of master and entry.
    const NUMBERS_BYTES: usize = 40;
    let text_bytes: usize = pairs.iter().map(|text| text.len() + 2).sum();
    let mut bytes = Vec::with_capacity(text_bytes + NUMBERS_BYTES);
    bytes.extend_from_slice(&EMPTY);
    let mut to = Appender::new(&mut bytes);
    let fields = pairs.len() / 2;
    for number in [1, 0, fields as i64] {
        to.push(Element::Int(number));
    }
    pairs.chunks_exact(2).for_each(|pair| to.push(Element::of(pair[0])));
    to.push(Element::Int(0));
    for number in [SAME_FIELDS, 0, 0] {
        to.push(Element::Int(number));
    }
    pairs.chunks_exact(2).for_each(|pair| to.push(Element::of(pair[1])));
    to.push(Element::Int(ENTRY_HEAD + fields as i64));
    to.finish();
    bytes
}

/// Adds an entry behind the last one, if there is room for one whose texts are `text_bytes` long.
pub(super) fn append(
    bytes: &mut Vec<u8>,
    master: StreamId,
    id: StreamId,
    pairs: &[&[u8]],
    text_bytes: usize,
    limits: NodeLimits,
) -> bool {
    let node = NodeRef::new(master, bytes);
    let head = node.head();
    let live = head.live;
    if !limits.have_room(bytes.len() + text_bytes, live + head.deleted) {
        return false;
    }
    let same = head.has_fields(pairs);
    let fields = (pairs.len() / 2) as i64;
    let mut to = Appender::new(bytes);
    to.push(Element::Int(if same { SAME_FIELDS } else { 0 }));
    to.push(Element::Int(id.ms.wrapping_sub(master.ms) as i64));
    to.push(Element::Int(id.seq.wrapping_sub(master.seq) as i64));
    if same {
        pairs.chunks_exact(2).for_each(|pair| to.push(Element::of(pair[1])));
        to.push(Element::Int(ENTRY_HEAD + fields));
    } else {
        to.push(Element::Int(fields));
        pairs.iter().for_each(|text| to.push(Element::of(text)));
        to.push(Element::Int(ENTRY_HEAD + 1 + 2 * fields));
    }
    to.finish();
    set_number(bytes, 0, live as i64 + 1);
    true
}

/// Flags an entry as deleted. What stands in front of it stays in its place.
pub(super) fn flag_deleted(bytes: &mut (impl Buffer + ?Sized), entry: &EntryHead) {
    ListpackMut::new(bytes).set_int(entry.at, entry.flags | DELETED);
}

/// Moves `count` entries from the live to the deleted in the node's numbers.
pub(super) fn count_deleted(bytes: &mut (impl Buffer + ?Sized), count: u64) {
    let head = NodeRef::new(StreamId::MIN, bytes.bytes()).head();
    let (live, deleted) = (head.live.wrapping_sub(count), head.deleted.wrapping_add(count));
    set_number(bytes, 0, live as i64);
    set_number(bytes, 1, deleted as i64);
}

/// Overwrites one of the numbers at the start of a node.
#[inline]
fn set_number(bytes: &mut (impl Buffer + ?Sized), index: usize, number: i64) {
    let mut list = ListpackMut::new(bytes);
    let place = list.view().iter().nth(index).expect("a node begins with numbers").0;
    list.set_int(place, number);
}
