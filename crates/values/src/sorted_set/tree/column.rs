//! A column of a node: an array of which the first `len` places are taken.

use std::ops::{Index, IndexMut};

/// An array whose node knows how many places are taken; the others hold the default.
pub(super) struct Column<T, const N: usize>([T; N]);

impl<T: Default, const N: usize> Column<T, N> {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| T::default()))
    }

    /// Inserts in front of place `at`.
    #[inline]
    pub(super) fn insert(&mut self, len: usize, at: usize, value: T) {
        self.0[at..=len].rotate_right(1);
        self.0[at] = value;
    }

    /// Takes place `at` out and closes the gap.
    #[inline]
    pub(super) fn remove(&mut self, len: usize, at: usize) -> T {
        let taken = std::mem::take(&mut self.0[at]);
        self.0[at..len].rotate_left(1);
        taken
    }

    /// Takes `count` places from `at` on out and closes the gap.
    pub(super) fn remove_run(
        &mut self,
        len: usize,
        at: usize,
        count: usize,
        mut out: impl FnMut(T),
    ) {
        self.0[at..at + count].iter_mut().for_each(|place| out(std::mem::take(place)));
        self.0[at..len].rotate_left(count);
    }

    /// Moves the first `count` places of `right` behind the last of this column.
    pub(super) fn append(&mut self, len: usize, right: &mut Self, right_len: usize, count: usize) {
        self.0[len..len + count].swap_with_slice(&mut right.0[..count]);
        right.0[..right_len].rotate_left(count);
    }

    /// Moves the last `count` places of `left` in front of the first of this column.
    pub(super) fn prepend(&mut self, len: usize, left: &mut Self, left_len: usize, count: usize) {
        self.0[..len + count].rotate_right(count);
        self.0[..count].swap_with_slice(&mut left.0[left_len - count..left_len]);
    }

    /// Place `left` and the one behind it.
    pub(super) fn pair_mut(&mut self, left: usize) -> &mut [T; 2] {
        self.0[left..].first_chunk_mut().expect("two places")
    }

    #[inline]
    pub(super) fn taken(&self, len: usize) -> &[T] {
        &self.0[..len]
    }
}

impl<T, const N: usize> Index<usize> for Column<T, N> {
    type Output = T;

    #[inline]
    fn index(&self, at: usize) -> &T {
        &self.0[at]
    }
}

impl<T, const N: usize> IndexMut<usize> for Column<T, N> {
    #[inline]
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.0[at]
    }
}
