//! Checking bytes that come from elsewhere.

use std::fmt;

use super::element::{Element, back_len, decode};
use super::{COUNT_UNKNOWN, END, HEADER_LEN};

/// Why bytes are not a listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt {
    /// Offset of what is wrong.
    pub at: usize,
    /// What is wrong.
    pub reason: &'static str,
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listpack: {} at byte {}", self.reason, self.at)
    }
}

impl std::error::Error for Corrupt {}

/// Checks every byte; tells the count of elements.
///
/// # Errors
/// [`Corrupt`] with the first thing that is wrong.
pub fn validate(bytes: &[u8]) -> Result<usize, Corrupt> {
    survey(bytes).map(|survey| survey.count)
}

/// What a listpack that comes from elsewhere is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Count of elements.
    pub count: usize,
    /// Whether every text that is a number is held as one. Else nobody would find it:
    /// [`super::normalized`] helps.
    pub is_normal: bool,
}

/// Checks every byte; tells what the listpack is like.
///
/// # Errors
/// [`Corrupt`] with the first thing that is wrong.
pub fn survey(bytes: &[u8]) -> Result<Survey, Corrupt> {
    let corrupt = |at, reason| Err(Corrupt { at, reason });
    let Some((header, _)) = bytes.split_first_chunk::<HEADER_LEN>() else {
        return corrupt(0, "too short for a header");
    };
    let total = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
    if total as usize != bytes.len() {
        return corrupt(0, "length differs from the header");
    }
    let Some(end) = bytes.len().checked_sub(1).filter(|&end| end >= HEADER_LEN) else {
        return corrupt(0, "no room for the end");
    };
    if bytes[end] != END {
        return corrupt(end, "no end");
    }
    let (mut at, mut count, mut is_normal) = (HEADER_LEN, 0, true);
    while at < end {
        let Some((element, body)) = decode(&bytes[..end], at) else {
            return corrupt(at, "unknown or cut element");
        };
        if let Element::Text(text) = element {
            is_normal &= Element::of(text) == element;
        }
        let behind = at + body;
        let (back, back_bytes) = back_len(body);
        if bytes[..end].get(behind..behind + back_bytes) != Some(&back[..back_bytes]) {
            return corrupt(behind, "wrong length behind an element");
        }
        (at, count) = (behind + back_bytes, count + 1);
    }
    let counted = u16::from_le_bytes([header[4], header[5]]);
    if counted != COUNT_UNKNOWN && usize::from(counted) != count {
        return corrupt(4, "count differs from the header");
    }
    Ok(Survey { count, is_normal })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listpack::EMPTY;

    #[test]
    fn what_is_wrong_is_named() {
        let hash = b"\x0d\0\0\0\x02\0\x81f\x02\x81v\x02\xff";
        assert_eq!((validate(hash), validate(&EMPTY)), (Ok(2), Ok(0)));
        let broken = |at: usize, byte: u8| {
            let mut bytes = hash.to_vec();
            bytes[at] = byte;
            validate(&bytes).unwrap_err().at
        };
        assert_eq!(broken(0, 12), 0);
        assert_eq!(broken(4, 3), 4);
        assert_eq!(broken(6, 0xff), 6);
        assert_eq!(broken(6, 0xbf), 6);
        assert_eq!(broken(8, 3), 8);
        assert_eq!(broken(12, 0), 12);
        assert_eq!(validate(&hash[..5]).unwrap_err().at, 0);
    }
}
