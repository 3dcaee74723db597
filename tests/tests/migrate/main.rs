//! MIGRATE on real processes: to and from a real Redis, through a cluster's slots, and what becomes
//! of it when the other end fails.

mod cluster;
#[allow(dead_code, reason = "only what fills a server is needed")]
#[path = "../persistence/dataset.rs"]
mod dataset;
mod faults;
mod large_payload;
mod moving;
mod sockets;
