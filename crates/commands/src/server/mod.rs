//! Commands about the server itself.

pub mod command;
pub mod config;
pub mod latency;
mod latency_doctor;
pub mod lolwut;
pub mod monitor;
pub mod slowlog;
mod sparkline;

use crate::table::Command;

/// The commands of this group.
pub const COMMANDS: &[Command] = &[
    command::COMMAND,
    config::COMMAND,
    latency::COMMAND,
    lolwut::COMMAND,
    monitor::COMMAND,
    slowlog::COMMAND,
];
