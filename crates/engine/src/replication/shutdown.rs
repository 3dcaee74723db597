//! The end of a server that has replicas: they are given time to get everything.
//!
//! Source: the annotated redis.conf of 7.2, `shutdown-timeout`; Redis documentation, SHUTDOWN; texts
//! checked against a 7.2.6 server.

use dunlin_commands::blocking::Awaited;
use dunlin_config::{LogLevel, ShutdownOptions};
use dunlin_persistence::ReplicationAux;
use dunlin_session::{Closing, WriteHold};

use crate::engine::Engine;

/// What became of a wish to end the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownOutcome {
    /// It ends after this turn.
    Ends,
    /// It goes on: what is to be kept cannot be kept. The log says why.
    Refused,
    /// Replicas are given time.
    Waits,
}

impl Engine {
    /// Brings to disk what is to be kept and lets the process end, unless replicas lack something and
    /// are given time (`shutdown-timeout`).
    pub fn shut_down(&mut self, options: ShutdownOptions) -> ShutdownOutcome {
        if self.persistence.shutdown_deadline.is_some() {
            if self.persistence.has_pending_shutdown() {
                // Whoever wishes the same again waits for the same end, as in Redis.
                return ShutdownOutcome::Waits;
            }
            // It has just been taken back.
            self.tend_shutdown();
        }
        self.host.log_notice("User requested shutdown...");
        self.flush_stream();
        let timeout_s = u64::from(self.config.process.shutdown_timeout);
        let may_wait = timeout_s > 0 && !options.contains(ShutdownOptions::NOW);
        if may_wait && self.lags_any() {
            let now = self.now.monotonic;
            self.host.log_notice("Waiting for replicas before shutting down.");
            self.persistence.shutdown_deadline = Some(now.plus_us(timeout_s * 1_000_000));
            self.persistence.request_shutdown(options);
            self.sessions.pause.hold_writes(WriteHold::SHUTDOWN, true);
            self.links.asks_for_acknowledgement = true;
            return ShutdownOutcome::Waits;
        }
        self.finish_shutdown(options)
    }

    fn lags_any(&self) -> bool {
        let end = self.data_end();
        let replicas = &self.replication.replicas;
        self.replication.link.is_none()
            && replicas.iter().any(|one| one.state.is_online() && one.acknowledged < end)
    }

    /// Goes on with a shutdown that waits.
    pub(crate) fn tend_shutdown(&mut self) {
        let Some(options) = self.persistence.pending_shutdown() else {
            if self.persistence.shutdown_deadline.take().is_some() {
                self.shutdown_aborted();
            }
            return;
        };
        match self.persistence.shutdown_deadline {
            Some(deadline) if self.lags_any() && self.now.monotonic < deadline => {}
            Some(_) => {
                let _ = self.persistence.take_shutdown();
                let outcome = self.finish_shutdown(options);
                self.answer_waiting_shutdown(outcome);
            }
            None => {
                let _ = self.persistence.take_shutdown();
                self.shut_down(options);
            }
        }
    }

    fn finish_shutdown(&mut self, options: ShutdownOptions) -> ShutdownOutcome {
        self.tell_of_lag();
        let how = (options, self.saved_position());
        let may_end = self.persistence.finish(&mut self.keyspace, &self.config, how, self.now);
        self.write_journal();
        if may_end {
            self.end_cluster();
            self.host.stop();
            return ShutdownOutcome::Ends;
        }
        self.host.log(
            LogLevel::Warning,
            "Errors trying to shut down the server. Check the logs for more information.",
        );
        self.persistence.shutdown_deadline = None;
        self.sessions.pause.hold_writes(WriteHold::SHUTDOWN, false);
        ShutdownOutcome::Refused
    }

    fn tell_of_lag(&mut self) {
        let replicas = &self.replication.replicas;
        if replicas.is_empty() || self.replication.link.is_some() {
            return;
        }
        let (end, now) = (self.data_end(), self.now.monotonic);
        let mut lines = Vec::new();
        for replica in replicas.iter().filter(|one| one.acknowledged < end) {
            lines.push((
                LogLevel::Warning,
                format!(
                    "Lagging replica {} reported offset {} behind master, lag={}, state={}.",
                    replica.name(),
                    end.saturating_sub(replica.acknowledged),
                    replica.lag_seconds(now),
                    replica.state.name()
                ),
            ));
        }
        let in_sync = replicas.len() - lines.len();
        let count = replicas.len();
        lines.push((
            LogLevel::Notice,
            format!("{in_sync} of {count} replicas are in sync when shutting down."),
        ));
        lines.iter().for_each(|(level, line)| self.host.log(*level, line));
    }

    /// SHUTDOWN ABORT: everything goes on.
    fn shutdown_aborted(&mut self) {
        self.sessions.pause.hold_writes(WriteHold::SHUTDOWN, false);
        self.answer_waiting_shutdown(ShutdownOutcome::Refused);
    }

    /// Answers all clients that wait for the end of the server.
    fn answer_waiting_shutdown(&mut self, outcome: ShutdownOutcome) {
        let waits = self.sessions.blocking.waits();
        let waiting: Vec<_> = waits
            .filter(|(_, wait)| wait.awaited == Awaited::Shutdown)
            .map(|(token, _)| token)
            .collect();
        for client in waiting {
            match outcome {
                ShutdownOutcome::Ends => self.sessions.close(client, Closing::AfterReply),
                ShutdownOutcome::Waits => {}
                ShutdownOutcome::Refused => {
                    self.end_wait(client, "ERR Errors trying to SHUTDOWN. Check logs.");
                }
            }
        }
    }

    /// Where the stream is, for files that this server or another one may go on from.
    pub(crate) fn saved_position(&self) -> Option<ReplicationAux> {
        let (replid, offset, stream_db) = self.replication.saved_position()?;
        Some(ReplicationAux { stream_db, id: *replid.digits(), offset })
    }
}
