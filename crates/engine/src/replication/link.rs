//! The link to the primary: connecting, and what arrives over it.
//!
//! Source: the protocol and log lines as observed on 7.0.15 and 7.2.6 servers.

use dunlin_config::LogLevel;
use dunlin_replication::{Credentials, Introduction, LinkFault, LinkStep};
use dunlin_session::{Closing, Token};

use crate::engine::Engine;

/// Bytes of the stream that a replica keeps while it loads a data set; beyond, the primary keeps
/// them.
const WAITING_BYTES_MAX: usize = 64 << 20;

impl Engine {
    /// The address of the primary, if a connection to it is to be made now.
    #[must_use]
    pub fn wants_primary(&self) -> Option<(String, u16)> {
        let link = self.replication.link.as_ref()?;
        let is_due = link.wants_connection(self.now.monotonic)
            && self.links.primary.is_none()
            && self.links.arriving.is_none()
            && !self.has_load();
        is_due.then(|| (link.host().to_owned(), link.port()))
    }

    /// The connection to the primary is being made.
    pub fn connecting_to_primary(&mut self, token: Token) {
        self.links.primary = Some(token);
        if let Some(link) = &mut self.replication.link {
            link.connecting(self.now.monotonic);
        }
        self.write_replication_lines();
    }

    /// Whether a connection is the link to the primary.
    #[must_use]
    #[inline]
    pub fn is_primary_link(&self, token: Token) -> bool {
        self.links.primary == Some(token)
    }

    /// The connection to the primary is there: the replica introduces itself.
    pub fn primary_connected(&mut self) {
        let introduction = self.introduction();
        let Some(link) = &mut self.replication.link else { return };
        let bytes = link.connected(introduction, self.now.monotonic);
        self.write_to_primary(&bytes);
        self.write_replication_lines();
    }

    fn introduction(&self) -> Introduction {
        let config = &self.config.replication;
        let password: &[u8] = &config.masterauth;
        let own_port = self.config.network.port;
        let port =
            if config.replica_announce_port > 0 { config.replica_announce_port } else { own_port };
        let address = String::from_utf8_lossy(&config.replica_announce_ip).into_owned();
        let history = &self.replication.history;
        let position = (history.replid(), history.offset() + 1);
        Introduction {
            credentials: (!password.is_empty()).then(|| Credentials {
                user: config.masteruser.to_vec(),
                password: password.to_vec(),
            }),
            port,
            address: Some(address).filter(|address| !address.is_empty()),
            position: self.replication.has_position.then_some(position),
            asks_for_failover: self.replication.failover.is_some(),
            loads_from_stream: self.takes_snapshot_from_stream(),
        }
    }

    /// The connection to the primary is gone, or was not made; why, if that is known.
    pub fn link_lost(&mut self, why: Option<&str>) {
        self.links.primary = None;
        self.links.follower = None;
        self.links.unapplied = Vec::new();
        self.replication.unapplied_bytes = 0;
        if let Some(link) = &mut self.replication.link {
            link.lost(why, self.now.monotonic);
        }
        self.write_replication_lines();
        self.abandon_transfer();
    }

    /// Ends the connection to the primary; another one is made later.
    pub(super) fn break_link(&mut self, fault: &LinkFault) {
        let level = match fault {
            LinkFault::TryLater(_) => LogLevel::Notice,
            LinkFault::Broken(_) | LinkFault::FailoverRefused(_) => LogLevel::Warning,
        };
        self.host.log(level, &fault.to_string());
        self.close_link();
        if let LinkFault::FailoverRefused(_) = fault {
            self.failover_refused();
        }
    }

    /// Ends the connection to the primary without a word.
    pub(super) fn close_link(&mut self) {
        let Some(token) = self.links.primary.take() else { return };
        self.sessions.close(token, Closing::Now);
        self.links.follower = None;
        self.links.unapplied = Vec::new();
        self.replication.unapplied_bytes = 0;
        if let Some(link) = &mut self.replication.link {
            link.reset(self.now.monotonic);
        }
        self.write_replication_lines();
        self.abandon_transfer();
    }

    pub(super) fn write_to_primary(&mut self, bytes: &[u8]) {
        if let Some(token) = self.links.primary
            && !bytes.is_empty()
            && let Some(reply) = self.sessions.write_to(token)
        {
            reply.raw(bytes);
        }
    }

    /// Whether more may be read from the primary. If not, its connection is resumed later.
    #[must_use]
    pub fn may_read_from_primary(&self) -> bool {
        if !self.persistence.receive_has_room() {
            return false;
        }
        let waits = self.replication.link.as_ref().is_some_and(|link| link.is_loading());
        let session = self.links.primary.and_then(|token| self.sessions.get(token));
        !waits || session.is_none_or(|session| session.input.len() < WAITING_BYTES_MAX)
    }

    /// Reading from the primary may go on.
    pub(super) fn resume_primary(&mut self) {
        if let Some(token) = self.links.primary {
            self.resumed.push_back(token);
        }
    }

    /// Takes what has arrived from the primary. The caller has added the bytes to the session's
    /// input.
    pub fn receive_from_primary(&mut self, token: Token, bytes_read: usize) {
        self.replication.traffic.input_bytes += bytes_read as u64;
        let Some(session) = self.sessions.get_mut(token) else { return };
        let mut input = std::mem::take(&mut session.input);
        let mut at = 0;
        while self.links.primary == Some(token)
            && let Some(link) = &mut self.replication.link
        {
            let (taken, step) = link.receive(&input[at..], self.now.monotonic);
            at += taken;
            match step {
                LinkStep::Wait => break,
                LinkStep::Stream => {
                    self.apply_from_primary(&input[at..]);
                    at = input.len();
                }
                step => self.follow_step(step),
            }
            self.write_replication_lines();
        }
        input.drain(..at);
        if let Some(session) = self.sessions.get_mut(token) {
            session.input = input;
        }
    }

    fn follow_step(&mut self, step: LinkStep) {
        match step {
            LinkStep::Wait | LinkStep::Stream => {}
            LinkStep::Send(bytes) => self.write_to_primary(&bytes),
            LinkStep::Continue(replid) => self.continue_history(replid),
            LinkStep::FullSync(position) => self.expect_transfer(position),
            LinkStep::SnapshotBegins(len_bytes) => self.begin_transfer(len_bytes),
            LinkStep::Snapshot(bytes) => self.persistence.receive(bytes.into()),
            LinkStep::SnapshotEnds => self.transfer_arrived(),
            LinkStep::Fault(fault) => self.break_link(&fault),
        }
    }
}
