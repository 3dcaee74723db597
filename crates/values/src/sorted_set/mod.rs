//! Sorted sets: members ordered by score, members of equal scores by their bytes.
//!
//! A small one is a listpack inside the key's allocation; beyond the limits of [`PackedLimits`] it
//! is a [`ScoreIndex`]: a hash table of members for scores, and a tree that counts for ranks and
//! ranges. [`Entry::sorted_set`] reads either, [`SortedSetMut`] edits either, [`SortedSet`] makes
//! new ones. Ranges are asked for in two steps: which ranks, then the members of these ranks, so
//! that offsets, counting and removal are the same for ranks, scores and bytes.
//!
//! Invariants: no score is NaN; both indexes hold the same members.
//!
//! [`Entry::sorted_set`]: crate::Entry::sorted_set

mod bound;
mod edit;
mod index;
mod member;
mod packed;
mod stored;
#[cfg(test)]
mod tests;
mod tree;
mod view;

pub use bound::{LexBound, LexRange, ScoreBound, ScoreRange};
pub use edit::{PackedLimits, SortedSet, SortedSetMut};
pub use index::{ScoreIndex, Unordered};
pub use stored::SortedSetBuilder;
pub use view::{Members, SortedSetRef};
