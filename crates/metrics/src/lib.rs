//! What a server counts and remembers about itself, for INFO, LATENCY and SLOWLOG.
//!
//! Plain values: they are told what happened and when, and read no clock.
//! This crate must never know how anything it counts is done.

#![forbid(unsafe_code)]

mod command_stats;
mod counters;

pub use command_stats::CommandStats;
pub use counters::Counters;
