//! Whether the cluster serves.

/// Why the cluster does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// A slot has no owner, and full coverage is required.
    SlotUnassigned(u16),
    /// The owner of a slot has failed, and full coverage is required.
    SlotFailed(u16),
    /// This node reaches no majority of the primaries.
    Minority,
    /// This node has just started, or has just come back to a majority: it waits for news of what it
    /// may have lost.
    Waiting,
}
