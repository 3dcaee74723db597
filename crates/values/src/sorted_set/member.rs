//! A member with its score behind a thin pointer that several places share.
//!
//! ```text
//! score f64 | handles u8 | length u8, 255: [length u32 follows] | bytes
//! ```
//!
//! A member of 16 bytes takes 32 with jemalloc, one of 6 bytes 16. The table of a sorted set holds
//! one handle, the leaf of its tree another, and each inner node above whose first member it is one
//! more. The last handle that goes frees the member. Handles are counted atomically, and the score
//! is an atomic, so that a big set may be dropped on another thread; on the thread that owns the
//! data both compile to plain loads and stores, but for the count.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering, fence};

use dunlin_table::{ThinItem, prefetch_line};

use crate::entry::allocation_len;

const HANDLES_AT: usize = 8;
const LEN_AT: usize = 9;
const SHORT_HEADER: usize = 10;
const LONG_HEADER: usize = SHORT_HEADER + size_of::<u32>();
const ALIGN: usize = 8;

/// Length byte that says that a longer length follows.
const LONG: u8 = u8::MAX;

/// More handles than a tree of any height needs: one in the table, one in each level.
const HANDLES_MAX: u8 = 200;

/// A handle to a member and its score.
pub(super) struct Member(NonNull<u8>);

// SAFETY: the bytes never change, the score and the count of handles are atomics, and the handle
// that drops the count to zero is alone when it frees the allocation.
unsafe impl Send for Member {}
// SAFETY: as above; shared handles only read bytes and use atomics.
unsafe impl Sync for Member {}

impl Member {
    /// A new member.
    ///
    /// # Panics
    /// If it has 4 GB or more: commands take at most 512 MB.
    #[inline]
    pub(super) fn new(member: &[u8], score: f64) -> Self {
        let layout = layout_of(member.len());
        // SAFETY: the layout is never of size zero: it holds the header.
        let memory = unsafe { alloc(layout) };
        let memory = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout));
        let header = header_len(member.len());
        // SAFETY: the allocation is aligned to eight and holds the header and as many bytes as the
        // member has; it cannot overlap `member`.
        unsafe {
            memory.cast::<u64>().write(score.to_bits());
            memory.add(HANDLES_AT).write(1);
            if header == SHORT_HEADER {
                memory.add(LEN_AT).write(member.len() as u8);
            } else {
                memory.add(LEN_AT).write(LONG);
                memory.add(SHORT_HEADER).cast::<u32>().write_unaligned(member.len() as u32);
            }
            ptr::copy_nonoverlapping(member.as_ptr(), memory.as_ptr().add(header), member.len());
        }
        Self(memory)
    }

    /// The member's bytes.
    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        let len = self.len();
        // SAFETY: the allocation holds `len` bytes behind the header, which are never written
        // again, and lives as long as this handle.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().add(header_len(len)), len) }
    }

    /// The score.
    #[inline]
    pub(super) fn score(&self) -> f64 {
        f64::from_bits(self.score_bits().load(Ordering::Relaxed))
    }

    /// Changes the score, for all handles.
    #[inline]
    pub(super) fn set_score(&self, score: f64) {
        self.score_bits().store(score.to_bits(), Ordering::Relaxed);
    }

    /// Whether both are handles to the same member.
    #[inline]
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Asks the processor for the member's first line, ahead of reading it.
    #[inline]
    pub(super) fn prefetch(&self) {
        prefetch_line(self.0.as_ptr());
    }

    /// Bytes of heap that a member of `len` bytes takes.
    pub(super) const fn heap_bytes_of(len: usize) -> usize {
        allocation_len(header_len(len) + len)
    }

    #[inline]
    fn len(&self) -> usize {
        // SAFETY: the header holds the length, or says that four bytes of length follow.
        unsafe {
            match self.0.add(LEN_AT).read() {
                LONG => self.0.add(SHORT_HEADER).cast::<u32>().read_unaligned() as usize,
                len => usize::from(len),
            }
        }
    }

    #[inline]
    fn score_bits(&self) -> &AtomicU64 {
        // SAFETY: the first eight bytes are the score, aligned, and used as an atomic only.
        unsafe { self.0.cast::<AtomicU64>().as_ref() }
    }

    #[inline]
    fn handles(&self) -> &AtomicU8 {
        // SAFETY: the byte is the count of handles and used as an atomic only.
        unsafe { self.0.add(HANDLES_AT).cast::<AtomicU8>().as_ref() }
    }
}

const fn header_len(len: usize) -> usize {
    if len < LONG as usize { SHORT_HEADER } else { LONG_HEADER }
}

#[inline]
fn layout_of(len: usize) -> Layout {
    assert!(u32::try_from(len).is_ok(), "a member is shorter than 4 GB");
    Layout::from_size_align(header_len(len) + len, ALIGN).expect("4 GB are a valid size")
}

impl Clone for Member {
    /// Another handle to the same member.
    ///
    /// # Panics
    /// If there are more handles than any tree needs.
    #[inline]
    fn clone(&self) -> Self {
        // Relaxed as in `Arc`: whoever clones holds a handle, so nobody frees meanwhile.
        let before = self.handles().fetch_add(1, Ordering::Relaxed);
        assert!(before < HANDLES_MAX, "a member has few handles");
        Self(self.0)
    }
}

impl Drop for Member {
    #[inline]
    fn drop(&mut self) {
        if self.handles().fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // What other threads did with their handles happened before.
        fence(Ordering::Acquire);
        // SAFETY: this was the last handle, and the allocation was made with this layout.
        unsafe { dealloc(self.0.as_ptr(), layout_of(self.len())) };
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" {}", self.as_bytes().escape_ascii(), self.score())
    }
}

// SAFETY: `into_raw` gives up the pointer without running Drop and `from_raw` takes it back; the
// handle is a `NonNull`, and the bytes never change or move.
unsafe impl ThinItem for Member {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_any_length_come_back() {
        for len in [0, 1, 6, 22, 254, 255, 256, 70_000] {
            let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let member = Member::new(&bytes, -1.5);
            let other = member.clone();
            assert_eq!((member.as_bytes(), member.score()), (&*bytes, -1.5));
            other.set_score(f64::INFINITY);
            assert!(other.is(&member));
            drop(other);
            assert_eq!((member.as_bytes(), member.score()), (&*bytes, f64::INFINITY));
        }
    }

    #[test]
    fn a_member_may_be_dropped_elsewhere() {
        let member = Member::new(b"member", 1.0);
        let other = member.clone();
        let thread = std::thread::spawn(move || drop(other));
        drop(member);
        thread.join().expect("no panic");
    }

    #[test]
    fn sizes_are_those_of_the_allocator() {
        assert_eq!(Member::heap_bytes_of(6), 16);
        assert_eq!(Member::heap_bytes_of(16), 32);
        assert_eq!(Member::heap_bytes_of(22), 32);
    }
}
