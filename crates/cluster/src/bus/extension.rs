//! What the header has no room for: length (of all, a multiple of 8), type, padded data.

use super::header::{id_at, u16_at, u32_at, u64_at};
use super::kind::Refusal;
use super::text::{is_hostname, is_human_name, until_nul};
use crate::id::NodeId;

const EXTENSION_HEADER_BYTES: usize = 8;
const HOSTNAME: u16 = 0;
const HUMAN_NAME: u16 = 1;
const FORGOTTEN: u16 = 2;
const SHARD_ID: u16 = 3;

/// What the header has no room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extension {
    /// The hostname of the sender; empty if what it says cannot be one.
    Hostname(String),
    /// Its name for people; empty if what it says cannot be one.
    HumanName(String),
    /// A node that the sender has been told to forget.
    Forgotten {
        /// The node.
        id: NodeId,
        /// For how many more seconds.
        seconds: u64,
    },
    /// The shard that the sender belongs to.
    ShardId(NodeId),
    /// One of another type, which is skipped.
    Unknown(u16),
}

/// Reads as many extensions as the header says, which must fill `bytes`.
pub(super) fn decode_extensions(bytes: &[u8], count: usize) -> Result<Vec<Extension>, Refusal> {
    let mut rest = bytes;
    let mut extensions = Vec::new();
    for _ in 0..count {
        if rest.len() < EXTENSION_HEADER_BYTES {
            return Err(Refusal::Extension);
        }
        let len = u32_at(rest, 0) as usize;
        if len < EXTENSION_HEADER_BYTES || !len.is_multiple_of(8) || len > rest.len() {
            return Err(Refusal::Extension);
        }
        let (extension, behind) = rest.split_at(len);
        extensions.push(decode_extension(extension)?);
        rest = behind;
    }
    if rest.is_empty() { Ok(extensions) } else { Err(Refusal::Length) }
}

fn decode_extension(extension: &[u8]) -> Result<Extension, Refusal> {
    let kind = u16_at(extension, 4);
    let body = &extension[EXTENSION_HEADER_BYTES..];
    let name = |is_good: fn(&str) -> bool| {
        until_nul(body).filter(|name| is_good(name)).unwrap_or_default().to_owned()
    };
    match kind {
        HOSTNAME => Ok(Extension::Hostname(name(is_hostname))),
        HUMAN_NAME => Ok(Extension::HumanName(name(is_human_name))),
        FORGOTTEN if body.len() == 48 => {
            Ok(Extension::Forgotten { id: id_at(body, 0)?, seconds: u64_at(body, 40) })
        }
        SHARD_ID if body.len() == 40 => Ok(Extension::ShardId(id_at(body, 0)?)),
        FORGOTTEN | SHARD_ID => Err(Refusal::Extension),
        _ => Ok(Extension::Unknown(kind)),
    }
}

impl Extension {
    const fn wire_type(&self) -> u16 {
        match self {
            Self::Hostname(_) => HOSTNAME,
            Self::HumanName(_) => HUMAN_NAME,
            Self::Forgotten { .. } => FORGOTTEN,
            Self::ShardId(_) => SHARD_ID,
            Self::Unknown(kind) => *kind,
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.wire_type().to_be_bytes());
        out.extend_from_slice(&[0; 2]);
        match self {
            Self::Hostname(name) | Self::HumanName(name) => {
                out.extend_from_slice(name.as_bytes());
                out.push(0);
            }
            Self::Forgotten { id, seconds } => {
                out.extend_from_slice(id.digits());
                out.extend_from_slice(&seconds.to_be_bytes());
            }
            Self::ShardId(id) => out.extend_from_slice(id.digits()),
            Self::Unknown(_) => {}
        }
        let len = (out.len() - start).next_multiple_of(8);
        out.resize(start + len, 0);
        out[start..start + 4].copy_from_slice(&(len as u32).to_be_bytes());
    }
}
