//! Lines `*N` and `$N` of a log.

use super::fault::LogFault;

/// Digits beyond any number; Redis stops reading such a line at 127 bytes.
const DIGITS_MAX: usize = 64;

/// What stands where a header must begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// A number and the length of the line with its end.
    Whole { number: i64, len_bytes: usize },
    /// More bytes are needed.
    Incomplete,
}

/// Reads the header that `rest` begins with. Numbers that are too big become the biggest one.
#[inline(always)]
pub(crate) fn read(rest: &[u8], kind: u8) -> Result<Header, LogFault> {
    // Nearly all headers have one or two digits.
    match *rest {
        [first, one @ b'0'..=b'9', b'\r', b'\n', ..] if first == kind => {
            Ok(Header::Whole { number: i64::from(one - b'0'), len_bytes: 4 })
        }
        [first, ten @ b'0'..=b'9', one @ b'0'..=b'9', b'\r', b'\n', ..] if first == kind => {
            let number = i64::from(ten - b'0') * 10 + i64::from(one - b'0');
            Ok(Header::Whole { number, len_bytes: 5 })
        }
        _ => read_any(rest, kind),
    }
}

#[inline(never)]
fn read_any(rest: &[u8], kind: u8) -> Result<Header, LogFault> {
    let Some((&first, text)) = rest.split_first() else { return Ok(Header::Incomplete) };
    if first != kind {
        return Err(LogFault::Prefix { expected: kind, got: first });
    }
    let is_negative = text.first() == Some(&b'-');
    let digits = &text[usize::from(is_negative)..];
    let mut magnitude: i64 = 0;
    let mut count = 0;
    while let Some(digit @ b'0'..=b'9') = digits.get(count)
        && count < DIGITS_MAX
    {
        magnitude = magnitude.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
        count += 1;
    }
    let len_bytes = 1 + usize::from(is_negative) + count + 2;
    match digits[count..] {
        // No number at all.
        [next, ..] if is_negative && count == 0 => Err(LogFault::LineEnd(b'-', next)),
        [b'\r', b'\n', ..] => {
            let number = if is_negative { -magnitude } else { magnitude };
            Ok(Header::Whole { number, len_bytes })
        }
        // Redis reads lines, and nothing stands behind this one.
        [b'\n', ..] => Err(LogFault::LineEnd(b'\n', 0)),
        [one, two, ..] => Err(LogFault::LineEnd(one, two)),
        [] | [_] => Ok(Header::Incomplete),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let whole = |number, len_bytes| Ok(Header::Whole { number, len_bytes });
        for (text, expected) in [
            ("$0\r\nrest", whole(0, 4)),
            ("$42\r\n", whole(42, 5)),
            ("$1234\r\nx", whole(1234, 7)),
            ("$-1\r\n", whole(-1, 5)),
            ("$007\r\n", whole(7, 6)),
            ("$\r\n", whole(0, 3)),
            ("$99999999999999999999\r\n", whole(i64::MAX, 23)),
            ("", Ok(Header::Incomplete)),
            ("$", Ok(Header::Incomplete)),
            ("$12", Ok(Header::Incomplete)),
            ("$12\r", Ok(Header::Incomplete)),
            ("*1\r\n", Err(LogFault::Prefix { expected: b'$', got: b'*' })),
            ("$-\r", Err(LogFault::LineEnd(b'-', b'\r'))),
            ("$1\n", Err(LogFault::LineEnd(b'\n', 0))),
            ("$1\rx", Err(LogFault::LineEnd(b'\r', b'x'))),
            ("$1ab", Err(LogFault::LineEnd(b'a', b'b'))),
        ] {
            assert_eq!(read(text.as_bytes(), b'$'), expected, "{text:?}");
        }
        let long = [&b"$"[..], &[b'1'; 100]].concat();
        assert_eq!(read(&long, b'$'), Err(LogFault::LineEnd(b'1', b'1')));
    }
}
