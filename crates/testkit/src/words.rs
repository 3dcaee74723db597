//! Words as redis-cli splits them, and bytes as text that survives an editor.
//!
//! This is a second implementation beside the server's own on purpose:
//! a script must not be misread in the same way in which the server misreads a line.

/// Why a line could not be split into words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnbalancedQuotes;

/// Splits a line into words: blanks separate, `"..."` knows `\n \r \t \b \a \xhh \" \\`,
/// `'...'` knows only `\'`.
///
/// # Errors
/// [`UnbalancedQuotes`] when a quote is not closed or is followed by something else
/// than a blank.
pub fn split(line: &str) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let bytes = line.as_bytes();
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        while at < bytes.len() && bytes[at].is_ascii_whitespace() {
            at += 1;
        }
        if at == bytes.len() {
            return Ok(words);
        }
        let mut word = Vec::new();
        while at < bytes.len() && !bytes[at].is_ascii_whitespace() {
            match bytes[at] {
                quote @ (b'"' | b'\'') => {
                    at = quoted(bytes, at + 1, quote, &mut word)?;
                    if at < bytes.len() && !bytes[at].is_ascii_whitespace() {
                        return Err(UnbalancedQuotes);
                    }
                }
                byte => {
                    word.push(byte);
                    at += 1;
                }
            }
        }
        words.push(word);
    }
}

/// Reads a quoted part from `at` on and returns the index after its closing quote.
fn quoted(
    bytes: &[u8],
    mut at: usize,
    quote: u8,
    word: &mut Vec<u8>,
) -> Result<usize, UnbalancedQuotes> {
    loop {
        match *bytes.get(at).ok_or(UnbalancedQuotes)? {
            byte if byte == quote => return Ok(at + 1),
            b'\\' if quote == b'"' => at = escaped(bytes, at + 1, word)?,
            b'\\' if bytes.get(at + 1) == Some(&b'\'') => {
                word.push(b'\'');
                at += 2;
            }
            byte => {
                word.push(byte);
                at += 1;
            }
        }
    }
}

/// Reads what follows a backslash and returns the index after it.
fn escaped(bytes: &[u8], at: usize, word: &mut Vec<u8>) -> Result<usize, UnbalancedQuotes> {
    let byte = *bytes.get(at).ok_or(UnbalancedQuotes)?;
    if byte == b'x' {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        if let Some(value) = hex {
            word.push(value);
            return Ok(at + 3);
        }
    }
    word.push(match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    });
    Ok(at + 1)
}

/// Writes bytes as printable ASCII with `\r \n \t \\ \xhh`, on one line.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(byte)),
            other => text.push_str(&format!("\\x{other:02x}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[&[u8]]) {
        let words = split(line).expect("balanced quotes");
        assert_eq!(words, expected, "{line}");
    }

    #[test]
    fn splits_as_redis_cli_does() {
        check("", &[]);
        check("  SET a\tb ", &[b"SET", b"a", b"b"]);
        check(r#"SET k """#, &[b"SET", b"k", b""]);
        check(r#""a b" 'c d'"#, &[b"a b", b"c d"]);
        check(r#""\x00\xfF\n\r\t\\\"" '\n\''"#, &[b"\x00\xff\n\r\t\\\"", b"\\n'"]);
        check(r#""\xzz""#, &[b"xzz"]);
    }

    #[test]
    fn refuses_open_quotes() {
        for line in ["\"", "'a", "\"a\"b", "\"\\"] {
            assert_eq!(split(line), Err(UnbalancedQuotes), "{line}");
        }
    }

    #[test]
    fn escaped_bytes_come_back_when_quoted() {
        let all: Vec<u8> = (0..=255).collect();
        let quoted = format!("\"{}\"", escape(&all).replace('"', "\\\""));
        assert_eq!(split(&quoted), Ok(vec![all]));
    }
}
