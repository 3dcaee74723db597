//! A hand-over that an administrator asks for (CLUSTER FAILOVER).
//!
//! ```text
//!   replica                                  primary
//!     | -- MFSTART ------------------------->  | pauses its writes
//!     | <-- PING: paused, offset ------------  | (again every 100 ms)
//!     | ... processes the stream up to there   |
//!     | -- request for votes, FORCEACK ----->  | votes, as the others do
//!     | -- PONG: its slots, new epoch ------>  | becomes the replica's replica
//! ```
//!
//! Source: redis.io, "CLUSTER FAILOVER"; the messages as observed on 7.2.6 servers.

use dunlin_stdx::time::Monotonic;

use crate::action::Action;
use crate::bus::Header;
use crate::cluster::Cluster;
use crate::id::NodeId;
use crate::nodes::NodeKey;

/// The time that a hand-over may take, in microseconds. Writes are paused for twice that, should the
/// primary not hear of its end.
const LIMIT_US: u64 = 5_000_000;

/// A hand-over, on either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ManualFailover {
    /// There is none.
    #[default]
    None,
    /// A replica waits for the offset at which its primary has paused.
    AwaitsOffset { until: Monotonic },
    /// A replica waits until it has processed the stream up to that offset.
    CatchesUp { until: Monotonic, offset: u64 },
    /// A replica may stand for election at once.
    MayStart { until: Monotonic },
    /// A primary holds its writes for a replica.
    HandsOver { until: Monotonic, to: NodeId },
}

impl ManualFailover {
    /// Whether this replica stands for election although its primary works.
    pub(crate) const fn may_start(&self) -> bool {
        matches!(self, Self::MayStart { .. })
    }

    /// Whether this primary holds its writes.
    pub(crate) const fn hands_over(&self) -> bool {
        matches!(self, Self::HandsOver { .. })
    }

    /// Whether this replica waits until it has processed the stream up to an offset.
    pub(crate) const fn catches_up(&self) -> bool {
        matches!(self, Self::CatchesUp { .. })
    }

    pub(crate) fn is_handing_over_to(&self, id: &NodeId) -> bool {
        matches!(self, Self::HandsOver { to, .. } if to == id)
    }

    const fn until(&self) -> Option<Monotonic> {
        match self {
            Self::None => None,
            Self::AwaitsOffset { until }
            | Self::CatchesUp { until, .. }
            | Self::MayStart { until }
            | Self::HandsOver { until, .. } => Some(*until),
        }
    }
}

impl Cluster {
    /// Until when a hand-over that begins now may last.
    pub(crate) fn hand_over_limit(&self) -> Monotonic {
        self.at().plus_us(LIMIT_US)
    }

    /// MFSTART: a replica of this primary takes over.
    pub(crate) fn begin_hand_over(&mut self, replica: NodeKey) {
        if !self.myself().is_primary() || self.nodes.primary_of(replica) != Some(self.nodes.me()) {
            return;
        }
        let until = self.hand_over_limit();
        let (to, label) = (self.nodes.get(replica).id, self.nodes.get(replica).label());
        self.manual = ManualFailover::HandsOver { until, to };
        self.outbox.push(Action::PauseWrites { until: until.plus_us(LIMIT_US) });
        self.outbox.warning(format!("Manual failover requested by replica {label}."));
        self.greet(replica);
    }

    /// The first header of a primary that has paused tells where its stream ends.
    pub(crate) fn hear_paused_offset(&mut self, sender: NodeKey, header: &Header) {
        let ManualFailover::AwaitsOffset { until } = self.manual else { return };
        if header.is_paused && self.nodes.primary_of(self.nodes.me()) == Some(sender) {
            let offset = header.offset;
            self.manual = ManualFailover::CatchesUp { until, offset };
            self.outbox.warning(format!(
                "Received replication offset for paused master manual failover: {offset}"
            ));
            self.check_manual_failover_offset();
        }
    }

    /// When the whole stream is processed, the election may begin.
    pub(crate) fn check_manual_failover_offset(&mut self) {
        let ManualFailover::CatchesUp { until, offset } = self.manual else { return };
        if self.turn.offset == offset {
            self.outbox.warning(
                "All master replication stream processed, manual failover can start.".to_owned(),
            );
            self.start_manual_election(until);
        }
    }

    /// The election begins without delay.
    pub(crate) fn start_manual_election(&mut self, until: Monotonic) {
        self.manual = ManualFailover::MayStart { until };
        let at = self.at();
        self.election.start_at_once(at);
        self.todo.failover = true;
    }

    /// Gives a hand-over up that takes too long.
    pub(crate) fn check_manual_failover(&mut self) {
        if self.manual.until().is_some_and(|until| self.at() > until) {
            self.outbox.warning("Manual failover timed out.".to_owned());
            if self.manual.may_start() {
                // Should the primary fail next, nothing is to be waited for.
                self.election.forget();
            }
            self.end_manual_failover();
        }
        self.check_manual_failover_offset();
    }

    /// A hand-over has ended, one way or the other.
    pub(crate) fn end_manual_failover(&mut self) {
        if std::mem::take(&mut self.manual).hands_over() {
            self.outbox.push(Action::ResumeWrites);
        }
    }
}
