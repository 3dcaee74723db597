//! What follows the header.

use bytes::Bytes;
use dunlin_slots::SlotSet;

use super::gossip::{ENTRY_BYTES, Gossip};
use super::header::{HEADER_BYTES, Layout, field, id_at, u32_at, u64_at};
use super::kind::{MessageKind, Refusal};
use crate::id::NodeId;

const FAIL_BYTES: usize = HEADER_BYTES + 40;
const UPDATE_BYTES: usize = HEADER_BYTES + 8 + 40 + 2048;
const PUBLISH_BYTES: usize = HEADER_BYTES + 8;
const MODULE_BYTES: usize = HEADER_BYTES + 13;

/// What follows the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Asks for a PONG.
    Ping(Gossip),
    /// Answers, or tells news.
    Pong(Gossip),
    /// A PING that makes the receiver know the sender.
    Meet(Gossip),
    /// This node has failed.
    Fail(NodeId),
    /// For the subscribers of a channel.
    Publish(Publication),
    /// Asks for a vote.
    AuthRequest,
    /// Gives a vote.
    AuthAck,
    /// Somebody else owns slots that the receiver claims.
    Update(Claim),
    /// Asks the primary to hand over.
    ManualFailoverStart,
    /// Between modules.
    Module(ModuleMessage),
    /// For the subscribers of a sharded channel.
    PublishShard(Publication),
}

/// A message for the subscribers of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The channel.
    pub channel: Bytes,
    /// The message.
    pub message: Bytes,
}

/// Which slots a node owns, by which config epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The node.
    pub id: NodeId,
    /// Its config epoch.
    pub config_epoch: u64,
    /// Its slots.
    pub slots: SlotSet,
}

/// A message between modules, which dunlin does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleMessage {
    /// The module, in whatever byte order.
    pub id: [u8; 8],
    /// What it means to the module.
    pub kind: u8,
    /// What it says.
    pub payload: Bytes,
}

/// The length that a frame should have, as far as its kind and its first bytes tell; `None` if that
/// depends on extensions.
pub(super) fn expected_len(frame: &[u8], layout: Layout) -> Option<usize> {
    let lens = |at: usize, count: usize| -> Option<usize> {
        (frame.len() >= at + 4 * count)
            .then(|| (0..count).map(|index| u32_at(frame, at + 4 * index) as usize).sum())
    };
    match layout.kind {
        MessageKind::Ping | MessageKind::Pong | MessageKind::Meet => {
            let len = HEADER_BYTES + layout.gossip_count * ENTRY_BYTES;
            (layout.extension_count.is_none() || frame.len() < len).then_some(len)
        }
        MessageKind::Fail => Some(FAIL_BYTES),
        MessageKind::Publish | MessageKind::PublishShard => {
            Some(PUBLISH_BYTES + lens(HEADER_BYTES, 2).unwrap_or(0))
        }
        MessageKind::AuthRequest | MessageKind::AuthAck | MessageKind::ManualFailoverStart => {
            Some(HEADER_BYTES)
        }
        MessageKind::Update => Some(UPDATE_BYTES),
        MessageKind::Module => Some(MODULE_BYTES + lens(HEADER_BYTES + 8, 1).unwrap_or(0)),
    }
}

impl Body {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Ping(_) => MessageKind::Ping,
            Self::Pong(_) => MessageKind::Pong,
            Self::Meet(_) => MessageKind::Meet,
            Self::Fail(_) => MessageKind::Fail,
            Self::Publish(_) => MessageKind::Publish,
            Self::AuthRequest => MessageKind::AuthRequest,
            Self::AuthAck => MessageKind::AuthAck,
            Self::Update(_) => MessageKind::Update,
            Self::ManualFailoverStart => MessageKind::ManualFailoverStart,
            Self::Module(_) => MessageKind::Module,
            Self::PublishShard(_) => MessageKind::PublishShard,
        }
    }

    /// How the header describes it.
    pub(super) fn layout(&self) -> Layout {
        let (gossip_count, extension_count) = match self {
            Self::Ping(gossip) | Self::Pong(gossip) | Self::Meet(gossip) => {
                (gossip.entries.len(), gossip.extensions.as_ref().map(Vec::len))
            }
            _ => (0, None),
        };
        Layout { kind: self.kind(), gossip_count, extension_count }
    }

    /// Reads the body of a frame that has its [`expected_len`].
    pub(super) fn decode(frame: &Bytes, layout: Layout) -> Result<Self, Refusal> {
        let gossip = || Gossip::decode(&frame[HEADER_BYTES..], layout);
        Ok(match layout.kind {
            MessageKind::Ping => Self::Ping(gossip()?),
            MessageKind::Pong => Self::Pong(gossip()?),
            MessageKind::Meet => Self::Meet(gossip()?),
            MessageKind::Fail => Self::Fail(id_at(frame, HEADER_BYTES)?),
            MessageKind::Publish => Self::Publish(Publication::decode(frame)),
            MessageKind::PublishShard => Self::PublishShard(Publication::decode(frame)),
            MessageKind::AuthRequest => Self::AuthRequest,
            MessageKind::AuthAck => Self::AuthAck,
            MessageKind::ManualFailoverStart => Self::ManualFailoverStart,
            MessageKind::Update => Self::Update(Claim {
                config_epoch: u64_at(frame, HEADER_BYTES),
                id: id_at(frame, HEADER_BYTES + 8)?,
                slots: SlotSet::from_bitmap(&field(frame, HEADER_BYTES + 48)),
            }),
            MessageKind::Module => Self::Module(ModuleMessage {
                id: field(frame, HEADER_BYTES),
                kind: frame[HEADER_BYTES + 12],
                payload: frame.slice(MODULE_BYTES..),
            }),
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ping(gossip) | Self::Pong(gossip) | Self::Meet(gossip) => gossip.encode(out),
            Self::Fail(id) => out.extend_from_slice(id.digits()),
            Self::Publish(publication) | Self::PublishShard(publication) => publication.encode(out),
            Self::AuthRequest | Self::AuthAck | Self::ManualFailoverStart => {}
            Self::Update(claim) => {
                out.extend_from_slice(&claim.config_epoch.to_be_bytes());
                out.extend_from_slice(claim.id.digits());
                out.extend_from_slice(&claim.slots.to_bitmap());
            }
            Self::Module(message) => {
                out.extend_from_slice(&message.id);
                out.extend_from_slice(&(message.payload.len() as u32).to_be_bytes());
                out.push(message.kind);
                out.extend_from_slice(&message.payload);
            }
        }
    }
}

impl Publication {
    fn decode(frame: &Bytes) -> Self {
        let channel_end = PUBLISH_BYTES + u32_at(frame, HEADER_BYTES) as usize;
        Self {
            channel: frame.slice(PUBLISH_BYTES..channel_end),
            message: frame.slice(channel_end..),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.channel.len() as u32).to_be_bytes());
        out.extend_from_slice(&(self.message.len() as u32).to_be_bytes());
        out.extend_from_slice(&self.channel);
        out.extend_from_slice(&self.message);
    }
}
