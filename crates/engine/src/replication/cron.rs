//! What replication does by the clock.
//!
//! Source: redis.io, "Replication"; the annotated redis.conf of 7.2, "REPLICATION"; intervals as
//! observed on a 7.0.15 server.

use dunlin_config::{LogLevel, OutputLimits};
use dunlin_replication::{ReplicaNumber, SyncState};
use dunlin_session::{Closing, Token};
use dunlin_stdx::time::Monotonic;

use crate::engine::Engine;

const SECOND_US: u64 = 1_000_000;

impl Engine {
    /// Periodic work of replication, at least ten times a second.
    pub(crate) fn run_replication_cron(&mut self) {
        let now = self.now.monotonic;
        self.tend_failover();
        if now >= self.links.next_second {
            self.links.next_second = now.plus_us(SECOND_US);
            self.run_every_second(now);
        }
        self.limit_replicas();
        self.expire_own_keys();
        self.write_replication_lines();
    }

    /// Takes note of what became of snapshots, of data sets that arrive, of the spilled stream.
    pub(crate) fn tend_transfers(&mut self) {
        self.tend_transfer();
        self.tend_sync();
        self.tend_spill();
        self.write_replication_lines();
    }

    fn run_every_second(&mut self, now: Monotonic) {
        self.check_link(now);
        self.ping_replicas(now);
        self.greet_waiting();
        self.check_replicas(now);
        self.check_backlog_age(now);
        self.begin_due_sync();
        self.replication.note_offset(now);
        self.limit_backlog();
    }

    fn check_link(&mut self, now: Monotonic) {
        let timeout = self.config.replication.repl_timeout;
        let Some(link) = &mut self.replication.link else { return };
        if let Some(fault) = link.check_silence(timeout, now) {
            return self.break_link(&fault);
        }
        if link.is_up() {
            self.acknowledge();
        } else if self.links.arriving.is_some() && link.is_loading() {
            // A sign of life, so that the primary does not give up while the data set is loaded.
            self.write_to_primary(b"\n");
        }
    }

    /// The stream carries a sign of life, so that replicas know the link is up.
    fn ping_replicas(&mut self, now: Monotonic) {
        let period_us = u64::from(self.config.replication.repl_ping_replica_period) * SECOND_US;
        let is_paused = self.sessions.pause.is_for_successor();
        if self.replication.replicas.is_empty() {
            self.links.last_ping = now;
        }
        let is_due = now.since_us(self.links.last_ping) >= period_us;
        if !is_due || is_paused || !self.replication.wants_stream() {
            return;
        }
        self.links.last_ping = now;
        self.stream.append_for_replicas(&[b"ping"]);
        self.flush_stream();
    }

    /// Replicas that wait for a snapshot are told that somebody is there.
    fn greet_waiting(&mut self) {
        let waits =
            |state: SyncState| matches!(state, SyncState::WaitsForStart | SyncState::WaitsForFile);
        let waiting: Vec<ReplicaNumber> = self
            .replication
            .replicas
            .iter()
            .filter(|replica| waits(replica.state))
            .map(|replica| replica.number)
            .collect();
        for number in waiting {
            if let Some(reply) = self.sessions.write_to(Token(number.0)) {
                reply.raw(b"\n");
            }
        }
    }

    /// Replicas that have been silent for too long are given up.
    fn check_replicas(&mut self, now: Monotonic) {
        let timeout = u64::from(self.config.replication.repl_timeout);
        let mut late = Vec::new();
        for replica in self.replication.replicas.iter() {
            let silent_us = match replica.state {
                SyncState::Online | SyncState::Loads if !replica.is_old => {
                    now.since_us(replica.last_ack)
                }
                SyncState::Receives => {
                    let session = self.sessions.get(Token(replica.number.0));
                    session.map_or(0, |session| now.since_us(session.last_interaction))
                }
                _ => 0,
            };
            if silent_us / SECOND_US > timeout {
                let phase = match replica.state {
                    SyncState::Receives => "full sync",
                    _ => "streaming sync",
                };
                let name = replica.name();
                late.push((
                    replica.number,
                    format!("Disconnecting timedout replica ({phase}): {name}"),
                ));
            }
        }
        late.iter().for_each(|(number, why)| self.drop_replica(*number, why));
    }

    /// A primary without replicas for long keeps the stream no longer.
    fn check_backlog_age(&mut self, now: Monotonic) {
        let ttl = self.config.replication.repl_backlog_ttl;
        let alone_since = self.replication.alone_since;
        if ttl == 0 || !self.replication.wants_stream() || !self.replication.replicas.is_empty() {
            return;
        }
        if alone_since.is_some_and(|since| now.since_us(since) / SECOND_US > ttl) {
            self.replication.close_history(ttl);
            self.replication.alone_since = None;
            self.follow_consumers();
        }
    }

    /// Replicas that are behind by more than `client-output-buffer-limit` lets them are given up. Its
    /// default is no limit here: the backlog has its own.
    fn limit_replicas(&mut self) {
        let limit = self.config.network.client_output_buffer_limit.replica;
        if limit == OutputLimits::REPLICA_DEFAULT {
            return;
        }
        // A replica that the backlog can serve is not too far behind, whatever the limit.
        let backlog_bytes = self.config.replication.repl_backlog_size;
        let (now, end) = (self.now.monotonic, self.replication.history.offset() + 1);
        let mut over = Vec::new();
        for replica in self.replication.replicas.iter_mut().filter(|one| one.needs_stream()) {
            let session = self.sessions.get(Token(replica.number.0));
            let unsent = session.map_or(0, |session| session.reply.output.len() as u64);
            let behind = end.saturating_sub(replica.next) + unsent;
            let is_over = |bytes: u64| bytes != 0 && behind >= bytes;
            let since = is_over(limit.soft_bytes).then(|| replica.behind_since.unwrap_or(now));
            replica.behind_since = since;
            let too_long =
                since.is_some_and(|since| now.since_us(since) / SECOND_US > limit.soft_seconds);
            if is_over(limit.hard_bytes) && behind >= backlog_bytes || too_long {
                over.push((replica.number, behind));
            }
        }
        for (number, behind) in over {
            self.end_for_lag(number, behind);
        }
    }

    fn end_for_lag(&mut self, number: ReplicaNumber, behind: u64) {
        let token = Token(number.0);
        let Some(session) = self.sessions.get(token) else { return };
        let client = dunlin_session::describe(session, None, self.now.monotonic);
        self.host.log(
            LogLevel::Warning,
            &format!(
                "Client {client} scheduled to be closed ASAP for overcoming of output buffer \
                 limits."
            ),
        );
        self.host.log(
            LogLevel::Warning,
            &format!(
                "It was {behind} bytes behind; client-output-buffer-limit replica says how much it \
                 may be. Without that line the backlog keeps what it needs (repl-backlog-max-size)."
            ),
        );
        self.metrics.counters.output_buffer_disconnections += 1;
        self.sessions.close(token, Closing::Now);
    }
}
