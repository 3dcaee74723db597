//! Redis Cluster, as clients see and change it.

mod facts;
mod parameters;

pub use facts::{KeysBySlot, facts};
pub use parameters::{parameters, ports, start};
