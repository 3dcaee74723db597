//! What administrators wish: the CLUSTER subcommands that change something.

mod debug;
mod membership;
mod slots;

use dunlin_stdx::time::Now;

use crate::bus::Body;
use crate::cluster::Cluster;
use crate::config::ClusterConfig;
use crate::error::ClusterError;
use crate::facts::Facts;
use crate::flags::NodeFlags;
use crate::id::NodeId;
use crate::manual::ManualFailover;

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
        self.begin(now, facts);
        if self.myself().is_primary() {
            return Err(ClusterError::FailoverOnPrimary);
        }
        let primary =
            self.nodes.primary_of(self.nodes.me()).ok_or(ClusterError::PrimaryIsUnknown)?;
        let node = self.nodes.get(primary);
        if mode == FailoverMode::Default && (node.is_failed() || !node.is_connected()) {
            return Err(ClusterError::PrimaryIsDown);
        }
        self.end_manual_failover();
        let until = self.hand_over_limit();
        match mode {
            FailoverMode::Takeover => {
                self.outbox.warning("Taking over the master (user request).".to_owned());
                self.take_epoch();
                self.replace_primary();
            }
            FailoverMode::Force => {
                self.outbox.warning("Forced failover user request accepted.".to_owned());
                self.start_manual_election(until);
            }
            FailoverMode::Default => {
                self.outbox.warning("Manual failover user request accepted.".to_owned());
                self.manual = ManualFailover::AwaitsOffset { until };
                self.send_to(primary, Body::ManualFailoverStart);
            }
        }
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
        self.begin(now, facts);
        if self.myself().is_primary() && !facts.keys.is_empty() {
            return Err(ClusterError::ResetNotEmpty);
        }
        let mut is_new_shard = mode == ResetMode::Hard;
        let served = self.shard_slots();
        if !served.is_empty() {
            self.outbox.push(crate::action::Action::DropSlotSubscriptions(served));
        }
        if self.myself().is_replica() {
            self.become_primary();
            self.outbox.push(crate::action::Action::DropAllKeys);
            is_new_shard = true;
        }
        self.end_manual_failover();
        self.open.clear();
        self.forgotten.clear();
        for slot in self.myself().slots.clone().iter() {
            self.nodes.assign(slot, None);
        }
        let me = self.nodes.me();
        for key in self.nodes.keys().into_iter().filter(|key| *key != me) {
            self.remove_node(key);
        }
        self.nodes.myself_mut().flags.remove(NodeFlags::MIGRATE_TO);
        if is_new_shard {
            self.nodes.myself_mut().shard_id = NodeId::random(&mut self.rng);
        }
        if mode == ResetMode::Hard {
            self.epochs = crate::cluster::Epochs::default();
            self.nodes.myself_mut().config_epoch = 0;
            let id = NodeId::random(&mut self.rng);
            self.nodes.rename(me, id);
            self.outbox.notice(format!("Node hard reset, now I'm {id}"));
        }
        self.save_to_disk();
        self.todo.state = true;
        Ok(())
    }

    /// CLUSTER BUMPEPOCH: takes a new config epoch unless the own is the highest.
    pub fn bump_epoch(&mut self, now: Now) -> Bump {
        self.turn.now = now;
        let is_new = self.take_epoch();
        let epoch = self.myself().config_epoch;
        if is_new { Bump::Bumped(epoch) } else { Bump::Still(epoch) }
    }

    /// A config epoch above all others, without asking anybody; whether it is a new one.
    pub(crate) fn take_epoch(&mut self) -> bool {
        let highest = self.nodes.iter().map(|node| node.config_epoch).max().unwrap_or(0);
        let own = self.myself().config_epoch;
        if own != 0 && own == highest {
            return false;
        }
        self.epochs.current = self.epochs.current.max(highest) + 1;
        let epoch = self.epochs.current;
        self.nodes.myself_mut().config_epoch = epoch;
        self.outbox.warning(format!("New configEpoch set to {epoch}"));
        self.save_to_disk();
        true
    }

    /// CLUSTER SET-CONFIG-EPOCH: the config epoch of a node that is alone.
    ///
    /// # Errors
    /// [`ClusterError::InvalidEpoch`], [`ClusterError::EpochWithOtherNodes`],
    /// [`ClusterError::EpochIsSet`].
    pub fn set_config_epoch(&mut self, now: Now, epoch: i64) -> Result<(), ClusterError> {
        self.turn.now = now;
        let Ok(wanted) = u64::try_from(epoch) else {
            return Err(ClusterError::InvalidEpoch(epoch));
        };
        if self.nodes.len() > 1 {
            return Err(ClusterError::EpochWithOtherNodes);
        }
        if self.myself().config_epoch != 0 {
            return Err(ClusterError::EpochIsSet);
        }
        self.nodes.myself_mut().config_epoch = wanted;
        self.epochs.current = self.epochs.current.max(wanted);
        self.outbox.warning(format!("configEpoch set to {wanted} via CLUSTER SET-CONFIG-EPOCH"));
        self.save();
        self.todo.state = true;
        Ok(())
    }

    /// CLUSTER SAVECONFIG: nodes.conf is written at the end of this turn, and is on disk then.
    pub fn save_conf(&mut self, now: Now) {
        self.turn.now = now;
        self.save_to_disk();
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
        self.begin(now, facts);
        self.send_publication(channel, message, sharded);
    }

    /// CONFIG SET: other parameters.
    pub fn set_config(&mut self, now: Now, config: ClusterConfig) {
        self.turn.now = now;
        if self.config == config {
            return;
        }
        self.config = config;
        self.update_myself();
        self.save();
        self.todo.state = true;
    }
}
