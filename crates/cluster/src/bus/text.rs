//! Texts of peers: what may stand in an address or a name.
//!
//! They end up in nodes.conf and in replies, so none may hold a blank, a comma or a line end.

/// Room for an address on the bus, with its NUL.
pub(super) const ADDRESS_BYTES: usize = 46;

/// Longest hostname or name for people that is taken.
const NAME_BYTES_MAX: usize = 255;

/// Whether this may be an address: numeric, or the name that a node announces in its place.
pub(crate) fn is_address(text: &str) -> bool {
    text.len() < ADDRESS_BYTES
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_%".contains(&byte))
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
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    str::from_utf8(&bytes[..end]).ok().filter(|text| text.is_ascii())
}

/// An address, padded with NULs.
pub(super) fn padded_address(ip: &str) -> [u8; ADDRESS_BYTES] {
    let mut field = [0; ADDRESS_BYTES];
    let len = ip.len().min(ADDRESS_BYTES - 1);
    field[..len].copy_from_slice(&ip.as_bytes()[..len]);
    field
}

/// Reads an address that is padded with NULs; `None` if it cannot be one.
pub(super) fn parse_address(field: &[u8]) -> Option<String> {
    until_nul(field).filter(|text| is_address(text)).map(str::to_owned)
}
