//! The name of a node, and of a shard.

use std::fmt;

/// Length of a name in digits.
const LEN: usize = 40;

/// Names a node (or, as a shard id, a primary with its replicas): forty hexadecimal digits in lower
/// case, chosen at random.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId([u8; LEN]);

impl NodeId {
    /// A new one.
    pub fn random(rng: &mut fastrand::Rng) -> Self {
        Self(std::array::from_fn(|_| b"0123456789abcdef"[rng.usize(..16)]))
    }

    /// The id of these bytes; `None` unless they are forty hexadecimal digits in lower case.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; LEN] = bytes.try_into().ok()?;
        // All are looked at, so that it is done for several at once.
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        bytes.iter().fold(true, |good, byte| good & is_digit(byte)).then_some(Self(bytes))
    }

    /// The first eight digits as a number, in the order of ids.
    pub(crate) fn prefix(&self) -> u32 {
        let digit = |byte: u8| u32::from(if byte < b'a' { byte - b'0' } else { byte - b'a' + 10 });
        self.0[..8].iter().fold(0, |number, byte| number << 4 | digit(*byte))
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
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str()[..8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_digits_are_an_id() {
        let id = NodeId::random(&mut fastrand::Rng::with_seed(7));
        assert_eq!(NodeId::parse(id.as_str().as_bytes()), Some(id));
        assert_eq!(NodeId::parse(id.to_string().to_uppercase().as_bytes()), None);
        assert_eq!(NodeId::parse(&id.digits()[1..]), None);
        assert_eq!(NodeId::parse(&[0; LEN]), None);
        assert_eq!(NodeId::parse(&[b'g'; LEN]), None);
        let id = NodeId::parse(b"09af1e2d00000000000000000000000000000000").unwrap();
        assert_eq!(id.prefix(), 0x09af_1e2d);
    }
}
