//! Commands about the server itself.

mod bgrewriteaof;
mod bgsave;
pub mod command;
pub mod config;
mod dbsize;
mod debug;
mod digest;
mod flushall;
mod flushdb;
pub mod info;
mod lastsave;
pub mod latency;
mod latency_doctor;
pub mod lolwut;
pub mod memory;
mod memory_doctor;
mod memory_overview;
pub mod monitor;
mod save;
mod shutdown;
pub mod slowlog;
mod sparkline;
mod swapdb;
mod time;

use crate::command::Command;

pub use debug::Switches;
pub use digest::Digest;

/// The commands of this group.
pub const COMMANDS: &[Command] = &[
    bgrewriteaof::COMMAND,
    bgsave::COMMAND,
    command::COMMAND,
    config::COMMAND,
    dbsize::COMMAND,
    debug::COMMAND,
    flushall::COMMAND,
    flushdb::COMMAND,
    info::COMMAND,
    lastsave::COMMAND,
    latency::COMMAND,
    lolwut::COMMAND,
    memory::COMMAND,
    monitor::COMMAND,
    save::COMMAND,
    shutdown::COMMAND,
    slowlog::COMMAND,
    swapdb::COMMAND,
    time::COMMAND,
];
