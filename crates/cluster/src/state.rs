//! Whether the cluster serves.
//!
//! Source: redis.io, "Redis cluster specification", availability.
//! Differs: a primary also counts as cut off from a node that has been silent for the node timeout,
//! before it may suspect it. It then stops as soon as a majority on the other side may elect a
//! successor, not up to half a timeout later.

use dunlin_slots::SLOTS;
use dunlin_stdx::time::Monotonic;

use crate::cluster::Cluster;
use crate::config::{Flaw, Pace};
use crate::flags::NodeFlags;
use crate::node::Node;

/// Why the cluster does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// A slot has no owner, and full coverage is required.
    SlotUnassigned(u16),
    /// The owner of a slot has failed, and full coverage is required.
    SlotFailed(u16),
    /// This node reaches no majority of the primaries.
    Minority,
    /// This node has just started, or has just come back to a majority: it waits for news of what it
    /// may have lost.
    Waiting,
}

/// After a start a primary waits so long, in microseconds: others tell it meanwhile what it has lost.
const START_WAIT_US: u64 = 2_000_000;

/// Nodes that work may be silent for so long, in microseconds, however short the node timeout is: they
/// greet each other when the cron runs, ten times a second, and may be busy meanwhile.
const SILENCE_MIN_US: u64 = 500_000;

/// Bounds of the wait of a primary that comes back from a minority: the node timeout within these.
const REJOIN_WAIT_US: (u64, u64) = (500_000, 5_000_000);

/// Whether the cluster serves, and since when it may not.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    pub(crate) down: Option<DownReason>,
    first_looked: Option<Monotonic>,
    in_minority: Option<Monotonic>,
    started: Monotonic,
}

impl Health {
    pub(crate) const fn new(now: Monotonic) -> Self {
        Self {
            down: Some(DownReason::Waiting),
            first_looked: None,
            in_minority: None,
            started: now,
        }
    }

    /// Whether this node may not have heard what became of it.
    pub(crate) const fn is_cut_off(&self) -> bool {
        matches!(self.down, Some(DownReason::Minority | DownReason::Waiting))
    }
}

impl Cluster {
    /// Looks whether the cluster serves.
    pub(crate) fn update_state(&mut self) {
        let at = self.at();
        let first = *self.health.first_looked.get_or_insert(at);
        let is_down = self.health.down.is_some();
        let is_primary = self.myself().is_primary();
        if is_primary && is_down && at.since_us(first) < START_WAIT_US {
            self.health.down = Some(DownReason::Waiting);
            return;
        }
        let must_cover = self.config.require_full_coverage || self.size() == 0;
        let uncovered = must_cover.then(|| self.find_uncovered()).flatten();
        let is_minority = !self.reaches_majority();
        if is_minority {
            self.health.in_minority = Some(at);
        }
        let mut down = if is_minority { Some(DownReason::Minority) } else { uncovered };
        if down.is_none() && is_down && is_primary && self.waits_to_rejoin() {
            down = Some(DownReason::Waiting);
        }
        if down.is_some() != is_down {
            let state = if is_down { "ok" } else { "fail" };
            self.outbox.notice(format!("Cluster state changed: {state}"));
            self.version += 1;
        }
        self.health.down = down;
    }

    fn waits_to_rejoin(&self) -> bool {
        let wait_us = self.timeout_us().clamp(REJOIN_WAIT_US.0, REJOIN_WAIT_US.1);
        self.health.in_minority.is_some_and(|since| self.at().since_us(since) < wait_us)
    }

    /// O(nodes) while all is well, as it is nearly always.
    fn find_uncovered(&self) -> Option<DownReason> {
        let working = self.nodes.iter().filter(|node| !node.is_failed());
        if working.map(|node| node.slot_count).sum::<usize>() == usize::from(SLOTS) {
            return None;
        }
        (0..SLOTS).find_map(|slot| match self.owner(slot) {
            None => Some(DownReason::SlotUnassigned(slot)),
            Some(owner) if owner.is_failed() => Some(DownReason::SlotFailed(slot)),
            Some(_) => None,
        })
    }

    fn reaches_majority(&self) -> bool {
        let (mut size, mut reached) = (0, 0);
        for node in self.nodes.iter().filter(|node| node.is_voting()) {
            size += 1;
            let fails = node.flags.intersects(NodeFlags::PFAIL | NodeFlags::FAIL);
            reached += usize::from(!fails && !self.is_silent(node));
        }
        if self.config.has(Flaw::ServesInMinority) {
            return true;
        }
        // Without primaries there is no slot, which is another reason.
        reached > size / 2 || size == 0
    }

    /// Whether this node, as a primary, has neither heard from another one for the node timeout nor of it.
    /// Two that work hear from each other twice in that time; in a large cluster, where gossip makes most
    /// PINGs unnecessary, they hear of each other.
    fn is_silent(&self, node: &Node) -> bool {
        let looks = self.config.pace == Pace::Dunlin && self.myself().is_voting();
        if node.is_myself() || !looks {
            return false;
        }
        let heard = node.contact.data_received.max(node.contact.vouched);
        let since = heard.unwrap_or(node.created).max(self.health.started);
        let interval_us = self.config.ping_interval_ms.saturating_mul(2000);
        self.at().since_us(since) > self.timeout_us().max(interval_us).max(SILENCE_MIN_US)
    }
}
