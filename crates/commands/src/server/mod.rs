//! Commands about the server itself.

pub mod command;
pub mod config;
pub mod info;
pub mod latency;
mod latency_doctor;
pub mod lolwut;
pub mod memory;
mod memory_doctor;
mod memory_overview;
pub mod monitor;
pub mod slowlog;
mod sparkline;

use crate::table::Command;

/// The commands of this group.
pub const COMMANDS: &[Command] = &[
    command::COMMAND,
    config::COMMAND,
    info::COMMAND,
    latency::COMMAND,
    lolwut::COMMAND,
    memory::COMMAND,
    monitor::COMMAND,
    slowlog::COMMAND,
];
