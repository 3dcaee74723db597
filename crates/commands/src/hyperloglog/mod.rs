//! The HyperLogLog commands. The values are strings; what is in them: `dunlin_values::hyperloglog`.

use dunlin_values::hyperloglog::HyperLogLog;
use dunlin_values::{Entry, StringRef};

use crate::command::Command;
use crate::context::Context;
use crate::error::CommandError;

mod pfadd;
mod pfcount;
mod pfdebug;
mod pfmerge;
mod pfselftest;

/// The commands of this group.
pub(crate) const COMMANDS: &[Command] =
    &[pfadd::COMMAND, pfcount::COMMAND, pfdebug::COMMAND, pfmerge::COMMAND, pfselftest::COMMAND];

/// The registers of a value do not add up.
const CORRUPT: CommandError = CommandError::fixed("INVALIDOBJ Corrupted HLL object detected");

/// The value of a key.
///
/// # Errors
/// [`CommandError::WrongType`] if the key holds no string, and an error of the same code if the
/// string is none of a HyperLogLog.
fn parse(entry: &Entry) -> Result<HyperLogLog<'_>, CommandError> {
    let bytes = match entry.string().ok_or(CommandError::WrongType)? {
        StringRef::Int(_) => None,
        StringRef::Bytes(bytes) => Some(bytes),
        StringRef::Shared(bytes) => Some(bytes.as_ref()),
    };
    bytes
        .and_then(HyperLogLog::parse)
        .ok_or(CommandError::fixed("WRONGTYPE Key is not a valid HyperLogLog string value."))
}

/// Longest sparse value (`hll-sparse-max-bytes`).
fn sparse_bytes_max(cx: &Context<'_>) -> usize {
    usize::try_from(cx.config.encodings.hll_sparse_max_bytes).unwrap_or(usize::MAX)
}
