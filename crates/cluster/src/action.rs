//! What a server is to do for its cluster.

use std::fmt;

use bytes::Bytes;
use dunlin_slots::SlotSet;
use dunlin_stdx::time::Monotonic;

/// Names a connection of the bus. Given by the cluster, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// What whoever moves bytes is to do on the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusRequest {
    /// Open a connection, then say [`connected`](crate::Cluster::connected) or
    /// [`connect_failed`](crate::Cluster::connect_failed).
    Connect {
        /// What it is called from now on.
        link: LinkId,
        /// Numeric address.
        ip: String,
        /// Port of the bus.
        port: u16,
    },
    /// Send bytes on a connection. A link that is not open any more is no error.
    Send {
        /// The connection.
        link: LinkId,
        /// What is sent: a whole message, maybe shared with other links.
        bytes: Bytes,
    },
    /// Close a connection, which is not reported as closed.
    Close {
        /// The connection.
        link: LinkId,
    },
}

/// What a server is to do, in the order in which it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open, use or close a connection of the bus.
    Bus(BusRequest),
    /// Replace nodes.conf. It must be written (and on disk if `fsync`) before anything that follows
    /// is sent; if it cannot be, the server ends.
    SaveConf {
        /// The whole text.
        text: String,
        /// Whether it must be on disk.
        fsync: bool,
    },
    /// Be a replica of the server at this address.
    ReplicateFrom {
        /// Address of the primary.
        ip: String,
        /// Its port of clients.
        port: u16,
    },
    /// Be a primary: keep the data and end replication.
    BecomePrimary,
    /// Take no writes (nor expire or evict keys) until then: a replica takes over.
    PauseWrites {
        /// When writes go on by themselves.
        until: Monotonic,
    },
    /// Writes go on.
    ResumeWrites,
    /// Another node owns these slots: remove what is left of their keys.
    DropKeysInSlots(SlotSet),
    /// Remove all keys (CLUSTER RESET of a replica).
    DropAllKeys,
    /// These slots have another owner: end the subscriptions to their sharded channels.
    DropSlotSubscriptions(SlotSet),
    /// Hand a message that another node has published to the subscribers here.
    Publish {
        /// The channel.
        channel: Bytes,
        /// The message.
        message: Bytes,
        /// Whether the channel is a sharded one (SPUBLISH).
        sharded: bool,
    },
    /// Whether an address could be reached, as [`probe`](crate::Cluster::probe) was asked.
    Probed {
        /// What that has called the probe.
        link: LinkId,
        /// Numeric address.
        ip: String,
        /// Port of the bus.
        port: u16,
        /// Why it cannot be reached.
        outcome: Result<(), String>,
    },
    /// Write a line to the log.
    Log(Line),
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For those who look for an error in the cluster.
    Debug,
    /// What happens often and matters seldom.
    Verbose,
    /// What happens in the course of things.
    Notice,
    /// What somebody should look at.
    Warning,
}

/// A line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub severity: Severity,
    /// What it says.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
