//! Large collections in pieces, as they were at one moment, while commands go on changing them.
//!
//! A collection beyond [`Entry::is_large`] is *frozen* ([`ValueMut::freeze`]), which costs next to
//! nothing. From then on each command that is about to change a part that was not handed out yet
//! keeps what that part was, and [`Entry::emit_frozen`] hands out piece after piece: what is kept
//! where a part was changed, the part itself where it was not. [`Entry::thaw`] ends it, at any time.
//!
//! - **Tables** (sets, hashes, sorted sets) are cut into shards by their hashes: see [`FrozenTable`].
//!
//! What is frozen belongs to the value: it follows it when the key is renamed, and goes when the
//! value is dropped; a copy of the value has none of it.
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
