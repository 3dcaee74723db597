//! What a client says about itself: CLIENT SETNAME, CLIENT SETINFO, HELLO SETNAME.

/// Whether a name keeps CLIENT LIST readable, whose fields are separated by blanks: printable
/// ASCII without blanks. Empty is valid: it takes the name away.
#[must_use]
pub fn is_valid_attribute(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_graphic)
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
        check(b"two words", false);
        check(b"line\n", false);
        check(b"\x7f", false);
        check("caf\u{e9}".as_bytes(), false);
    }
}
