//! Votes that this node gives, as a primary with slots.
//!
//! One vote per epoch, on disk before the answer leaves; and one per failed primary in two node
//! timeouts, so that the replica that wins has time to tell so.
//!
//! Source: redis.io, "Redis cluster specification", masters reply to replica vote request.

use std::fmt;

use crate::bus::{Body, Header};
use crate::cluster::Cluster;
use crate::config::Flaw;
use crate::nodes::NodeKey;

/// Why a vote is not given.
enum Denial {
    OldEpoch { asked: u64, current: u64 },
    HasVoted { epoch: u64 },
    IsPrimary,
    UnknownPrimary,
    PrimaryIsUp,
    TooSoon { ms: u64 },
    StaleSlot { slot: u16, epoch: u64, asked: u64 },
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OldEpoch { asked, current } => {
                write!(f, "reqEpoch ({asked}) < curEpoch({current})")
            }
            Self::HasVoted { epoch } => write!(f, "already voted for epoch {epoch}"),
            Self::IsPrimary => f.write_str("it is a master node"),
            Self::UnknownPrimary => f.write_str("I don't know its master"),
            Self::PrimaryIsUp => f.write_str("its master is up"),
            Self::TooSoon { ms } => {
                write!(f, "can't vote about this master before {ms} milliseconds")
            }
            Self::StaleSlot { slot, epoch, asked } => {
                write!(f, "slot {slot} epoch ({epoch}) > reqEpoch ({asked})")
            }
        }
    }
}

impl Cluster {
    /// A replica asks for a vote.
    pub(crate) fn vote(&mut self, candidate: NodeKey, header: &Header) {
        if !self.myself().is_voting() {
            return;
        }
        let label = self.nodes.get(candidate).label();
        match self.may_grant_vote(candidate, header) {
            Err(denial) => {
                self.outbox.warning(format!("Failover auth denied to {label}: {denial}"));
            }
            Ok(primary) => {
                let at = self.at();
                self.nodes.get_mut(primary).voted_at = Some(at);
                self.epochs.last_vote = self.epochs.current;
                self.save_to_disk();
                self.send_to(candidate, Body::AuthAck);
                let epoch = self.epochs.current;
                self.outbox.notice(format!("Failover auth granted to {label} for epoch {epoch}"));
            }
        }
    }

    /// Whether a candidate may have this node's vote; the primary that it would replace.
    fn may_grant_vote(&self, candidate: NodeKey, header: &Header) -> Result<NodeKey, Denial> {
        let (asked, current) = (header.current_epoch, self.epochs.current);
        if asked < current {
            return Err(Denial::OldEpoch { asked, current });
        }
        // Also a vote of a later epoch, should one have been given.
        let votes_again = self.config.has(Flaw::VotesAgain);
        if self.epochs.last_vote >= current && !votes_again {
            return Err(Denial::HasVoted { epoch: current });
        }
        if self.nodes.get(candidate).is_primary() {
            return Err(Denial::IsPrimary);
        }
        let primary = self.nodes.primary_of(candidate).ok_or(Denial::UnknownPrimary)?;
        if !self.nodes.get(primary).is_failed() && !header.forces_vote {
            return Err(Denial::PrimaryIsUp);
        }
        let pause_us = self.timeout_us().saturating_mul(2);
        if let Some(voted) = self.nodes.get(primary).voted_at.filter(|_| !votes_again) {
            let since_us = self.at().since_us(voted);
            if since_us < pause_us {
                return Err(Denial::TooSoon { ms: (pause_us - since_us) / 1000 });
            }
        }
        let asked = header.config_epoch;
        for slot in header.slots.iter() {
            let epoch = self.owner(slot).map_or(0, |owner| owner.config_epoch);
            if epoch > asked {
                return Err(Denial::StaleSlot { slot, epoch, asked });
            }
        }
        Ok(primary)
    }

    /// A primary gives its vote to this node.
    pub(crate) fn count_vote(&mut self, voter: NodeKey, header: &Header) {
        let voter = self.nodes.get(voter);
        let id = voter.id;
        if voter.is_voting() && self.election.count_vote(id, header.current_epoch) {
            self.todo.failover = true;
        }
    }
}
