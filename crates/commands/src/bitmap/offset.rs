//! The place of a bit in a string, as clients write it.

use dunlin_stdx::number::parse_i64;

use crate::error::CommandError;
use crate::string::limit::StringLimit;

/// Reads the number of a bit that may be addressed.
///
/// # Errors
/// `ERR bit offset is not an integer or out of range`
pub(super) fn parse(word: &[u8], limit: StringLimit) -> Result<u64, CommandError> {
    checked(parse_i64(word), limit)
}

/// As [`parse`]; `#n` means the n-th field of `width` bits.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_field(
    word: &[u8],
    width: u32,
    limit: StringLimit,
) -> Result<u64, CommandError> {
    match word {
        // A product that overflows wraps, as in Redis; what it gives is checked all the same.
        [b'#', number @ ..] => {
            checked(parse_i64(number).map(|number| number.wrapping_mul(i64::from(width))), limit)
        }
        _ => parse(word, limit),
    }
}

fn checked(offset: Option<i64>, limit: StringLimit) -> Result<u64, CommandError> {
    offset
        .and_then(|offset| u64::try_from(offset).ok())
        .filter(|offset| limit.has_byte(offset >> 3))
        .ok_or(CommandError::fixed("ERR bit offset is not an integer or out of range"))
}
