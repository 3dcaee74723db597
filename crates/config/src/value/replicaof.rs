//! The primary to follow.

use super::{Line, Value, Words, integer, join, line};
use crate::Invalid;
use crate::parameter::{Kind, Parameter};

/// The primary that this node replicates, if any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaOf(pub Option<(String, u16)>);

impl ReplicaOf {
    fn words(&self) -> Option<[String; 2]> {
        let (host, port) = self.0.as_ref()?;
        Some([host.clone(), port.to_string()])
    }
}

impl Value for ReplicaOf {
    fn parse(words: Words<'_>, _: &Parameter, _: &Self) -> Result<Self, Invalid> {
        let [host, port] = words.words else { return Err(Invalid::ArgumentCount) };
        if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
            return Ok(ReplicaOf(None));
        }
        let port = integer(port).and_then(|port| u16::try_from(port).ok());
        let host = String::from_utf8_lossy(host).into_owned();
        Ok(ReplicaOf(Some((host, port.ok_or(Invalid::PrimaryPort)?))))
    }

    fn show(&self, _: &Kind) -> Vec<u8> {
        self.words().map(join).unwrap_or_default()
    }

    fn lines(&self, _: &Self, parameter: &Parameter) -> Vec<Line> {
        let Some(words) = self.words() else { return Vec::new() };
        let value = join(words.iter().map(|word| super::bare(word.as_bytes())));
        vec![line(parameter, &value, true)]
    }
}
