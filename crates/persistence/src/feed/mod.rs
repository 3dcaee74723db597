//! Snapshots on their way to replicas.
//!
//! ```text
//!  a snapshot's writer ----FeedOutlet--\                       /-- Feed: command thread --> socket
//!                                       +-> [at most 1 MB] ---+
//!  FileSender: reads ------FeedOutlet--/                       \-- dropped: the replica is gone
//! ```
//!
//! A [`Feed`] is the end that a replica's connection holds; what goes in at the other end, the
//! [`FeedOutlet`], is a target of a snapshot like any other. Blocks are handed over as they are: all
//! replicas of one snapshot share their bytes.

mod pipe;
mod sender;
#[cfg(test)]
mod tests;

pub(crate) use pipe::REPLICA_IS_GONE;
pub use pipe::{Feed, FeedOutlet, FeedState, Framing};
pub use sender::{FileSender, SyncFile};
