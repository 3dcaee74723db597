//! The RDB format: how keys, whole data sets and DUMP payloads are written as bytes, and read back.
//!
//! *Writing* is done in two steps, because the thread that has the data has no time: it copies
//! records into a [`Draft`], and another thread compresses them and sums them up
//! ([`Draft::finish`], [`Checksum`]). A file is [`Draft::magic`], aux fields, functions, for each
//! database [`Draft::select_db`] and its keys, [`Draft::end`] and [`checksum_bytes`].
//!
//! *Reading* is the work of a [`Reader`] for files, which makes entries item by item, and of
//! [`restore`] for payloads. Every version that Redis 7.2 reads is read, and hashes whose fields
//! have deadlines as Redis 7.4 writes them.
//!
//! Invariants: nothing that is read panics, allocates more than the bytes behind it justify, or
//! makes a value that commands could not have made.
//! This crate must never know files, databases, expiry policy or commands.
//!
//! Source: RDB format, as documented for Redis 2.4 to 7.4 and checked against real servers.

#![forbid(unsafe_code)]

mod check;
mod checksum;
mod draft;
mod error;
mod format;
mod module;
mod payload;
mod pieces;
mod reader;
mod source;
mod summary;
mod text;
mod value;
mod write;

pub use check::{Checked, check};
pub use checksum::Checksum;
pub use draft::{Draft, WriteOptions, checksum_bytes};
pub use error::{ReadError, ReadErrorCause};
pub use format::{VERSION_MAX, Version};
pub use payload::{
    RestoreError, dump, dump_plain, is_intact, is_plain, restore, restore_unverified, restore_value,
};
pub use pieces::{Changed, LargeDump};
pub use reader::{ChecksumOutcome, Item, Reader, Stage};
pub use summary::Summary;
pub use value::LoadLimits;
pub use write::LargeForm;
