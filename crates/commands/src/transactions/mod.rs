//! The transaction commands.

use crate::command::Command;

mod discard;
mod exec;
mod multi;
mod unwatch;
mod watch;

/// The commands of this group.
pub(crate) const COMMANDS: &[Command] =
    &[discard::COMMAND, exec::COMMAND, multi::COMMAND, unwatch::COMMAND, watch::COMMAND];
