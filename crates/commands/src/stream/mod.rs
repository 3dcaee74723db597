//! The stream commands.

use dunlin_values::Entry;
use dunlin_values::stream::Stream;

use crate::command::Command;
use crate::error::CommandError;

mod claim;
mod entry_reply;
mod groups;
mod id;
mod range;
mod read_options;
mod streams_reply;
#[cfg(test)]
mod tests;
mod trim_options;
mod xack;
mod xadd;
mod xautoclaim;
mod xclaim;
mod xdel;
mod xgroup;
mod xinfo;
mod xlen;
mod xpending;
mod xrange;
mod xread;
mod xreadgroup;
mod xrevrange;
mod xsetid;
mod xtrim;

/// The commands of this group.
pub(crate) const COMMANDS: &[Command] = &[
    xack::COMMAND,
    xadd::COMMAND,
    xautoclaim::COMMAND,
    xclaim::COMMAND,
    xdel::COMMAND,
    xgroup::COMMAND,
    xinfo::COMMAND,
    xlen::COMMAND,
    xpending::COMMAND,
    xrange::COMMAND,
    xread::COMMAND,
    xreadgroup::COMMAND,
    xrevrange::COMMAND,
    xsetid::COMMAND,
    xtrim::COMMAND,
];

/// The stream a key holds.
///
/// # Errors
/// [`CommandError::WrongType`].
#[inline]
fn stream_of(entry: &Entry) -> Result<&Stream, CommandError> {
    entry.stream().ok_or(CommandError::WrongType)
}
