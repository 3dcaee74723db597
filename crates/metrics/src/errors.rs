//! How often each error code was sent (INFO's `errorstats`).
//!
//! Differs: the list is bounded; 7.2 counts every code that a script makes up.

use std::collections::BTreeMap;

/// Codes that are counted apart. Scripts make up codes of their own, so a client could grow the
/// list without end; the server itself knows about 30.
const CODES_MAX: usize = 128;

/// Under which name errors are counted whose code is not in the full list.
const OVERFLOW: &[u8] = b"ERRORSTATS_OVERFLOW";

/// The code is looked for in this many bytes of the text, the `-` before it included.
const CODE_BYTES_MAX: usize = 32;

/// Error replies by code.
#[derive(Clone, Debug, Default)]
pub struct ErrorCounts {
    counts: BTreeMap<Box<[u8]>, u64>,
}

impl ErrorCounts {
    /// Counts an error by its text, without the leading `-`.
    pub fn count(&mut self, text: &[u8]) {
        let mut code = code(text);
        if let Some(count) = self.counts.get_mut(code) {
            *count += 1;
            return;
        }
        if self.counts.len() >= CODES_MAX {
            code = OVERFLOW;
        }
        *self.counts.entry(code.into()).or_default() += 1;
    }

    /// How often an error of this code was sent.
    #[must_use]
    pub fn of(&self, code: &[u8]) -> u64 {
        self.counts.get(code).copied().unwrap_or(0)
    }

    /// The codes and how often each was sent, in the order of the codes.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.counts.iter().map(|(code, &count)| (&**code, count))
    }
}

/// The first word of an error, or `ERR` for a text that does not begin with a code.
fn code(text: &[u8]) -> &[u8] {
    let searched = &text[..text.len().min(CODE_BYTES_MAX - 1)];
    match searched.iter().position(|&byte| byte == b' ') {
        Some(end) => &text[..end],
        None => b"ERR",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_by_their_first_word() {
        let mut errors = ErrorCounts::default();
        for text in ["WRONGTYPE Operation", "ERR no such key", "NOAUTH", "ERR syntax error"] {
            errors.count(text.as_bytes());
        }
        errors.count(&[b'x'; 100]);
        let counted: Vec<_> = errors.iter().collect();
        assert_eq!(counted, [(&b"ERR"[..], 4), (b"WRONGTYPE", 1)]);
    }

    #[test]
    fn made_up_codes_do_not_grow_the_list_without_end() {
        let mut errors = ErrorCounts::default();
        for number in 0..1000 {
            errors.count(format!("CODE{number:04} text").as_bytes());
        }
        errors.count(b"CODE0000 again");
        assert_eq!(errors.iter().count(), CODES_MAX + 1);
        assert_eq!(errors.of(OVERFLOW), 1000 - CODES_MAX as u64);
        assert_eq!((errors.of(b"CODE0000"), errors.of(b"CODE0999")), (2, 0));
    }
}
