//! Texts of peers: what may stand in an address or a name.
//!
//! They end up in nodes.conf and in replies, so none may hold a blank, a comma or a line end.

use std::fmt;

/// Room for an address on the bus, with its NUL.
pub(super) const ADDRESS_BYTES: usize = 46;

/// Longest hostname or name for people that is taken.
const NAME_BYTES_MAX: usize = 255;

/// Whether this may be an address: numeric, or the name that a node announces in its place.
pub(crate) fn is_address(text: &str) -> bool {
    text.len() < ADDRESS_BYTES && text.bytes().all(is_of_address)
}

const fn is_of_address(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-' | b'_' | b'%')
}

/// Whether this may be a hostname.
pub(crate) fn is_hostname(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

/// Whether this may be a name for people.
pub(crate) fn is_human_name(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX
        && text.bytes().all(|byte| {
            byte.is_ascii_graphic() && !b"!#$%&()*+,:;<=>?@[]^{|}~\"'\\".contains(&byte)
        })
}

/// The text in front of the first NUL; `None` if it is not ASCII.
pub(super) fn until_nul(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(&bytes[..len_until_nul(bytes)]).ok().filter(|text| text.is_ascii())
}

fn len_until_nul(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len())
}

/// An address as the bus has it, padded with NULs: a message may hold more than a thousand of them, so
/// each is where it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AddressText([u8; ADDRESS_BYTES]);

impl AddressText {
    /// Reads an address that is padded with NULs; `None` if it cannot be one.
    pub(super) fn parse(field: [u8; ADDRESS_BYTES]) -> Option<Self> {
        let len = len_until_nul(&field);
        let is_address =
            len < ADDRESS_BYTES && field[..len].iter().all(|byte| is_of_address(*byte));
        // What stands behind the NUL is nothing.
        let mut text = Self(field);
        text.0[len..].fill(0);
        is_address.then_some(text)
    }

    pub(super) const fn bytes(&self) -> &[u8; ADDRESS_BYTES] {
        &self.0
    }

    /// Its text; empty if there is none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0[..len_until_nul(&self.0)]).unwrap_or_default()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0[0] == 0
    }
}

/// An address; cut where it is longer than one can be.
impl From<&str> for AddressText {
    fn from(ip: &str) -> Self {
        let mut field = [0; ADDRESS_BYTES];
        let len = ip.len().min(ADDRESS_BYTES - 1);
        field[..len].copy_from_slice(&ip.as_bytes()[..len]);
        Self(field)
    }
}

impl fmt::Debug for AddressText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
