//! Commands about the connection itself.

use crate::table::Command;

mod echo;
mod ping;
mod select;

/// The group's part of the command table.
pub const COMMANDS: &[Command] = &[echo::COMMAND, ping::COMMAND, select::COMMAND];
