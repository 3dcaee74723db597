//! Flags, integers and byte counts.

use super::{Value, Words};
use crate::parameter::{Kind, Parameter};
use dunlin_stdx::{byte_size, number::parse_i64};

use crate::Invalid;

impl Value for bool {
    fn parse(words: Words<'_>, _: &Parameter, _: &bool) -> Result<bool, Invalid> {
        let word = words.one()?;
        if word.eq_ignore_ascii_case(b"yes") {
            Ok(true)
        } else if word.eq_ignore_ascii_case(b"no") {
            Ok(false)
        } else {
            Err(Invalid::NotYesNo)
        }
    }

    fn show(&self, _: &Kind) -> Vec<u8> {
        if *self { b"yes".to_vec() } else { b"no".to_vec() }
    }
}

/// Reads a number of `kind`.
fn parse(word: &[u8], kind: &Kind) -> Result<i128, Invalid> {
    let in_range = |number: i128, min: i128, max: i128| {
        if (min..=max).contains(&number) {
            Ok(number)
        } else {
            Err(Invalid::OutOfRange { min, max })
        }
    };
    match *kind {
        Kind::Integer { min, max } => {
            let number = parse_i64(word).ok_or(Invalid::NotInteger)?;
            in_range(i128::from(number), min, max)
        }
        Kind::Bytes { min, max } => {
            let number = byte_size::parse(word).ok_or(Invalid::NotBytes)?;
            in_range(i128::from(number), min, max)
        }
        Kind::Octal { max } => {
            let number = std::str::from_utf8(word)
                .ok()
                .and_then(|digits| u64::from_str_radix(digits, 8).ok())
                .ok_or(Invalid::NotOctal)?;
            match number <= max {
                true => Ok(i128::from(number)),
                false => Err(Invalid::OutOfOctalRange { min: 0, max }),
            }
        }
        _ => unreachable!("a number field has a kind of number: the table's tests hold this"),
    }
}

macro_rules! integers {
    ($($type:ty)*) => { $(
        impl Value for $type {
            fn parse(words: Words<'_>, row: &Parameter, _: &$type) -> Result<$type, Invalid> {
                let number = parse(words.one()?, &row.kind)?;
                <$type>::try_from(number).map_err(|_| Invalid::OutOfRange {
                    min: i128::from(<$type>::MIN),
                    max: i128::from(<$type>::MAX),
                })
            }

            fn show(&self, kind: &Kind) -> Vec<u8> {
                match kind {
                    Kind::Octal { .. } => format!("{self:o}").into_bytes(),
                    _ => self.to_string().into_bytes(),
                }
            }

            fn written(&self, kind: &Kind) -> Vec<u8> {
                match kind {
                    Kind::Bytes { .. } => u64::try_from(*self)
                        .map_or_else(|_| self.show(kind), |bytes| byte_size::exact(bytes).into_bytes()),
                    _ => self.show(kind),
                }
            }
        }
    )* };
}

integers!(u8 u16 u32 u64 i32 i64);
