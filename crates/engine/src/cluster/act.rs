//! What the cluster wants done.
//!
//! Source: redis.io, "Redis cluster specification"; log lines as observed on 7.2.6 servers.

use bytes::Bytes;
use dunlin_cluster::{Action, Line, LinkId, Severity};
use dunlin_commands::cluster::outcome_of_probe;
use dunlin_commands::table::Lookup;
use dunlin_commands::{Args, Caller, CommandResult};
use dunlin_config::LogLevel;
use dunlin_keyspace::{DatabaseIndex, Expiry};
use dunlin_replication::PrimaryLink;
use dunlin_resp::Reply;
use dunlin_session::{Awaited, Delivery, Message, WriteHold};
use dunlin_slots::{SlotSet, key_slot};
use dunlin_stdx::time::Monotonic;

use crate::engine::Engine;

/// The database of a cluster.
const DB: DatabaseIndex = 0;

/// Keys that are removed by one command, when their slot is another node's.
const KEYS_PER_COMMAND: usize = 64;

impl Engine {
    /// Does what the cluster wants; within a transaction, when that has ended.
    pub(crate) fn act_for_cluster(&mut self) {
        while !self.stream.is_in_unit()
            && let Some(action) = self.cluster.as_mut().and_then(|cluster| cluster.poll_action())
        {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Bus(request) => self.cluster_work.requests.push_back(request),
            Action::SaveConf { text, fsync } => self.save_nodes_conf(&text, fsync),
            Action::ReplicateFrom { ip, port } => self.follow_in_cluster(ip, port),
            Action::BecomePrimary => self.become_primary(),
            Action::PauseWrites { until } => self.pause_for_cluster(until),
            Action::ResumeWrites => self.resume_for_cluster(),
            Action::DropKeysInSlots(slots) => self.drop_keys_in(&slots),
            Action::DropAllKeys => self.run_own("flushall", &[b"FLUSHALL"]),
            Action::DropSlotSubscriptions(slots) => {
                self.sessions.end_shard_subscriptions(|name| slots.contains(key_slot(name)));
            }
            Action::Publish { channel, message, sharded } => {
                self.publish_here(&channel, &message, sharded);
            }
            Action::Probed { link, ip, port, outcome } => {
                self.answer_probe(link, &outcome_of_probe(&ip, port, outcome));
            }
            Action::Log(line) => self.log_for_cluster(&line),
        }
    }

    /// Follows a primary from now on; while the data set is loaded from disk, when that is done.
    fn follow_in_cluster(&mut self, ip: String, port: u16) {
        if self.is_loading() && !self.loads_from_primary() {
            self.replication.link = Some(PrimaryLink::new(ip, port));
            self.note_role();
        } else {
            self.follow_primary(ip, port);
        }
    }

    /// Answers CLUSTER PROBE, unless its client is gone.
    fn answer_probe(&mut self, link: LinkId, outcome: &CommandResult) {
        let mut waiting = self.sessions.blocking.for_others();
        let asked = waiting.find(|(_, awaited)| *awaited == Awaited::Probe(link.0));
        let client = asked.map(|(token, _)| token);
        drop(waiting);
        if let Some(token) = client {
            self.answer_waiting(token, outcome);
        }
    }

    fn log_for_cluster(&mut self, line: &Line) {
        let level = match line.severity {
            Severity::Debug => LogLevel::Debug,
            Severity::Verbose => LogLevel::Verbose,
            Severity::Notice => LogLevel::Notice,
            Severity::Warning => LogLevel::Warning,
        };
        self.host.log(level, &line.text);
    }

    fn save_nodes_conf(&mut self, text: &str, fsync: bool) {
        if let Err(reason) = self.host.save_nodes_conf(text, fsync) {
            self.host.log(LogLevel::Warning, &reason);
            self.host.log(LogLevel::Warning, "Fatal: can't update cluster config file.");
            self.cluster_work.is_lost = true;
        }
    }

    fn pause_for_cluster(&mut self, until: Monotonic) {
        self.cluster_work.paused_until = Some(until);
        self.sessions.pause.hold_writes(WriteHold::CLUSTER, true);
        self.follow_expiry();
    }

    fn resume_for_cluster(&mut self) {
        self.cluster_work.paused_until = None;
        self.sessions.pause.hold_writes(WriteHold::CLUSTER, false);
        self.follow_expiry();
    }

    /// The replica that was to take over has not been heard of.
    pub(super) fn end_cluster_pause_if_due(&mut self) {
        if self.cluster_work.paused_until.is_some_and(|until| until <= self.now.monotonic) {
            self.resume_for_cluster();
        }
    }

    fn publish_here(&mut self, channel: &[u8], message: &Bytes, to_shard: bool) {
        let limit = self.config.network.client_output_buffer_limit.pubsub.hard_bytes;
        let message = Message { channel, content: message, shared: Some(message) };
        self.sessions.publish(&message, Delivery { to_shard, output_limit: limit as usize });
    }

    /// Removes what is left of slots that are another node's.
    fn drop_keys_in(&mut self, slots: &SlotSet) {
        for slot in slots.iter() {
            loop {
                let keys = self.keyspace.database(DB).keys_in_slot(slot, KEYS_PER_COMMAND);
                if keys.is_empty() {
                    break;
                }
                let words: Vec<&[u8]> =
                    [b"DEL".as_slice()].into_iter().chain(keys.iter().map(|key| &**key)).collect();
                self.run_own("del", &words);
            }
        }
    }

    /// Runs a command for the server itself, whatever clients may call it. Deadlines mean nothing:
    /// what is to go goes.
    fn run_own(&mut self, name: &str, words: &[&[u8]]) {
        let mut all = self.table.all().iter();
        let Some(&registered) = all.find(|one| one.command.spec.name() == name) else { return };
        let lookup = Lookup::Found(registered);
        self.keyspace.set_expiry(Expiry::Ignore);
        self.execute(Caller::Stream, DB, lookup, Args::new(words), &mut Reply::default());
        self.follow_expiry();
    }
}
