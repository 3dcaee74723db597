//! Hashes: fields with their values in a listpack, or in a table ([`HashTable`]).
//!
//! Conversions go one way, from tighter to larger, at the limits of [`HashLimits`]. What clients see
//! as `hashtable` begins as a listpack too ([`TableHash`](crate::PackedKind::TableHash)) and becomes
//! a [`HashTable`] when a walk over its bytes would cost more than a look-up: a hash of five
//! 100-byte values then takes 640 bytes with its 16-byte key, where a table would take 950.
//!
//! A field may have a deadline. The first one makes a listpack one of field, value, deadline
//! ([`HashWithDeadlines`](crate::PackedKind::HashWithDeadlines)); in a table the field's own
//! allocation holds it. A hash is read and edited as it is seen at a time: fields whose deadline has
//! passed are held until [`HashMut::expire_due`] removes them, but nobody sees them.
//!
//! [`HashRef`] reads, [`HashMut`] edits.

mod edit;
mod field;
mod stored;
mod table;
#[cfg(test)]
mod tests;
mod view;

pub use edit::{HashLimits, HashMut};
pub use stored::HashBuilder;
pub use table::HashTable;
pub use view::{FieldRef, Fields, HashRef};
