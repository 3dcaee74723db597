//! The list commands.

use crate::command::Command;

/// The commands of this group.
pub(crate) const COMMANDS: &[Command] = &[];
