//! The list of all commands: each group's own list, in the order of the documentation.

use crate::command::Command;
use crate::table::Table;

/// The groups.
const GROUPS: &[&[Command]] = &[
    crate::bitmap::COMMANDS,
    crate::cluster::COMMANDS,
    crate::connection::COMMANDS,
    crate::generic::COMMANDS,
    crate::geo::COMMANDS,
    crate::hash::COMMANDS,
    crate::hyperloglog::COMMANDS,
    crate::list::COMMANDS,
    crate::pubsub::COMMANDS,
    crate::replication::COMMANDS,
    crate::server::COMMANDS,
    crate::set::COMMANDS,
    crate::sorted_set::COMMANDS,
    crate::stream::COMMANDS,
    crate::string::COMMANDS,
    crate::transactions::COMMANDS,
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

    /// The lists it is made of, for whoever adds commands of their own (tests).
    #[must_use]
    pub const fn groups() -> &'static [&'static [Command]] {
        GROUPS
    }
}
