//! Large collections in pieces, as they were at one moment, while commands go on changing them.
//!
//! A collection beyond [`Entry::is_large`] is *frozen* ([`ValueMut::freeze`]), which costs next to
//! nothing. From then on each command that is about to change a part that was not handed out yet
//! keeps what that part was, and [`Entry::emit_frozen`] hands out piece after piece: what is kept
//! where a part was changed, the part itself where it was not. [`Entry::thaw`] ends it, at any time.
//!
//! - **Tables** (sets, hashes, sorted sets) are cut into shards by their hashes, and keep single
//!   items: see [`FrozenTable`].
//! - **Lists** number their nodes, and keep nodes: `list::frozen`.
//! - **Streams** keep nodes by their IDs, and groups: `stream::frozen`.
//!
//! What is frozen belongs to the value: it follows it when the key is renamed, and goes when the
//! value is dropped; a copy of the value has none of it. A frozen collection does not return to a
//! packed form, and if its last element goes, whoever froze it takes the entry over.
//!
//! # Figures
//!
//! A million elements (members and names of 16 bytes, else 100 bytes), random writes, pieces of
//! 64 KB, jemalloc, two busy cores of a virtual machine; processor time in µs
//! (`examples/frozen_pauses.rs`, from which half a µs comes to each mean):
//!
//! | | freeze | write: mean, longest | write while frozen | piece: mean, longest |
//! |---|---|---|---|---|
//! | set | 24 | 1.4, 83 | 1.3, 160 | 66, 167 |
//! | hash | 20 | 1.4, 89 | 1.5, 78 | 84, 191 |
//! | sorted set | 62 | 3.5, 149 | 3.4, 80 | 85, 206 |
//! | list | 41 | 1.9, 116 | 2.1, 540 | 20, 109 |
//! | stream, 100,000 entries pending | 11 | 1.6, 95 | 1.8, 481 | 17, 257 |
//!
//! With ten million the figures of a set stay below 0.5 ms. Such a list (1 GB) takes 0.9 ms to
//! freeze; a write to it took up to 8.4 ms, and 3.8 where jemalloc gave no memory back meanwhile:
//! each first change of a node copies 8 KB. The first change of a group with a million pending
//! entries takes 6.7 ms.
//!
//! [`Entry::is_large`]: crate::Entry::is_large
//! [`Entry::emit_frozen`]: crate::Entry::emit_frozen
//! [`Entry::thaw`]: crate::Entry::thaw
//! [`ValueMut::freeze`]: crate::ValueMut::freeze

mod item;
mod object;
mod place;
mod table;
#[cfg(test)]
mod tests;

pub use item::{AccessHint, FrozenHeader, FrozenItem};
pub(crate) use place::FrozenPlace;
pub use place::Thawed;
pub(crate) use table::{FrozenTable, Part, Parted};

/// What handing an item out takes from a budget beside its bytes: finding and reading a short one
/// costs as much as copying this many bytes.
pub(crate) const ITEM_COST_BYTES: usize = 64;

/// More items than this are not encoded at a stretch: at some 100 ns for an item that is not in the
/// processor's cache, these take 100 µs.
pub(crate) const SMALL_ITEMS_MAX: usize = 1000;

/// More bytes than this are not copied at a stretch: at 3 GB a second out of memory and into fresh
/// memory, these take 100 µs.
pub(crate) const SMALL_BYTES_MAX: usize = 256 * 1024;

/// Takes from a budget what an item of `bytes` bytes costs.
#[inline]
pub(crate) fn spend(budget: &mut usize, bytes: usize) {
    *budget = budget.saturating_sub(ITEM_COST_BYTES + bytes);
}
