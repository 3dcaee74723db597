//! Servers on a simulated disk: faults, crashes and checkers, all from one seed.
//!
//! - [`disk`]: a [`SimDisk`] loses what was not synced and fails on purpose.

#![forbid(unsafe_code)]

pub mod disk;

pub use disk::{Call, Fault, SimDisk};
