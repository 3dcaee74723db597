//! IDs as clients write them.

use dunlin_values::stream::StreamId;
use smallvec::SmallVec;

use crate::error::CommandError;

/// IDs of one command; few need no allocation.
pub(super) type Ids = SmallVec<[StreamId; 8]>;

const INVALID_ID: CommandError =
    CommandError::fixed("ERR Invalid stream ID specified as stream command argument");

/// Reads an ID; one without its second half gets `missing_seq`.
///
/// # Errors
/// "Invalid stream ID", also for `-` and `+`.
pub(super) fn parse_id(text: &[u8], missing_seq: u64) -> Result<StreamId, CommandError> {
    StreamId::parse(text, missing_seq).ok_or(INVALID_ID)
}

/// Reads all IDs of a command, before it does anything.
///
/// # Errors
/// As [`parse_id`].
pub(super) fn parse_ids(words: &[&[u8]]) -> Result<Ids, CommandError> {
    words.iter().map(|word| parse_id(word, 0)).collect()
}

/// Reads an ID that may also be `-` or `+`.
///
/// # Errors
/// "Invalid stream ID".
pub(super) fn parse_id_or_edge(text: &[u8], missing_seq: u64) -> Result<StreamId, CommandError> {
    match text {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        _ => parse_id(text, missing_seq),
    }
}

/// Reads the first ID of a range: `-`, `+`, an ID, or `(` and an ID that is not part of it.
///
/// # Errors
/// "Invalid stream ID"; "invalid start ID for the interval" if nothing can follow.
pub(super) fn parse_range_start(text: &[u8]) -> Result<StreamId, CommandError> {
    const NOTHING_BEHIND: CommandError =
        CommandError::fixed("ERR invalid start ID for the interval");
    match text {
        [b'(', id @ ..] if !id.is_empty() => parse_id(id, 0)?.next().ok_or(NOTHING_BEHIND),
        _ => parse_id_or_edge(text, 0),
    }
}

/// Reads the last ID of a range, as [`parse_range_start`] reads the first.
///
/// # Errors
/// "Invalid stream ID"; "invalid end ID for the interval" if nothing can precede.
pub(super) fn parse_range_end(text: &[u8]) -> Result<StreamId, CommandError> {
    const NOTHING_BEFORE: CommandError = CommandError::fixed("ERR invalid end ID for the interval");
    match text {
        [b'(', id @ ..] if !id.is_empty() => {
            parse_id(id, u64::MAX)?.previous().ok_or(NOTHING_BEFORE)
        }
        _ => parse_id_or_edge(text, u64::MAX),
    }
}
