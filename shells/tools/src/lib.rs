//! Tools around the server.
//!
//! [`link()`] makes the names under which guides expect the programs.

#![forbid(unsafe_code)]

mod link;

pub use link::{LinkError, link};
