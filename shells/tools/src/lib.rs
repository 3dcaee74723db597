//! Tools around the server.
//!
//! [`link()`] makes the names under which guides expect the programs, [`write_scripts()`] the scripts
//! that people edit. [`check_rdb()`] says whether a
//! snapshot can be loaded, [`check_aof()`] whether an append-only file is whole. [`cluster()`] starts a
//! cluster on this machine, [`install_service()`] makes a server a service of it, [`doctor()`] says what
//! of it is in a server's way.

#![forbid(unsafe_code)]

mod check_aof;
mod check_rdb;
mod cluster;
mod command_line;
mod doctor;
mod json;
mod link;
mod scripts;
mod service;

pub use check_aof::check_aof;
pub use check_rdb::check_rdb;
pub use cluster::cluster;
pub use doctor::doctor;
pub use link::{LinkError, link};
pub use scripts::{CREATE_CLUSTER, INIT_SCRIPT, INSTALL_SERVER, write_scripts};
pub use service::install_service;
