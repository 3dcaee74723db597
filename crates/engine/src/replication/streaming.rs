//! The stream of changes on its way to replicas.

use dunlin_commands::Caller;
use dunlin_replication::{ReplicaNumber, SyncState};
use dunlin_session::{Closing, SessionFlags, Token};

use super::OUTPUT_BYTES_MAX;
use crate::engine::Engine;
use crate::stream::Audience;

impl Engine {
    /// Hands what this turn changed to the append-only file and to replicas, so that it is on its way
    /// before a reply tells of it.
    #[inline]
    pub fn flush_stream(&mut self) {
        let is_followed = self.persistence.is_logging() || self.replication.wants_stream();
        if is_followed && !self.stream.is_empty() {
            self.flush_stream_now();
        }
        if self.links.asks_for_acknowledgement {
            self.ask_for_acknowledgement();
        }
    }

    fn flush_stream_now(&mut self) {
        debug_assert!(!self.stream.is_in_unit(), "the stream is flushed between commands");
        if self.persistence.is_logging() {
            self.log_stream();
        }
        if self.replication.wants_stream() {
            let replication = &mut self.replication;
            self.stream.for_each_part(Audience::Replicas, |bytes| replication.feed(bytes));
            replication.unfed_bytes = 0;
            if self.stream.has_field_deadlines() {
                self.replication.note_field_deadlines();
            }
        } else if self.replication.link.is_none() {
            self.replication.count_unsent(self.stream.commands());
        }
        self.stream.clear();
        self.note_log_end();
        self.send_stream();
    }

    /// A client has made a change: WAIT and WAITAOF wait for the stream and the log up to here.
    #[inline]
    pub(crate) fn note_propagated(&mut self, caller: Caller) {
        let wants_stream = self.replication.wants_stream();
        if wants_stream {
            self.replication.unfed_bytes = self.stream.recorded_for_replicas() as u64;
            self.replication.stream_db = self.stream.selected_database();
        }
        let Some(session) = caller.client().and_then(|token| self.sessions.get_mut(token)) else {
            return;
        };
        let is_appended = self.persistence.is_logging() && !self.persistence.drops_changes();
        let recorded = if is_appended { self.stream.recorded_for_log() as u64 } else { 0 };
        session.logged_up_to = self.persistence.end() + recorded;
        let unsent = match wants_stream {
            true => self.replication.unfed_bytes,
            false => u64::from(self.stream.commands()),
        };
        session.replicated_up_to = self.replication.history.offset() + unsent;
    }

    /// Copies what is new of the stream to the replicas that follow it, as far as their connections
    /// keep up.
    pub(crate) fn send_stream(&mut self) {
        if self.replication.replicas.is_empty() {
            return;
        }
        let end = self.replication.history.offset();
        let mut place = 0;
        while let Some(replica) = self.replication.replicas.at(place) {
            if replica.state == SyncState::Online && replica.next <= end {
                self.send_to(replica.number);
            }
            place += 1;
        }
        self.limit_backlog();
    }

    /// Copies what a replica has not got to its output.
    pub(super) fn send_to(&mut self, number: ReplicaNumber) {
        let Some(backlog) = &self.replication.backlog else { return };
        let Some(replica) = self.replication.replicas.get_mut(number) else { return };
        let token = Token(number.0);
        let Some(session) = self.sessions.get_mut(token) else { return };
        if session.closing == Closing::Now {
            // CLIENT KILL: what follows is not for it, also within the same transaction.
            return;
        }
        let output = &mut session.reply.output;
        let room = OUTPUT_BYTES_MAX.saturating_sub(output.len());
        if replica.state != SyncState::Online || room == 0 {
            return;
        }
        let sent = backlog.read(replica.next, room, |piece| output.extend(piece));
        replica.next += sent as u64;
        self.replication.traffic.output_bytes += sent as u64;
        let is_elsewhere = sent == 0 && replica.next < backlog.resident_from();
        if sent > 0 {
            self.sessions.note_written(token);
        } else if is_elsewhere {
            self.read_spilled(number);
        }
    }

    /// A connection has sent all that it had: if it is a replica's, more may follow.
    #[inline]
    pub fn output_sent(&mut self, token: Token) {
        if !self.replication.replicas.is_empty() {
            self.output_of_replica_sent(token);
        }
    }

    fn output_of_replica_sent(&mut self, token: Token) {
        let number = ReplicaNumber(token.0);
        match self.replication.replicas.get(number).map(|replica| replica.state) {
            Some(SyncState::Online) => self.send_to(number),
            Some(SyncState::Receives) => self.pump_feed(number),
            _ => {}
        }
    }

    /// Asks all replicas in the stream what they have (WAIT, FAILOVER, shutdown).
    pub(crate) fn ask_for_acknowledgement(&mut self) {
        self.links.asks_for_acknowledgement = false;
        if self.replication.wants_stream() && !self.replication.replicas.is_empty() {
            self.flush_stream();
            self.links.data_end = self.data_end();
            self.stream.append_for_replicas(&[b"REPLCONF", b"GETACK", b"*"]);
            self.flush_stream_now();
            self.links.asked_end = self.replication.history.offset();
        }
    }

    /// Where the stream ended before replicas were asked what they have, if nothing came since: their
    /// answer does not count the question.
    pub(super) fn data_end(&self) -> u64 {
        let end = self.replication.history.offset();
        if end == self.links.asked_end { self.links.data_end } else { end }
    }

    /// Whether a connection is a replica's.
    pub(super) fn is_replica_connection(&self, token: Token) -> bool {
        let session = self.sessions.get(token);
        session.is_some_and(|session| session.flags.contains(SessionFlags::REPLICA))
    }
}
