//! Bytes in an allocation of their own behind a thin pointer: what a table of strings holds.
//!
//! ```text
//! length u8, 255: [length u32 follows]
//! bytes
//! ```
//!
//! A 65-byte member of a set takes 80 bytes with jemalloc, one of 15 bytes 16.
//! The owner of a [`ThinBytes`] owns the allocation, whose length never changes.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};

use dunlin_stdx::time::UnixMs;
use dunlin_table::ThinItem;

use crate::entry::allocation_len;

/// Length byte that says that a longer length follows.
const LONG: u8 = u8::MAX;
const LONG_HEADER: usize = 1 + size_of::<u32>();

/// An owned string of up to 4 GB that is one pointer wide. Its length never changes.
pub struct ThinBytes(NonNull<u8>);

// SAFETY: the handle owns its allocation, which nobody else refers to.
unsafe impl Send for ThinBytes {}
// SAFETY: shared handles only read; writing takes an exclusive borrow.
unsafe impl Sync for ThinBytes {}

impl ThinBytes {
    /// A copy of `bytes`.
    ///
    /// # Panics
    /// If there are 4 GB or more: commands take at most 512 MB.
    #[must_use]
    #[inline]
    pub fn new(bytes: &[u8]) -> Self {
        Self::concat([bytes])
    }

    /// A copy of several strings, one behind the other.
    ///
    /// # Panics
    /// As [`ThinBytes::new`].
    #[must_use]
    #[inline]
    pub fn concat<const PARTS: usize>(parts: [&[u8]; PARTS]) -> Self {
        let len = parts.iter().map(|part| part.len()).sum();
        let layout = layout_of(len);
        // SAFETY: the layout is never of size zero: it holds the length.
        let memory = unsafe { alloc(layout) };
        let memory = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout));
        let header = header_len(len);
        // SAFETY: the allocation holds the header and as many bytes as all parts have together, and
        // cannot overlap one of them.
        unsafe {
            if header == 1 {
                memory.write(len as u8);
            } else {
                memory.write(LONG);
                let len = (len as u32).to_ne_bytes();
                ptr::copy_nonoverlapping(len.as_ptr(), memory.as_ptr().add(1), len.len());
            }
            let mut to = memory.as_ptr().add(header);
            for part in parts {
                ptr::copy_nonoverlapping(part.as_ptr(), to, part.len());
                to = to.add(part.len());
            }
        }
        Self(memory)
    }

    /// The bytes, to be overwritten.
    #[must_use]
    #[inline]
    pub const fn as_bytes_mut(&mut self) -> &mut [u8] {
        let len = self.len();
        // SAFETY: the allocation holds `len` bytes behind the header and lives as long as `self`,
        // whose exclusive borrow makes this the only reference to them.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_ptr().add(header_len(len)), len) }
    }

    /// The bytes.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        let len = self.len();
        // SAFETY: the allocation holds `len` bytes behind the header and lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().add(header_len(len)), len) }
    }

    /// Number of bytes.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        // SAFETY: the first byte is the length, or says that four bytes of length follow.
        unsafe {
            match self.0.read() {
                LONG => self.0.add(1).cast::<u32>().read_unaligned() as usize,
                len => len as usize,
            }
        }
    }

    /// Whether there are no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of heap that a string of `len` bytes takes.
    #[must_use]
    pub const fn heap_bytes_of(len: usize) -> usize {
        allocation_len(header_len(len) + len)
    }
}

#[inline]
const fn header_len(len: usize) -> usize {
    if len < LONG as usize { 1 } else { LONG_HEADER }
}

#[inline]
fn layout_of(len: usize) -> Layout {
    assert!(u32::try_from(len).is_ok(), "a string is shorter than 4 GB");
    Layout::from_size_align(header_len(len) + len, 1).expect("4 GB are a valid size")
}

impl Drop for ThinBytes {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the allocation was made with this layout, and this is its only owner.
        unsafe { dealloc(self.0.as_ptr(), layout_of(self.len())) };
    }
}

impl Clone for ThinBytes {
    fn clone(&self) -> Self {
        Self::new(self.as_bytes())
    }
}

impl fmt::Debug for ThinBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.as_bytes().escape_ascii())
    }
}

// SAFETY: `into_raw` gives up the pointer without running Drop and `from_raw` takes it back; the
// handle is a `NonNull`, and the bytes never move.
unsafe impl ThinItem for ThinBytes {
    #[inline]
    fn into_raw(self) -> NonNull<u8> {
        ManuallyDrop::new(self).0
    }

    #[inline]
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self(raw)
    }

    #[inline]
    fn key(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// A key and the time at which something about it is due: a thin item for a table of deadlines.
#[derive(Clone, Debug)]
pub struct KeyDeadline(ThinBytes);

const TIME_LEN: usize = size_of::<i64>();

impl KeyDeadline {
    /// Something about `key` is due at `at`.
    #[must_use]
    pub fn new(key: &[u8], at: UnixMs) -> Self {
        Self(ThinBytes::concat([&at.0.to_le_bytes(), key]))
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.0.as_bytes()[TIME_LEN..]
    }

    /// When something about it is due.
    #[must_use]
    pub fn at(&self) -> UnixMs {
        let (time, _) = self.0.as_bytes().split_first_chunk().expect("a time stands first");
        UnixMs(i64::from_le_bytes(*time))
    }

    /// Changes the time.
    pub fn set_at(&mut self, at: UnixMs) {
        self.0.as_bytes_mut()[..TIME_LEN].copy_from_slice(&at.0.to_le_bytes());
    }

    /// Bytes of heap it takes.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        ThinBytes::heap_bytes_of(self.0.len())
    }
}

// SAFETY: raw pointers are those of `ThinBytes`, which keeps the same promises; the key never
// changes, and reading key and time does not unwind, because `KeyDeadline::new` wrote both.
unsafe impl ThinItem for KeyDeadline {
    fn into_raw(self) -> NonNull<u8> {
        self.0.into_raw()
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        // SAFETY: the caller's promise is the one that is asked for.
        Self(unsafe { ThinBytes::from_raw(raw) })
    }

    fn key(&self) -> &[u8] {
        self.key()
    }

    fn deadline(&self) -> Option<i64> {
        Some(self.at().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_length_come_back() {
        for len in [0, 1, 63, 64, 254, 255, 256, 4096, 70_000] {
            let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let thin = ThinBytes::new(&bytes);
            assert_eq!((thin.as_bytes(), thin.len(), thin.is_empty()), (&*bytes, len, len == 0));
            assert_eq!(thin.clone().as_bytes(), bytes);
            let (head, tail) = bytes.split_at(len / 3);
            let mut joined = ThinBytes::concat([head, &[], tail]);
            assert_eq!(joined.as_bytes(), bytes);
            joined.as_bytes_mut().fill(7);
            assert_eq!(joined.as_bytes(), vec![7; len]);
            // SAFETY: the pointer was just given up and is owned by nobody else.
            let again = unsafe { ThinBytes::from_raw(thin.into_raw()) };
            assert_eq!(again.key(), bytes);
        }
    }

    #[test]
    fn a_key_keeps_its_time() {
        let mut item = KeyDeadline::new(b"key", UnixMs(5));
        assert_eq!((item.key(), item.at()), (&b"key"[..], UnixMs(5)));
        item.set_at(UnixMs(-1));
        assert_eq!((item.key(), ThinItem::deadline(&item)), (&b"key"[..], Some(-1)));
    }

    #[test]
    fn sizes_are_those_of_the_allocator() {
        assert_eq!(ThinBytes::heap_bytes_of(15), 16);
        assert_eq!(ThinBytes::heap_bytes_of(65), 80);
        assert_eq!(ThinBytes::heap_bytes_of(300), 320);
    }
}
