//! A peer becomes a replica.
//!
//! Source: the protocol and log lines as observed on 7.0.15 and 7.2.6 servers.

use dunlin_config::LogLevel;
use dunlin_replication::{Replica, ReplicaNumber, SyncState};
use dunlin_session::{Closing, SessionFlags, Token};

use crate::engine::Engine;

impl Engine {
    /// PSYNC and SYNC: the peer goes on where it is, or waits for a snapshot. `position` is what it
    /// says it has; `None` for SYNC.
    pub(super) fn attach(&mut self, number: ReplicaNumber, position: Option<(Vec<u8>, i64)>) {
        let token = Token(number.0);
        let Some(session) = self.sessions.get(token) else { return };
        let address = host_of(&session.peer.address).to_owned();
        self.flush_stream();
        let name = self.replication.announcement(number).name(&address);
        self.host.log_notice(&format!("Replica {name} asks for synchronization"));
        let is_old = position.is_none();
        if let Some((replid, offset)) = position {
            if self.replication.may_continue((number, &address), &replid, offset) {
                return self.attach_at(number, address, offset as u64);
            }
            self.replication.counts.partial_err += u64::from(replid != b"?");
        }
        self.write_replication_lines();
        self.host.log_notice(&format!("Full resync requested by replica {name}"));
        self.replication.counts.full += 1;
        self.admit(number, address);
        if let Some(replica) = self.replication.replicas.get_mut(number) {
            replica.is_old = is_old;
        }
        if self.replication.backlog.is_none() {
            self.replication.open_history();
            self.follow_consumers();
        }
        self.write_replication_lines();
        self.place_in_sync(number);
    }

    /// The peer goes on with the stream where it is.
    fn attach_at(&mut self, number: ReplicaNumber, address: String, next: u64) {
        let line = match self.replication.announcement(number).capabilities.psync2 {
            true => format!("+CONTINUE {}\r\n", self.replication.history.replid()),
            false => "+CONTINUE\r\n".to_owned(),
        };
        if let Some(reply) = self.sessions.write_to(Token(number.0)) {
            reply.raw(line.as_bytes());
        }
        self.admit(number, address);
        let bytes = self.replication.history.offset() + 1 - next;
        let Some(replica) = self.replication.replicas.get_mut(number) else { return };
        (replica.state, replica.next) = (SyncState::Online, next);
        let name = replica.name();
        self.replication.counts.partial_ok += 1;
        self.host.log_notice(&format!(
            "Partial resynchronization request from {name} accepted. Sending {bytes} bytes of \
             backlog starting from offset {next}."
        ));
        self.send_to(number);
    }

    fn admit(&mut self, number: ReplicaNumber, address: String) {
        let token = Token(number.0);
        if let Some(session) = self.sessions.get_mut(token) {
            session.flags.insert(SessionFlags::REPLICA);
        }
        if self.config.replication.repl_disable_tcp_nodelay {
            self.gathered.push(token);
        }
        self.replication.admit(number, address, self.now.monotonic);
    }

    /// The next connection whose small packets may be gathered (`repl-disable-tcp-nodelay`).
    pub fn next_gathered(&mut self) -> Option<Token> {
        self.gathered.pop()
    }

    /// A connection has ended: whatever it was for replication, it is no more.
    pub fn connection_ended(&mut self, token: Token) {
        if self.links.primary == Some(token) {
            self.links.primary = None;
            self.link_lost(None);
            return;
        }
        if let Some(replica) = self.forget_replica(ReplicaNumber(token.0)) {
            self.host.log_notice(&format!("Connection with replica {} lost.", replica.name()));
            self.limit_backlog();
        }
    }

    /// Ends the connections of all replicas: they come back when they have heard of what changed.
    pub(super) fn disconnect_replicas(&mut self) {
        let all: Vec<_> = self.replication.replicas.iter().map(|one| one.number).collect();
        for number in all {
            self.sessions.close(Token(number.0), Closing::Now);
            self.forget_replica(number);
        }
    }

    /// A peer is a replica no longer, if it was one.
    fn forget_replica(&mut self, number: ReplicaNumber) -> Option<Replica> {
        let replica = self.replication.forget(number, self.now.monotonic)?;
        self.links.feeds.retain(|sending| sending.number != number);
        self.replica_left_sync(number);
        // What was kept for it alone goes.
        self.limit_backlog();
        Some(replica)
    }

    /// Ends the connection of a replica that cannot go on; the log says why.
    pub(super) fn drop_replica(&mut self, number: ReplicaNumber, why: &str) {
        self.host.log(LogLevel::Warning, why);
        self.sessions.close(Token(number.0), Closing::Now);
    }

    /// Writes to the log what replication has to say.
    pub(crate) fn write_replication_lines(&mut self) {
        if !self.replication.has_lines() {
            return;
        }
        for line in self.replication.take_lines() {
            let level = match line.severity {
                dunlin_replication::Severity::Notice => LogLevel::Notice,
                dunlin_replication::Severity::Warning => LogLevel::Warning,
            };
            self.host.log(level, &line.text);
        }
    }
}

/// The host of an address as CLIENT LIST shows it.
fn host_of(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
