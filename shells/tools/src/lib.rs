//! Tools around the server.
//!
//! [`link()`] makes the names under which guides expect the programs. [`check_rdb()`] says whether a
//! snapshot can be loaded, [`check_aof()`] whether an append-only file is whole. [`cluster()`] starts a
//! cluster on this machine.

#![forbid(unsafe_code)]

mod check_aof;
mod check_rdb;
mod cluster;
mod link;

pub use check_aof::check_aof;
pub use check_rdb::check_rdb;
pub use cluster::cluster;
pub use link::{LinkError, link};
