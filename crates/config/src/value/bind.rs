//! The addresses to listen on.

use super::{Line, Value, Words, join, line};
use crate::Invalid;
use crate::parameter::{Kind, Parameter};

/// Addresses to listen on, in the order written. An address with a leading `-` may be
/// unavailable; `*` is every IPv4 address and `::*` every IPv6 address. None: listen nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BindAddresses(pub Vec<String>);

impl BindAddresses {
    /// Most addresses that are taken.
    pub const MAX: usize = 16;
}

impl Value for BindAddresses {
    fn parse(words: Words<'_>, _: &Parameter, _: &Self) -> Result<Self, Invalid> {
        if words.words.len() > BindAddresses::MAX {
            return Err(Invalid::TooManyAddresses);
        }
        let address = |word: &&[u8]| String::from_utf8_lossy(word).into_owned();
        Ok(BindAddresses(words.list().iter().map(address).collect()))
    }

    fn show(&self, _: &Kind) -> Vec<u8> {
        join(&self.0)
    }

    /// The default is never written: its line is dropped.
    fn lines(&self, default: &Self, parameter: &Parameter) -> Vec<Line> {
        if self == default {
            Vec::new()
        } else if self.0.is_empty() {
            vec![line(parameter, b"\"\"", true)]
        } else {
            vec![line(parameter, &join(self.0.iter().map(|a| super::bare(a.as_bytes()))), true)]
        }
    }
}
