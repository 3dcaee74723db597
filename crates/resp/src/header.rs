//! Lines `*N` and `$N`: the most executed code of a server.

/// The longest stretch that is searched for the end of a line (`PROTO_INLINE_MAX_SIZE`).
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;

/// What stands at a place where a line must begin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// The text up to the carriage return, and the length with both end bytes.
    Whole(&'a [u8], usize),
    /// More bytes are needed.
    Incomplete,
    /// No end within [`LINE_BYTES_MAX`].
    TooLong,
}

/// Finds the line that `rest` begins with. The byte behind the carriage return is not looked at,
/// and a zero byte hides everything behind it, both as in Redis.
pub(crate) fn line(rest: &[u8]) -> Line<'_> {
    match memchr::memchr2(b'\r', 0, rest) {
        Some(end) if rest[end] == b'\r' => {
            if end + 2 <= rest.len() {
                Line::Whole(&rest[..end], end + 2)
            } else {
                Line::Incomplete
            }
        }
        _ if rest.len() > LINE_BYTES_MAX => Line::TooLong,
        _ => Line::Incomplete,
    }
}

/// Reads a well-formed header of one or two digits, such as `$16\r\n`, and returns its number and
/// its length. Everything else, errors included, is left to [`line()`].
///
/// The first eight bytes are looked at as one word: kind and line end are compared at once.
#[inline(always)]
pub(crate) fn short_header(input: &[u8], at: usize, kind: u8) -> Option<(usize, usize)> {
    let word = match input.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => tail_word(input, at),
    };
    let first = digit(word, 1);
    if word & frame_mask(1) == frame(kind, 1) {
        return if first <= 9 { Some((first, 4)) } else { None };
    }
    let second = digit(word, 2);
    // Only `0` itself may begin with a zero.
    if word & frame_mask(2) == frame(kind, 2) && first.wrapping_sub(1) <= 8 && second <= 9 {
        return Some((first * 10 + second, 5));
    }
    None
}

/// The bytes of a header that are not digits: the kind, and the line end behind `digits` digits.
const fn frame_mask(digits: u32) -> u64 {
    0xff | 0xffff << ((digits + 1) * 8)
}

const fn frame(kind: u8, digits: u32) -> u64 {
    kind as u64 | (u16::from_le_bytes(*b"\r\n") as u64) << ((digits + 1) * 8)
}

/// The digit at a byte of the word; above nine if it is none.
#[inline(always)]
const fn digit(word: u64, at: u32) -> usize {
    ((word >> (at * 8)) as u8).wrapping_sub(b'0') as usize
}

/// The last, fewer than eight, bytes of the input, filled up with zeros.
#[inline(never)]
fn tail_word(input: &[u8], at: usize) -> u64 {
    let rest = input.get(at..).unwrap_or_default();
    rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_headers() {
        for (text, expected) in [
            ("$0\r\n", Some((0, 4))),
            ("$7\r\nabcdefg", Some((7, 4))),
            ("$16\r\n", Some((16, 5))),
            ("$10\r\n", Some((10, 5))),
            ("$99\r\nabcdefg", Some((99, 5))),
            ("$999\r\n", None),
            ("$\r\n", None),
            ("$01\r\n", None),
            ("$00\r\n", None),
            ("$1", None),
            ("$1\r", None),
            ("$1\n\r", None),
            ("*1\r\n", None),
            ("$-1\r\n", None),
            ("$1a\r\n", None),
            ("", None),
        ] {
            assert_eq!(short_header(text.as_bytes(), 0, b'$'), expected, "{text:?}");
        }
    }

    #[test]
    fn lines() {
        assert_eq!(line(b"*12\r\nrest"), Line::Whole(b"*12", 5));
        assert_eq!(line(b"*12\rXrest"), Line::Whole(b"*12", 5));
        assert_eq!(line(b"*12\r"), Line::Incomplete);
        assert_eq!(line(b"*\x0012\r\n"), Line::Incomplete);
        assert_eq!(line(&[b'1'; LINE_BYTES_MAX]), Line::Incomplete);
        assert_eq!(line(&[b'1'; LINE_BYTES_MAX + 1]), Line::TooLong);
    }
}
