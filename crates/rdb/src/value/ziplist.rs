//! Ziplists: what listpacks replaced. They are only read.
//!
//! ```text
//! total bytes u32le | offset of the last entry u32le | count u16le (65535: unknown) | entry ... | 0xFF
//! entry = length of the entry before (1 byte, or 254 and u32le) | encoding | bytes
//! ```
//!
//! Source: RDB format, "ziplist".

pub(super) use dunlin_values::listpack::Corrupt;
use dunlin_values::listpack::{Appender, EMPTY, Element};

const HEADER_LEN: usize = 10;
const END: u8 = 0xff;
const LONG_BEFORE: u8 = 0xfe;
const COUNT_UNKNOWN: u16 = u16::MAX;

/// Writes the elements of a ziplist into `out` as a listpack, in place of what is there.
pub(super) fn to_listpack(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Corrupt> {
    out.clear();
    out.extend_from_slice(&EMPTY);
    let mut to = Appender::new(out);
    let outcome = for_each(bytes, |element| to.push(element));
    to.finish();
    outcome
}

/// Calls `visit` with every element, in order; what it was called with is to be forgotten if an
/// error comes.
pub(super) fn for_each<'a>(
    bytes: &'a [u8],
    mut visit: impl FnMut(Element<'a>),
) -> Result<(), Corrupt> {
    let wrong = |at, reason| Err(Corrupt { at, reason });
    let Some((header, _)) = bytes.split_first_chunk::<HEADER_LEN>() else {
        return wrong(0, "ziplist: too short for a header");
    };
    let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|place| header[at + place]));
    if word(0) as usize != bytes.len() {
        return wrong(0, "ziplist: length differs from the header");
    }
    let end = bytes.len() - 1;
    if end < HEADER_LEN || bytes[end] != END {
        return wrong(end, "ziplist: no end");
    }
    let entries = &bytes[..end];
    let (mut at, mut before, mut count, mut last) = (HEADER_LEN, 0, 0_usize, HEADER_LEN);
    while at < end {
        let Some((declared, body_at)) = length_before(entries, at) else {
            return wrong(at, "ziplist: a cut entry");
        };
        if declared != before {
            return wrong(at, "ziplist: a wrong length of the entry before");
        }
        let Some((element, behind)) = element(entries, body_at) else {
            return wrong(body_at, "ziplist: an unknown or cut entry");
        };
        visit(element);
        (before, last, at, count) = (behind - at, at, behind, count + 1);
    }
    if word(4) as usize != last {
        return wrong(4, "ziplist: a wrong offset of the last entry");
    }
    let counted = u16::from_le_bytes([header[8], header[9]]);
    if counted != COUNT_UNKNOWN && usize::from(counted) != count {
        return wrong(8, "ziplist: count differs from the header");
    }
    Ok(())
}

/// The length that the entry at `at` says the one before has, and the place behind it.
fn length_before(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    match *bytes.get(at)? {
        LONG_BEFORE => {
            let length = u32::from_le_bytes(*bytes.get(at + 1..)?.first_chunk()?);
            Some((length as usize, at + 5))
        }
        length => Some((usize::from(length), at + 1)),
    }
}

/// The element whose encoding is at `at`, and the place behind it.
fn element(bytes: &[u8], at: usize) -> Option<(Element<'_>, usize)> {
    let first = *bytes.get(at)?;
    let text = |from: usize, len: usize| {
        let behind = from.checked_add(len)?;
        Some((Element::of(bytes.get(from..behind)?), behind))
    };
    match first {
        0..0x40 => text(at + 1, usize::from(first)),
        0x40..0x80 => {
            let len = usize::from(first & 0x3f) << 8 | usize::from(*bytes.get(at + 1)?);
            text(at + 2, len)
        }
        0x80..0xc0 => {
            let len = u32::from_be_bytes(*bytes.get(at + 1..)?.first_chunk()?);
            text(at + 5, len as usize)
        }
        0xc0 => int::<2>(bytes, at),
        0xd0 => int::<4>(bytes, at),
        0xe0 => int::<8>(bytes, at),
        0xf0 => int::<3>(bytes, at),
        0xfe => int::<1>(bytes, at),
        0xf1..=0xfd => Some((Element::Int(i64::from(first & 0x0f) - 1), at + 1)),
        _ => None,
    }
}

fn int<const LEN: usize>(bytes: &[u8], at: usize) -> Option<(Element<'_>, usize)> {
    let behind = at + 1 + LEN;
    let held = bytes.get(at + 1..behind)?;
    let sign = if held[LEN - 1] < 0x80 { 0 } else { 0xff };
    let mut wide = [sign; 8];
    wide[..LEN].copy_from_slice(held);
    Some((Element::Int(i64::from_le_bytes(wide)), behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Corrupt> {
        let mut found = Vec::new();
        for_each(bytes, |element| found.push(element.to_vec()))?;
        Ok(found)
    }

    #[test]
    fn the_example_of_the_format_is_read() {
        let bytes = b"\x0f\0\0\0\x0c\0\0\0\x02\0\0\xf3\x02\xf6\xff";
        assert_eq!(elements(bytes), Ok(vec![b"2".to_vec(), b"5".to_vec()]));
        assert_eq!(elements(b"\x0b\0\0\0\x0a\0\0\0\0\0\xff"), Ok(vec![]));
        for at in 0..bytes.len() {
            let mut broken = bytes.to_vec();
            broken[at] ^= 0x41;
            assert!(at == 11 || at == 13 || elements(&broken).is_err(), "{at}");
            assert!(elements(&bytes[..at]).is_err());
        }
    }
}
