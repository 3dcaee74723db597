//! Replication on real processes: what operators do by hand, a real Redis on either end, restarts,
//! bad peers, and replicas that are slow.

#[path = "../persistence/dataset.rs"]
mod dataset;
mod interop;
mod load;
mod nodes;
mod restarts;
mod roles;
mod scenarios;
