//! Messages between nodes, as bytes.
//!
//! Every message has a header of [`HEADER_BYTES`] that tells who sends it, what it knows of itself
//! and which slots it claims; PING, PONG and MEET go on with gossip about other nodes and with
//! extensions. All integers are big endian.
//!
//! Source: redis.io, "Redis cluster specification"; messages as observed on 7.0.15 and 7.2.6
//! servers.

mod kind;

pub use kind::{MessageKind, Refusal};

/// Length of a header.
pub const HEADER_BYTES: usize = 2256;
