//! What must hold after every turn of every node.

use std::collections::BTreeMap;

use dunlin_cluster::bus::MessageKind;
use dunlin_cluster::{Cluster, NodeId, Pace};
use dunlin_slots::SlotSet;

use super::machine::Machine;
use super::{Bus, CRON_US};

/// How much later than the node timeout and a cron a primary may be seen to serve without a
/// majority: this is looked at once per cron, and what was on its way arrives.
const SLACK_US: u64 = CRON_US + 10_000;

/// Whom a node reaches is looked at after this time for each machine, in microseconds.
const LOOK_US: u64 = 1_000;

/// What was last seen of a node.
#[derive(Clone, Debug, Default)]
struct Seen {
    id: Option<NodeId>,
    current_epoch: u64,
    vote_epoch: u64,
    config_epoch: u64,
    /// Of what it takes writes, and in which epoch.
    writes: Option<(u64, SlotSet)>,
    /// When it last took no writes.
    idle_us: u64,
    /// When which primary could last reach it.
    reached_by: BTreeMap<NodeId, u64>,
    /// When that was last looked at.
    looked_us: Option<u64>,
}

/// What has been seen so far, of nodes and of messages.
#[derive(Clone, Debug)]
pub(super) struct Checks {
    seen: Vec<Seen>,
    by_id: BTreeMap<NodeId, usize>,
    /// Who took writes of which slots in an epoch.
    writers: BTreeMap<u64, Vec<(NodeId, SlotSet)>>,
    /// Whom a node has voted for in an epoch.
    votes: BTreeMap<(NodeId, u64), usize>,
    /// Who has asked for votes in which epoch, and how many it has been sent.
    ballots: BTreeMap<(u64, usize), usize>,
    writers_are_checked: bool,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            seen: Vec::new(),
            by_id: BTreeMap::new(),
            writers: BTreeMap::new(),
            votes: BTreeMap::new(),
            ballots: BTreeMap::new(),
            writers_are_checked: true,
        }
    }
}

impl Checks {
    pub(super) fn add_machine(&mut self) {
        self.seen.push(Seen::default());
    }

    pub(super) fn started(&mut self, index: usize, now_us: u64) {
        self.seen[index].idle_us = now_us;
    }

    pub(super) fn ended(&mut self, index: usize) {
        self.seen[index].writes = None;
    }

    /// What was not synced is gone: epochs that were only heard of may be lower afterwards, those that
    /// were used may not.
    pub(super) fn lost_power(&mut self, index: usize) {
        let seen = &mut self.seen[index];
        seen.current_epoch = seen.vote_epoch.max(seen.config_epoch);
    }

    /// Looks at a node after a turn.
    pub(super) fn look(&mut self, index: usize, machine: &Machine, now_us: u64) {
        let Some(cluster) = &machine.cluster else { return };
        self.look_at_epochs(index, cluster);
        if self.writers_are_checked {
            let serves = cluster.is_ok() && cluster.myself().is_voting();
            if serves && !machine.holds_writes(now_us) {
                self.look_at_writes(index, cluster);
            } else {
                self.seen[index].writes = None;
            }
        }
    }

    fn look_at_epochs(&mut self, index: usize, cluster: &Cluster) {
        let (me, seen) = (cluster.myself(), &mut self.seen[index]);
        if seen.id != Some(*me.id()) {
            // A new node, or one that was reset.
            *seen = Seen { id: Some(*me.id()), idle_us: seen.idle_us, ..Seen::default() };
            self.by_id.insert(*me.id(), index);
        }
        let advance = |what: &str, seen: &mut u64, now: u64| {
            assert!(now >= *seen, "{what} of {index} was {seen} and is {now}");
            *seen = now;
        };
        advance("the current epoch", &mut seen.current_epoch, cluster.current_epoch());
        advance("the epoch of the last vote", &mut seen.vote_epoch, cluster.last_vote_epoch());
        if me.is_primary() {
            advance("the config epoch", &mut seen.config_epoch, me.config_epoch());
        }
    }

    /// At most one primary takes writes of a slot in an epoch that was voted for. In one that settles a
    /// collision, another may be elected before the others hear of it; the first has stopped by then,
    /// which `check_minority` sees.
    fn look_at_writes(&mut self, index: usize, cluster: &Cluster) {
        if cluster.has_settled_epoch() {
            self.seen[index].writes = None;
            return;
        }
        let me = cluster.myself();
        let epoch = me.config_epoch();
        let before = &mut self.seen[index].writes;
        if before.as_ref().is_some_and(|(known, slots)| *known == epoch && slots == me.slots()) {
            return;
        }
        *before = Some((epoch, me.slots().clone()));
        let writers = self.writers.entry(epoch).or_default();
        for (other, slots) in writers.iter().filter(|(other, _)| other != me.id()) {
            assert!(
                !slots.intersects(me.slots()),
                "{other} and {} ({index}) took writes of a slot in epoch {epoch}",
                me.id(),
            );
        }
        match writers.iter_mut().find(|(id, _)| id == me.id()) {
            Some((_, slots)) => *slots = slots.clone() | me.slots(),
            None => writers.push((*me.id(), me.slots().clone())),
        }
    }

    /// Looks at a message that is sent.
    pub(super) fn sent(&mut self, from: usize, to: usize, message: &[u8]) {
        let Some(kind) = message.get(12..14) else { return };
        let is = |of: MessageKind| kind == (of as u16).to_be_bytes();
        let (is_request, is_vote) = (is(MessageKind::AuthRequest), is(MessageKind::AuthAck));
        if !is_request && !is_vote {
            return;
        }
        let mut epoch = [0; 8];
        epoch.copy_from_slice(&message[16..24]);
        let epoch = u64::from_be_bytes(epoch);
        if is_request {
            self.ballots.entry((epoch, from)).or_default();
            return;
        }
        let Some(voter) = self.seen[from].id else { return };
        let before = *self.votes.entry((voter, epoch)).or_insert(to);
        assert_eq!(before, to, "{from} voted for two in epoch {epoch}");
        *self.ballots.entry((epoch, to)).or_default() += 1;
    }
}

/// What a candidate has got in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// The epoch.
    pub epoch: u64,
    /// The machine of the candidate.
    pub candidate: usize,
    /// Votes that were sent to it.
    pub votes: usize,
}

impl Bus {
    /// Who has asked for votes since the simulation began, in the order of epochs.
    pub fn ballots(&self) -> impl Iterator<Item = Ballot> + '_ {
        let all = self.checks.ballots.iter();
        all.map(|((epoch, candidate), votes)| Ballot {
            epoch: *epoch,
            candidate: *candidate,
            votes: *votes,
        })
    }

    /// Two clusters that each own all slots are about to meet: for now slots may have two writers.
    pub fn allow_two_writers(&mut self) {
        self.checks.writers_are_checked = false;
    }

    /// A primary takes writes only while a majority of the primaries has reached it within the node
    /// timeout and a cron, each at some time: others that have not heard from each other as long may
    /// elect a successor then. Not by Redis's rules: there it is enough that a replica says of the others
    /// that it hears from them, until a PING of this node's own has no answer (seed 2796 of "mixed").
    pub(super) fn check_minority(&mut self, index: usize) {
        if self.machines[index].config.pace == Pace::Redis {
            return;
        }
        // To look who reaches a node takes as long as the cluster is large.
        let interval_us = self.machines.len() as u64 * LOOK_US;
        let seen = &mut self.checks.seen[index];
        if seen.looked_us.is_some_and(|looked_us| self.now_us < looked_us + interval_us) {
            return;
        }
        seen.looked_us = Some(self.now_us);
        self.look_who_reaches(index);
        if !self.takes_writes(index) || !self.at(index).myself().is_voting() {
            self.checks.seen[index].idle_us = self.now_us;
            return;
        }
        let (machine, seen) = (&self.machines[index], &self.checks.seen[index]);
        let timeout_us = machine.config.node_timeout_ms * 1000;
        let late_us = self.latency.max_us + self.latency.late_us;
        let limit_us = timeout_us + interval_us + CRON_US + SLACK_US + late_us;
        let idle_us = seen.idle_us.max(machine.resumed_us);
        let (mut size, mut reached) = (0, 0);
        for node in self.at(index).nodes().filter(|node| node.is_voting()) {
            let last_us = seen.reached_by.get(node.id()).map_or(idle_us, |us| idle_us.max(*us));
            size += 1;
            reached += usize::from(node.is_myself() || self.now_us - last_us <= limit_us);
        }
        assert!(
            reached > size / 2,
            "{index} takes writes although only {reached} of {size} primaries have reached it within \
             {} ms",
            limit_us / 1000
        );
    }

    /// Notes which primaries reach a node now.
    pub(super) fn look_who_reaches(&mut self, index: usize) {
        let Some(cluster) = &self.machines[index].cluster else { return };
        let reached_by = &mut self.checks.seen[index].reached_by;
        for node in cluster.nodes().filter(|node| node.is_voting() && !node.is_myself()) {
            let other = self.checks.by_id.get(node.id()).copied();
            let reaches =
                |other: usize| self.machines[other].works() && self.wires.passes(other, index);
            if other.is_some_and(reaches) {
                reached_by.insert(*node.id(), self.now_us);
            }
        }
    }

    /// Who reaches whom is about to change, or has changed.
    pub(super) fn look_at_reach(&mut self) {
        (0..self.machines.len()).for_each(|index| self.look_who_reaches(index));
    }
}
