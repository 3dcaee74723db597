//! SYNC as a replica asks for it: what comes before the data set, and the data set.

use memchr::memmem;

use super::Stopped;
use crate::connection::Connection;

/// Length of the mark at the end of a data set whose size is not known before.
const MARK_BYTES: usize = 40;
/// One piece of the data set.
const PIECE_BYTES: usize = 256 * 1024;

/// How a data set ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// After so many bytes.
    Length(u64),
    /// With these bytes.
    Mark(Vec<u8>),
}

/// What a primary answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A data set, then the stream of commands.
    Full(End),
    /// The stream of commands.
    Partial,
}

/// REPLCONF, told on standard error; whether it was taken.
pub(super) fn replconf(
    connection: &mut Connection,
    option: &str,
    value: &str,
) -> Result<bool, Stopped> {
    eprintln!("sending REPLCONF {option} {value}");
    match connection.ask(&[b"REPLCONF", option.as_bytes(), value.as_bytes()])? {
        // Old servers do not know every option.
        dunlin_resp::Value::Error(text) => {
            eprintln!("REPLCONF {option} error: {}", String::from_utf8_lossy(&text));
            Ok(false)
        }
        _ => Ok(true),
    }
}

/// Reads what is answered to SYNC or PSYNC.
pub(super) fn answer(connection: &mut Connection) -> Result<Answer, Stopped> {
    let mut line = line(connection, "SYNCing")?;
    if line.starts_with(b"-") {
        let text = String::from_utf8_lossy(&line).into_owned();
        return Err(Stopped::because(format!("SYNC with master failed: {text}")));
    }
    if line.starts_with(b"+FULLRESYNC") || line.starts_with(b"+CONTINUE") {
        eprintln!("PSYNC replied {}", String::from_utf8_lossy(&line));
        if line.starts_with(b"+CONTINUE") {
            return Ok(Answer::Partial);
        }
        line = self::line(connection, "PSYNCing")?;
    }
    let head = line.get(1..).unwrap_or_default();
    Ok(Answer::Full(match head.strip_prefix(b"EOF:") {
        Some(mark) if mark.len() >= MARK_BYTES => End::Mark(mark[..MARK_BYTES].to_vec()),
        _ => {
            let length = crate::number::leading_integer(head);
            let length = u64::try_from(length).map_err(|_| {
                let text = String::from_utf8_lossy(&line).into_owned();
                Stopped::because(format!("Invalid bulk length while SYNCing: {text}"))
            })?;
            End::Length(length)
        }
    }))
}

/// A line that is not empty: those are signs of life while a snapshot is made.
fn line(connection: &mut Connection, doing: &str) -> Result<Vec<u8>, Stopped> {
    loop {
        let line = connection
            .receive_line()
            .map_err(|_| Stopped::because(format!("Error reading bulk length while {doing}")))?;
        if !line.is_empty() {
            return Ok(line);
        }
    }
}

/// Hands the data set to `take` piece by piece, and gives its length without a mark.
pub(super) fn payload(
    connection: &mut Connection,
    end: &End,
    what_failed: &str,
    mut take: impl FnMut(&[u8]) -> Result<(), Stopped>,
) -> Result<u64, Stopped> {
    let next = |connection: &mut Connection, most: usize| {
        connection.receive_bytes(most).map_err(|_| Stopped::because(what_failed))
    };
    match end {
        End::Length(length) => {
            let mut left = *length;
            while left > 0 {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_BYTES);
                let piece = next(connection, most)?;
                left -= piece.len() as u64;
                take(&piece)?;
            }
            Ok(*length)
        }
        End::Mark(mark) => {
            let mut length = 0;
            // Bytes in which the mark may have begun are kept until what follows is known.
            let mut kept = Vec::new();
            loop {
                kept.extend_from_slice(&next(connection, PIECE_BYTES)?);
                let found = memmem::find(&kept, mark);
                let sure = found.unwrap_or(kept.len().saturating_sub(mark.len() - 1));
                take(&kept[..sure])?;
                length += sure as u64;
                if found.is_some() {
                    connection.give_back(&kept[sure + mark.len()..]);
                    return Ok(length);
                }
                kept.drain(..sure);
            }
        }
    }
}
