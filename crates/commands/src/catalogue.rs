//! The list of all commands: each group's own list, in the order of the documentation.

use crate::command::Command;
use crate::table::Table;

/// The groups.
const GROUPS: &[&[Command]] = &[
    crate::bitmap::COMMANDS,
    crate::connection::COMMANDS,
    crate::generic::COMMANDS,
    crate::server::COMMANDS,
    crate::string::COMMANDS,
];

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// The table of every command, each under its own name.
    #[must_use]
    pub fn new() -> Self {
        Self::of(GROUPS)
    }
}
