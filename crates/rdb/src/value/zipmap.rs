//! Zipmaps: small hashes of Redis 2.4 and older. They are only read.
//!
//! ```text
//! count u8 (254 and up: unknown) | pair ... | 0xFF
//! pair = length | name | length | unused bytes u8 | value | unused bytes
//! length = u8, or 254 and u32le
//! ```
//!
//! Source: RDB format, "zipmap".

use dunlin_values::listpack::Corrupt;

const END: u8 = 0xff;
const LONG_LENGTH: u8 = 0xfe;
const COUNT_UNKNOWN: u8 = 0xfe;

/// Calls `visit` with every name and value, in order; what it was called with is to be forgotten if
/// an error comes.
pub(super) fn for_each(bytes: &[u8], mut visit: impl FnMut(&[u8], &[u8])) -> Result<(), Corrupt> {
    let wrong = |at, reason| Err(Corrupt { at, reason });
    let Some((&declared, _)) = bytes.split_first() else {
        return wrong(0, "zipmap: no count");
    };
    let (mut at, mut count) = (1, 0);
    loop {
        match bytes.get(at) {
            None => return wrong(at, "zipmap: no end"),
            Some(&END) => break,
            Some(_) => {}
        }
        let Some((name, value, behind)) = pair(bytes, at) else {
            return wrong(at, "zipmap: a cut pair");
        };
        visit(name, value);
        (at, count) = (behind, count + 1);
    }
    if at + 1 != bytes.len() {
        return wrong(at, "zipmap: bytes behind the end");
    }
    if count == 0 {
        return wrong(at, "zipmap: no pair");
    }
    if declared < COUNT_UNKNOWN && usize::from(declared) != count {
        return wrong(0, "zipmap: another count of pairs");
    }
    Ok(())
}

/// The pair at `at`, and the place behind it.
fn pair(bytes: &[u8], at: usize) -> Option<(&[u8], &[u8], usize)> {
    let (name_len, name_at) = length(bytes, at)?;
    let name_end = name_at.checked_add(name_len)?;
    let name = bytes.get(name_at..name_end)?;
    let (value_len, unused_at) = length(bytes, name_end)?;
    let unused = usize::from(*bytes.get(unused_at)?);
    let value_at = unused_at + 1;
    let value_end = value_at.checked_add(value_len)?;
    let value = bytes.get(value_at..value_end)?;
    Some((name, value, value_end + unused))
}

/// The length at `at`, and the place behind it.
fn length(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    match *bytes.get(at)? {
        END => None,
        LONG_LENGTH => {
            let len = u32::from_le_bytes(*bytes.get(at + 1..)?.first_chunk()?);
            Some((len as usize, at + 5))
        }
        len => Some((usize::from(len), at + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(bytes: &[u8]) -> Result<Vec<String>, Corrupt> {
        let mut found = Vec::new();
        for_each(bytes, |name, value| {
            found.push(format!("{}={}", name.escape_ascii(), value.escape_ascii()));
        })?;
        Ok(found)
    }

    #[test]
    fn pairs_are_read() {
        let bytes = b"\x02\x01a\x03\x02xyz..\xfe\x02\0\0\0bc\0\0\xff";
        assert_eq!(pairs(bytes), Ok(vec!["a=xyz".to_owned(), "bc=".to_owned()]));
        for len in 0..bytes.len() {
            assert!(pairs(&bytes[..len]).is_err(), "{len}");
        }
        assert!(pairs(b"\x00\xff").is_err());
        assert!(pairs(b"\x03\x01a\x01\0x\xff").is_err());
        assert!(pairs(b"\x01\x01a\x01\0x\xff\xff").is_err());
    }
}
