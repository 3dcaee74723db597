//! Bytes with room to grow at both ends.
//!
//! A node of a list is pushed to and popped from at either end. What is inserted or removed near an
//! end moves only the bytes between it and that end, so that both ends of a listpack (whose header
//! is six bytes) cost the same, whatever its length.

use crate::listpack::Buffer;

/// Shortest memory that is given back in part when the bytes in it become few.
const SHRINK_MIN: usize = 512;

/// Up to here memory grows by doubling: nodes of 4 to 64 KB then end without waste.
const DOUBLING_MAX: usize = 64 * 1024;

/// A run of bytes somewhere in the middle of a piece of memory.
#[derive(Debug)]
pub(super) struct Padded {
    memory: Box<[u8]>,
    start: u32,
    end: u32,
}

impl Padded {
    /// A copy of `bytes`, with no room at the ends.
    pub(super) fn copy_of(bytes: &[u8]) -> Self {
        Self { memory: bytes.into(), start: 0, end: offset(bytes.len()) }
    }

    const fn start(&self) -> usize {
        self.start as usize
    }

    const fn end(&self) -> usize {
        self.end as usize
    }

    /// Number of bytes.
    pub(super) const fn len(&self) -> usize {
        self.end() - self.start()
    }

    /// Bytes of memory, used or not.
    pub(super) const fn capacity(&self) -> usize {
        self.memory.len()
    }

    /// Gives room back that is worth it: nobody will push here soon.
    pub(super) fn trim(&mut self) {
        if self.capacity() - self.len() > self.len() / 8 {
            *self = Self::copy_of(self.bytes());
        }
    }

    /// Moves the bytes into memory of `capacity` bytes, the room in front of them being `room`.
    fn relocate(&mut self, capacity: usize, room: usize) {
        let len = self.len();
        let mut memory = vec![0; capacity].into_boxed_slice();
        memory[room..room + len].copy_from_slice(self.bytes());
        *self = Self { memory, start: offset(room), end: offset(room + len) };
    }

    /// Makes room for `more` bytes, at the front or at the back, preferring `front`.
    fn make_room(&mut self, more: usize, front: bool) {
        let (len, capacity) = (self.len(), self.capacity());
        let needed = len + more;
        if needed > capacity {
            let capacity = if needed <= DOUBLING_MAX {
                needed.next_power_of_two()
            } else {
                needed + needed / 8
            };
            self.relocate(capacity, if front { capacity - len } else { 0 });
            return;
        }
        let start = if front { capacity - len } else { 0 };
        self.memory.copy_within(self.start as usize..self.end as usize, start);
        (self.start, self.end) = (offset(start), offset(start + len));
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("a listpack is shorter than 4 GB")
}

impl Clone for Padded {
    fn clone(&self) -> Self {
        Self::copy_of(self.bytes())
    }
}

impl Buffer for Padded {
    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.memory[self.start()..self.end()]
    }

    #[inline]
    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start as usize..self.end as usize]
    }

    fn splice(&mut self, at: usize, removed: usize, inserted: &[u8]) {
        let tail = self.len() - at - removed;
        let near_front = at < tail;
        let (new, old) = (inserted.len(), removed);
        if new > old {
            let room = if near_front { self.start() } else { self.capacity() - self.end() };
            if room < new - old {
                self.make_room(new - old, near_front);
            }
        }
        let (start, end) = (self.start(), self.end());
        if near_front {
            let moved = start + old - new;
            if moved != start {
                self.memory.copy_within(start..start + at, moved);
            }
            self.start = offset(moved);
        } else {
            let moved = end + new - old;
            if moved != end {
                self.memory.copy_within(end - tail..end, moved - tail);
            }
            self.end = offset(moved);
        }
        let at = self.start() + at;
        self.memory[at..at + new].copy_from_slice(inserted);
        if self.capacity() >= SHRINK_MIN && self.len() < self.capacity() / 4 {
            let (capacity, len) = (self.capacity() / 2, self.len());
            self.relocate(capacity, if near_front { capacity - len } else { 0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_are_edited_as_in_a_vector(
            edits in prop::collection::vec(
                (any::<prop::sample::Index>(), 0_usize..40, prop::collection::vec(any::<u8>(), 0..60)),
                1..200,
            ),
            trimmed in any::<bool>(),
        ) {
            let mut padded = Padded::copy_of(b"abc");
            let mut model = b"abc".to_vec();
            for (at, removed, inserted) in edits {
                let at = at.index(model.len() + 1);
                let removed = removed.min(model.len() - at);
                padded.splice(at, removed, &inserted);
                Buffer::splice(&mut model, at, removed, &inserted);
                if trimmed {
                    padded.trim();
                }
                prop_assert_eq!(padded.bytes(), &*model);
                prop_assert_eq!(padded.bytes_mut(), &*model);
                prop_assert!(padded.capacity() < SHRINK_MIN || padded.capacity() <= 4 * model.len() + 1);
            }
        }
    }

    #[test]
    fn pushing_at_either_end_moves_few_bytes() {
        let mut padded = Padded::copy_of(&[7; 7]);
        let mut moves = 0;
        for round in 0..4000 {
            let before = padded.memory.as_ptr();
            let at = if round % 2 == 0 { 6 } else { padded.len() - 1 };
            padded.splice(at, 0, &[1]);
            moves += usize::from(padded.memory.as_ptr() != before);
        }
        assert!(moves < 12, "{moves}");
    }
}
