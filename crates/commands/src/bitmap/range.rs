//! The part of a string that BITCOUNT and BITPOS look at.

use std::ops::Range;

use crate::error::CommandError;

/// What the numbers of a range count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Bytes.
    Byte,
    /// Bits.
    Bit,
}

impl Unit {
    /// Reads BYTE or BIT, in any case.
    ///
    /// # Errors
    /// [`CommandError::Syntax`].
    pub(super) fn parse(word: &[u8]) -> Result<Self, CommandError> {
        if word.eq_ignore_ascii_case(b"BIT") {
            Ok(Self::Bit)
        } else if word.eq_ignore_ascii_case(b"BYTE") {
            Ok(Self::Byte)
        } else {
            Err(CommandError::Syntax)
        }
    }
}

/// The bits from `start` to `end`, both included, of a string of `len` bytes; negative numbers
/// count from the end. Empty if there are none.
pub(super) fn bits(start: i64, end: i64, unit: Unit, len: usize) -> Range<u64> {
    let bits_each = if unit == Unit::Byte { 8 } else { 1 };
    let total = len as i64 * 8 / bits_each;
    let from_end = |index: i64| if index < 0 { (total + index).max(0) } else { index };
    let (start, end) = (from_end(start), from_end(end).min(total - 1));
    if start > end {
        return 0..0;
    }
    (start * bits_each) as u64..((end + 1) * bits_each) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_include_both_ends() {
        for (start, end, unit, expected) in [
            (0, -1, Unit::Byte, 0..24),
            (0, -1, Unit::Bit, 0..24),
            (1, 1, Unit::Byte, 8..16),
            (5, 9, Unit::Bit, 5..10),
            (-2, -1, Unit::Byte, 8..24),
            (-2, -1, Unit::Bit, 22..24),
            (2, 1, Unit::Byte, 0..0),
            (3, 9, Unit::Byte, 0..0),
            (i64::MIN, i64::MAX, Unit::Bit, 0..24),
            (i64::MAX, i64::MIN, Unit::Byte, 0..0),
        ] {
            assert_eq!(bits(start, end, unit, 3), expected, "{start} {end} {unit:?}");
        }
        assert_eq!(bits(0, -1, Unit::Byte, 0), 0..0);
    }
}
