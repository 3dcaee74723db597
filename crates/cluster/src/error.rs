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
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::InvalidAddress(ip, port) => {
                return write!(f, "Invalid node address specified: {ip}:{port}");
            }
            Self::UnknownNode(id) => return write!(f, "Unknown node {id}"),
            Self::UnknownSetSlotNode(id) => return write!(f, "I don't know about node {id}"),
            Self::SlotIsBusy(slot) => return write!(f, "Slot {slot} is already busy"),
            Self::SlotIsUnassigned(slot) => return write!(f, "Slot {slot} is already unassigned"),
            Self::NotTheOwner(slot) => return write!(f, "I'm not the owner of hash slot {slot}"),
            Self::AlreadyTheOwner(slot) => {
                return write!(f, "I'm already the owner of hash slot {slot}");
            }
            Self::SlotHasKeys(slot) => {
                return write!(
                    f,
                    "Can't assign hashslot {slot} to a different node while I still hold keys for \
                     this hash slot."
                );
            }
            Self::InvalidEpoch(epoch) => {
                return write!(f, "Invalid config epoch specified: {epoch}");
            }
            fixed => fixed.fixed_text(),
        };
        f.write_str(text)
    }
}

impl ClusterError {
    const fn fixed_text(&self) -> &'static str {
        match self {
            Self::ForgetsMyself => "I tried hard but I can't forget myself...",
            Self::ForgetsMyPrimary => "Can't forget my master!",
            Self::FlushSlotsNotEmpty => "DB must be empty to perform CLUSTER FLUSHSLOTS.",
            Self::SetSlotOnReplica => "Please use SETSLOT only with masters.",
            Self::TargetIsReplica => "Target node is not a master",
            Self::EpochWithOtherNodes => {
                "The user can assign a config epoch only when the node does not know any other node."
            }
            Self::EpochIsSet => "Node config epoch is already non-zero",
            Self::ReplicatesMyself => "Can't replicate myself",
            Self::ReplicatesReplica => "I can only replicate a master, not a replica.",
            Self::ReplicateNotEmpty => {
                "To set a master the node must be empty and without assigned slots."
            }
            Self::NotAPrimary => "The specified node is not a master",
            Self::FailoverOnPrimary => "You should send CLUSTER FAILOVER to a replica",
            Self::PrimaryIsUnknown => "I'm a replica but my master is unknown to me",
            Self::PrimaryIsDown => "Master is down or failed, please use CLUSTER FAILOVER FORCE",
            Self::ResetNotEmpty => {
                "CLUSTER RESET can't be called with master nodes containing keys"
            }
            Self::TooManyNodes => "Too many nodes are known",
            _ => "",
        }
    }
}

impl std::error::Error for ClusterError {}
