//! FAILOVER: a primary hands its role to a replica that has everything.

use dunlin_stdx::time::Monotonic;

use crate::replicas::{Replica, Replicas, SyncState};

/// How far the hand-over has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailoverStage {
    /// Writes are paused until the replica has everything.
    WaitsForSync,
    /// The replica is asked to take over.
    InProgress,
}

/// The replica that is to take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailoverTarget {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// A hand-over under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failover {
    /// How far it has come.
    pub stage: FailoverStage,
    /// Who takes over; `None` for whoever has everything first.
    pub target: Option<FailoverTarget>,
    /// Whether it goes on when the time is up, instead of being given up.
    pub force: bool,
    /// When the replica must have everything.
    pub deadline: Option<Monotonic>,
}

impl Failover {
    /// What INFO shows of a hand-over, or of none.
    #[must_use]
    pub const fn state_name(failover: Option<&Self>) -> &'static str {
        match failover {
            None => "no-failover",
            Some(Self { stage: FailoverStage::WaitsForSync, .. }) => "waiting-for-sync",
            Some(Self { stage: FailoverStage::InProgress, .. }) => "failover-in-progress",
        }
    }

    /// Whether the replica has had its time.
    #[must_use]
    pub fn is_late(&self, now: Monotonic) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }

    /// The replica that may take over now: it has acknowledged everything up to `offset`.
    #[must_use]
    pub fn caught_up<'a>(&self, replicas: &'a Replicas, offset: u64) -> Option<&'a Replica> {
        let is_meant = |replica: &&Replica| match &self.target {
            Some(target) => target.is(replica),
            None => true,
        };
        replicas
            .iter()
            .filter(is_meant)
            .find(|one| one.state == SyncState::Online && one.acknowledged >= offset)
    }
}

impl FailoverTarget {
    /// Whether this replica is meant.
    #[must_use]
    pub fn is(&self, replica: &Replica) -> bool {
        replica.announcement.port == self.port && replica.address() == self.host
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::announcement::Announcement;
    use crate::replicas::ReplicaNumber;

    #[test]
    fn whoever_has_everything_may_take_over() {
        let mut replicas = Replicas::default();
        for (number, acknowledged) in [(1, 90), (2, 100)] {
            let announcement = Announcement { port: 7000 + number, ..Announcement::default() };
            let number = ReplicaNumber(usize::from(number));
            let new = Replica::new(number, "127.0.0.1".into(), announcement, Monotonic(0));
            replicas.insert(Replica { state: SyncState::Online, acknowledged, ..new });
        }
        let any = Failover {
            stage: FailoverStage::WaitsForSync,
            target: None,
            force: false,
            deadline: Some(Monotonic(500)),
        };
        let number = |failover: &Failover| {
            failover.caught_up(&replicas, 100).map(|replica| replica.number.0)
        };
        assert_eq!(number(&any), Some(2));
        let target = FailoverTarget { host: "127.0.0.1".into(), port: 7001 };
        let one = Failover { target: Some(target), ..any.clone() };
        assert_eq!(number(&one), None);
        assert!(!any.is_late(Monotonic(499)) && any.is_late(Monotonic(500)));
        assert_eq!(Failover::state_name(Some(&any)), "waiting-for-sync");
    }
}
