//! When this replica stands for election, and what it does when it has won.
//!
//! ```text
//!  the primary has failed      delay by rank            a majority votes
//!  --------------------> waits -----------> asks for votes ------------> is the primary
//!                          ^                     | max(2 node timeouts, 2 s): expired
//!                          +---------------------+ again after twice that
//! ```
//!
//! Who goes first, and how far candidates are apart, is in the module on ranks.
//!
//! Source: redis.io, "Redis cluster specification", replica election and promotion.
//! Differs: Redis waits 500 to 1000 ms before all ranks, so that every voter has heard of the failure
//! and votes are not split by chance. Here the news of the failure precedes the request for votes on
//! the same links, and ranks keep candidates apart; what remains is the time to exchange offsets. A
//! candidate that hears that another one has asked lets it finish.

use std::collections::BTreeSet;

use dunlin_stdx::time::Monotonic;

use crate::action::Severity;
use crate::cluster::Cluster;
use crate::config::{Flaw, Pace};
use crate::facts::PrimaryLink;
use crate::id::NodeId;
use crate::nodes::NodeKey;
use crate::rank::{Delay, Rank};

/// So long a candidate waits for offsets of others at most, in microseconds: as long as Redis waits in
/// any case.
const OFFSETS_US_MAX: u64 = 500_000;

/// Another replica of the same primary that has asked has so long to win, in microseconds, and three
/// times what answers take in the shard: its request, the votes, and its news.
const RIVAL_US: u64 = 300_000;

/// The time in which votes are counted, at least.
const VOTES_MS_MIN: u64 = 2000;

/// One try to be elected.
#[derive(Clone, Debug)]
struct Attempt {
    /// When it was decided.
    scheduled: Monotonic,
    /// When one asks for votes that nobody goes before.
    first: Monotonic,
    /// What it waits because others go first.
    delay: Delay,
    /// When it was last kept from asking.
    held: Option<Monotonic>,
    /// The epoch in which it has asked.
    epoch: Option<u64>,
    voters: BTreeSet<NodeId>,
}

impl Attempt {
    const fn new(scheduled: Monotonic, first: Monotonic, delay: Delay) -> Self {
        Self { scheduled, first, delay, held: None, epoch: None, voters: BTreeSet::new() }
    }

    /// When it asks for votes.
    fn start(&self) -> Monotonic {
        let start = self.first.plus_us(self.delay.ms() * 1000);
        // The time to count votes begins when they are asked for.
        self.held.map_or(start, |held| held.max(start))
    }
}

/// A replica's way to be elected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Election {
    attempt: Option<Attempt>,
    /// When another replica of the same primary has last asked for votes.
    rival: Option<Monotonic>,
    /// When a replica of another primary has.
    stranger: Option<Monotonic>,
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
        self.attempt = Some(Attempt::new(at, at, Delay::default()));
    }

    /// Votes that have come for the running election.
    fn votes(&self) -> usize {
        self.attempt.as_ref().map_or(0, |attempt| attempt.voters.len())
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
        if self.config.replica_no_failover || self.config.has(Flaw::NeverStands) {
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
            .is_none_or(|attempt| at.since_us(attempt.start()) > retry_us);
        if is_over {
            return self.schedule();
        }
        self.yield_to_better();
        let Some(attempt) = &self.election.attempt else { return };
        let (start, epoch) = (attempt.start(), attempt.epoch);
        if at < start {
            return self.say("Waiting the delay before I can start a new failover.");
        }
        if epoch.is_none() && self.holds_back() {
            if let Some(attempt) = &mut self.election.attempt {
                attempt.held = Some(at);
            }
            return self.say("Waiting the delay before I can start a new failover.");
        }
        if at.since_us(start) > votes_us {
            return self.say("Failover attempt expired.");
        }
        match epoch {
            None if self.config.has(Flaw::TakesOverAlone) => {
                self.nodes.myself_mut().config_epoch = self.my_epoch();
                self.replace_primary();
            }
            None => self.ask(),
            Some(epoch) if self.election.votes() >= self.quorum() => self.win(epoch),
            Some(_) => self.say("Waiting for votes, but majority still not reached."),
        }
    }

    fn schedule(&mut self) {
        let is_manual = self.manual.may_start();
        let rank = if is_manual { Rank::default() } else { self.rank() };
        let first_ms = if is_manual { 0 } else { self.first_delay_ms() };
        let (at, delay) = (self.at(), self.rank_delay(rank));
        self.election.attempt = Some(Attempt::new(at, at.plus_us(first_ms * 1000), delay));
        let delay_ms = first_ms + delay.ms();
        let (behind, offset) = (rank.behind, self.turn.offset);
        self.outbox.notice(format!(
            "Start of election delayed for {delay_ms} milliseconds (rank #{behind}, offset {offset})."
        ));
        if delay_ms == 0 {
            self.todo.failover = true;
        }
        // The others learn this offset, and this node theirs.
        self.tell_siblings();
    }

    /// While it waits, a replica may learn that others go first, or do so no more.
    fn yield_to_better(&mut self) {
        let rank = self.rank();
        let now = self.rank_delay(rank);
        let is_manual = self.manual.may_start();
        let Some(attempt) = &mut self.election.attempt else { return };
        if is_manual || attempt.epoch.is_some() {
            return;
        }
        let before_ms = attempt.delay.ms();
        attempt.delay.update(now);
        let added_ms = attempt.delay.ms().saturating_sub(before_ms);
        if added_ms > 0 {
            self.outbox.notice(format!(
                "Replica rank updated to #{}, added {added_ms} milliseconds of delay.",
                rank.behind
            ));
        }
    }

    /// Another node has replaced its primary: it does not stand in this candidate's way any more.
    pub(crate) fn hear_winner(&mut self) {
        if self.config.pace == Pace::Dunlin && self.election.attempt.is_some() {
            self.election.stranger = None;
            self.todo.failover = true;
        }
    }

    /// Somebody asks for votes.
    pub(crate) fn hear_candidate(&mut self, candidate: NodeKey) {
        let at = self.at();
        let primary = self.nodes.primary_of(candidate);
        if primary.is_some() && primary == self.nodes.primary_of(self.nodes.me()) {
            self.election.rival = Some(at);
        } else {
            self.election.stranger = Some(at);
        }
    }

    /// Whether it is this candidate's turn, but not the time: another one is about to win, or offsets
    /// are still to come. A request of a later epoch would overtake the one that others are about to
    /// answer.
    fn holds_back(&self) -> bool {
        if self.config.pace == Pace::Redis || self.manual.may_start() {
            return false;
        }
        let Some(attempt) = &self.election.attempt else { return false };
        let at = self.at();
        let is_within =
            |since: Option<Monotonic>, us: u64| since.is_some_and(|since| at.since_us(since) < us);
        let round_trip_us = self.shard_round_trip_us();
        is_within(self.election.rival, RIVAL_US + 3 * round_trip_us)
            || is_within(self.election.stranger, round_trip_us)
            || (is_within(Some(attempt.scheduled), OFFSETS_US_MAX) && self.awaits_offsets())
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
