//! What modules wrote. Nobody here can read it, but it can be passed over.
//!
//! Source: RDB format, "module values".

use crate::error::{ReadError, Result};
use crate::source::Source;
use crate::text::text;

/// The name of the module type with this number: nine characters of six bits, then a version of
/// ten.
pub(crate) fn name(id: u64) -> Box<str> {
    const CHARACTERS: &[u8; 64] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let character = |place: u32| CHARACTERS[(id >> (10 + 6 * place)) as usize % 64];
    (0..9).rev().map(|place| char::from(character(place))).collect()
}

/// Passes over what stands behind the number of the module.
pub(crate) fn skip(source: &mut impl Source, room: &mut Vec<u8>) -> Result<()> {
    loop {
        match source.length()? {
            0 => return Ok(()),
            // Numbers, signed or not.
            1 | 2 => {
                source.length()?;
            }
            // A float, a double.
            3 => {
                source.take(4)?;
            }
            4 => {
                source.take(8)?;
            }
            5 => {
                text(source, room)?;
            }
            _ => {
                let reason = "an unknown part of a module's value";
                return Err(ReadError::corrupt(source.offset() - 1, reason));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SliceSource;

    #[test]
    fn names_are_nine_characters() {
        assert_eq!(&*name(0), "AAAAAAAAA");
        assert_eq!(&*name(u64::MAX), "_________");
        assert_eq!(&*name((1 << 58) | (2 << 10)), "BAAAAAAAC");
    }

    #[test]
    fn values_are_passed_over() {
        let bytes = b"\x01\x05\x02\x40\xff\x03abcd\x04abcdefgh\x05\x03abc\x00rest";
        let mut source = SliceSource::new(bytes);
        skip(&mut source, &mut Vec::new()).expect("fine");
        assert_eq!(source.take(4).expect("the rest"), b"rest");
        assert!(skip(&mut SliceSource::new(b"\x06"), &mut Vec::new()).is_err());
        assert!(skip(&mut SliceSource::new(b"\x05\x09a"), &mut Vec::new()).is_err());
    }
}
