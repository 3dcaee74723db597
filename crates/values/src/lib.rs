//! What a key holds: the [`Entry`] (one allocation per key) and the value types.
//!
//! An [`Entry`] is a thin pointer to one allocation with header, optional deadline, key, and the
//! value itself where it is small: an integer, a string up to [`INLINE_MAX`] bytes, or a collection
//! packed into one run of bytes ([`PackedKind`]).
//! Anything bigger is an [`Object`] in a box of its own, which the entry points to.
//! The table of `dunlin-table` stores entries; the keyspace is the only crate that changes them.
//!
//! Invariants: an entry owns its object; a string is stored as [`StringRef::Int`] exactly when its
//! text is the canonical decimal form of an `i64` and it was not edited in place (APPEND,
//! SETRANGE and the bit commands leave a raw string, as in Redis).
//! This crate must never know databases, expiry policy, commands or clients.

#![deny(unsafe_code)]

mod entry;
mod frozen;
pub mod geo;
pub mod hash;
mod hasher;
pub mod hyperloglog;
mod kind;
pub mod list;
pub mod listpack;
mod object;
pub mod set;
pub mod sorted_set;
pub mod stream;
mod thin;
mod value_mut;

pub use entry::{Entry, INLINE_MAX, IntText, NewValue, PackedMut, StringRef};
pub use frozen::{AccessHint, FrozenHeader, FrozenItem, Thawed};
pub use hasher::MemberHasher;
pub use kind::{EMBSTR_MAX, Encoding, PackedKind, ValueType};
pub use object::{LargeString, Object};
pub use thin::{KeyDeadline, ThinBytes};
pub use value_mut::ValueMut;
