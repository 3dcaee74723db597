//! One allocation per key: header, deadline, key, and the value where it is small.
//!
//! ```text
//! offset 0   kind    u8    0 inline string, 1 integer, 2 boxed object, 3 and up packed
//!        1   flags   u8    DEADLINE | WIDE | RAW | EMITTED | HIDDEN
//!        2   clock   u24   LRU seconds or LFU minutes and counter
//!        5   key     u8    length of the key        (WIDE: unused)
//!        6   value   u16   length of inline value   (WIDE: unused)
//!        8   [deadline i64, Unix ms]                if DEADLINE
//!            [key length u32, value length u32]     if WIDE
//!            [word: the integer or the box]         unless inline or packed
//!            key bytes, inline value bytes
//! ```
//!
//! A 16-byte key with an 8-digit integer takes 32 bytes, with a 64-byte value and a deadline 96.
//! A packed value is a small collection ([`PackedKind`]) whose bytes stand where those of an inline
//! string would: a hash of a few fields is one allocation with its key.
//!
//! The allocation is as long as the allocator would round it up to anyway ([`allocation_len`]), so
//! a value that grows or shrinks within its size class is rewritten in place.
//!
//! All `unsafe` of this crate is here and in `thin`. Whoever holds an [`Entry`] owns the allocation and, for
//! kind 2, the box; every read goes through the header, which only this module writes.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

use bytes::Bytes;
use dunlin_stdx::time::UnixMs;
use dunlin_table::ThinItem;

use crate::kind::{EMBSTR_MAX, Encoding, PackedKind, ValueType};
use crate::listpack::{Buffer, Element};
use crate::object::{LargeString, Object};

/// Longest string, in bytes, that is kept inside the entry.
///
/// Beyond a page, moving the value when the key changes size class costs more than the second
/// cache miss that the box costs on reads.
pub const INLINE_MAX: usize = 4000;

/// Longest text of an `i64`: sign and 19 digits.
const INT_TEXT_MAX: usize = 20;

const HEADER: usize = 8;
const ALIGN: usize = 8;
const KIND_AT: usize = 0;
const FLAGS_AT: usize = 1;
const CLOCK_AT: usize = 2;
const KEY_LEN_AT: usize = 5;
const VALUE_LEN_AT: usize = 6;

const INLINE: u8 = 0;
const INTEGER: u8 = 1;
const BOXED: u8 = 2;
/// First of the packed kinds: this and the number of the [`PackedKind`].
const PACKED: u8 = 3;

const DEADLINE: u8 = 1 << 0;
const WIDE: u8 = 1 << 1;
const RAW: u8 = 1 << 2;
const EMITTED: u8 = 1 << 3;

/// The eight bytes that are not inline: a box, or an integer dressed as an address.
type Word = *mut Object;

const _: () = assert!(size_of::<Word>() == size_of::<i64>(), "integers live in the word");
const _: () = assert!(INLINE_MAX <= u16::MAX as usize);

/// A key and its value: an owning, pointer-sized handle.
pub struct Entry(NonNull<u8>);

// SAFETY: an entry owns everything it points to (its allocation and a box of `Object`, which is
// `Send`), so it may be dropped on another thread: lazy free does that.
unsafe impl Send for Entry {}

/// A value to be stored.
#[derive(Debug)]
pub enum NewValue<'a> {
    /// A string that is this integer.
    Int(i64),
    /// A string of at most [`INLINE_MAX`] bytes.
    Inline(&'a [u8]),
    /// A string of at most [`INLINE_MAX`] bytes that a command built or edited: raw, however short.
    Raw(&'a [u8]),
    /// A small collection in one run of bytes; at most 4 GB long.
    Packed(PackedKind, &'a [u8]),
    /// Anything else.
    Boxed(Box<Object>),
}

impl<'a> NewValue<'a> {
    /// The string `text` in its tightest encoding.
    #[must_use]
    pub fn string(text: &'a [u8]) -> Self {
        if text.len() <= INT_TEXT_MAX
            && let Some(number) = dunlin_stdx::number::parse_i64(text)
        {
            return Self::Int(number);
        }
        if text.len() <= INLINE_MAX {
            return Self::Inline(text);
        }
        Self::shared(Bytes::copy_from_slice(text))
    }

    /// The string `text` that a command built (SETRANGE, SETBIT, BITOP): raw, whatever it says.
    #[must_use]
    pub fn raw(text: &'a mut Vec<u8>) -> Self {
        if text.len() <= INLINE_MAX {
            return Self::Raw(text);
        }
        Self::Boxed(Box::new(Object::String(LargeString::Owned(std::mem::take(text)))))
    }

    /// A large string that is already in shared memory; nothing is copied.
    #[must_use]
    pub fn shared(text: Bytes) -> Self {
        Self::Boxed(Box::new(Object::String(LargeString::Shared(text))))
    }
}

/// The string value of an entry, as it is held.
#[derive(Clone, Copy, Debug)]
pub enum StringRef<'a> {
    /// An integer; its text is its decimal form.
    Int(i64),
    /// Bytes inside the entry, or a large string that was edited.
    Bytes(&'a [u8]),
    /// A large string that may be shared without copying.
    Shared(&'a Bytes),
}

impl<'a> StringRef<'a> {
    /// The text of the string; an integer is written into `digits`.
    #[must_use]
    pub fn as_bytes<'b>(self, digits: &'b mut IntText) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Self::Int(number) => digits.format(number),
            Self::Bytes(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// Length of the text in bytes.
    #[must_use]
    pub fn len(self) -> usize {
        self.as_bytes(&mut IntText::default()).len()
    }

    /// Whether the string holds no byte.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl<'a> From<Element<'a>> for StringRef<'a> {
    #[inline]
    fn from(element: Element<'a>) -> Self {
        match element {
            Element::Int(number) => Self::Int(number),
            Element::Text(bytes) => Self::Bytes(bytes),
        }
    }
}

/// Room for the digits of an integer-encoded string.
pub struct IntText(itoa::Buffer);

impl IntText {
    /// The decimal form of `number`.
    pub fn format(&mut self, number: i64) -> &[u8] {
        self.0.format(number).as_bytes()
    }
}

impl Default for IntText {
    fn default() -> Self {
        Self(itoa::Buffer::new())
    }
}

/// Where things are in an allocation; derived from the header or from what is to be stored.
#[derive(Clone, Copy)]
struct Shape {
    kind: u8,
    flags: u8,
    key_len: usize,
    value_len: usize,
}

impl Shape {
    fn new(kind: u8, flags: u8, key_len: usize, value_len: usize) -> Self {
        let is_wide = key_len > usize::from(u8::MAX) || value_len > usize::from(u16::MAX);
        let wide = if is_wide { WIDE } else { 0 };
        Self { kind, flags: (flags & !WIDE) | wide, key_len, value_len }
    }

    const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether the value stands behind the key, instead of in the word.
    const fn is_inline(self) -> bool {
        self.kind == INLINE || self.kind >= PACKED
    }

    /// Which packed collection the value is, if it is one.
    fn packed_kind(self) -> Option<PackedKind> {
        PackedKind::ALL.get(usize::from(self.kind.checked_sub(PACKED)?)).copied()
    }

    const fn lengths_at(self) -> usize {
        HEADER + if self.has(DEADLINE) { 8 } else { 0 }
    }

    const fn word_at(self) -> usize {
        self.lengths_at() + if self.has(WIDE) { 8 } else { 0 }
    }

    const fn key_at(self) -> usize {
        self.word_at() + if self.is_inline() { 0 } else { 8 }
    }

    const fn value_at(self) -> usize {
        self.key_at() + self.key_len
    }

    const fn total(self) -> usize {
        self.value_at() + if self.is_inline() { self.value_len } else { 0 }
    }

    fn layout(self) -> Layout {
        Layout::from_size_align(allocation_len(self.total()), ALIGN)
            .expect("key and value are at most 512 MB and 4 GB long")
    }
}

/// The size class of `len` bytes: four classes per doubling above 128 bytes, steps of 16 below.
///
/// Source: jemalloc manual, "size classes". With another allocator this only wastes the rounding.
pub(crate) const fn allocation_len(len: usize) -> usize {
    let step = if len <= 128 { 16 } else { (len - 1).next_power_of_two() / 8 };
    // The step is a power of two: rounding up needs no division.
    (len + step - 1) & !(step - 1)
}

impl Entry {
    /// A new entry that no client has used yet.
    #[must_use]
    pub fn new(key: &[u8], value: NewValue<'_>, deadline: Option<UnixMs>) -> Self {
        let deadline_flag = if deadline.is_some() { DEADLINE } else { 0 };
        let (kind, flags, word, inline) = value.parts();
        let shape = Shape::new(kind, flags | deadline_flag, key.len(), inline.len());
        let entry = Self(allocate(shape));
        // SAFETY: the allocation is `shape.total()` bytes or longer, and `key` and `inline` cannot
        // overlap memory that was just allocated.
        unsafe {
            ptr::copy_nonoverlapping(key.as_ptr(), entry.at(shape.key_at()), key.len());
            entry.write_header(shape, 0);
            entry.write_value(shape, word, inline);
        }
        if let Some(deadline) = deadline {
            entry.write_deadline(deadline);
        }
        entry
    }

    /// The key.
    #[must_use]
    #[inline]
    pub fn key(&self) -> &[u8] {
        let shape = self.shape();
        // SAFETY: the header says where the key is; it lives as long as the entry.
        unsafe { std::slice::from_raw_parts(self.at(shape.key_at()), shape.key_len) }
    }

    /// When the key expires, if it does.
    #[must_use]
    #[inline]
    pub fn deadline(&self) -> Option<UnixMs> {
        if self.flags() & DEADLINE == 0 {
            return None;
        }
        // SAFETY: the flag says that eight bytes of deadline follow the header; the allocation is
        // aligned to eight.
        Some(UnixMs(unsafe { self.at(HEADER).cast::<i64>().read() }))
    }

    /// The type of the value.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        match self.shape().packed_kind() {
            Some(kind) => kind.value_type(),
            None => self.object().map_or(ValueType::String, Object::value_type),
        }
    }

    /// How the value is held, by the name clients see.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        let shape = self.shape();
        match shape.kind {
            INTEGER => Encoding::Int,
            INLINE if !shape.has(RAW) && shape.value_len <= EMBSTR_MAX => Encoding::Embstr,
            INLINE => Encoding::Raw,
            BOXED => self.object().map_or(Encoding::Raw, Object::encoding),
            _ => shape.packed_kind().map_or(Encoding::Raw, PackedKind::encoding),
        }
    }

    /// The string this key holds, or `None` if it holds another type.
    #[must_use]
    #[inline]
    pub fn string(&self) -> Option<StringRef<'_>> {
        let shape = self.shape();
        match shape.kind {
            // SAFETY: the header says that `value_len` bytes of value follow the key.
            INLINE => Some(StringRef::Bytes(unsafe {
                std::slice::from_raw_parts(self.at(shape.value_at()), shape.value_len)
            })),
            INTEGER => {
                // SAFETY: kind INTEGER keeps its `i64` in the word, which is aligned to eight.
                Some(StringRef::Int(unsafe { self.at(shape.word_at()).cast::<i64>().read() }))
            }
            BOXED => match self.object()? {
                Object::String(LargeString::Shared(bytes)) => Some(StringRef::Shared(bytes)),
                Object::String(LargeString::Owned(bytes)) => Some(StringRef::Bytes(bytes)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The bytes of a packed collection; `None` if the value is anything else.
    #[must_use]
    #[inline]
    pub fn packed(&self) -> Option<(PackedKind, &[u8])> {
        let shape = self.shape();
        let kind = shape.packed_kind()?;
        // SAFETY: kinds from PACKED on have `value_len` bytes of value behind the key.
        Some((kind, unsafe {
            std::slice::from_raw_parts(self.at(shape.value_at()), shape.value_len)
        }))
    }

    /// The bytes of a packed collection for editing; `None` if the value is anything else.
    pub fn packed_mut(&mut self) -> Option<PackedMut<'_>> {
        self.shape().packed_kind()?;
        Some(PackedMut { entry: self })
    }

    /// Replaces the value and keeps key, deadline, clock and snapshot mark: a collection changes
    /// its encoding. Returns the old value if it was boxed.
    pub fn convert(&mut self, value: NewValue<'_>) -> Option<Box<Object>> {
        self.assign_any(value, self.deadline())
    }

    /// The boxed value, if the value is not inside the entry.
    #[must_use]
    pub fn object(&self) -> Option<&Object> {
        let shape = self.shape();
        // SAFETY: kind BOXED keeps a pointer from `Box::into_raw` in the word; the entry owns it.
        (shape.kind == BOXED).then(|| unsafe { &*self.boxed(shape) })
    }

    /// The boxed value for editing, if the value is not inside the entry.
    pub fn object_mut(&mut self) -> Option<&mut Object> {
        let shape = self.shape();
        // SAFETY: as in `object`; `&mut self` makes it the only reference.
        (shape.kind == BOXED).then(|| unsafe { &mut *self.boxed(shape) })
    }

    /// Replaces value and deadline, keeping key, clock and snapshot mark; in place if the new value
    /// is of the same size class. Returns the old value if it was boxed, so that the caller decides
    /// where it is freed.
    #[inline]
    pub fn assign(&mut self, value: NewValue<'_>, deadline: Option<UnixMs>) -> Option<Box<Object>> {
        if let NewValue::Int(number) = value
            && self.overwrite_integer(number, deadline)
        {
            return None;
        }
        self.assign_any(value, deadline)
    }

    /// An integer over an integer: counters change eight bytes and nothing else. Whether it was one.
    #[inline]
    fn overwrite_integer(&mut self, number: i64, deadline: Option<UnixMs>) -> bool {
        let shape = self.shape();
        if shape.kind != INTEGER || shape.has(DEADLINE) != deadline.is_some() {
            return false;
        }
        // SAFETY: kind INTEGER keeps its `i64` in the word, which is aligned to eight.
        unsafe { self.at(shape.word_at()).cast::<i64>().write(number) };
        if let Some(deadline) = deadline {
            self.write_deadline(deadline);
        }
        true
    }

    fn assign_any(&mut self, value: NewValue<'_>, deadline: Option<UnixMs>) -> Option<Box<Object>> {
        let old = self.shape();
        let displaced = self.take_object(old);
        let (kind, raw, word, inline) = value.parts();
        let deadline_flag = if deadline.is_some() { DEADLINE } else { 0 };
        let flags = (old.flags & EMITTED) | raw | deadline_flag;
        let new = Shape::new(kind, flags, old.key_len, inline.len());
        self.reshape(old, new);
        // SAFETY: `reshape` made room for `new`; `inline` is borrowed from elsewhere, because
        // `&mut self` excludes a borrow of this entry's own bytes.
        unsafe { self.write_value(new, word, inline) };
        if let Some(deadline) = deadline {
            self.write_deadline(deadline);
        }
        displaced
    }

    /// Sets or clears the deadline.
    pub fn set_deadline(&mut self, deadline: Option<UnixMs>) {
        let old = self.shape();
        if old.has(DEADLINE) != deadline.is_some() {
            let kept = self.detach_value(old);
            let new = Shape::new(old.kind, old.flags ^ DEADLINE, old.key_len, old.value_len);
            self.reshape(old, new);
            // SAFETY: `reshape` made room for `new`; `kept` is a copy of the value.
            unsafe { self.write_value(new, kept.word, &kept.inline) };
        }
        if let Some(deadline) = deadline {
            self.write_deadline(deadline);
        }
    }

    /// The bytes of a string for editing in place; the string is raw from now on. `None` if the key
    /// holds another type.
    pub fn string_mut(&mut self) -> Option<&mut [u8]> {
        let shape = self.shape();
        match shape.kind {
            INTEGER => {
                let mut digits = IntText::default();
                let text = self.string()?.as_bytes(&mut digits).to_vec();
                self.assign(NewValue::Inline(&text), self.deadline());
            }
            BOXED => {
                let Object::String(text) = self.object_mut()? else { return None };
                return Some(text.to_mut());
            }
            INLINE => {}
            _ => return None,
        }
        let shape = self.shape();
        // SAFETY: flags are a byte of the header; kind is INLINE here, so `value_len` bytes of
        // value follow the key, and `&mut self` makes this the only reference to them.
        unsafe {
            self.at(FLAGS_AT).write(shape.flags | RAW);
            Some(std::slice::from_raw_parts_mut(self.at(shape.value_at()), shape.value_len))
        }
    }

    /// Lengthens a string with zero bytes to `len` if it is shorter, and returns its bytes for
    /// editing. `None` if the key holds another type.
    pub fn grow_string(&mut self, len: usize) -> Option<&mut [u8]> {
        let held = self.string_mut()?.len();
        if held >= len {
            return self.string_mut();
        }
        let shape = self.shape();
        if shape.kind == BOXED {
            let Object::String(text) = self.object_mut()? else { return None };
            text.grow(len);
            return Some(text.to_mut());
        }
        if self.grow_within_allocation(shape, len) {
            return self.string_mut();
        }
        let mut grown = vec![0; len];
        grown[..held].copy_from_slice(self.string_mut()?);
        let deadline = self.deadline();
        if len <= INLINE_MAX {
            self.assign(NewValue::Inline(&grown), deadline);
        } else {
            let owned = Box::new(Object::String(LargeString::Owned(grown)));
            self.assign(NewValue::Boxed(owned), deadline);
        }
        self.string_mut()
    }

    /// Lengthens an inline string with zeros inside the allocation's size class: the value stands
    /// last, so nothing moves. Whether there was room.
    fn grow_within_allocation(&mut self, old: Shape, len: usize) -> bool {
        let new = Shape { value_len: len, ..old };
        if len > INLINE_MAX || old.layout() != new.layout() {
            return false;
        }
        let clock = self.clock();
        // SAFETY: `new` has the layout of the allocation, and only the length differs, so all
        // places stay and the bytes behind the old value are inside.
        unsafe {
            self.write_header(new, clock);
            self.at(new.value_at()).add(old.value_len).write_bytes(0, len - old.value_len);
        }
        true
    }

    /// The 24-bit access clock: LRU seconds, or LFU minutes and counter; the keyspace says which.
    #[must_use]
    pub fn clock(&self) -> u32 {
        // SAFETY: bytes 2 to 4 of every allocation are the clock.
        let [a, b, c] = unsafe { self.at(CLOCK_AT).cast::<[u8; 3]>().read() };
        u32::from_le_bytes([a, b, c, 0])
    }

    /// Sets the access clock; bits above 24 are dropped. A read of a key moves it, so it needs no
    /// exclusive borrow: no reference to these bytes is ever handed out.
    #[inline]
    pub fn set_clock(&self, clock: u32) {
        let [a, b, c, _] = clock.to_le_bytes();
        // SAFETY: bytes 2 to 4 of every allocation are the clock; entries are not `Sync`.
        unsafe { self.at(CLOCK_AT).cast::<[u8; 3]>().write([a, b, c]) };
    }

    /// Asks for the line of the header, and of a short key.
    #[inline]
    pub fn prefetch(&self) {
        dunlin_table::prefetch_line(self.0.as_ptr());
    }

    /// Whether the snapshot of the current epoch already holds this entry.
    #[must_use]
    #[inline]
    pub fn is_emitted(&self) -> bool {
        self.flags() & EMITTED != 0
    }

    /// Sets the snapshot mark. As with the clock, this needs no exclusive borrow: a walk that only
    /// reads sets it.
    #[inline]
    pub fn set_emitted(&self, emitted: bool) {
        let flags = self.flags() & !EMITTED | if emitted { EMITTED } else { 0 };
        // SAFETY: byte 1 of every allocation holds the flags; no reference to it is ever handed
        // out, and entries are not `Sync`.
        unsafe { self.at(FLAGS_AT).write(flags) };
    }

    /// A copy under another name: value, deadline and encoding, but not clock and mark.
    #[must_use]
    pub fn duplicate(&self, key: &[u8], deadline: Option<UnixMs>) -> Self {
        let shape = self.shape();
        let value = match self.object() {
            Some(object) => NewValue::Boxed(Box::new(object.duplicate())),
            None => match (self.packed(), self.string()) {
                (Some((kind, bytes)), _) => NewValue::Packed(kind, bytes),
                (None, Some(StringRef::Int(number))) => NewValue::Int(number),
                (None, Some(StringRef::Bytes(bytes))) => NewValue::Inline(bytes),
                _ => unreachable!("what is not boxed is an integer or inside the entry"),
            },
        };
        let copy = Self::new(key, value, deadline);
        let flags = copy.flags() | (shape.flags & RAW);
        // SAFETY: byte 1 of every allocation holds the flags.
        unsafe { copy.at(FLAGS_AT).write(flags) };
        copy
    }

    /// The same value and deadline under another name; nothing boxed is copied.
    #[must_use]
    pub fn renamed(mut self, key: &[u8]) -> Self {
        let shape = self.shape();
        let kept = self.detach_value(shape);
        let value = match shape.kind {
            INTEGER => NewValue::Int(kept.word.addr() as i64),
            INLINE => NewValue::Inline(&kept.inline),
            _ if shape.is_inline() => {
                NewValue::Packed(shape.packed_kind().expect("kind says packed"), &kept.inline)
            }
            _ => NewValue::Boxed(self.take_object(shape).expect("kind says boxed")),
        };
        let renamed = Self::new(key, value, self.deadline());
        let flags = renamed.flags() | (shape.flags & (RAW | EMITTED));
        // SAFETY: byte 1 of every allocation holds the flags.
        unsafe { renamed.at(FLAGS_AT).write(flags) };
        renamed.set_clock(self.clock());
        renamed
    }

    /// Bytes of heap the entry holds, its value included.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.shape().layout().size() + self.object().map_or(0, Object::heap_bytes)
    }

    /// How much work dropping this entry is, counted in allocations.
    #[must_use]
    pub fn free_effort(&self) -> usize {
        self.object().map_or(1, Object::free_effort)
    }

    // Pointers. ------------------------------------------------------------------------------

    #[inline]
    const fn at(&self, offset: usize) -> *mut u8 {
        // SAFETY: callers pass offsets inside the allocation (from `Shape` or the header's
        // constants).
        unsafe { self.0.as_ptr().add(offset) }
    }

    #[inline]
    fn flags(&self) -> u8 {
        // SAFETY: byte 1 of every allocation holds the flags.
        unsafe { self.at(FLAGS_AT).read() }
    }

    #[inline]
    fn shape(&self) -> Shape {
        // SAFETY: every allocation starts with an initialised header, aligned to eight; WIDE says
        // that two `u32` lengths follow it (and the deadline), also within alignment.
        unsafe {
            let kind = self.at(KIND_AT).read();
            let flags = self.flags();
            if flags & WIDE == 0 {
                let key_len = usize::from(self.at(KEY_LEN_AT).read());
                let value_len = usize::from(self.at(VALUE_LEN_AT).cast::<u16>().read());
                return Shape { kind, flags, key_len, value_len };
            }
            let lengths_at = HEADER + if flags & DEADLINE == 0 { 0 } else { 8 };
            let [key_len, value_len] = self.at(lengths_at).cast::<[u32; 2]>().read();
            Shape { kind, flags, key_len: key_len as usize, value_len: value_len as usize }
        }
    }

    /// # Safety
    /// The allocation must be at least `shape.total()` bytes long.
    unsafe fn write_header(&self, shape: Shape, clock: u32) {
        // SAFETY: header bytes are inside every allocation; the wide lengths are inside by the
        // caller's promise. A key is at most 512 MB long, so it fits `u32`.
        unsafe {
            self.at(KIND_AT).write(shape.kind);
            self.at(FLAGS_AT).write(shape.flags);
            if shape.has(WIDE) {
                let lengths = [shape.key_len as u32, shape.value_len as u32];
                self.at(shape.lengths_at()).cast::<[u32; 2]>().write(lengths);
            } else {
                self.at(KEY_LEN_AT).write(shape.key_len as u8);
                self.at(VALUE_LEN_AT).cast::<u16>().write(shape.value_len as u16);
            }
        }
        self.set_clock(clock);
    }

    /// # Safety
    /// The allocation must have shape `shape`, and `inline` must not overlap it.
    unsafe fn write_value(&self, shape: Shape, word: Word, inline: &[u8]) {
        debug_assert_eq!(inline.len(), if shape.is_inline() { shape.value_len } else { 0 });
        // SAFETY: by the caller's promise the places that `shape` names are inside.
        unsafe {
            if shape.is_inline() {
                ptr::copy_nonoverlapping(inline.as_ptr(), self.at(shape.value_at()), inline.len());
            } else {
                self.at(shape.word_at()).cast::<Word>().write(word);
            }
        }
    }

    fn write_deadline(&self, deadline: UnixMs) {
        debug_assert!(self.flags() & DEADLINE != 0);
        // SAFETY: the flag says that eight bytes of deadline follow the header.
        unsafe { self.at(HEADER).cast::<i64>().write(deadline.0) };
    }

    fn boxed(&self, shape: Shape) -> *mut Object {
        debug_assert_eq!(shape.kind, BOXED);
        // SAFETY: kind BOXED keeps the pointer in the word, which is aligned to eight.
        unsafe { self.at(shape.word_at()).cast::<*mut Object>().read() }
    }

    /// Moves the key to where `new` wants it, in place or in a new allocation, and writes the
    /// header. The value is left undefined: whoever calls this writes it.
    fn reshape(&mut self, old: Shape, new: Shape) {
        debug_assert_eq!(old.key_len, new.key_len);
        let clock = self.clock();
        let (from, to) = (old.layout(), new.layout());
        if from == to {
            if old.key_at() != new.key_at() {
                // SAFETY: both places are inside the allocation; `copy` allows overlap.
                unsafe { ptr::copy(self.at(old.key_at()), self.at(new.key_at()), old.key_len) };
            }
        } else {
            let moved = allocate(new);
            // SAFETY: two different allocations, each of the length its shape says; the old one
            // was made with layout `from`, and nothing refers to it afterwards.
            unsafe {
                ptr::copy_nonoverlapping(
                    self.at(old.key_at()),
                    moved.as_ptr().add(new.key_at()),
                    old.key_len,
                );
                dealloc(self.0.as_ptr(), from);
            }
            self.0 = moved;
        }
        // SAFETY: the allocation now has the length of `new`.
        unsafe { self.write_header(new, clock) };
    }

    /// Replaces `removed` bytes of an inline value from `at` on by `inserted`.
    fn splice_inline(&mut self, at: usize, removed: usize, inserted: &[u8]) {
        let old = self.shape();
        assert!(old.is_inline() && at + removed <= old.value_len, "the place is inside the value");
        let new_len = old.value_len - removed + inserted.len();
        assert!(u32::try_from(new_len).is_ok(), "a packed value is bounded");
        let new = Shape::new(old.kind, old.flags, old.key_len, new_len);
        let tail = at + removed;
        let tail_len = old.value_len - tail;
        if old.layout() == new.layout() && old.value_at() == new.value_at() {
            let clock = self.clock();
            // SAFETY: old and new value are inside the same allocation; `copy` allows the overlap
            // of the tail with itself, and `inserted` is borrowed from elsewhere.
            unsafe {
                let value = self.at(old.value_at());
                ptr::copy(value.add(tail), value.add(at + inserted.len()), tail_len);
                ptr::copy_nonoverlapping(inserted.as_ptr(), value.add(at), inserted.len());
                self.write_header(new, clock);
            }
            return;
        }
        let mut moved = Self(allocate(new));
        // SAFETY: two different allocations, each of the length its shape says; head, insertion
        // and tail add up to the new length.
        unsafe {
            moved.write_header(new, self.clock());
            ptr::copy_nonoverlapping(self.at(old.key_at()), moved.at(new.key_at()), old.key_len);
            let (from, to) = (self.at(old.value_at()), moved.at(new.value_at()));
            ptr::copy_nonoverlapping(from, to, at);
            ptr::copy_nonoverlapping(inserted.as_ptr(), to.add(at), inserted.len());
            ptr::copy_nonoverlapping(from.add(tail), to.add(at + inserted.len()), tail_len);
        }
        if let Some(deadline) = self.deadline() {
            moved.write_deadline(deadline);
        }
        std::mem::swap(self, &mut moved);
    }

    /// Takes the box out, leaving an integer 0 in its place.
    fn take_object(&mut self, shape: Shape) -> Option<Box<Object>> {
        if shape.kind != BOXED {
            return None;
        }
        let raw = self.boxed(shape);
        // SAFETY: `raw` came from `Box::into_raw` and the entry owned it; with kind INTEGER the
        // entry no longer refers to it, and the word keeps its place and size.
        unsafe {
            self.at(KIND_AT).write(INTEGER);
            self.at(shape.word_at()).cast::<Word>().write(ptr::null_mut());
            Some(Box::from_raw(raw))
        }
    }

    /// A copy of the value as it is written: ownership of a box does not move.
    fn detach_value(&self, shape: Shape) -> Detached {
        // SAFETY: the header says where word and inline bytes are.
        unsafe {
            if shape.is_inline() {
                let bytes = std::slice::from_raw_parts(self.at(shape.value_at()), shape.value_len);
                return Detached { word: ptr::null_mut(), inline: bytes.to_vec() };
            }
            let word = self.at(shape.word_at()).cast::<Word>().read();
            Detached { word, inline: Vec::new() }
        }
    }
}

/// The bytes of a packed collection, for editing.
pub struct PackedMut<'a> {
    entry: &'a mut Entry,
}

impl Buffer for PackedMut<'_> {
    fn bytes(&self) -> &[u8] {
        self.entry.packed().expect("checked when the guard was made").1
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let shape = self.entry.shape();
        // SAFETY: the value is packed, which was checked when the guard was made: `value_len` bytes
        // follow the key, and the guard holds the only reference to the entry.
        unsafe { std::slice::from_raw_parts_mut(self.entry.at(shape.value_at()), shape.value_len) }
    }

    fn splice(&mut self, at: usize, removed: usize, inserted: &[u8]) {
        self.entry.splice_inline(at, removed, inserted);
    }
}

/// A value on its way from one place of an entry to another.
struct Detached {
    word: Word,
    inline: Vec<u8>,
}

impl<'a> NewValue<'a> {
    /// Kind, flags, word and inline bytes. A box is leaked into the word: the entry owns it next.
    fn parts(self) -> (u8, u8, Word, &'a [u8]) {
        match self {
            Self::Int(number) => (INTEGER, 0, ptr::without_provenance_mut(number as usize), &[]),
            Self::Inline(bytes) => {
                assert!(bytes.len() <= INLINE_MAX, "an inline value is bounded");
                (INLINE, 0, ptr::null_mut(), bytes)
            }
            Self::Raw(bytes) => {
                assert!(bytes.len() <= INLINE_MAX, "an inline value is bounded");
                (INLINE, RAW, ptr::null_mut(), bytes)
            }
            Self::Packed(kind, bytes) => (PACKED + kind as u8, 0, ptr::null_mut(), bytes),
            Self::Boxed(object) => (BOXED, 0, Box::into_raw(object), &[]),
        }
    }
}

fn allocate(shape: Shape) -> NonNull<u8> {
    let layout = shape.layout();
    // SAFETY: the layout is never of size zero: the header alone takes eight bytes.
    let memory = unsafe { alloc(layout) };
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
}

impl Drop for Entry {
    fn drop(&mut self) {
        let shape = self.shape();
        drop(self.take_object(shape));
        // SAFETY: the allocation was made with the layout of this shape, and this is its owner.
        unsafe { dealloc(self.0.as_ptr(), shape.layout()) };
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key().escape_ascii().to_string())
            .field("type", &self.value_type())
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}

// SAFETY: `into_raw` gives up the pointer without running Drop and `from_raw` takes it back; the
// allocation does not move in between, and key and deadline only read it.
unsafe impl ThinItem for Entry {
    fn into_raw(self) -> NonNull<u8> {
        ManuallyDrop::new(self).0
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self(raw)
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.key()
    }

    #[inline]
    fn deadline(&self) -> Option<i64> {
        self.deadline().map(|at| at.0)
    }
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
