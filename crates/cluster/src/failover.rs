//! When this replica stands for election, and what it does when it has won.
//!
//! ```text
//!  the primary has failed      delay by rank            a majority votes
//!  --------------------> waits -----------> asks for votes ------------> is the primary
//!                          ^                     | max(2 node timeouts, 2 s): expired
//!                          +---------------------+ again after twice that
//! ```
//!
//! Ranks put the replica with the newest data first: a second per replica that has more. Those that
//! have as much are told apart by their ids, so that they do not split the votes.
//!
//! Source: redis.io, "Redis cluster specification", replica election and promotion.
//! Differs: Redis waits 500 to 1000 ms before all ranks, so that every voter has heard of the failure
//! and votes are not split by chance. Here the news of the failure precedes the request for votes on
//! the same links, and ids keep candidates apart; what remains is the time to exchange offsets.

use std::collections::BTreeSet;

use dunlin_stdx::time::Monotonic;

use crate::action::Severity;
use crate::cluster::Cluster;
use crate::facts::PrimaryLink;
use crate::flags::NodeFlags;
use crate::id::NodeId;

/// The time in which replicas of one primary tell each other their offsets, in milliseconds.
const EXCHANGE_MS: u64 = 150;

/// Spread of the start, in milliseconds.
const JITTER_MS: u64 = 50;

/// Delay per replica that has more data.
const RANK_MS: u64 = 1000;

/// Delay per candidate that goes first for another reason: a smaller id among replicas with as much
/// data, or another failed primary with a smaller id. Two of them are at least 100 ms apart.
const TURN_MS: u64 = 150;

const _: () = assert!(TURN_MS - JITTER_MS >= 100);

/// The time in which votes are counted, at least.
const VOTES_MS_MIN: u64 = 2000;

/// Which candidates go first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rank {
    /// Replicas of the same primary with more data.
    behind: u64,
    /// Replicas of the same primary with as much data and a smaller id, and failed primaries with a
    /// smaller id that have replicas.
    turn: u64,
}

impl Rank {
    const fn delay_ms(self) -> u64 {
        self.behind * RANK_MS + self.turn * TURN_MS
    }
}

/// One try to be elected.
#[derive(Debug)]
struct Attempt {
    /// When it asks for votes.
    start: Monotonic,
    rank: Rank,
    /// The epoch in which it has asked.
    epoch: Option<u64>,
    voters: BTreeSet<NodeId>,
}

/// A replica's way to be elected.
#[derive(Debug, Default)]
pub(crate) struct Election {
    attempt: Option<Attempt>,
    /// What was last said about why there is none.
    said: Option<&'static str>,
}

impl Election {
    /// There is nothing to be elected for.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A manual failover starts anew.
    pub(crate) fn start_at_once(&mut self, at: Monotonic) {
        let voters = BTreeSet::new();
        self.attempt = Some(Attempt { start: at, rank: Rank::default(), epoch: None, voters });
    }

    /// A vote has come; whether it is one for the running election, and the first of this voter.
    pub(crate) fn count_vote(&mut self, voter: NodeId, epoch: u64) -> bool {
        let Some(attempt) = &mut self.attempt else { return false };
        attempt.epoch.is_some_and(|asked| epoch >= asked) && attempt.voters.insert(voter)
    }
}

impl Cluster {
    /// Whether this replica may take its primary's place: the primary has failed or hands over, and
    /// the data here is not too old.
    fn should_start_election(&mut self) -> bool {
        let Some(primary) = self.nodes.primary_of(self.nodes.me()) else { return false };
        let primary = self.nodes.get(primary);
        let is_manual = self.manual.may_start();
        if primary.slot_count == 0 || !(primary.is_failed() || is_manual) {
            self.election.said = None;
            return false;
        }
        if is_manual {
            return true;
        }
        if self.config.replica_no_failover {
            return false;
        }
        if self.is_data_too_old() {
            self.say(
                "Disconnected from master for longer than allowed. Please check the \
                 'cluster-replica-validity-factor' configuration option.",
            );
            return false;
        }
        true
    }

    fn is_data_too_old(&self) -> bool {
        let factor = u64::from(self.config.replica_validity_factor);
        if factor == 0 {
            return false;
        }
        let age_us = match self.turn.primary_link {
            PrimaryLink::Never => return true,
            PrimaryLink::Up { last_interaction } => self.at().since_us(last_interaction),
            PrimaryLink::Down { since } => self.at().since_us(since),
        };
        let age_us = if age_us > self.timeout_us() { age_us - self.timeout_us() } else { age_us };
        let ping_us = u64::from(self.config.replication_ping_period_s) * 1_000_000;
        age_us > ping_us.saturating_add(self.timeout_us().saturating_mul(factor))
    }

    /// A step of the election: schedules it, waits, asks for votes, counts them.
    pub(crate) fn run_failover(&mut self) {
        if !self.myself().is_replica() || !self.should_start_election() {
            return;
        }
        let at = self.at();
        let votes_us = self.timeout_us().saturating_mul(2).max(VOTES_MS_MIN * 1000);
        let retry_us = votes_us.saturating_mul(2);
        let is_over = self
            .election
            .attempt
            .as_ref()
            .is_none_or(|attempt| at.since_us(attempt.start) > retry_us);
        if is_over {
            return self.schedule();
        }
        self.yield_to_better();
        let Some(attempt) = &self.election.attempt else { return };
        if at < attempt.start {
            return self.say("Waiting the delay before I can start a new failover.");
        }
        if at.since_us(attempt.start) > votes_us {
            return self.say("Failover attempt expired.");
        }
        match attempt.epoch {
            None => self.ask(),
            Some(epoch) if attempt.voters.len() >= self.quorum() => self.win(epoch),
            Some(_) => self.say("Waiting for votes, but majority still not reached."),
        }
    }

    fn schedule(&mut self) {
        let rank = if self.manual.may_start() { Rank::default() } else { self.rank() };
        let delay_ms = if self.manual.may_start() {
            0
        } else {
            EXCHANGE_MS + self.rng.u64(..JITTER_MS) + rank.delay_ms()
        };
        let start = self.at().plus_us(delay_ms * 1000);
        let attempt = Attempt { start, rank, epoch: None, voters: BTreeSet::new() };
        self.election.attempt = Some(attempt);
        let (behind, offset) = (rank.behind, self.turn.offset);
        self.outbox.notice(format!(
            "Start of election delayed for {delay_ms} milliseconds (rank #{behind}, offset {offset})."
        ));
        if delay_ms == 0 {
            self.todo.failover = true;
        }
        // The others learn this offset, and this node theirs.
        self.tell_all(true);
    }

    /// Which candidates go first, as far as this node knows.
    fn rank(&self) -> Rank {
        let me = self.myself();
        let Some(primary) = me.primary.and_then(|id| self.node(&id)) else {
            return Rank::default();
        };
        let mut rank = Rank::default();
        for id in &primary.replicas {
            let Some(other) = self.node(id).filter(|other| !other.is_myself()) else { continue };
            if other.flags.contains(NodeFlags::NOFAILOVER) {
                continue;
            }
            let works = !other.flags.intersects(NodeFlags::FAIL | NodeFlags::PFAIL);
            rank.behind += u64::from(other.offset > self.turn.offset);
            rank.turn += u64::from(works && other.offset == self.turn.offset && other.id < me.id);
        }
        let goes_first = |other: &&crate::node::Node| {
            other.is_failed()
                && other.is_voting()
                && !other.replicas.is_empty()
                && other.id < primary.id
        };
        rank.turn += self.nodes.iter().filter(goes_first).count() as u64;
        rank
    }

    /// While it waits, a replica may learn that others go first.
    fn yield_to_better(&mut self) {
        let rank = self.rank();
        let is_manual = self.manual.may_start();
        let Some(attempt) = &mut self.election.attempt else { return };
        let (before, after) = (attempt.rank.delay_ms(), rank.delay_ms());
        if is_manual || attempt.epoch.is_some() || after <= before {
            return;
        }
        let added_ms = after - before;
        attempt.start = attempt.start.plus_us(added_ms * 1000);
        attempt.rank = rank;
        self.outbox.notice(format!(
            "Replica rank updated to #{}, added {added_ms} milliseconds of delay.",
            rank.behind
        ));
    }

    fn ask(&mut self) {
        self.epochs.current += 1;
        let epoch = self.epochs.current;
        if let Some(attempt) = &mut self.election.attempt {
            attempt.epoch = Some(epoch);
        }
        self.outbox.notice(format!("Starting a failover election for epoch {epoch}."));
        self.save_to_disk();
        self.ask_for_votes(self.manual.may_start());
    }

    fn win(&mut self, epoch: u64) {
        self.outbox.notice("Failover election won: I'm the new master.".to_owned());
        let me = self.nodes.myself_mut();
        if me.config_epoch < epoch {
            me.config_epoch = epoch;
            self.outbox.notice(format!("configEpoch set to {epoch} after successful failover"));
        }
        self.replace_primary();
    }

    /// This replica has its primary's slots from now on, and everybody is told.
    pub(crate) fn replace_primary(&mut self) {
        let Some(old) = self.nodes.primary_of(self.nodes.me()) else { return };
        let me = self.nodes.me();
        let slots = self.nodes.get(old).slots.clone();
        self.become_primary();
        for slot in slots.iter() {
            self.nodes.assign(slot, Some(me));
        }
        self.update_state();
        self.save_to_disk();
        self.tell_all(false);
    }

    /// Why there is no failover, once.
    fn say(&mut self, reason: &'static str) {
        if self.election.said != Some(reason) {
            self.election.said = Some(reason);
            let text = format!("Currently unable to failover: {reason}");
            self.outbox.log(Severity::Notice, text);
        }
    }
}
