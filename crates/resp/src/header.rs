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

/// Reads a well-formed header of at most five digits, such as `$16\r\n`, and returns its number
/// and its length. Everything else, errors included, is left to [`line`].
///
/// The eight bytes are looked at as one word: per digit count one compare of both line-end bytes.
#[inline(always)]
pub(crate) fn short_header(input: &[u8], at: usize, kind: u8) -> Option<(usize, usize)> {
    let word = match input.get(at..at + 8) {
        Some(bytes) => u64::from_le_bytes(bytes.try_into().ok()?),
        None => tail_word(input, at),
    };
    if word as u8 != kind {
        return None;
    }
    let first = digit(word, 1)?;
    if ends(word, 2) {
        return Some((first, 4));
    }
    // Only `0` itself may begin with a zero.
    let value = first * 10 + digit(word, 2)?;
    if first == 0 {
        return None;
    }
    if ends(word, 3) {
        return Some((value, 5));
    }
    let value = value * 10 + digit(word, 3)?;
    if ends(word, 4) {
        return Some((value, 6));
    }
    let value = value * 10 + digit(word, 4)?;
    if ends(word, 5) {
        return Some((value, 7));
    }
    let value = value * 10 + digit(word, 5)?;
    if ends(word, 6) { Some((value, 8)) } else { None }
}

/// Whether the line ends at byte `at` of the word.
#[inline(always)]
const fn ends(word: u64, at: u32) -> bool {
    (word >> (at * 8)) as u16 == u16::from_le_bytes(*b"\r\n")
}

#[inline(always)]
fn digit(word: u64, at: u32) -> Option<usize> {
    let digit = ((word >> (at * 8)) as u8).wrapping_sub(b'0');
    (digit <= 9).then_some(digit as usize)
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
            ("$999\r\n", Some((999, 6))),
            ("$1000\r\nxx", Some((1000, 7))),
            ("$65535\r\n", Some((65535, 8))),
            ("$123456\r\n", None),
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
        assert_eq!(short_header(b"x$3\r\n", 1, b'$'), Some((3, 4)));
        assert_eq!(short_header(b"x", 9, b'$'), None);
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
