//! What DUMP replies and RESTORE takes: one value, with the version and a checksum behind it.
//!
//! ```text
//! type u8 | value | version u16le | checksum u64le of everything before
//! ```

use dunlin_stdx::time::UnixMs;
use dunlin_values::Entry;

use crate::checksum::Checksum;
use crate::draft::{Draft, WriteOptions};
use crate::error::ReadError;
use crate::format::{VERSION_MAX, Version};
use crate::source::{SliceSource, Source as _};
use crate::value::{LoadLimits, ValueReader};

/// Bytes behind the value: version and checksum.
pub(crate) const FOOTER_LEN: usize = 10;
const CHECKSUM_LEN: usize = 8;

/// The value of `entry` as DUMP replies it: of `version`, or of a later one if it needs that.
#[must_use]
pub fn dump(entry: &Entry, version: Version) -> Vec<u8> {
    dump_as(entry, &WriteOptions { version, ..WriteOptions::default() })
}

/// The value of `entry` for a peer as old as Redis 7.0: a hash goes without deadlines of its fields.
#[must_use]
pub fn dump_plain(entry: &Entry) -> Vec<u8> {
    let version = Version::V10;
    dump_as(entry, &WriteOptions { version, plain_hashes: true })
}

fn dump_as(entry: &Entry, options: &WriteOptions) -> Vec<u8> {
    let version = options.version;
    let mut draft = Draft::new();
    draft.typed_value(entry, options);
    let version = if draft.wrote_field_deadlines() { version.max(Version::V12) } else { version };
    let mut bytes = Vec::with_capacity(draft.len_bytes() + FOOTER_LEN);
    draft.finish(None, &mut |piece| bytes.extend_from_slice(piece));
    bytes.extend_from_slice(&version.number().to_le_bytes());
    bytes.extend_from_slice(&Checksum::of(&bytes).to_le_bytes());
    bytes
}

/// Why a payload is not restored.
#[derive(Debug)]
pub enum RestoreError {
    /// Its version is not known here, or its checksum is wrong.
    VersionOrChecksum,
    /// It is not a value.
    Corrupt(ReadError),
    /// It is a collection without members.
    Empty,
}

/// Whether version and checksum of a payload are right; else it is not worth reading.
#[must_use]
pub fn is_intact(payload: &[u8]) -> bool {
    let Some((rest, checksum)) = payload.split_last_chunk::<CHECKSUM_LEN>() else { return false };
    let Some((_, version)) = rest.split_last_chunk::<2>() else { return false };
    u16::from_le_bytes(*version) <= VERSION_MAX
        && u64::from_le_bytes(*checksum) == Checksum::of(rest)
}

/// Whether a peer as old as Redis 7.0 takes payloads of this one's version.
#[must_use]
pub fn is_plain(payload: &[u8]) -> bool {
    let footer = payload.last_chunk::<FOOTER_LEN>();
    footer.is_some_and(|footer| u16::from_le_bytes([footer[0], footer[1]]) <= Version::V10.number())
}

/// Makes the value in `payload` one of `key`.
///
/// # Errors
/// [`RestoreError`]
pub fn restore(
    payload: &[u8],
    key: &[u8],
    deadline: Option<UnixMs>,
    limits: LoadLimits,
) -> Result<Entry, RestoreError> {
    if !is_intact(payload) {
        return Err(RestoreError::VersionOrChecksum);
    }
    restore_value(&payload[..payload.len() - FOOTER_LEN], key, deadline, limits)
}

/// As [`restore`], whatever version and checksum say (DEBUG SET-SKIP-CHECKSUM-VALIDATION).
///
/// # Errors
/// [`RestoreError`]
pub fn restore_unverified(
    payload: &[u8],
    key: &[u8],
    deadline: Option<UnixMs>,
    limits: LoadLimits,
) -> Result<Entry, RestoreError> {
    let value_len = payload.len().checked_sub(FOOTER_LEN).ok_or(RestoreError::VersionOrChecksum)?;
    restore_value(&payload[..value_len], key, deadline, limits)
}

/// The same without version and checksum, as it stands in front of them.
///
/// # Errors
/// [`RestoreError`], but not for version and checksum.
pub fn restore_value(
    value: &[u8],
    key: &[u8],
    deadline: Option<UnixMs>,
    limits: LoadLimits,
) -> Result<Entry, RestoreError> {
    let mut source = SliceSource::new(value);
    let kind = source.byte().map_err(RestoreError::Corrupt)?;
    let mut values = ValueReader::new(limits);
    match values.read(kind, &mut source).map_err(RestoreError::Corrupt)? {
        Some(value) => Ok(Entry::new(key, value, deadline)),
        None => Err(RestoreError::Empty),
    }
}
