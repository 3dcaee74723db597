//! Sets: integers in a run ([`intset`]), a listpack, or a table of members ([`SetTable`]).
//!
//! Conversions go one way, from tighter to larger, at the limits of [`SetLimits`]. What clients see
//! as `hashtable` begins as a listpack too ([`TableSet`](crate::PackedKind::TableSet)) and becomes a [`SetTable`]
//! when a walk over its bytes would cost more than a look-up: a set of one 65-byte member then
//! takes 112 bytes with its 16-byte key, where a table would take 272.
//!
//! [`SetRef`] reads, [`SetMut`] edits, [`for_each_common`] intersects, [`for_each_missing`] subtracts.

pub mod intset;

mod algebra;
mod edit;
mod stored;
mod table;
#[cfg(test)]
mod tests;
mod view;

pub use algebra::{for_each_common, for_each_missing};
pub use edit::{SetLimits, SetMut};
pub use stored::SetBuilder;
pub use table::{SetTable, TableMembers};
pub use view::{Members, SetRef};
