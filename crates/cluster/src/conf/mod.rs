//! nodes.conf: what a node remembers of the cluster.
//!
//! A line per node, then the epochs:
//!
//! ```text
//! <id> <ip>:<port>@<bus port>,<hostname>,tls-port=0,shard-id=<id> <flags> <primary or -> \
//!     <ping sent> <pong received> <config epoch> <connected|disconnected> <slots> ...
//! vars currentEpoch 6 lastVoteEpoch 0
//! ```
//!
//! Written in the form of 7.2; the form of 7.0, without what follows the hostname, is read too. A
//! file that was cut anywhere is refused: the epochs come last, and the last line ends.
//!
//! Differs: Redis takes a file without `vars` or without a last line end. Such a file has been cut,
//! and a node that does not remember its vote could vote twice.
//!
//! Source: nodes.conf as written by 7.0.15 and 7.2.6 servers.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use write::write_epochs;

use std::collections::BTreeMap;

use dunlin_slots::SlotSet;

use crate::address::Address;
use crate::flags::NodeFlags;
use crate::id::NodeId;

/// What nodes.conf says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conf {
    /// The nodes; exactly one of them is [`NodeFlags::MYSELF`].
    pub nodes: Vec<ConfNode>,
    /// The highest epoch that was seen.
    pub current_epoch: u64,
    /// The epoch of the last vote that was given.
    pub last_vote_epoch: u64,
}

/// A node in nodes.conf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfNode {
    /// Its id.
    pub id: NodeId,
    /// Where it is reached.
    pub address: Address,
    /// Whether the first port is the one with TLS.
    pub is_tls_first: bool,
    /// Its hostname; may be empty.
    pub hostname: String,
    /// Its name for people; may be empty.
    pub human_name: String,
    /// Its shard; `None` in files of 7.0.
    pub shard_id: Option<NodeId>,
    /// Its flags.
    pub flags: NodeFlags,
    /// Its primary.
    pub primary: Option<NodeId>,
    /// When the PING was sent that it has not answered, in milliseconds since the Unix epoch; 0 for
    /// none.
    pub ping_sent_ms: i64,
    /// When it last answered; 0 for never.
    pub pong_received_ms: i64,
    /// Its config epoch, or that of its primary.
    pub config_epoch: u64,
    /// Whether there is a link to it.
    pub is_connected: bool,
    /// Its slots.
    pub slots: SlotSet,
    /// Slots on the move: only this node's are known.
    pub open: BTreeMap<u16, OpenSlot>,
}

/// A slot whose keys move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenSlot {
    /// From this node to that one.
    Migrating(NodeId),
    /// From that node to this one.
    Importing(NodeId),
}
