//! The stream commands.

use dunlin_values::Entry;
use dunlin_values::stream::Stream;

use crate::command::Command;
use crate::error::CommandError;

mod entry_reply;
mod id;
mod range;
mod read_options;
mod streams_reply;
mod trim_options;
mod xadd;
mod xdel;
mod xlen;
mod xrange;
mod xread;
mod xrevrange;
mod xtrim;

/// The commands of this group.
pub(crate) const COMMANDS: &[Command] = &[
    xadd::COMMAND,
    xdel::COMMAND,
    xlen::COMMAND,
    xrange::COMMAND,
    xread::COMMAND,
    xrevrange::COMMAND,
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
