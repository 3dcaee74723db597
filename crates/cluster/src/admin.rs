//! What administrators wish: the CLUSTER subcommands that change something.

use dunlin_slots::SlotSet;
use dunlin_stdx::time::Now;

use crate::cluster::Cluster;
use crate::config::ClusterConfig;
use crate::error::ClusterError;
use crate::facts::Facts;

/// What CLUSTER SETSLOT does with a slot. Ids are the bytes that were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetSlot<'a> {
    /// Its keys move to that node.
    Migrating(&'a [u8]),
    /// Its keys come from that node.
    Importing(&'a [u8]),
    /// It is that node's.
    Node(&'a [u8]),
    /// Its keys do not move.
    Stable,
}

/// How CLUSTER FAILOVER hands over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailoverMode {
    /// The primary pauses its writes; nothing is lost.
    Default,
    /// Without asking the primary.
    Force,
    /// Without asking anybody.
    Takeover,
}

/// How much CLUSTER RESET forgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetMode {
    /// Nodes and slots.
    Soft,
    /// Also the own id and all epochs.
    Hard,
}

/// What CLUSTER BUMPEPOCH did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bump {
    /// The own epoch is a new one (`BUMPED n`).
    Bumped(u64),
    /// It was the highest already (`STILL n`).
    Still(u64),
}

impl Cluster {
    /// CLUSTER MEET: makes the node at this address know this one, and the other way round.
    ///
    /// # Errors
    /// [`ClusterError::InvalidAddress`] unless `ip` is a numeric address and the ports are some.
    pub fn meet(
        &mut self,
        now: Now,
        ip: &str,
        port: u16,
        bus_port: Option<u16>,
    ) -> Result<(), ClusterError> {
        let _ = (now, ip, port, bus_port);
        Ok(())
    }

    /// CLUSTER FORGET: removes a node, and does not learn of it again for a minute.
    ///
    /// # Errors
    /// [`ClusterError::UnknownNode`], [`ClusterError::ForgetsMyself`],
    /// [`ClusterError::ForgetsMyPrimary`].
    pub fn forget(&mut self, now: Now, id: &[u8]) -> Result<(), ClusterError> {
        let _ = (now, id);
        Ok(())
    }

    /// CLUSTER ADDSLOTS: this node owns these slots. All or none.
    ///
    /// # Errors
    /// [`ClusterError::SlotIsBusy`].
    pub fn add_slots(&mut self, now: Now, slots: &SlotSet) -> Result<(), ClusterError> {
        let _ = (now, slots);
        Ok(())
    }

    /// CLUSTER DELSLOTS: nobody owns these slots, as far as this node is concerned. All or none.
    ///
    /// # Errors
    /// [`ClusterError::SlotIsUnassigned`].
    pub fn del_slots(&mut self, now: Now, slots: &SlotSet) -> Result<(), ClusterError> {
        let _ = (now, slots);
        Ok(())
    }

    /// CLUSTER FLUSHSLOTS: this node owns no slots.
    ///
    /// # Errors
    /// [`ClusterError::FlushSlotsNotEmpty`].
    pub fn flush_slots(&mut self, now: Now, facts: &Facts<'_>) -> Result<(), ClusterError> {
        let _ = (now, facts);
        Ok(())
    }

    /// CLUSTER SETSLOT.
    ///
    /// # Errors
    /// See the variants of [`ClusterError`] that name SETSLOT.
    pub fn set_slot(
        &mut self,
        now: Now,
        facts: &Facts<'_>,
        slot: u16,
        wish: SetSlot<'_>,
    ) -> Result<(), ClusterError> {
        let _ = (now, facts, slot, wish);
        Ok(())
    }

    /// CLUSTER REPLICATE: this node is a replica of that one.
    ///
    /// # Errors
    /// [`ClusterError::UnknownNode`], [`ClusterError::ReplicatesMyself`],
    /// [`ClusterError::ReplicatesReplica`], [`ClusterError::ReplicateNotEmpty`].
    pub fn replicate(
        &mut self,
        now: Now,
        facts: &Facts<'_>,
        id: &[u8],
    ) -> Result<(), ClusterError> {
        let _ = (now, facts, id);
        Ok(())
    }

    /// CLUSTER FAILOVER: this replica takes over from its primary.
    ///
    /// # Errors
    /// [`ClusterError::FailoverOnPrimary`], [`ClusterError::PrimaryIsUnknown`],
    /// [`ClusterError::PrimaryIsDown`].
    pub fn manual_failover(
        &mut self,
        now: Now,
        facts: &Facts<'_>,
        mode: FailoverMode,
    ) -> Result<(), ClusterError> {
        let _ = (now, facts, mode);
        Ok(())
    }

    /// CLUSTER RESET: this node is alone.
    ///
    /// # Errors
    /// [`ClusterError::ResetNotEmpty`].
    pub fn reset(
        &mut self,
        now: Now,
        facts: &Facts<'_>,
        mode: ResetMode,
    ) -> Result<(), ClusterError> {
        let _ = (now, facts, mode);
        Ok(())
    }

    /// CLUSTER BUMPEPOCH: takes a new config epoch unless the own is the highest.
    pub fn bump_epoch(&mut self, now: Now) -> Bump {
        let _ = now;
        Bump::Still(0)
    }

    /// CLUSTER SET-CONFIG-EPOCH: the config epoch of a node that is alone.
    ///
    /// # Errors
    /// [`ClusterError::InvalidEpoch`], [`ClusterError::EpochWithOtherNodes`],
    /// [`ClusterError::EpochIsSet`].
    pub fn set_config_epoch(&mut self, now: Now, epoch: i64) -> Result<(), ClusterError> {
        let _ = (now, epoch);
        Ok(())
    }

    /// CLUSTER SAVECONFIG: nodes.conf is written at the end of this turn, and is on disk then.
    pub fn save_conf(&mut self, now: Now) {
        let _ = now;
    }

    /// PUBLISH, SPUBLISH: sends a message to all nodes, or to those of the own shard.
    pub fn publish(
        &mut self,
        now: Now,
        facts: &Facts<'_>,
        channel: &[u8],
        message: &[u8],
        sharded: bool,
    ) {
        let _ = (now, facts, channel, message, sharded);
    }

    /// CONFIG SET: other parameters.
    pub fn set_config(&mut self, now: Now, config: ClusterConfig) {
        let _ = (now, config);
    }
}
