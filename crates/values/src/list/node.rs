//! A node of a quicklist: a run of elements.

use bytes::Bytes;
use dunlin_stdx::lzf;

use super::End;
use super::limits::ListLimits;
use super::padded::Padded;
use super::stored::ListNode;
use crate::StringRef;
use crate::listpack::{self, Buffer as _, Element, Listpack, ListpackMut};

/// A run of elements of a list. Never empty within a quicklist.
#[derive(Clone, Debug)]
pub(super) struct Node {
    count: u32,
    /// Its number among the nodes of a list that is frozen; 0 if it was made or changed since.
    origin: u32,
    form: Form,
}

const _: () = assert!(size_of::<Node>() == 48, "the origin stands where padding would");

#[derive(Clone, Debug)]
enum Form {
    /// A listpack.
    Packed(Padded),
    /// A listpack, compressed: an inner node that nobody has asked for lately.
    Compressed(Compressed),
    /// One long element.
    Plain(Bytes),
}

/// A compressed listpack.
#[derive(Clone, Debug)]
struct Compressed {
    bytes: Box<[u8]>,
    /// Length of the listpack.
    len: u32,
}

impl Compressed {
    fn listpack(&self) -> Vec<u8> {
        lzf::decompress(&self.bytes, self.len as usize).expect("compressed by this program")
    }
}

/// Shorter listpacks are not compressed.
const COMPRESSED_MIN: usize = 48;

/// What compression must save, in bytes, to be worth it.
const SAVED_MIN: usize = 8;

/// What a node holds, for reading.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    Packed(Listpack<'a>),
    Plain(&'a Bytes),
}

impl Node {
    /// The elements of a listpack, which must not be empty.
    pub(super) fn packed(listpack: &[u8]) -> Self {
        let count = count(Listpack::new(listpack).len());
        Self { count, origin: 0, form: Form::Packed(Padded::copy_of(listpack)) }
    }

    /// One element.
    pub(super) fn of(element: StringRef<'_>, limits: ListLimits) -> Self {
        let form = match element {
            StringRef::Shared(bytes) if limits.stands_alone(bytes.len()) => {
                Form::Plain(bytes.clone())
            }
            StringRef::Bytes(bytes) if limits.stands_alone(bytes.len()) => {
                Form::Plain(Bytes::copy_from_slice(bytes))
            }
            element => {
                let mut padded = Padded::copy_of(&listpack::EMPTY);
                ListpackMut::new(&mut padded).push_back(packed_element(element));
                Form::Packed(padded)
            }
        };
        Self { count: 1, origin: 0, form }
    }

    /// One element, however short.
    pub(super) const fn long(element: Bytes) -> Self {
        Self { count: 1, origin: 0, form: Form::Plain(element) }
    }

    /// The node as files hold it.
    pub(super) fn stored(&self) -> ListNode<'_> {
        match &self.form {
            Form::Packed(padded) => ListNode::Packed(padded.bytes()),
            Form::Compressed(Compressed { bytes, len }) => {
                ListNode::Compressed { bytes, len: *len as usize }
            }
            Form::Plain(bytes) => ListNode::Long(bytes),
        }
    }

    /// Number of elements.
    #[inline]
    pub(super) const fn count(&self) -> usize {
        self.count as usize
    }

    /// Bytes of the listpack, or of the one element.
    pub(super) const fn len_bytes(&self) -> usize {
        match &self.form {
            Form::Packed(padded) => padded.len(),
            Form::Compressed(compressed) => compressed.len as usize,
            Form::Plain(bytes) => bytes.len(),
        }
    }

    /// What the node holds; a compressed listpack is unpacked into `scratch`.
    #[inline]
    pub(super) fn content<'a>(&'a self, scratch: &'a mut Vec<u8>) -> Content<'a> {
        match &self.form {
            Form::Packed(padded) => Content::Packed(Listpack::new(padded.bytes())),
            Form::Compressed(compressed) => {
                *scratch = compressed.listpack();
                Content::Packed(Listpack::new(scratch))
            }
            Form::Plain(bytes) => Content::Plain(bytes),
        }
    }

    /// Compresses a listpack where that saves something.
    pub(super) fn compress(&mut self) {
        let Form::Packed(padded) = &self.form else { return };
        if padded.len() < COMPRESSED_MIN {
            return;
        }
        // Less than SAVED_MIN would be saved by one byte more.
        let most = padded.len() - SAVED_MIN - 1;
        if let Some(bytes) = lzf::compress(padded.bytes(), most) {
            let len = count(padded.len());
            self.form = Form::Compressed(Compressed { bytes, len });
        }
    }

    /// Makes a compressed listpack one that can be edited.
    #[inline]
    pub(super) fn decompress(&mut self) {
        if let Form::Compressed(compressed) = &self.form {
            self.form = Form::Packed(Padded::copy_of(&compressed.listpack()));
        }
    }

    #[cfg(test)]
    pub(super) const fn is_compressed(&self) -> bool {
        matches!(self.form, Form::Compressed(_))
    }

    #[cfg(test)]
    pub(super) fn is_worth_compressing(&self) -> bool {
        let mut copy = self.clone();
        copy.compress();
        copy.is_compressed()
    }

    /// Its number among the nodes of a list that is frozen.
    pub(super) const fn origin(&self) -> u32 {
        self.origin
    }

    pub(super) const fn set_origin(&mut self, origin: u32) {
        self.origin = origin;
    }

    /// Whether it is one long element.
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self.form, Form::Plain(_))
    }

    /// Whether an element of `len` bytes may be added.
    #[inline]
    pub(super) fn admits(&self, len: usize, limits: ListLimits) -> bool {
        !self.is_plain() && limits.admits(self.len_bytes(), self.count(), len)
    }

    /// Adds an element at an end if it is admitted.
    #[inline]
    pub(super) fn push(&mut self, end: End, element: StringRef<'_>, limits: ListLimits) -> bool {
        let Form::Packed(padded) = &mut self.form else { return false };
        if !limits.admits(padded.len(), self.count as usize, text_len(element)) {
            return false;
        }
        let element = packed_element(element);
        let mut listpack = ListpackMut::new(padded);
        match end {
            End::Front => listpack.push_front(element),
            End::Back => listpack.push_back(element),
        }
        self.count += 1;
        true
    }

    /// Adds an admitted element in front of element `offset`, or at the end.
    pub(super) fn insert(&mut self, offset: usize, element: StringRef<'_>) {
        let mut listpack = self.listpack_mut();
        let view = listpack.view();
        let place = view.seek(offset.cast_signed() as i64).unwrap_or(view.end());
        listpack.insert(place, &[packed_element(element)]);
        self.count += 1;
    }

    /// Replaces element `offset` if the node may hold the new one.
    pub(super) fn replace(
        &mut self,
        offset: usize,
        element: StringRef<'_>,
        limits: ListLimits,
    ) -> bool {
        let len = text_len(element);
        let Form::Packed(padded) = &mut self.form else { return false };
        if limits.stands_alone(len) || (self.count > 1 && !limits.bears(padded.len() + len)) {
            return false;
        }
        let mut listpack = ListpackMut::new(padded);
        let place = listpack.view().seek(offset as i64).expect("the element exists");
        listpack.replace(place, 1, &[packed_element(element)]);
        true
    }

    /// Removes `removed` elements from element `offset` on; fewer than all.
    #[inline]
    pub(super) fn remove(&mut self, offset: usize, removed: usize) {
        debug_assert!(offset + removed <= self.count() && removed < self.count());
        let mut listpack = self.listpack_mut();
        let place = listpack.view().seek(offset as i64).expect("the element exists");
        listpack.remove(place, removed);
        self.count -= count(removed);
    }

    /// What is left without up to `most` elements equal to `wanted`, the first ones met from `from`
    /// on; `None` if there is none.
    pub(super) fn without(&self, wanted: &[u8], from: End, most: usize) -> Option<Without> {
        match self.content(&mut Vec::new()) {
            Content::Packed(listpack) => without(listpack, wanted, from, most),
            Content::Plain(bytes) => {
                (bytes == wanted && most > 0).then_some(Without { removed: 1, kept: None })
            }
        }
    }

    /// Cuts the node in two: the elements from `offset` on become the other. Neither is empty.
    pub(super) fn split_off(&mut self, offset: usize) -> Self {
        debug_assert!(0 < offset && offset < self.count());
        let mut tail = self.clone();
        tail.remove(0, offset);
        let kept = self.count() - offset;
        self.remove(offset, kept);
        self.trim();
        tail.trim();
        tail
    }

    /// Puts the elements of another node behind those of this one; both are packed.
    pub(super) fn append(&mut self, other: &Self) {
        let mut scratch = Vec::new();
        let Content::Packed(more) = other.content(&mut scratch) else {
            unreachable!("only packed nodes are merged");
        };
        self.listpack_mut().append(more);
        self.count += other.count;
    }

    /// Whether this node and the next may become one.
    pub(super) fn may_absorb(&self, other: &Self, limits: ListLimits) -> bool {
        let bytes = self.len_bytes() + other.len_bytes() - listpack::EMPTY.len();
        !self.is_plain()
            && !other.is_plain()
            && !limits.exceeded(bytes, self.count() + other.count())
    }

    /// Gives up room that nobody will use soon: the node is no longer at an end.
    pub(super) fn trim(&mut self) {
        if let Form::Packed(padded) = &mut self.form {
            padded.trim();
        }
    }

    /// Bytes of heap behind the node.
    pub(super) const fn heap_bytes(&self) -> usize {
        match &self.form {
            Form::Packed(padded) => padded.capacity(),
            Form::Compressed(compressed) => compressed.bytes.len(),
            Form::Plain(bytes) => bytes.len(),
        }
    }

    fn listpack_mut(&mut self) -> ListpackMut<&mut Padded> {
        match &mut self.form {
            Form::Packed(padded) => ListpackMut::new(padded),
            Form::Compressed(_) => unreachable!("decompressed before it is edited"),
            Form::Plain(_) => unreachable!("a long element is replaced or removed as a whole"),
        }
    }
}

/// A run of elements after some were removed.
#[derive(Debug)]
pub(super) struct Without {
    /// How many were.
    pub(super) removed: usize,
    /// A listpack of the others, if there are any.
    pub(super) kept: Option<Vec<u8>>,
}

/// What is left of a listpack without up to `most` elements equal to `wanted`, the first ones met
/// from `from` on; `None` if there is none. One pass, however many are removed.
pub(super) fn without(
    listpack: Listpack<'_>,
    wanted: &[u8],
    from: End,
    most: usize,
) -> Option<Without> {
    let wanted = Element::of(wanted);
    let matches = listpack.iter().filter(|(_, element)| *element == wanted).count();
    if matches == 0 || most == 0 {
        return None;
    }
    let removed = matches.min(most);
    if removed == listpack.len() {
        return Some(Without { removed, kept: None });
    }
    // Matches are numbered from the front; from the back, the last `removed` of them go.
    let gone = match from {
        End::Front => 0..removed,
        End::Back => matches - removed..matches,
    };
    let mut kept = Vec::with_capacity(listpack.as_bytes().len());
    kept.extend_from_slice(&listpack::EMPTY);
    let mut copy = ListpackMut::new(&mut kept);
    let mut number = 0;
    for (_, element) in listpack {
        if element == wanted {
            number += 1;
            if gone.contains(&(number - 1)) {
                continue;
            }
        }
        copy.push_back(element);
    }
    Some(Without { removed, kept: Some(kept) })
}

fn count(elements: usize) -> u32 {
    u32::try_from(elements).expect("a listpack is shorter than 4 GB")
}

/// The element as a listpack holds it.
#[inline]
pub(super) fn packed_element(element: StringRef<'_>) -> Element<'_> {
    match element {
        StringRef::Int(number) => Element::Int(number),
        StringRef::Bytes(bytes) => Element::of(bytes),
        StringRef::Shared(bytes) => Element::of(bytes),
    }
}

/// Length of an element in bytes.
#[inline]
pub(super) fn text_len(element: StringRef<'_>) -> usize {
    match element {
        StringRef::Int(_) => element.len(),
        StringRef::Bytes(bytes) => bytes.len(),
        StringRef::Shared(bytes) => bytes.len(),
    }
}
