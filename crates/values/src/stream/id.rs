//! The name of an entry: the millisecond it was added in, and its place within that.

use std::fmt;

use dunlin_stdx::number::parse_i64;

/// The name of an entry; entries are ordered by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Unix time in milliseconds, or whatever the client chose.
    pub ms: u64,
    /// Place among the entries of the same millisecond.
    pub seq: u64,
}

impl StreamId {
    /// `0-0`, which no entry has.
    pub const MIN: Self = Self::new(0, 0);

    /// The greatest name; after it a stream takes no entry.
    pub const MAX: Self = Self::new(u64::MAX, u64::MAX);

    /// `ms-seq`
    #[must_use]
    pub const fn new(ms: u64, seq: u64) -> Self {
        Self { ms, seq }
    }

    /// The name right behind this one; `None` behind [`Self::MAX`].
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match (self.seq.checked_add(1), self.ms.checked_add(1)) {
            (Some(seq), _) => Some(Self::new(self.ms, seq)),
            (None, Some(ms)) => Some(Self::new(ms, 0)),
            (None, None) => None,
        }
    }

    /// The name right in front of this one; `None` in front of [`Self::MIN`].
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        match (self.seq.checked_sub(1), self.ms.checked_sub(1)) {
            (Some(seq), _) => Some(Self::new(self.ms, seq)),
            (None, Some(ms)) => Some(Self::new(ms, u64::MAX)),
            (None, None) => None,
        }
    }

    /// Reads `ms-seq`, or `ms` alone with `missing_seq` for the rest. As lenient as Redis, which
    /// leaves numbers that are not in canonical form to `strtoull`: blanks, signs and zeros may
    /// come first, and what follows a NUL byte is not seen.
    #[must_use]
    pub fn parse(text: &[u8], missing_seq: u64) -> Option<Self> {
        let text = Self::visible(text)?;
        match text.iter().position(|byte| *byte == b'-') {
            Some(dash) => Some(Self::new(number(&text[..dash])?, number(&text[dash + 1..])?)),
            None => Some(Self::new(number(text)?, missing_seq)),
        }
    }

    /// Reads `ms-*`: a millisecond whose next place is wanted.
    #[must_use]
    pub fn parse_ms_star(text: &[u8]) -> Option<u64> {
        number(Self::visible(text)?.strip_suffix(b"-*")?)
    }

    /// What Redis sees of a text: nothing if it is too long to be an ID, else up to a NUL byte.
    fn visible(text: &[u8]) -> Option<&[u8]> {
        /// Longest text that is looked at.
        const TEXT_MAX: usize = 127;
        let text = text.get(..=TEXT_MAX).is_none().then_some(text)?;
        text.split(|byte| *byte == 0).next()
    }

    /// The ID as clients see it, written into `text`.
    #[must_use]
    #[inline]
    pub fn format(self, text: &mut IdText) -> &[u8] {
        let (mut ms, mut seq) = (itoa::Buffer::new(), itoa::Buffer::new());
        let (ms, seq) = (ms.format(self.ms).as_bytes(), seq.format(self.seq).as_bytes());
        let len = ms.len() + 1 + seq.len();
        text.0[..ms.len()].copy_from_slice(ms);
        text.0[ms.len()] = b'-';
        text.0[ms.len() + 1..len].copy_from_slice(seq);
        &text.0[..len]
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// Room for the text of an ID: twice twenty digits and the dash.
#[derive(Clone, Debug)]
pub struct IdText([u8; 41]);

impl Default for IdText {
    fn default() -> Self {
        Self([0; 41])
    }
}

/// One half of an ID.
#[inline]
fn number(text: &[u8]) -> Option<u64> {
    match parse_i64(text) {
        Some(value) => u64::try_from(value).ok(),
        None => lenient_number(text),
    }
}

/// A number as `strtoull` reads it, to the end of the text: `-01` is two to the 64th less one.
fn lenient_number(text: &[u8]) -> Option<u64> {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    let text = &text[blanks..];
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let magnitude = digits.iter().try_fold(0u64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })?;
    Some(if negative { magnitude.wrapping_neg() } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours() {
        let id = StreamId::new;
        assert_eq!(id(5, 7).next(), Some(id(5, 8)));
        assert_eq!(id(5, u64::MAX).next(), Some(id(6, 0)));
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(id(5, 7).previous(), Some(id(5, 6)));
        assert_eq!(id(5, 0).previous(), Some(id(4, u64::MAX)));
        assert_eq!(StreamId::MIN.previous(), None);
        assert!(id(1, u64::MAX) < id(2, 0));
    }

    #[test]
    fn texts() {
        let parse = |text: &str| StreamId::parse(text.as_bytes(), 77);
        let id = |ms, seq| Some(StreamId::new(ms, seq));
        assert_eq!(parse("5-7"), id(5, 7));
        assert_eq!(parse("5"), id(5, 77));
        assert_eq!(parse("18446744073709551615-18446744073709551615"), Some(StreamId::MAX));
        assert_eq!(parse("007-+3"), id(7, 3));
        assert_eq!(parse(" 1-\t2"), id(1, 2));
        assert_eq!(parse("1--01"), id(1, u64::MAX));
        assert_eq!(parse("5-7\0x"), id(5, 7));
        for wrong in [
            "",
            "-",
            "+",
            "5-",
            "-5",
            "5-x",
            "x-5",
            "5--7",
            "5-7-",
            "5-7 ",
            "5-*",
            "1.5",
            "$",
            "*",
            "18446744073709551616",
            "1-18446744073709551616",
            "5-+",
            "5- ",
        ] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(StreamId::parse(&[b'0'; 127], 0), id(0, 0));
        assert_eq!(StreamId::parse(&[b'0'; 128], 0), None);
        assert_eq!(StreamId::parse_ms_star(b"12-*"), Some(12));
        assert_eq!(StreamId::parse_ms_star(b"12-3"), None);
        assert_eq!(StreamId::parse_ms_star(b"-*"), None);
        assert_eq!(
            StreamId::MAX.format(&mut IdText::default()),
            StreamId::MAX.to_string().as_bytes()
        );
        assert_eq!(StreamId::new(0, 10).format(&mut IdText::default()), b"0-10");
    }
}
