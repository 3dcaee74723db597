//! Splitting a line into words, with quotes: inline commands, redis.conf lines, `redis-cli` input.
//!
//! Words are separated by white space. `"..."` understands `\n \r \t \b \a \xHH` and `\` before
//! any other character; `'...'` understands `\'` alone. A closing quote must be followed by white
//! space or the end of the line. A quote may open in the middle of a word (`ab"c d"` is one
//! word). The line ends at its first zero byte, as it does for Redis.
//!
//! Source: redis.io, "Redis configuration file" (quoted strings); "RESP protocol spec", inline
//! commands.

use std::ops::Range;

/// A quote was not closed, or something other than white space followed a closing quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnbalancedQuotes;

impl std::fmt::Display for UnbalancedQuotes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("unbalanced quotes")
    }
}

impl std::error::Error for UnbalancedQuotes {}

/// Splits `line` into owned words.
///
/// # Errors
/// [`UnbalancedQuotes`].
pub fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let mut line = line.to_vec();
    let mut words = Vec::new();
    split_in_place(&mut line, |range| words.push(range))?;
    Ok(words.into_iter().map(|range: Range<usize>| line[range].to_vec()).collect())
}

/// Splits `line` without allocating: each word is decoded where it stands (decoding never makes
/// a word longer) and `found` is told its place. `line` is overwritten, also when this fails.
///
/// # Errors
/// [`UnbalancedQuotes`]; `found` may have been called before.
pub fn split_in_place(
    line: &mut [u8],
    mut found: impl FnMut(Range<usize>),
) -> Result<(), UnbalancedQuotes> {
    let end = memchr_zero(line);
    let mut read = 0;
    loop {
        while read < end && is_space(line[read]) {
            read += 1;
        }
        if read == end {
            return Ok(());
        }
        let start = read;
        let mut write = read;
        while read < end {
            match line[read] {
                // A vertical tab or form feed separates words but does not end one: so does Redis.
                b' ' | b'\n' | b'\r' | b'\t' => break,
                b'"' => {
                    read = double_quoted(&mut line[..end], read + 1, &mut write)?;
                    break;
                }
                b'\'' => {
                    read = single_quoted(&mut line[..end], read + 1, &mut write)?;
                    break;
                }
                byte => {
                    line[write] = byte;
                    write += 1;
                    read += 1;
                }
            }
        }
        found(start..write);
    }
}

/// Decodes up to the closing `"` and returns the place behind it.
fn double_quoted(
    line: &mut [u8],
    mut read: usize,
    write: &mut usize,
) -> Result<usize, UnbalancedQuotes> {
    loop {
        let (byte, used) = match &line[read.min(line.len())..] {
            [] => return Err(UnbalancedQuotes),
            [b'"', rest @ ..] => return closed(rest, read + 1),
            [b'\\', b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex_digit(*high) << 4 | hex_digit(*low), 4)
            }
            [b'\\', escaped, ..] => (unescape(*escaped), 2),
            [byte, ..] => (*byte, 1),
        };
        line[*write] = byte;
        *write += 1;
        read += used;
    }
}

/// Decodes up to the closing `'` and returns the place behind it.
fn single_quoted(
    line: &mut [u8],
    mut read: usize,
    write: &mut usize,
) -> Result<usize, UnbalancedQuotes> {
    loop {
        let (byte, used) = match &line[read.min(line.len())..] {
            [] => return Err(UnbalancedQuotes),
            [b'\\', b'\'', ..] => (b'\'', 2),
            [b'\'', rest @ ..] => return closed(rest, read + 1),
            [byte, ..] => (*byte, 1),
        };
        line[*write] = byte;
        *write += 1;
        read += used;
    }
}

fn closed(rest: &[u8], behind: usize) -> Result<usize, UnbalancedQuotes> {
    match rest.first() {
        Some(&byte) if !is_space(byte) => Err(UnbalancedQuotes),
        _ => Ok(behind),
    }
}

fn memchr_zero(line: &[u8]) -> usize {
    line.iter().position(|&byte| byte == 0).unwrap_or(line.len())
}

/// White space of the C locale, vertical tab included.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

const fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

const fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte - b'A' + 10,
    }
}

/// Writes `text` so that [`split`] reads it back as one word, in the form Redis prints:
/// double quotes, `\\` and `\"`, the named escapes, `\xHH` for other unprintable bytes.
pub fn quote(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for &byte in text {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x07 => out.extend_from_slice(b"\\a"),
            0x08 => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => {
                let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                out.extend_from_slice(b"\\x");
                out.extend_from_slice(&digits);
            }
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(line: &str, expected: &[&[u8]]) {
        let words = split(line.as_bytes()).unwrap();
        assert_eq!(words, expected, "{line:?}");
    }

    #[test]
    fn words_and_quotes() {
        check("", &[]);
        check("  \t ", &[]);
        check("set k v", &[b"set", b"k", b"v"]);
        check("  set\tk \r\n", &[b"set", b"k"]);
        check(r#"set k """#, &[b"set", b"k", b""]);
        check(r#""a b" 'c d'"#, &[b"a b", b"c d"]);
        check(r#"ab"c d""#, &[b"abc d"]);
        check(r#""\x41\n\q\\\"" x"#, &[b"A\nq\\\"", b"x"]);
        check(r#""\xZZ\x4""#, &[b"xZZx4"]);
        check(r"'it\'s \n'", &[b"it's \\n"]);
        check("a\x0bb \x0bc", &[b"a\x0bb", b"c"]);
        check("a b\0c d", &[b"a", b"b"]);
    }

    #[test]
    fn unbalanced() {
        for line in ["\"abc", "'abc", "\"a\"b", "'a'b", "\"abc\\", "\"abc\\\"", "'a\\'"] {
            assert_eq!(split(line.as_bytes()), Err(UnbalancedQuotes), "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn quoted_words_come_back(words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..5)) {
            let mut line = Vec::new();
            for word in &words {
                quote(word, &mut line);
                line.push(b' ');
            }
            prop_assert_eq!(split(&line).unwrap(), words);
        }

        #[test]
        fn garbage_never_panics(line in prop::collection::vec(prop::sample::select(&b"ab \\\"'xn4\n\0"[..]), 0..40)) {
            let _ = split(&line);
        }
    }
}
