//! Who owns which slot: CLUSTER ADDSLOTS, DELSLOTS, FLUSHSLOTS, SETSLOT.

use dunlin_slots::SlotSet;
use dunlin_stdx::time::Now;

use super::SetSlot;
use crate::action::Action;
use crate::cluster::Cluster;
use crate::conf::OpenSlot;
use crate::error::ClusterError;
use crate::facts::Facts;
use crate::nodes::NodeKey;

impl Cluster {
    /// CLUSTER ADDSLOTS: this node owns these slots. All or none.
    ///
    /// # Errors
    /// [`ClusterError::SlotIsBusy`].
    pub fn add_slots(&mut self, now: Now, slots: &SlotSet) -> Result<(), ClusterError> {
        self.turn.now = now;
        if let Some(busy) = slots.iter().find(|slot| self.nodes.owner(*slot).is_some()) {
            return Err(ClusterError::SlotIsBusy(busy));
        }
        let me = self.nodes.me();
        for slot in slots.iter() {
            self.open.remove(&slot);
            self.nodes.assign(slot, Some(me));
        }
        self.slots_have_changed();
        Ok(())
    }

    /// CLUSTER DELSLOTS: nobody owns these slots, as far as this node is concerned. All or none.
    ///
    /// # Errors
    /// [`ClusterError::SlotIsUnassigned`].
    pub fn del_slots(&mut self, now: Now, slots: &SlotSet) -> Result<(), ClusterError> {
        self.turn.now = now;
        if let Some(free) = slots.iter().find(|slot| self.nodes.owner(*slot).is_none()) {
            return Err(ClusterError::SlotIsUnassigned(free));
        }
        self.unassign(slots);
        Ok(())
    }

    /// CLUSTER FLUSHSLOTS: this node owns no slots.
    ///
    /// # Errors
    /// [`ClusterError::FlushSlotsNotEmpty`].
    pub fn flush_slots(&mut self, now: Now, facts: &Facts<'_>) -> Result<(), ClusterError> {
        self.begin(now, facts);
        if !facts.keys.is_empty() {
            return Err(ClusterError::FlushSlotsNotEmpty);
        }
        let slots = self.myself().slots.clone();
        self.unassign(&slots);
        Ok(())
    }

    /// The slots of this node's shard, to whose sharded channels clients subscribe here.
    pub(super) fn shard_slots(&self) -> SlotSet {
        let primary = self.myself().primary.as_ref().and_then(|id| self.node(id));
        let own = self.myself().slots.clone();
        match primary {
            Some(primary) => own | &primary.slots,
            None => own,
        }
    }

    fn unassign(&mut self, slots: &SlotSet) {
        let mine = slots.clone() & &self.myself().slots;
        let served = slots.clone() & &self.shard_slots();
        for slot in slots.iter() {
            self.nodes.assign(slot, None);
        }
        for slot in mine.iter() {
            self.open.remove(&slot);
        }
        if !served.is_empty() {
            self.outbox.push(Action::DropSlotSubscriptions(served));
        }
        self.slots_have_changed();
    }

    const fn slots_have_changed(&mut self) {
        self.save();
        self.todo.state = true;
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
        self.begin(now, facts);
        if self.myself().is_replica() {
            return Err(ClusterError::SetSlotOnReplica);
        }
        match wish {
            SetSlot::Migrating(id) => {
                if !self.owns(slot) {
                    return Err(ClusterError::NotTheOwner(slot));
                }
                let target = self.set_slot_target(id)?;
                self.open.insert(slot, OpenSlot::Migrating(self.nodes.get(target).id));
            }
            SetSlot::Importing(id) => {
                if self.owns(slot) {
                    return Err(ClusterError::AlreadyTheOwner(slot));
                }
                let source = self.set_slot_target(id)?;
                self.open.insert(slot, OpenSlot::Importing(self.nodes.get(source).id));
            }
            SetSlot::Stable => {
                self.open.remove(&slot);
            }
            SetSlot::Node(id) => self.give_slot(facts, slot, id)?,
        }
        self.slots_have_changed();
        Ok(())
    }

    fn set_slot_target(&self, id: &[u8]) -> Result<NodeKey, ClusterError> {
        let unknown =
            |_| ClusterError::UnknownSetSlotNode(String::from_utf8_lossy(id).into_owned());
        let key = self.named(id).map_err(unknown)?;
        if self.nodes.get(key).is_primary() { Ok(key) } else { Err(ClusterError::TargetIsReplica) }
    }

    /// SETSLOT NODE: the end of a move, on either side or elsewhere.
    fn give_slot(&mut self, facts: &Facts<'_>, slot: u16, id: &[u8]) -> Result<(), ClusterError> {
        let target = self.named(id)?;
        if !self.nodes.get(target).is_primary() {
            return Err(ClusterError::TargetIsReplica);
        }
        let me = self.nodes.me();
        let was_mine = self.owns(slot);
        let has_keys = facts.keys.count(slot) > 0;
        if was_mine && target != me && has_keys {
            return Err(ClusterError::SlotHasKeys(slot));
        }
        let was_importing = matches!(self.open.get(&slot), Some(OpenSlot::Importing(_)));
        let was_migrating = matches!(self.open.get(&slot), Some(OpenSlot::Migrating(_)));
        if (was_migrating && !has_keys) || (was_importing && target == me) {
            self.open.remove(&slot);
        }
        self.nodes.assign(slot, Some(target));
        if was_mine && target != me {
            self.outbox.push(Action::DropSlotSubscriptions([slot].into_iter().collect()));
        }
        if target == me && was_importing {
            // Nobody is asked: the slot is here, and the higher epoch makes all others see it.
            // Slots that come together are told together: to hear of one costs as much as of all.
            self.take_epoch();
            self.todo.tell = true;
        }
        if was_mine
            && target != me
            && self.myself().slot_count == 0
            && self.config.allow_replica_migration
        {
            let label = self.nodes.get(target).label();
            self.outbox.notice(format!(
                "Configuration change detected. Reconfiguring myself as a replica of {label}"
            ));
            self.become_replica_of(target);
        }
        Ok(())
    }
}
