//! Tools around the server.
//!
//! [`link()`] makes the names under which guides expect the programs. [`check_aof()`] says whether
//! an append-only file is whole.

#![forbid(unsafe_code)]

mod check_aof;
mod link;

pub use check_aof::check_aof;
pub use link::{LinkError, link};
