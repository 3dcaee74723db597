//! The checksum of files and payloads.

use crc_fast::{CrcAlgorithm, Digest};

/// A running CRC-64 as the format has it ("Jones").
#[derive(Clone, Copy, Debug)]
pub struct Checksum(Digest);

impl Checksum {
    /// The checksum of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Redis))
    }

    /// Goes on with `bytes`.
    #[inline]
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of everything so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.finalize()
    }

    /// The checksum of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> u64 {
        let mut checksum = Self::new();
        checksum.update(bytes);
        checksum.value()
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_that_of_the_format() {
        assert_eq!(Checksum::of(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        let mut pieces = Checksum::default();
        pieces.update(b"1234");
        assert_eq!(pieces.value(), Checksum::of(b"1234"));
        pieces.update(b"56789");
        assert_eq!(pieces.value(), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(Checksum::of(b""), 0);
    }
}
