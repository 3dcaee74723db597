//! Counters, for CLUSTER INFO.

use crate::bus::{MessageKind, Refusal};

/// How often what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Messages sent, by [`MessageKind`].
    pub sent: [u64; MessageKind::COUNT],
    /// Messages received, by [`MessageKind`].
    pub received: [u64; MessageKind::COUNT],
    /// Messages refused, by [`Refusal`].
    pub refused: [u64; Refusal::COUNT],
    /// Links closed because the peer did not read (`total_cluster_links_buffer_limit_exceeded`).
    pub send_limit_exceeded: u64,
}

impl Stats {
    /// All messages sent.
    #[must_use]
    pub fn total_sent(&self) -> u64 {
        self.sent.iter().sum()
    }

    /// All messages received.
    #[must_use]
    pub fn total_received(&self) -> u64 {
        self.received.iter().sum()
    }
}
