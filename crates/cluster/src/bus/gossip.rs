//! What a node says about others: 104 bytes for each.

use super::extension::{Extension, decode_extensions};
use super::header::{Layout, field, id_at, u16_at, u32_at};
use super::kind::Refusal;
use super::text::AddressText;
use crate::flags::NodeFlags;
use crate::id::NodeId;

/// Length of an entry.
pub(super) const ENTRY_BYTES: usize = 104;

/// What PING, PONG and MEET carry behind the header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gossip {
    /// What is said about other nodes.
    pub entries: Vec<GossipEntry>,
    /// What the header has no room for; `None` if the sender does not know of extensions.
    pub extensions: Option<Vec<Extension>>,
}

/// What a node says about another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GossipEntry {
    /// The other one.
    pub id: NodeId,
    /// When the PING was sent that it has not answered, in seconds since the Unix epoch; 0 for none.
    pub ping_sent_s: u32,
    /// When it last answered, in seconds since the Unix epoch; 0 for never.
    pub pong_received_s: u32,
    /// Its address.
    pub ip: AddressText,
    /// Its port of clients: with TLS if the bus has it.
    pub port: u16,
    /// Its port of the bus.
    pub bus_port: u16,
    /// Its flags.
    pub flags: NodeFlags,
    /// Its other port of clients, or 0.
    pub secondary_port: u16,
}

impl GossipEntry {
    fn decode(entry: &[u8]) -> Result<Self, Refusal> {
        Ok(Self {
            id: id_at(entry, 0)?,
            ping_sent_s: u32_at(entry, 40),
            pong_received_s: u32_at(entry, 44),
            ip: AddressText::parse(field(entry, 48)).ok_or(Refusal::Address)?,
            port: u16_at(entry, 94),
            bus_port: u16_at(entry, 96),
            flags: NodeFlags::from_bits_truncate(u16_at(entry, 98)),
            secondary_port: u16_at(entry, 100),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.id.digits());
        out.extend_from_slice(&self.ping_sent_s.to_be_bytes());
        out.extend_from_slice(&self.pong_received_s.to_be_bytes());
        out.extend_from_slice(self.ip.bytes());
        for number in [self.port, self.bus_port, self.flags.bits(), self.secondary_port, 0] {
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

impl Gossip {
    /// Reads a body that holds exactly what its header says.
    pub(super) fn decode(body: &[u8], layout: Layout) -> Result<Self, Refusal> {
        let entries_len = layout.gossip_count * ENTRY_BYTES;
        if body.len() < entries_len {
            return Err(Refusal::Length);
        }
        let (entries, rest) = body.split_at(entries_len);
        let entries =
            entries.chunks_exact(ENTRY_BYTES).map(GossipEntry::decode).collect::<Result<_, _>>()?;
        let extensions = match layout.extension_count {
            Some(count) => Some(decode_extensions(rest, count)?),
            None if rest.is_empty() => None,
            None => return Err(Refusal::Length),
        };
        Ok(Self { entries, extensions })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.entries.iter().for_each(|entry| entry.encode(out));
        self.extensions.iter().flatten().for_each(|extension| extension.encode(out));
    }
}
