//! What is known of a node.

use dunlin_slots::SlotSet;
use dunlin_stdx::time::Monotonic;

use crate::action::LinkId;
use crate::address::Address;
use crate::flags::NodeFlags;
use crate::id::NodeId;
use crate::nodes::NodeKey;
use crate::reach::Attempts;

/// Another primary's word that a node does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FailureReport {
    /// Who says so.
    pub(crate) reporter: NodeKey,
    /// When it last said so.
    pub(crate) at: Monotonic,
}

/// What passes between this node and another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contact {
    /// When the PING was sent that is not answered yet.
    pub(crate) ping_sent: Option<Monotonic>,
    /// When the last PONG came, also by hearsay.
    pub(crate) pong_received: Option<Monotonic>,
    /// When anything last came from it.
    pub(crate) data_received: Option<Monotonic>,
    /// When it has answered at the latest, by the word of others.
    pub(crate) vouched: Option<Monotonic>,
    /// When this node has last sent it a PING.
    pub(crate) greeted: Option<Monotonic>,
    /// How long its answers take, in microseconds: as long as the slowest of late.
    pub(crate) round_trip_us: u64,
    /// The link that this node has opened to it.
    pub(crate) outbound: Option<LinkId>,
    /// Whether that link is open, and not still to be.
    pub(crate) is_open: bool,
    /// The link that it has opened to this node.
    pub(crate) inbound: Option<LinkId>,
}

/// What is known of a node.
///
/// What gossip and the cron read of each node comes first, side by side: a message of a large cluster is
/// about a hundred nodes, and takes as long as they take to come from memory.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Node {
    pub(crate) id: NodeId,
    pub(crate) flags: NodeFlags,
    /// In the order of reporters.
    pub(crate) reports: Vec<FailureReport>,
    pub(crate) contact: Contact,
    pub(crate) slot_count: usize,
    pub(crate) created: Monotonic,
    pub(crate) address: Address,
    pub(crate) primary: Option<NodeId>,
    pub(crate) config_epoch: u64,
    pub(crate) slots: SlotSet,
    pub(crate) offset: u64,
    /// When it last said so.
    pub(crate) offset_at: Option<Monotonic>,
    pub(crate) shard_id: NodeId,
    pub(crate) hostname: String,
    pub(crate) human_name: String,
    /// In the order in which they were attached.
    pub(crate) replicas: Vec<NodeId>,
    pub(crate) attempts: Attempts,
    pub(crate) failed_at: Option<Monotonic>,
    /// When it was last seen to become a primary.
    pub(crate) promoted_at: Option<Monotonic>,
    /// When this node last voted for one of its replicas.
    pub(crate) voted_at: Option<Monotonic>,
    /// Since when it has slots and no replica that works.
    pub(crate) orphaned_since: Option<Monotonic>,
}

impl Contact {
    /// A PONG has come: how long that took is remembered, and forgotten by a quarter with each one that
    /// was faster.
    pub(crate) fn note_round_trip(&mut self, at: Monotonic) {
        let Some(greeted) = self.greeted.take() else { return };
        let took_us = at.since_us(greeted);
        let less_us = self.round_trip_us.saturating_sub(took_us);
        self.round_trip_us = took_us + less_us - less_us / 4;
    }
}

impl Node {
    pub(crate) fn new(id: NodeId, shard_id: NodeId, flags: NodeFlags, now: Monotonic) -> Self {
        Self {
            id,
            shard_id,
            address: Address::default(),
            hostname: String::new(),
            human_name: String::new(),
            flags,
            primary: None,
            replicas: Vec::new(),
            slots: SlotSet::new(),
            slot_count: 0,
            config_epoch: 0,
            offset: 0,
            offset_at: None,
            contact: Contact::default(),
            attempts: Attempts::default(),
            reports: Vec::new(),
            created: now,
            failed_at: None,
            promoted_at: None,
            voted_at: None,
            orphaned_since: None,
        }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &NodeId {
        &self.id
    }

    /// The id that a primary shares with its replicas.
    #[must_use]
    pub const fn shard_id(&self) -> &NodeId {
        &self.shard_id
    }

    /// Where it is reached.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The hostname that it announces; empty for none.
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// The name for people that it announces; empty for none.
    #[must_use]
    pub fn human_name(&self) -> &str {
        &self.human_name
    }

    /// What is said of it.
    #[must_use]
    pub const fn flags(&self) -> NodeFlags {
        self.flags
    }

    /// The primary of a replica, if it is known.
    #[must_use]
    pub const fn primary(&self) -> Option<&NodeId> {
        self.primary.as_ref()
    }

    /// The slots that it owns.
    #[must_use]
    pub const fn slots(&self) -> &SlotSet {
        &self.slots
    }

    /// Count of slots that it owns.
    #[must_use]
    pub const fn slot_count(&self) -> usize {
        self.slot_count
    }

    /// The version of its slots, as it claims it; 0 for a replica that never was a primary.
    #[must_use]
    pub const fn config_epoch(&self) -> u64 {
        self.config_epoch
    }

    /// Its replication offset, as it last said; this node's own is what the server knows itself.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether it is a primary.
    #[must_use]
    pub const fn is_primary(&self) -> bool {
        self.flags.contains(NodeFlags::PRIMARY)
    }

    /// Whether it is a replica.
    #[must_use]
    pub const fn is_replica(&self) -> bool {
        self.flags.contains(NodeFlags::REPLICA)
    }

    /// Whether a majority agrees that it does not answer.
    #[must_use]
    pub const fn is_failed(&self) -> bool {
        self.flags.contains(NodeFlags::FAIL)
    }

    /// Whether it does not answer this node.
    #[must_use]
    pub const fn is_suspected(&self) -> bool {
        self.flags.contains(NodeFlags::PFAIL)
    }

    /// Whether it is this node.
    #[must_use]
    pub const fn is_myself(&self) -> bool {
        self.flags.contains(NodeFlags::MYSELF)
    }

    /// Whether its id is not known yet.
    #[must_use]
    pub const fn is_in_handshake(&self) -> bool {
        self.flags.contains(NodeFlags::HANDSHAKE)
    }

    /// Whether it votes, and counts for the size of the cluster: a primary with slots.
    #[must_use]
    pub const fn is_voting(&self) -> bool {
        self.is_primary() && self.slot_count > 0
    }

    /// Whether there is an open link to it.
    pub(crate) const fn is_connected(&self) -> bool {
        self.contact.outbound.is_some() && self.contact.is_open
    }

    /// Whether there is a link to it, open or being opened.
    #[must_use]
    pub const fn is_linked(&self) -> bool {
        self.contact.outbound.is_some()
    }

    /// Its id and its name for people, as lines of the log have them.
    pub(crate) fn label(&self) -> String {
        format!("{} ({})", self.id, self.human_name)
    }
}
