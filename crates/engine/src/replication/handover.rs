//! FAILOVER: the primary hands its role to a replica.
//!
//! Source: Redis documentation, FAILOVER; log lines as observed on a 7.0.15 server.

use dunlin_replication::{FailoverStage, ReplicaNumber};
use dunlin_session::WriteHold;

use crate::engine::Engine;

impl Engine {
    /// Writes are paused; the hand-over goes on when a replica has everything.
    pub(super) fn begin_failover(&mut self) {
        self.sessions.pause.hold_writes(WriteHold::HAND_OVER, true);
        self.links.asks_for_acknowledgement = true;
    }

    /// Goes on with a hand-over as far as possible.
    pub(super) fn tend_failover(&mut self) {
        let (now, offset) = (self.now.monotonic, self.data_end());
        let Some(failover) = &self.replication.failover else { return };
        if failover.stage != FailoverStage::WaitsForSync {
            return;
        }
        let caught_up = failover.caught_up(&self.replication.replicas, offset);
        let target = caught_up.map(|one| (one.address().to_owned(), one.announcement.port));
        if let Some((host, port)) = target {
            self.host
                .log_notice(&format!("Failover target {host}:{port} is synced, failing over."));
            return self.hand_over_to(host, port);
        }
        if failover.is_late(now) {
            match &failover.target {
                Some(target) if failover.force => {
                    let (host, port) = (target.host.clone(), target.port);
                    self.host.log_notice(&format!(
                        "Failover to {host}:{port} time out exceeded, failing over."
                    ));
                    self.hand_over_to(host, port);
                }
                _ => self.abort_failover("Replica never caught up before timeout"),
            }
        }
    }

    /// Becomes a replica of the one that takes over, and asks it to.
    fn hand_over_to(&mut self, host: String, port: u16) {
        if let Some(failover) = &mut self.replication.failover {
            failover.stage = FailoverStage::InProgress;
            failover.target = Some(dunlin_replication::FailoverTarget { host: host.clone(), port });
        }
        self.follow_primary(host, port);
    }

    /// Gives up a hand-over; the server is a primary again.
    pub(super) fn abort_failover(&mut self, why: &str) {
        let Some(failover) = self.replication.failover.take() else { return };
        let target = match &failover.target {
            Some(target) => format!("{}:{}", target.host, target.port),
            None => "any replica".to_owned(),
        };
        self.host.log_notice(&format!("Failover to {target} aborted: {why}"));
        if failover.stage == FailoverStage::InProgress {
            self.leave_primary();
            self.follow_role();
        }
        self.sessions.pause.hold_writes(WriteHold::HAND_OVER, false);
    }

    /// The target has taken over and this server follows it.
    pub(super) fn failover_ended(&mut self) {
        self.replication.failover = None;
        self.sessions.pause.hold_writes(WriteHold::HAND_OVER, false);
        self.host.log_notice("Failover completed");
    }

    /// The target does not take over.
    pub(super) fn failover_refused(&mut self) {
        self.abort_failover("Failover target rejected psync request");
    }

    /// PSYNC ... FAILOVER: this replica becomes the primary, and its primary a replica of it.
    pub(super) fn take_over(&mut self, number: ReplicaNumber, replid: Vec<u8>, offset: i64) {
        self.host.log_notice(&format!(
            "Failover request received for replid {}.",
            String::from_utf8_lossy(&replid)
        ));
        self.become_primary();
        let client = self.sessions.get(dunlin_session::Token(number.0));
        let client =
            client.map(|session| dunlin_session::describe(session, None, self.now.monotonic));
        self.host.log_notice(&format!(
            "MASTER MODE enabled (failover request from '{}')",
            client.unwrap_or_default()
        ));
        self.attach(number, Some((replid, offset)));
    }

    /// A replica has acknowledged something.
    pub(super) fn acknowledged(&mut self, number: ReplicaNumber) {
        let state = self.replication.replicas.get(number).map(|replica| replica.state);
        if state == Some(dunlin_replication::SyncState::Loads) {
            self.go_online(number);
        }
        if self.sessions.blocking.waits_for_others() {
            self.serve_others();
        }
        self.tend_failover();
        if self.persistence.shutdown_deadline.is_some() {
            self.tend_shutdown();
        }
    }
}
