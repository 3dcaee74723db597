//! Who owns which slot: claims, and what settles them.
//!
//! A claim of a higher config epoch wins. Whoever sees a claim that has lost sends an UPDATE. Two
//! primaries of one config epoch would claim the same with equal right: the one with the smaller id
//! takes a new one.
//!
//! Source: redis.io, "Redis cluster specification", configuration handling, propagation, and failovers.
//! Differs: nobody votes for an epoch that settles a collision, so that others may elect a successor in
//! the same one. It would then be by the ids whether the slots went back, and what the successor was
//! given meanwhile was lost. A node that is cut off takes no new epoch, and one that has taken one
//! yields to who claims its slots in the same.

use dunlin_slots::SlotSet;

use crate::action::Action;
use crate::bus::{Claim, Header};
use crate::cluster::Cluster;
use crate::conf::OpenSlot;
use crate::config::{Flaw, Pace};
use crate::flags::NodeFlags;
use crate::nodes::NodeKey;

/// What a claim has changed.
#[derive(Default)]
struct Settled {
    /// Slots that were this node's.
    lost: SlotSet,
    /// Slots that were of this node's shard.
    taken: SlotSet,
    is_changed: bool,
    /// Whether a slot had another owner.
    has_moved: bool,
}

impl Cluster {
    /// Whether a message was sent before what is known of its sender already: two links do not keep the
    /// order. A replica that has been elected would seem to be one again, and its slots nobody's.
    pub(crate) fn is_outdated(&self, sender: NodeKey, header: &Header) -> bool {
        let node = self.nodes.get(sender);
        let is_new = |promoted| self.at().since_us(promoted) < self.timeout_us();
        header.primary.is_some()
            && node.is_primary()
            && header.config_epoch < node.config_epoch
            && node.promoted_at.is_some_and(is_new)
    }

    /// A known node says whether it is a primary, and else of whom it is a replica.
    pub(crate) fn hear_role(&mut self, sender: NodeKey, header: &Header) {
        match &header.primary {
            None => self.promote_in_table(sender),
            Some(primary) => {
                if self.nodes.get(sender).is_primary() {
                    self.demote_in_table(sender);
                }
                let primary = self.nodes.find(primary).filter(|primary| *primary != sender);
                if let Some(primary) = primary
                    && self.nodes.primary_of(sender) != Some(primary)
                {
                    let primary = self.nodes.get(primary);
                    let (id, shard) = (primary.id, primary.shard_id);
                    self.nodes.set_primary(sender, Some(id));
                    self.nodes.get_mut(sender).shard_id = shard;
                    self.save_soon();
                }
            }
        }
    }

    /// Another node is a primary.
    fn promote_in_table(&mut self, key: NodeKey) {
        let node = self.nodes.get(key);
        if node.is_primary() {
            return;
        }
        self.nodes.set_primary(key, None);
        let at = self.at();
        let node = self.nodes.get_mut(key);
        node.promoted_at = Some(at);
        node.flags.insert(NodeFlags::MIGRATE_TO);
        self.nodes.make_primary(key);
        self.save();
        self.todo.state = true;
    }

    fn demote_in_table(&mut self, key: NodeKey) {
        let slots = self.nodes.get(key).slots.clone();
        for slot in slots.iter() {
            self.nodes.assign(slot, None);
        }
        self.nodes.make_replica(key);
        if slots.is_empty() {
            self.save_soon();
        } else {
            self.save();
        }
        self.todo.state = true;
    }

    /// A known node claims slots, for itself or for its primary.
    pub(crate) fn hear_claims(&mut self, sender: NodeKey, header: &Header) {
        let node = self.nodes.get(sender);
        let is_primary = node.is_primary();
        let Some(claimant) =
            (if is_primary { Some(sender) } else { self.nodes.primary_of(sender) })
        else {
            return;
        };
        if self.nodes.get(claimant).slots == header.slots {
            // Nothing is new, except that it claims again what it had ceased to claim.
            if is_primary && self.nodes.unclaimed().intersects(&header.slots) {
                self.settle(sender, header.config_epoch, &header.slots);
            }
            return;
        }
        if is_primary {
            self.settle(sender, header.config_epoch, &header.slots);
        }
        let contested = header.slots.clone() - self.nodes.get(claimant).slots();
        let stronger = contested.iter().find_map(|slot| {
            let owner = self.nodes.owner(slot)?;
            let is_stronger = owner != sender
                && !self.nodes.unclaimed().contains(slot)
                && self.nodes.get(owner).config_epoch > header.config_epoch;
            is_stronger.then_some(owner)
        });
        if let Some(owner) = stronger {
            self.send_update(sender, owner);
        }
    }

    /// UPDATE: somebody says who owns slots that this node may claim.
    pub(crate) fn hear_update(&mut self, claim: &Claim) {
        let Some(key) = self.nodes.find(&claim.id) else { return };
        let node = self.nodes.get(key);
        let is_new = node.config_epoch < claim.config_epoch && claim.config_epoch <= u64::MAX / 2;
        if !is_new || key == self.nodes.me() || node.is_in_handshake() {
            return;
        }
        self.promote_in_table(key);
        self.nodes.get_mut(key).config_epoch = claim.config_epoch;
        self.save_to_disk();
        self.settle(key, claim.config_epoch, &claim.slots);
    }

    /// Gives a node the slots that it claims with better right than their owner, and follows what has
    /// become of this node's own shard.
    fn settle(&mut self, claimant: NodeKey, epoch: u64, claim: &SlotSet) {
        if claimant == self.nodes.me() || self.config.has(Flaw::IgnoresClaims) {
            return;
        }
        let me = self.nodes.me();
        let my_primary =
            if self.myself().is_primary() { Some(me) } else { self.nodes.primary_of(me) };
        let settled = self.rebind(claimant, epoch, claim, my_primary);
        if settled.is_changed {
            self.hear_winner();
            self.todo.state = true;
        }
        if settled.has_moved {
            self.save_to_disk();
        } else if settled.is_changed {
            self.save_soon();
        }
        if !settled.taken.is_empty() {
            self.outbox.push(Action::DropSlotSubscriptions(settled.taken.clone()));
        }
        let has_lost_all = !settled.taken.is_empty()
            && my_primary.is_some_and(|primary| self.nodes.get(primary).slot_count == 0);
        let follows = self.config.allow_replica_migration || claim.len() == settled.taken.len();
        if has_lost_all && follows {
            let label = self.nodes.get(claimant).label();
            self.outbox.notice(format!(
                "Configuration change detected. Reconfiguring myself as a replica of {label}"
            ));
            self.become_replica_of(claimant);
            self.save_to_disk();
        } else if !self.follow_grand_primary() && !settled.lost.is_empty() {
            self.outbox.push(Action::DropKeysInSlots(settled.lost));
        }
    }

    fn rebind(
        &mut self,
        claimant: NodeKey,
        epoch: u64,
        claim: &SlotSet,
        my_primary: Option<NodeKey>,
    ) -> Settled {
        let mut settled = Settled::default();
        let yields = self.yields_to(claimant, epoch);
        // Where it claims what it is known to own there is nothing to do, unless it had ceased to.
        let (known, unclaimed) = (self.nodes.get(claimant).slots(), self.nodes.unclaimed());
        let (new, ceased) = (claim.clone() - known, known.clone() - claim);
        let again = unclaimed.clone() & known;
        for slot in (new | &ceased | &again).iter() {
            let owner = self.nodes.owner(slot);
            if owner == Some(claimant) {
                self.nodes.set_claimed(slot, claim.contains(slot));
                continue;
            }
            if !claim.contains(slot) || matches!(self.open.get(&slot), Some(OpenSlot::Importing(_)))
            {
                continue;
            }
            let is_stronger = owner.is_none_or(|owner| {
                self.nodes.unclaimed().contains(slot)
                    || self.nodes.get(owner).config_epoch < epoch
                    || owner == self.nodes.me() && yields
            });
            if !is_stronger {
                continue;
            }
            if owner == Some(self.nodes.me()) {
                settled.lost.insert(slot);
                self.open.remove(&slot);
            }
            if owner.is_some() && owner == my_primary {
                settled.taken.insert(slot);
            }
            self.nodes.assign(slot, Some(claimant));
            settled.is_changed = true;
            settled.has_moved |= owner.is_some();
        }
        settled
    }

    /// Whether another primary claims this one's slots with better right in the same epoch. One with the
    /// smaller id takes a new epoch when it hears of this one, and needs no such right.
    fn yields_to(&self, claimant: NodeKey, epoch: u64) -> bool {
        let me = self.myself();
        self.config.pace == Pace::Dunlin
            && me.is_primary()
            && self.has_settled_epoch()
            && me.config_epoch == epoch
            && me.id < self.nodes.get(claimant).id
    }

    /// Two primaries of one config epoch: the one with the smaller id takes a new one.
    pub(crate) fn resolve_collision(&mut self, sender: NodeKey) {
        let (me, other) = (self.myself(), self.nodes.get(sender));
        let collides =
            me.is_primary() && other.is_primary() && me.config_epoch == other.config_epoch;
        let is_cut_off = self.config.pace == Pace::Dunlin && self.health.is_cut_off();
        if !collides || me.id > other.id || is_cut_off || self.config.has(Flaw::KeepsEpoch) {
            return;
        }
        let label = other.label();
        self.epochs.current += 1;
        let epoch = self.epochs.current;
        self.epochs.settled = epoch;
        self.nodes.myself_mut().config_epoch = epoch;
        self.save_to_disk();
        self.outbox.log(
            crate::action::Severity::Verbose,
            format!("configEpoch collision with node {label}. configEpoch set to {epoch}"),
        );
    }
}
