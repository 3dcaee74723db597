//! An amount of memory, absolute or as a share of another.

use dunlin_stdx::{byte_size, number};

use super::{Value, Words};
use crate::Invalid;
use crate::parameter::{Kind, Parameter};

/// `maxmemory-clients`: bytes, or percent of `maxmemory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryShare {
    /// This many bytes; 0 is no limit.
    Bytes(u64),
    /// 1 to 100 percent of `maxmemory`.
    Percent(u8),
}

impl MemoryShare {
    /// The limit in bytes when `whole_bytes` is what a percentage is of; 0 is no limit.
    pub fn bytes_of(self, whole_bytes: u64) -> u64 {
        match self {
            MemoryShare::Bytes(bytes) => bytes,
            // Divided first: a limit near 2^64 must not overflow.
            MemoryShare::Percent(percent) => {
                let percent = u64::from(percent);
                whole_bytes / 100 * percent + whole_bytes % 100 * percent / 100
            }
        }
    }
}

impl Default for MemoryShare {
    fn default() -> MemoryShare {
        MemoryShare::Bytes(0)
    }
}

impl Value for MemoryShare {
    fn parse(words: Words<'_>, _: &Parameter, _: &Self) -> Result<Self, Invalid> {
        let word = words.one()?;
        if let Some(bytes) = byte_size::parse(word) {
            let max = i128::from(i64::MAX);
            let in_range = i128::from(bytes) <= max;
            return in_range
                .then_some(MemoryShare::Bytes(bytes))
                .ok_or(Invalid::OutOfRange { min: -100, max });
        }
        let percent = word.strip_suffix(b"%").and_then(number::parse_i64);
        match percent {
            Some(0) => Ok(MemoryShare::Bytes(0)),
            Some(percent @ 1..) => match u8::try_from(percent) {
                Ok(percent @ ..=100) => Ok(MemoryShare::Percent(percent)),
                _ => Err(Invalid::PercentTooLarge),
            },
            _ => Err(Invalid::NotBytesOrPercent),
        }
    }

    fn show(&self, _: &Kind) -> Vec<u8> {
        match self {
            MemoryShare::Bytes(bytes) => bytes.to_string().into_bytes(),
            MemoryShare::Percent(percent) => format!("{percent}%").into_bytes(),
        }
    }

    fn written(&self, kind: &Kind) -> Vec<u8> {
        match self {
            MemoryShare::Bytes(bytes) => byte_size::exact(*bytes).into_bytes(),
            MemoryShare::Percent(_) => self.show(kind),
        }
    }
}
