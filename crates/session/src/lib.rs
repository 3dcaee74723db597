//! A client as the server sees it.
//!
//! A [`Session`] owns what belongs to one connection: the bytes that arrived and were not run, the
//! replies that were not sent, who the client is and how it wants to be treated. [`Sessions`] is
//! the list of them all; commands such as CLIENT LIST and CLIENT KILL work on it, and what it wants
//! from the outside (close this connection) waits there until the node asks.
//!
//! Invariants: a session id is never used twice; a token is used again only after its session has
//! been removed. This crate must never know a socket, a command or the keyspace.

#![forbid(unsafe_code)]

mod access;
mod attribute;
mod blocking;
mod describe;
mod filter;
mod pause;
mod peaks;
mod publish;
mod pubsub;
mod session;
mod sessions;
mod tracking;
mod transaction;
mod usage;
mod watches;

pub use access::{Access, DEFAULT_USER};
pub use attribute::{INVALID_NAME, is_valid_attribute};
pub use blocking::{Awaited, Blocking, Release, TimeoutReply, Wait};
pub use describe::describe;
pub use filter::{ClientClass, ClientFilter};
pub use pause::{ClientPause, PauseMode, WriteHold};
pub use peaks::BufferPeaks;
pub use pubsub::{Delivery, Message, PubSub, SubscriptionKind, Subscriptions};
pub use session::{Closing, LentInput, Paused, Peer, Session, SessionFlags, Waiting};
pub use sessions::{ClientId, Sessions, Token};
pub use tracking::{ClientTracking, Modification, Tracking, TrackingMode, TrackingOptions};
pub use transaction::Transaction;
pub use usage::{Running, Usage};
pub use watches::{Watched, Watches};
