//! The name of a history.

use std::fmt;

/// Length of a replid in digits.
const LEN: usize = 40;

/// Names a history: forty hexadecimal digits, chosen at random.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReplId([u8; LEN]);

impl ReplId {
    /// The replid of no history, as INFO shows it.
    pub const NONE: Self = Self([b'0'; LEN]);

    /// A new one.
    pub fn random(rng: &mut fastrand::Rng) -> Self {
        Self(std::array::from_fn(|_| b"0123456789abcdef"[rng.usize(..16)]))
    }

    /// The replid of these bytes; `None` unless they are forty printable characters without blanks.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; LEN] = bytes.try_into().ok()?;
        bytes.iter().all(u8::is_ascii_graphic).then_some(Self(bytes))
    }

    /// Its digits.
    #[must_use]
    pub const fn digits(&self) -> &[u8; LEN] {
        &self.0
    }

    /// Its digits as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether a peer that says `bytes` means this one: case does not count.
    #[must_use]
    pub fn is(&self, bytes: &[u8]) -> bool {
        self.0.eq_ignore_ascii_case(bytes)
    }
}

impl fmt::Display for ReplId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ReplId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_characters_are_a_replid() {
        let id = ReplId::random(&mut fastrand::Rng::with_seed(7));
        assert_eq!(ReplId::parse(id.digits()), Some(id));
        assert!(id.is(id.as_str().to_uppercase().as_bytes()));
        assert_eq!(ReplId::parse(&id.digits()[1..]), None);
        assert_eq!(ReplId::parse(&[b' '; LEN]), None);
        assert_eq!(ReplId::parse(&[0xff; LEN]), None);
        assert_ne!(ReplId::random(&mut fastrand::Rng::with_seed(8)), id);
    }
}
