//! A DUMP payload of a large value, made in pieces: measured first, because its length is told before
//! it, then written.
//!
//! Nothing is kept of what was measured: the value is walked over twice, so that a piece is all the
//! memory it takes. It must not change from the first call to the last; one that is not as it was is
//! noticed by its length at the latest.

use dunlin_values::list::ListRef;
use dunlin_values::set::SetRef;
use dunlin_values::stream::StreamId;
use dunlin_values::{Entry, Object, StringRef};

use crate::checksum::Checksum;
use crate::draft::{Draft, WriteOptions};
use crate::format::{Version, kind};
use crate::payload::FOOTER_LEN;
use crate::write::{BEFORE_ALL, stream_kind};

/// Strings of more bytes are written in pieces.
const SMALL_STRING_BYTES_MAX: usize = 256 * 1024;

/// What an item of a collection costs beside its bytes.
const ITEM_COST_BYTES: usize = 64;

/// The value is not what it was when this began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed;

/// A payload in the making.
#[derive(Debug)]
pub struct LargeDump {
    options: WriteOptions,
    /// What the collection counted at the beginning.
    items: usize,
    draft: Draft,
    next: Place,
    /// Bytes before the footer that were measured, and that are to be written still.
    measured: usize,
    unwritten: usize,
    checksum: Checksum,
}

/// Where in the value the next piece begins.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In front of everything.
    Start,
    /// At this byte of a string.
    Byte(usize),
    /// At this node of a list.
    Node(usize),
    /// At this cursor of a table.
    Cursor(u64),
    /// Below this rank of a sorted set.
    Below(usize),
    /// Behind the node of a stream that is filed under this ID.
    Behind(StreamId),
    /// At the rest of a stream.
    Tail,
    End,
}

impl LargeDump {
    /// The payload of a value that is better made in pieces; `None` for one that is not, or that
    /// cannot be: a hash whose fields have deadlines changes by itself.
    #[must_use]
    pub fn of(entry: &Entry, version: Version) -> Option<Self> {
        let is_large = match entry.string() {
            Some(text) => text.len() > SMALL_STRING_BYTES_MAX,
            None => entry.is_large() && !entry.had_field_deadlines(),
        };
        is_large.then(|| Self {
            options: WriteOptions { version, ..WriteOptions::default() },
            items: items(entry),
            draft: Draft::new(),
            next: Place::Start,
            measured: 0,
            unwritten: 0,
            checksum: Checksum::new(),
        })
    }

    /// Measures some `budget` bytes more; the length of the payload when that was all.
    ///
    /// # Errors
    /// [`Changed`]
    pub fn measure(&mut self, entry: &Entry, budget: usize) -> Result<Option<usize>, Changed> {
        self.step(entry, budget)?;
        self.measured += self.draft.len_bytes();
        if !matches!(self.next, Place::End) {
            return Ok(None);
        }
        self.next = Place::Start;
        self.unwritten = self.measured;
        Ok(Some(self.measured + FOOTER_LEN))
    }

    /// Writes some `budget` bytes more; whether that was all.
    ///
    /// # Errors
    /// [`Changed`]
    pub fn write(
        &mut self,
        entry: &Entry,
        budget: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, Changed> {
        self.step(entry, budget)?;
        let left = self.unwritten.checked_sub(self.draft.len_bytes()).ok_or(Changed)?;
        self.unwritten = left;
        self.draft.finish(None, &mut |piece| {
            self.checksum.update(piece);
            out.extend_from_slice(piece);
        });
        if !matches!(self.next, Place::End) {
            return Ok(false);
        }
        if left > 0 {
            return Err(Changed);
        }
        let version = self.options.version.number().to_le_bytes();
        self.checksum.update(&version);
        out.extend_from_slice(&version);
        out.extend_from_slice(&self.checksum.value().to_le_bytes());
        Ok(true)
    }

    /// The next piece, as a draft.
    fn step(&mut self, entry: &Entry, budget: usize) -> Result<(), Changed> {
        self.draft.clear();
        if items(entry) != self.items {
            return Err(Changed);
        }
        if matches!(self.next, Place::Start) {
            self.next = self.start(entry).ok_or(Changed)?;
        }
        let end = budget.max(1);
        let mut spent = self.draft.len_bytes();
        while spent < end {
            let before = self.draft.len_bytes();
            let at = self.next;
            if matches!(at, Place::End) {
                break;
            }
            let visited = self.advance(at, entry, end - spent).ok_or(Changed)?;
            spent += self.draft.len_bytes() - before + visited * ITEM_COST_BYTES;
        }
        Ok(())
    }

    /// The type, and how many items follow.
    fn start(&mut self, entry: &Entry) -> Option<Place> {
        let draft = &mut self.draft;
        let (kind, len, place) = match (long_text(entry), entry.object()) {
            (Some(text), _) => (kind::STRING, text.len(), Place::Byte(0)),
            (_, Some(Object::List(list))) => (kind::LIST_NODES, list.nodes(), Place::Node(0)),
            (_, Some(Object::Set(set))) => (kind::SET, set.len(), Place::Cursor(0)),
            (_, Some(Object::Hash(hash))) => (kind::HASH, hash.len(), Place::Cursor(0)),
            (_, Some(Object::SortedSet(set))) => {
                (kind::SORTED_SET, set.len(), Place::Below(set.len()))
            }
            (_, Some(Object::Stream(stream))) => {
                let kind = stream_kind(self.options.version);
                (kind, stream.log.nodes(), Place::Behind(StreamId::MIN))
            }
            _ => return None,
        };
        draft.bytes.push(kind);
        draft.length(len as u64);
        Some(place)
    }

    /// Goes on from a place; how many items that were. `None` if the value has no such place.
    fn advance(&mut self, at: Place, entry: &Entry, budget: usize) -> Option<usize> {
        let draft = &mut self.draft;
        match at {
            Place::Byte(from) => {
                let text = long_text(entry)?;
                let to = text.len().min(from + budget);
                draft.bytes.extend_from_slice(text.get(from..to)?);
                self.next = if to == text.len() { Place::End } else { Place::Byte(to) };
                Some(0)
            }
            Place::Node(number) => {
                let Some(ListRef::Quick(list)) = entry.list() else { return None };
                list.visit_node(number, |node| draft.list_node(node));
                let is_last = number + 1 >= list.nodes();
                self.next = if is_last { Place::End } else { Place::Node(number + 1) };
                Some(1)
            }
            Place::Cursor(cursor) => self.bucket(entry, cursor),
            Place::Below(rank) => self.scores(entry, rank, budget),
            Place::Behind(id) => self.stream_node_behind(entry, id),
            Place::Tail => {
                let Some(Object::Stream(stream)) = entry.object() else { return None };
                draft.stream_tail(stream, self.options.version);
                self.next = Place::End;
                Some(1)
            }
            Place::Start | Place::End => None,
        }
    }

    fn bucket(&mut self, entry: &Entry, cursor: u64) -> Option<usize> {
        let mut visited = 1;
        let draft = &mut self.draft;
        let next = match (entry.set(), entry.hash(BEFORE_ALL)) {
            (Some(set @ SetRef::Table(_)), _) => set.scan(cursor, &mut |member| {
                visited += 1;
                draft.element(member);
            }),
            (_, Some(hash)) => hash.scan(cursor, &mut |field| {
                visited += 1;
                draft.element(field.name);
                draft.element(field.value);
            }),
            _ => return None,
        };
        self.next = if next == 0 { Place::End } else { Place::Cursor(next) };
        Some(visited)
    }

    /// The highest scores first, as [`Draft`] writes them.
    fn scores(&mut self, entry: &Entry, rank: usize, budget: usize) -> Option<usize> {
        let set = entry.sorted_set()?;
        let count = rank.min(1 + budget / ITEM_COST_BYTES);
        for (member, score) in set.range_backwards(rank - count..rank) {
            self.draft.element(member);
            self.draft.bytes.extend_from_slice(&score.to_le_bytes());
        }
        self.next = if count == rank { Place::End } else { Place::Below(rank - count) };
        Some(count)
    }

    fn stream_node_behind(&mut self, entry: &Entry, id: StreamId) -> Option<usize> {
        let Some(Object::Stream(stream)) = entry.object() else { return None };
        match stream.log.node_behind(id) {
            Some((master, bytes)) => {
                self.draft.stream_node(master, bytes);
                self.next = Place::Behind(master);
            }
            None => self.next = Place::Tail,
        }
        Some(1)
    }
}

/// The bytes of a string that is not held as a number.
fn long_text(entry: &Entry) -> Option<&[u8]> {
    match entry.string()? {
        StringRef::Bytes(text) => Some(text),
        StringRef::Shared(text) => Some(text),
        StringRef::Int(_) => None,
    }
}

/// What says that a value has changed, if it differs.
fn items(entry: &Entry) -> usize {
    match (entry.string(), entry.object()) {
        (Some(text), _) => text.len(),
        (_, Some(Object::List(list))) => list.len(),
        (_, Some(Object::Set(set))) => set.len(),
        (_, Some(Object::Hash(hash))) => hash.len(),
        (_, Some(Object::SortedSet(_))) => entry.sorted_set().map_or(0, |set| set.len()),
        (_, Some(Object::Stream(stream))) => stream.log.nodes(),
        _ => 0,
    }
}
