//! Editing a listpack.

use super::element::{Element, Encoded};
use super::view::{Listpack, Place};
use super::{COUNT_UNKNOWN, END, HEADER_LEN};

/// A run of bytes that can be edited: the packed value of an entry, or a vector.
pub trait Buffer {
    /// The bytes.
    fn bytes(&self) -> &[u8];

    /// The bytes, to be overwritten.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// Replaces `removed` bytes from `at` on by `inserted`.
    fn splice(&mut self, at: usize, removed: usize, inserted: &[u8]);
}

impl Buffer for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }

    fn splice(&mut self, at: usize, removed: usize, inserted: &[u8]) {
        let (tail, old_len) = (at + removed, self.len());
        if inserted.len() > removed {
            self.resize(old_len + inserted.len() - removed, 0);
        }
        self.copy_within(tail..old_len, at + inserted.len());
        self[at..at + inserted.len()].copy_from_slice(inserted);
        self.truncate(old_len - removed + inserted.len());
    }
}

/// A listpack in a buffer, for editing.
pub struct ListpackMut<B: Buffer> {
    buffer: B,
}

impl<B: Buffer + ?Sized> Buffer for &mut B {
    fn bytes(&self) -> &[u8] {
        (**self).bytes()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        (**self).bytes_mut()
    }

    fn splice(&mut self, at: usize, removed: usize, inserted: &[u8]) {
        (**self).splice(at, removed, inserted);
    }
}

impl<B: Buffer> ListpackMut<B> {
    /// The listpack in `buffer`.
    #[inline]
    pub const fn new(buffer: B) -> Self {
        Self { buffer }
    }

    /// The listpack, for reading.
    #[must_use]
    #[inline]
    pub fn view(&self) -> Listpack<'_> {
        Listpack::new(self.buffer.bytes())
    }

    /// Adds an element at the front.
    pub fn push_front(&mut self, element: Element<'_>) {
        self.insert(Place(HEADER_LEN), &[element]);
    }

    /// Adds an element at the back.
    pub fn push_back(&mut self, element: Element<'_>) {
        self.insert(self.view().end(), &[element]);
    }

    /// Adds elements in front of the one at `place` (or at the end), with one move of what is
    /// behind.
    pub fn insert(&mut self, place: Place, elements: &[Element<'_>]) {
        self.replace(place, 0, elements);
    }

    /// Replaces `count` elements from `place` on by others, with one move of what is behind.
    /// Fewer are replaced where the list ends before.
    pub fn replace(&mut self, place: Place, count: usize, elements: &[Element<'_>]) {
        let view = self.view();
        let (mut behind, mut removed) = (place, 0);
        while removed < count && behind < view.end() {
            behind = view.behind(behind);
            removed += 1;
        }
        let mut encoded = Encoded::new();
        for element in elements {
            element.encode(&mut encoded);
        }
        self.buffer.splice(place.0, behind.0 - place.0, &encoded);
        self.write_header(elements.len() as isize - removed as isize);
    }

    /// Makes the element at `place` this number; in place if that takes as many bytes.
    #[inline]
    pub fn set_int(&mut self, place: Place, number: i64) {
        let bytes = self.buffer.bytes_mut();
        if let (0..0x80, 0..0x80) = (number, bytes[place.0]) {
            bytes[place.0] = number as u8;
        } else {
            self.replace(place, 1, &[Element::Int(number)]);
        }
    }

    /// Removes `count` elements from `place` on, fewer where the list ends before. `place` then
    /// names what stood behind them.
    pub fn remove(&mut self, place: Place, count: usize) {
        self.replace(place, count, &[]);
    }

    /// Removes everything between two places; tells how many elements that were.
    pub fn remove_between(&mut self, from: Place, until: Place) -> usize {
        let removed = self.view().iter_from(from).take_while(|(at, _)| *at < until).count();
        self.buffer.splice(from.0, until.0 - from.0, &[]);
        self.write_header(-(removed as isize));
        removed
    }

    /// Puts the elements of another listpack behind those of this one.
    pub fn append(&mut self, other: Listpack<'_>) {
        let end = self.view().end().0;
        let bytes = other.as_bytes();
        self.buffer.splice(end, 0, &bytes[HEADER_LEN..bytes.len() - 1]);
        self.write_header(other.len().cast_signed());
    }

    /// Makes the header agree with the bytes after `added` elements came (or went).
    fn write_header(&mut self, added: isize) {
        let bytes = self.buffer.bytes_mut();
        let total = u32::try_from(bytes.len()).expect("a listpack is shorter than 4 GB");
        bytes[..4].copy_from_slice(&total.to_le_bytes());
        let count = u16::from_le_bytes([bytes[4], bytes[5]]);
        if count == COUNT_UNKNOWN {
            // Counted again only when it may have become short: Redis keeps "unknown" as well.
            return;
        }
        let count = usize::from(count).saturating_add_signed(added);
        let count = u16::try_from(count).unwrap_or(COUNT_UNKNOWN);
        bytes[4..6].copy_from_slice(&count.to_le_bytes());
    }
}

/// Adds elements at the end of a listpack in a vector, each written at once where it stays: for a
/// series of elements that come one after another.
///
/// The listpack is none until [`Appender::finish`].
pub struct Appender<'a> {
    bytes: &'a mut Vec<u8>,
    added: isize,
}

impl<'a> Appender<'a> {
    /// Begins to add.
    #[inline]
    #[must_use]
    pub fn new(bytes: &'a mut Vec<u8>) -> Self {
        let end = bytes.pop();
        debug_assert_eq!(end, Some(END), "a listpack has an end");
        Self { bytes, added: 0 }
    }

    /// Adds an element.
    #[inline]
    pub fn push(&mut self, element: Element<'_>) {
        element.encode(self.bytes);
        self.added += 1;
    }

    /// Bytes of the listpack so far, without its end.
    #[must_use]
    #[inline]
    pub const fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Makes the bytes a listpack again.
    #[inline]
    pub fn finish(self) -> &'a mut Vec<u8> {
        self.bytes.push(END);
        ListpackMut::new(&mut *self.bytes).write_header(self.added);
        self.bytes
    }
}
