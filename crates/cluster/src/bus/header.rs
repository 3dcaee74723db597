//! The header of every message: who sends it, and what it says of itself.
//!
//! | at | bytes | field |
//! |---|---|---|
//! | 0 | 4 | `RCmb` |
//! | 4 | 4 | length of the message |
//! | 8 | 2 | version |
//! | 10 | 2 | port of clients |
//! | 12 | 2 | kind |
//! | 14 | 2 | count of gossip entries |
//! | 16 | 8 | current epoch |
//! | 24 | 8 | config epoch |
//! | 32 | 8 | replication offset |
//! | 40 | 40 | id of the sender |
//! | 80 | 2048 | slots |
//! | 2128 | 40 | id of its primary, or zeros |
//! | 2168 | 46 | announced address, or zeros |
//! | 2214 | 2 | count of extensions |
//! | 2216 | 30 | zeros |
//! | 2246 | 2 | other port of clients |
//! | 2248 | 2 | port of the bus |
//! | 2250 | 2 | flags of the node |
//! | 2252 | 1 | 0 if the cluster serves |
//! | 2253 | 3 | flags of the message |

use dunlin_slots::SlotSet;

use super::kind::{MessageKind, Refusal};
use super::text::AddressText;
use crate::flags::NodeFlags;
use crate::id::NodeId;

/// Length of a header.
pub const HEADER_BYTES: usize = 2256;

/// What a frame begins with.
pub(super) const SIGNATURE: [u8; 4] = *b"RCmb";

/// The version of the bus.
pub(super) const VERSION: u16 = 1;

/// The first byte of the flags of a message.
const PAUSED: u8 = 1;
const FORCE_ACK: u8 = 2;
const EXTENDED: u8 = 4;

/// Who sends a message, and what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its id.
    pub sender: NodeId,
    /// Its flags.
    pub flags: NodeFlags,
    /// The id of its primary; `None` for a primary.
    pub primary: Option<NodeId>,
    /// The highest epoch that it has seen.
    pub current_epoch: u64,
    /// The config epoch of its slots, or of its primary.
    pub config_epoch: u64,
    /// Its replication offset.
    pub offset: u64,
    /// The slots that it claims, or that its primary does.
    pub slots: SlotSet,
    /// The address that it announces; empty for the one that it sends from.
    pub ip: AddressText,
    /// Its port of clients: with TLS if the bus has it.
    pub port: u16,
    /// Its other port of clients, or 0.
    pub secondary_port: u16,
    /// Its port of the bus.
    pub bus_port: u16,
    /// Whether the cluster serves, in its eyes.
    pub is_ok: bool,
    /// Whether it holds its writes for a hand-over.
    pub is_paused: bool,
    /// Whether a vote is asked for although the primary works.
    pub forces_vote: bool,
}

/// What a header says of what follows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) kind: MessageKind,
    pub(super) gossip_count: usize,
    /// `None` if there are no extensions, not even none of them.
    pub(super) extension_count: Option<usize>,
}

/// `N` bytes of a message whose length has been checked.
pub(super) fn field<const N: usize>(frame: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&frame[at..at + N]);
    field
}

pub(super) fn u16_at(frame: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(field(frame, at))
}

pub(super) fn u32_at(frame: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(field(frame, at))
}

pub(super) fn u64_at(frame: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(field(frame, at))
}

pub(super) fn id_at(frame: &[u8], at: usize) -> Result<NodeId, Refusal> {
    NodeId::parse(&frame[at..at + 40]).ok_or(Refusal::Id)
}

/// What follows the header of a frame that is at least as long as one.
pub(super) fn layout(frame: &[u8]) -> Result<Layout, Refusal> {
    if u16_at(frame, 8) != VERSION {
        return Err(Refusal::Version);
    }
    let kind = MessageKind::from_wire(u16_at(frame, 12)).ok_or(Refusal::Kind)?;
    let is_extended = frame[2253] & EXTENDED != 0;
    Ok(Layout {
        kind,
        gossip_count: usize::from(u16_at(frame, 14)),
        extension_count: is_extended.then(|| usize::from(u16_at(frame, 2214))),
    })
}

impl Header {
    /// Reads the header of a frame that is at least as long as one.
    pub(super) fn decode(frame: &[u8]) -> Result<Self, Refusal> {
        let primary = match &frame[2128..2168] {
            zeros if zeros.iter().all(|byte| *byte == 0) => None,
            _ => Some(id_at(frame, 2128)?),
        };
        Ok(Self {
            sender: id_at(frame, 40)?,
            flags: NodeFlags::from_bits_truncate(u16_at(frame, 2250)),
            primary,
            current_epoch: u64_at(frame, 16),
            config_epoch: u64_at(frame, 24),
            offset: u64_at(frame, 32),
            slots: SlotSet::from_bitmap(&field(frame, 80)),
            ip: AddressText::parse(field(frame, 2168)).ok_or(Refusal::Address)?,
            port: u16_at(frame, 10),
            secondary_port: u16_at(frame, 2246),
            bus_port: u16_at(frame, 2248),
            is_ok: frame[2252] == 0,
            is_paused: frame[2253] & PAUSED != 0,
            forces_vote: frame[2253] & FORCE_ACK != 0,
        })
    }

    /// Writes the header; its length and that of the body are filled in by [`close`].
    pub(super) fn encode(&self, layout: Layout, out: &mut Vec<u8>) {
        out.extend_from_slice(&SIGNATURE);
        out.extend_from_slice(&[0; 4]);
        for number in [VERSION, self.port, layout.kind as u16, layout.gossip_count as u16] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        for number in [self.current_epoch, self.config_epoch, self.offset] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(self.sender.digits());
        out.extend_from_slice(&self.slots.to_bitmap());
        out.extend_from_slice(self.primary.as_ref().map_or(&[0; 40], |id| id.digits()));
        out.extend_from_slice(self.ip.bytes());
        out.extend_from_slice(&(layout.extension_count.unwrap_or(0) as u16).to_be_bytes());
        out.extend_from_slice(&[0; 30]);
        for number in [self.secondary_port, self.bus_port, self.flags.bits()] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        let mut flags = 0;
        for (is_set, flag) in [
            (self.is_paused, PAUSED),
            (self.forces_vote, FORCE_ACK),
            (layout.extension_count.is_some(), EXTENDED),
        ] {
            flags |= if is_set { flag } else { 0 };
        }
        out.extend_from_slice(&[u8::from(!self.is_ok), flags, 0, 0]);
    }
}

/// Writes the length into a message that is complete.
pub(super) fn close(message: &mut [u8]) {
    let len = u32::try_from(message.len()).expect("a message is shorter than 4 GB");
    message[4..8].copy_from_slice(&len.to_be_bytes());
}
