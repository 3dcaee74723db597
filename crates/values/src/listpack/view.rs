//! Reading a listpack.

use super::element::{Element, back_len_len, decode};
use super::{COUNT_UNKNOWN, END, HEADER_LEN};

/// A listpack, for reading.
#[derive(Clone, Copy, Debug)]
pub struct Listpack<'a> {
    bytes: &'a [u8],
}

/// Where an element is: its offset in bytes. Holds until something in front of it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub(super) usize);

impl Place {
    /// The offset, in bytes from the beginning of the listpack.
    #[must_use]
    pub const fn offset(self) -> usize {
        self.0
    }
}

impl<'a> Listpack<'a> {
    /// The listpack in `bytes`, which this program wrote or [`super::validate()`] accepted.
    #[must_use]
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len() > HEADER_LEN, "a listpack has a header and an end");
        Self { bytes }
    }

    /// The bytes, as they are written to files.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Count of elements. O(1) below 65,535 elements.
    #[must_use]
    #[inline]
    pub fn len(self) -> usize {
        match u16::from_le_bytes([self.bytes[4], self.bytes[5]]) {
            COUNT_UNKNOWN => self.iter().count(),
            count => usize::from(count),
        }
    }

    /// Whether there is no element.
    #[must_use]
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.bytes.len() == HEADER_LEN + 1
    }

    /// The first element.
    #[must_use]
    #[inline]
    pub fn first(self) -> Option<Place> {
        self.existing(HEADER_LEN)
    }

    /// The last element.
    #[must_use]
    #[inline]
    pub fn last(self) -> Option<Place> {
        self.before(self.end())
    }

    /// The element behind another.
    #[must_use]
    #[inline]
    pub fn next(self, place: Place) -> Option<Place> {
        self.existing(self.behind(place).0)
    }

    /// The element in front of another, or of the end.
    #[must_use]
    #[inline]
    pub fn before(self, place: Place) -> Option<Place> {
        if place.0 <= HEADER_LEN {
            return None;
        }
        let (mut body, mut shift, mut at) = (0, 0, place.0 - 1);
        loop {
            let byte = self.bytes[at];
            body |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
            (shift, at) = (shift + 7, at - 1);
        }
        Some(Place(at - body))
    }

    /// What the element at a place holds.
    #[must_use]
    #[inline]
    pub fn get(self, place: Place) -> Element<'a> {
        self.read(place.0).0
    }

    /// The element number `index`, counted from the end if negative. Walks from the nearer end.
    #[must_use]
    pub fn seek(self, index: i64) -> Option<Place> {
        let len = self.len() as i64;
        let index = if index < 0 { index.checked_add(len)? } else { index };
        if !(0..len).contains(&index) {
            return None;
        }
        if index <= len / 2 {
            let mut place = self.first()?;
            for _ in 0..index {
                place = self.next(place)?;
            }
            return Some(place);
        }
        let mut place = self.last()?;
        for _ in index..len - 1 {
            place = self.before(place)?;
        }
        Some(place)
    }

    /// Where elements are added at the back: the place of the end.
    #[must_use]
    pub const fn end(self) -> Place {
        Place(self.bytes.len() - 1)
    }

    /// All elements with their places, from either end.
    #[must_use]
    #[inline]
    pub const fn iter(self) -> Elements<'a> {
        Elements { list: self, front: HEADER_LEN, back: self.bytes.len() - 1 }
    }

    /// The elements from `place` on.
    #[must_use]
    #[inline]
    pub const fn iter_from(self, place: Place) -> Elements<'a> {
        Elements { list: self, front: place.0, back: self.bytes.len() - 1 }
    }

    /// The elements in front of `place`.
    #[must_use]
    #[inline]
    pub const fn iter_until(self, place: Place) -> Elements<'a> {
        Elements { list: self, front: HEADER_LEN, back: place.0 }
    }

    /// The first element that is `wanted`, looking at every `stride`-th element from `place` on: 2
    /// looks at fields and passes over their values.
    #[must_use]
    #[inline]
    pub fn find_from(
        self,
        place: Option<Place>,
        wanted: Element<'_>,
        stride: usize,
    ) -> Option<Place> {
        let mut at = place?.0;
        let mut skip = 0;
        while self.bytes[at] != END {
            let (element, len) = self.read(at);
            if skip == 0 {
                if element == wanted {
                    return Some(Place(at));
                }
                skip = stride;
            }
            skip -= 1;
            at += len;
        }
        None
    }

    /// The first element that is `wanted`.
    #[must_use]
    #[inline]
    pub fn find(self, wanted: Element<'_>) -> Option<Place> {
        self.find_from(self.first(), wanted, 1)
    }

    /// The place behind an element: of the next one, or the end.
    #[must_use]
    #[inline]
    pub fn behind(self, place: Place) -> Place {
        Place(place.0 + self.read(place.0).1)
    }

    #[inline]
    fn existing(self, at: usize) -> Option<Place> {
        (self.bytes[at] != END).then_some(Place(at))
    }

    /// The element at an offset, and the bytes it takes in all.
    #[inline]
    fn read(self, at: usize) -> (Element<'a>, usize) {
        let (element, body) = decode(self.bytes, at).expect("a listpack agrees with itself");
        (element, body + back_len_len(body))
    }
}

impl<'a> IntoIterator for Listpack<'a> {
    type Item = (Place, Element<'a>);
    type IntoIter = Elements<'a>;

    fn into_iter(self) -> Elements<'a> {
        self.iter()
    }
}

/// Walks the elements of a listpack from either end.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    list: Listpack<'a>,
    front: usize,
    back: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = (Place, Element<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let place = Place(self.front);
        let (element, len) = self.list.read(self.front);
        self.front += len;
        Some((place, element))
    }
}

impl DoubleEndedIterator for Elements<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let place = self.list.before(Place(self.back))?;
        self.back = place.0;
        Some((place, self.list.get(place)))
    }
}
