//! Servers on a simulated disk: faults, crashes and checkers, all from one seed.
//!
//! - [`disk`]: a [`SimDisk`] loses what was not synced and fails on purpose.
//! - [`jobs`]: [`Jobs`] steps the work beside the command thread in any order.
//! - [`server`]: a [`SimServer`] is a whole server with its clients and its time.
//! - [`network`]: a [`Network`] joins several of them by streams that are slow and get cut.
//! - [`bus`]: a [`Bus`] is a cluster without data: the protocol alone, on as many machines as asked for.
//! - [`seeds`](mod@seeds): which seeds a test runs.

#![forbid(unsafe_code)]

pub mod bus;
pub mod disk;
pub mod jobs;
pub mod network;
pub mod seeds;
pub mod server;

pub use bus::Bus;
pub use disk::{Call, Fault, SimDisk};
pub use jobs::{Jobs, SimBackend, SyncPlace};
pub use network::{Network, WireNumber};
pub use seeds::seeds;
pub use server::{SimServer, SimTime};
