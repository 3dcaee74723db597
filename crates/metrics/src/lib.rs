//! What a server counts and remembers about itself, for INFO, LATENCY and SLOWLOG.
//!
//! [`Metrics`] gathers it all: [`Counters`], one [`CommandStats`] for each command, how often each
//! error code was sent ([`ErrorCounts`]), the [`SlowLog`], the [`LatencyMonitor`] and the [`Rates`]
//! of the last seconds. Plain values: they are told what happened and when, and read no clock.
//!
//! Invariants: what a client can make grow is bounded (codes of errors, samples of an event, length
//! of a slow log entry). This crate must never know how anything it counts is done.

#![forbid(unsafe_code)]

mod command_stats;
mod counters;
mod errors;
mod histogram;
mod latency;
mod metrics;
mod rates;
mod slow_log;
mod spells;
mod ticks;

pub use command_stats::CommandStats;
pub use counters::Counters;
pub use errors::ErrorCounts;
pub use histogram::Histogram;
pub use latency::{EventHistory, LatencyMonitor, LatencySample, LatencySummary};
pub use metrics::Metrics;
pub use rates::{Rate, Rates};
pub use slow_log::{SlowCommand, SlowLog, SlowLogEntry};
pub use spells::Spells;
pub use ticks::TickScale;
