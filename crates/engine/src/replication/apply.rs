//! A replica applies its primary's stream and says how far it has come.
//!
//! Source: redis.io, "Replication"; the protocol as observed on 7.0.15 and 7.2.6 servers.

use dunlin_config::{LogLevel, PropagationError};
use dunlin_replication::{LinkFault, ReplId};
use dunlin_resp::write_request;

use crate::engine::Engine;
use crate::follow::Follower;

/// Pairs of ends that are remembered: more are not needed by far, because a sync covers many.
const ENDS_MAX: usize = 1024;

impl Engine {
    /// The primary continues the stream where this replica is.
    pub(super) fn continue_history(&mut self, replid: Option<ReplId>) {
        if let Some(replid) = replid {
            self.replication.follow_fork(replid);
            // Sub-replicas come back and are told the new replid.
            self.disconnect_replicas();
        }
        self.replication.keep_stream();
        let db = self.replication.stream_db;
        self.links.follower = Some(Box::new(Follower::of_primary(db)));
        if self.replication.failover.is_some() {
            self.failover_ended();
        }
        self.follow_consumers();
    }

    /// Applies bytes of the stream; what is applied goes on to sub-replicas as it came.
    pub(super) fn apply_from_primary(&mut self, bytes: &[u8]) {
        let Some(mut follower) = self.links.follower.take() else { return };
        let before = follower.applied_bytes();
        let outcome = self.follow(&mut follower, bytes);
        let applied = (follower.applied_bytes() - before) as usize;
        self.replication.stream_db = follower.db();
        self.report_failures(&mut follower);
        let asked_at = follower.take_asked_at();
        let begin = self.replication.history.offset();
        self.hand_on(bytes, applied);
        self.replication.unapplied_bytes = self.links.unapplied.len() as u64;
        for position in asked_at {
            self.acknowledge_at(begin + position.saturating_sub(before));
        }
        self.links.follower = Some(follower);
        self.flush_stream();
        self.note_log_end();
        self.send_stream();
        self.look_after_memory();
        if let Err(fault) = outcome {
            // What follows cannot be trusted, and neither can the position.
            self.replication.has_position = false;
            self.break_link(&LinkFault::Broken(format!("Protocol error from master: {fault}")));
        }
    }

    /// Hands on the next `applied` bytes of the stream; `bytes` are the latest of it.
    fn hand_on(&mut self, bytes: &[u8], applied: usize) {
        let unapplied = &mut self.links.unapplied;
        if unapplied.is_empty() {
            self.replication.feed(&bytes[..applied]);
            unapplied.extend_from_slice(&bytes[applied..]);
            return;
        }
        unapplied.extend_from_slice(bytes);
        self.replication.feed(&unapplied[..applied]);
        unapplied.drain(..applied);
    }

    fn report_failures(&mut self, follower: &mut Follower) {
        for (name, error) in follower.take_failures() {
            let line = format!(
                "== CRITICAL == This replica is sending an error to its master: '{error}' after \
                 processing the command '{name}'"
            );
            self.host.log(LogLevel::Warning, &line);
            let behavior = self.config.replication.propagation_error_behavior;
            if behavior != PropagationError::Ignore {
                self.persistence.refuse_log(&format!(
                    "This replica panicked sending an error to its master after processing a \
                     command from its replication stream: {name}"
                ));
            }
        }
    }

    /// Tells the primary how far this replica is.
    pub(super) fn acknowledge(&mut self) {
        self.acknowledge_at(self.replication.history.offset());
    }

    fn acknowledge_at(&mut self, offset: u64) {
        if self.links.primary.is_none() || !self.replication.has_position {
            return;
        }
        let offset = offset.to_string();
        let durable = self.durable_offset().map(|offset| offset.to_string());
        let mut words: Vec<&[u8]> = vec![b"REPLCONF", b"ACK", offset.as_bytes()];
        if let Some(durable) = &durable {
            words.extend([b"FACK".as_slice(), durable.as_bytes()]);
        }
        let mut bytes = Vec::new();
        write_request(&mut bytes, &words);
        self.write_to_primary(&bytes);
    }

    /// Remembers that the append-only file and the stream end together here.
    pub(super) fn note_log_end(&mut self) {
        if self.replication.link.is_none() || !self.persistence.is_logging() {
            return;
        }
        let end = (self.persistence.end(), self.replication.history.offset());
        let ends = &mut self.links.ends;
        let is_full = ends.len() >= ENDS_MAX;
        match ends.back_mut() {
            Some(last) if last.0 == end.0 || is_full => *last = end,
            _ => ends.push_back(end),
        }
    }

    /// What of the stream is on this replica's disk; `None` if nothing is, and without an append-only
    /// file.
    fn durable_offset(&mut self) -> Option<u64> {
        if !self.persistence.is_logging() {
            return None;
        }
        let kept = self.persistence.kept_up_to();
        while let Some(&(_, offset)) = self.links.ends.front().filter(|(end, _)| *end <= kept) {
            self.links.durable = Some(offset);
            self.links.ends.pop_front();
        }
        self.links.durable
    }
}
