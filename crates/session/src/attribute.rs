//! What a client says about itself: CLIENT SETNAME, CLIENT SETINFO, HELLO SETNAME.

/// Whether a name keeps CLIENT LIST readable, whose fields are separated by blanks: printable
/// ASCII without blanks. Empty is valid: it takes the name away. What follows a zero byte is not
/// looked at, and not shown (`shown_attribute`).
#[must_use]
pub fn is_valid_attribute(value: &[u8]) -> bool {
    shown_attribute(value).iter().all(u8::is_ascii_graphic)
}

/// What CLIENT LIST shows of a name: up to the first zero byte.
pub(crate) fn shown_attribute(value: &[u8]) -> &[u8] {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    &value[..end]
}

/// What the client gets whose name is not [valid](is_valid_attribute).
pub const INVALID_NAME: &str =
    "ERR Client names cannot contain spaces, newlines or special characters.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printable_words() {
        let check = |name: &[u8], expected: bool| {
            assert_eq!(is_valid_attribute(name), expected, "{name:?}");
        };
        check(b"", true);
        check(b"worker-1:~!", true);
        check(b"a\0b c", true);
        check(b"two words", false);
        check(b"line\n", false);
        check(b"\x7f", false);
        check("caf\u{e9}".as_bytes(), false);
    }
}
