//! Why a wish of an administrator is refused, in the words of Redis.

use std::fmt;

/// Why a wish is refused. What it displays is the text of the reply behind `ERR `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterError {
    /// MEET: no numeric address, or no port.
    InvalidAddress(String, String),
    /// No such node; the text that was given for its id.
    UnknownNode(String),
    /// SETSLOT: no such node; the text that was given for its id.
    UnknownSetSlotNode(String),
    /// FORGET of oneself.
    ForgetsMyself,
    /// FORGET of the own primary.
    ForgetsMyPrimary,
    /// ADDSLOTS: somebody owns it.
    SlotIsBusy(u16),
    /// DELSLOTS: nobody owns it.
    SlotIsUnassigned(u16),
    /// FLUSHSLOTS with data.
    FlushSlotsNotEmpty,
    /// SETSLOT on a replica.
    SetSlotOnReplica,
    /// SETSLOT MIGRATING: the slot is another node's.
    NotTheOwner(u16),
    /// SETSLOT IMPORTING: the slot is this node's.
    AlreadyTheOwner(u16),
    /// SETSLOT: the other node is a replica.
    TargetIsReplica,
    /// SETSLOT NODE: keys of the slot are still here.
    SlotHasKeys(u16),
    /// SET-CONFIG-EPOCH: other nodes are known.
    EpochWithOtherNodes,
    /// SET-CONFIG-EPOCH: there is one.
    EpochIsSet,
    /// SET-CONFIG-EPOCH: no such epoch.
    InvalidEpoch(i64),
    /// REPLICATE of oneself.
    ReplicatesMyself,
    /// REPLICATE of a replica.
    ReplicatesReplica,
    /// REPLICATE on a primary with slots or data.
    ReplicateNotEmpty,
    /// REPLICAS of a node that is none.
    NotAPrimary,
    /// FAILOVER on a primary.
    FailoverOnPrimary,
    /// FAILOVER of a replica that does not know its primary.
    PrimaryIsUnknown,
    /// FAILOVER while the primary does not answer.
    PrimaryIsDown,
    /// RESET of a primary with data.
    ResetNotEmpty,
    /// There is no room for another node.
    TooManyNodes,
    /// PROBE: others are under way.
    TooManyProbes,
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidAddress(ip, port) => {
                write!(f, "Invalid node address specified: {ip}:{port}")
            }
            Self::UnknownNode(id) => write!(f, "Unknown node {id}"),
            Self::UnknownSetSlotNode(id) => write!(f, "I don't know about node {id}"),
            Self::ForgetsMyself => f.write_str("I tried hard but I can't forget myself..."),
            Self::ForgetsMyPrimary => f.write_str("Can't forget my master!"),
            Self::SlotIsBusy(slot) => write!(f, "Slot {slot} is already busy"),
            Self::SlotIsUnassigned(slot) => write!(f, "Slot {slot} is already unassigned"),
            Self::FlushSlotsNotEmpty => {
                f.write_str("DB must be empty to perform CLUSTER FLUSHSLOTS.")
            }
            Self::SetSlotOnReplica => f.write_str("Please use SETSLOT only with masters."),
            Self::NotTheOwner(slot) => write!(f, "I'm not the owner of hash slot {slot}"),
            Self::AlreadyTheOwner(slot) => write!(f, "I'm already the owner of hash slot {slot}"),
            Self::TargetIsReplica => f.write_str("Target node is not a master"),
            Self::SlotHasKeys(slot) => write!(
                f,
                "Can't assign hashslot {slot} to a different node while I still hold keys for this \
                 hash slot."
            ),
            Self::EpochWithOtherNodes => f.write_str(
                "The user can assign a config epoch only when the node does not know any other node.",
            ),
            Self::EpochIsSet => f.write_str("Node config epoch is already non-zero"),
            Self::InvalidEpoch(epoch) => write!(f, "Invalid config epoch specified: {epoch}"),
            Self::ReplicatesMyself => f.write_str("Can't replicate myself"),
            Self::ReplicatesReplica => {
                f.write_str("I can only replicate a master, not a replica.")
            }
            Self::ReplicateNotEmpty => {
                f.write_str("To set a master the node must be empty and without assigned slots.")
            }
            Self::NotAPrimary => f.write_str("The specified node is not a master"),
            Self::FailoverOnPrimary => f.write_str("You should send CLUSTER FAILOVER to a replica"),
            Self::PrimaryIsUnknown => f.write_str("I'm a replica but my master is unknown to me"),
            Self::PrimaryIsDown => {
                f.write_str("Master is down or failed, please use CLUSTER FAILOVER FORCE")
            }
            Self::ResetNotEmpty => {
                f.write_str("CLUSTER RESET can't be called with master nodes containing keys")
            }
            Self::TooManyNodes => f.write_str("Too many nodes are known"),
            Self::TooManyProbes => f.write_str("Too many probes are under way, try again"),
        }
    }
}

impl std::error::Error for ClusterError {}
