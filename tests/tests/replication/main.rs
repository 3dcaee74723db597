//! Replication on real processes: what operators do by hand, a real Redis on either end, restarts,
//! bad peers, and replicas that are slow.

mod bad_peers;
#[path = "../persistence/dataset.rs"]
mod dataset;
mod interop;
mod limits;
mod load;
mod nodes;
mod peers;
mod restarts;
mod roles;
mod scenarios;
