//! Messages between nodes, as bytes.
//!
//! Every message has a header of [`HEADER_BYTES`] that tells who sends it, what it knows of itself
//! and which slots it claims; PING, PONG and MEET go on with gossip about other nodes and with
//! extensions. All integers are big endian.
//!
//! ```text
//! link bytes -> FrameReader -> one frame -> Message::decode -> Message { header, body }
//! ```
//!
//! Whatever a peer sends is decoded or refused with a [`Refused`]; nothing is taken of a message
//! that is refused.
//!
//! Source: redis.io, "Redis cluster specification"; messages as observed on 7.0.15 and 7.2.6
//! servers.

mod body;
mod extension;
mod frame;
mod gossip;
mod header;
mod kind;
mod message;
mod text;

pub use body::{Body, Claim, ModuleMessage, Publication};
pub use extension::Extension;
pub use frame::{FRAME_BYTES_MAX, FrameReader, STRANGER_FRAME_BYTES_MAX};
pub use gossip::{Gossip, GossipEntry};
pub use header::{HEADER_BYTES, Header};
pub use kind::{MessageKind, Refusal};
pub use message::{Message, Refused};
pub use text::AddressText;
pub(crate) use text::{is_address, is_hostname, is_human_name};
