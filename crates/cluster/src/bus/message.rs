//! A whole message.

use std::fmt;

use bytes::Bytes;

use super::body::{Body, expected_len};
use super::gossip::ENTRY_BYTES;
use super::header::{HEADER_BYTES, Header, SIGNATURE, close, layout, u32_at};
use super::kind::{MessageKind, Refusal};

/// Room for what stands beside header and gossip in most messages.
const REST_BYTES: usize = 512;

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who sends it, and what it says of itself.
    pub header: Header,
    /// What it says.
    pub body: Body,
}

/// Why a frame is refused, as the log tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The reason.
    pub refusal: Refusal,
    /// The kind of the message, if it is one.
    pub kind: Option<MessageKind>,
    /// The length of the message.
    pub len_bytes: usize,
    /// The length that it should have, if its kind tells.
    pub expected_bytes: Option<usize>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.map_or("unknown", MessageKind::name);
        match (self.refusal, self.expected_bytes) {
            (Refusal::Length, Some(expected)) => {
                let len = self.len_bytes;
                write!(
                    f,
                    "Received invalid {kind} packet of length {len} but expected length {expected}"
                )
            }
            (Refusal::Extension, _) => {
                write!(
                    f,
                    "Received a {kind} packet without proper padding ({} bytes)",
                    self.len_bytes
                )
            }
            (refusal, _) => {
                write!(f, "Received a {kind} packet that is refused: {}", refusal.name())
            }
        }
    }
}

impl Message {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`Refused`] unless it is a message to the last byte.
    pub fn decode(frame: &Bytes) -> Result<Self, Refused> {
        let len_bytes = frame.len();
        let refused = |refusal| Refused { refusal, kind: None, len_bytes, expected_bytes: None };
        if len_bytes < HEADER_BYTES
            || frame[..4] != SIGNATURE
            || u32_at(frame, 4) as usize != len_bytes
        {
            return Err(refused(Refusal::NotTheBus));
        }
        let layout = layout(frame).map_err(refused)?;
        let refused = |refusal| Refused { kind: Some(layout.kind), ..refused(refusal) };
        if let Some(expected) = expected_len(frame, layout)
            && expected != len_bytes
        {
            return Err(Refused { expected_bytes: Some(expected), ..refused(Refusal::Length) });
        }
        let header = Header::decode(frame).map_err(refused)?;
        let body = Body::decode(frame, layout).map_err(refused)?;
        Ok(Self { header, body })
    }

    /// Writes it as a frame.
    ///
    /// # Panics
    /// If it is longer than 4 GB.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let layout = self.body.layout();
        let mut out =
            Vec::with_capacity(HEADER_BYTES + REST_BYTES + layout.gossip_count * ENTRY_BYTES);
        self.header.encode(layout, &mut out);
        debug_assert_eq!(out.len(), HEADER_BYTES);
        self.body.encode(&mut out);
        close(&mut out);
        out.into()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
