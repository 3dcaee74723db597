//! Snapshots for replicas: begun, moved to their connections, ended.
//!
//! Source: the protocol and log lines as observed on 7.0.15 and 7.2.6 servers.

use dunlin_persistence::{
    Feed, FeedState, Framing, ReplicationAux, SyncEnded, SyncFile, SyncFilter, SyncRequest,
    SyncTarget,
};
use dunlin_replication::{Due, Filter, ReplicaNumber, SyncForm, SyncRules, SyncState};
use dunlin_session::{Closing, Token};

use super::{OUTPUT_BYTES_MAX, Sending, SyncUnderWay};
use crate::engine::Engine;

/// Bytes of a snapshot that are taken at once.
const TAKEN_BYTES: usize = 256 * 1024;

impl Engine {
    fn sync_rules(&self) -> SyncRules {
        let config = &self.config.replication;
        SyncRules {
            diskless: config.repl_diskless_sync,
            delay_s: config.repl_diskless_sync_delay,
            replicas_max: config.repl_diskless_sync_max_replicas,
        }
    }

    /// A replica has come that needs a snapshot: it joins one, or one begins, or it waits.
    pub(super) fn place_in_sync(&mut self, number: ReplicaNumber) {
        if let Some(sync) = &self.links.sync {
            match sync.form {
                SyncForm::File => self.join_file(number),
                SyncForm::Sockets => self.host.log_notice(
                    "Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC",
                ),
            }
            return;
        }
        if self.persistence.is_busy() {
            self.host.log_notice(
                "No BGSAVE in progress, but another BG operation is active. BGSAVE for replication \
                 delayed",
            );
            return;
        }
        let Some(due) = self.replication.replicas.due_sync(self.sync_rules(), self.now.monotonic)
        else {
            self.host.log_notice("Delay next BGSAVE for diskless SYNC");
            return;
        };
        self.begin_sync(&due);
    }

    /// A replica that is like those who wait for a file waits with them.
    fn join_file(&mut self, number: ReplicaNumber) {
        let Some(sync) = &mut self.links.sync else { return };
        let model = self.replication.replicas.may_join_file(number);
        let Some(model) = model.and_then(|model| self.replication.replicas.get(model)) else {
            self.host.log_notice(
                "Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC",
            );
            return;
        };
        let next = model.next;
        sync.replicas.push(number);
        self.host.log_notice("Waiting for end of BGSAVE for SYNC");
        self.announce_sync(number, SyncState::WaitsForFile, next - 1);
    }

    /// Begins the snapshot that is due, if one is and nothing else is under way.
    pub(super) fn begin_due_sync(&mut self) {
        let due = self.replication.replicas.due_sync(self.sync_rules(), self.now.monotonic);
        let is_busy = self.links.sync.is_some() || self.persistence.is_busy();
        self.persistence.set_sync_wanted(is_busy && due.is_some());
        if let Some(due) = due
            && !is_busy
            && !self.is_loading()
        {
            self.begin_sync(&due);
        }
    }

    fn begin_sync(&mut self, due: &Due) {
        self.flush_stream();
        // What follows the snapshot names its database.
        self.stream.forget_database();
        let target = match due.form {
            SyncForm::Sockets => "replicas sockets",
            SyncForm::File => "disk",
        };
        self.host.log_notice(&format!("Starting BGSAVE for SYNC with target: {target}"));
        let history = &self.replication.history;
        let replication = ReplicationAux {
            stream_db: self.replication.stream_db,
            id: *history.replid().digits(),
            offset: history.offset(),
        };
        let (target, feeds) = match due.form {
            SyncForm::File => (SyncTarget::Disk, Vec::new()),
            SyncForm::Sockets => self.open_feeds(&due.replicas),
        };
        let request = SyncRequest {
            replication,
            target,
            plain_hashes: !due.field_deadlines,
            filter: match due.filter {
                Filter::All => SyncFilter::Everything,
                Filter::Functions => SyncFilter::Functions,
                Filter::Nothing => SyncFilter::Nothing,
            },
            changes: self.metrics.counters.changes_since_save,
        };
        let offset = request.replication.offset;
        let begun =
            self.persistence.begin_sync(&mut self.keyspace, &self.config, request, self.now);
        self.write_journal();
        self.follow_log();
        if begun.is_err() {
            return self.refuse_sync(&due.replicas);
        }
        let state = match due.form {
            SyncForm::Sockets => SyncState::Receives,
            SyncForm::File => SyncState::WaitsForFile,
        };
        due.replicas.iter().for_each(|number| self.announce_sync(*number, state, offset));
        self.links.feeds.extend(feeds);
        let replicas = due.replicas.clone();
        self.links.sync =
            Some(SyncUnderWay { form: due.form, replicas, began: self.now.monotonic });
    }

    /// The ways from a snapshot to the connections of these replicas.
    fn open_feeds(&mut self, replicas: &[ReplicaNumber]) -> (SyncTarget, Vec<Sending>) {
        let mark = self.replication.end_mark();
        let open = |number: &ReplicaNumber| {
            let (outlet, feed) = Feed::new(Framing::Mark(mark), self.persistence.waker());
            (outlet, Sending { number: *number, feed, with_mark: true })
        };
        let (outlets, feeds) = replicas.iter().map(open).unzip();
        (SyncTarget::Sockets(outlets), feeds)
    }

    /// Tells a replica at which offset its snapshot was taken.
    fn announce_sync(&mut self, number: ReplicaNumber, state: SyncState, offset: u64) {
        let replid = self.replication.history.replid();
        let Some(replica) = self.replication.replicas.get_mut(number) else { return };
        (replica.state, replica.next) = (state, offset + 1);
        if replica.is_old {
            return;
        }
        let line = format!("+FULLRESYNC {replid} {offset}\r\n");
        if let Some(reply) = self.sessions.write_to(Token(number.0)) {
            reply.raw(line.as_bytes());
        }
    }

    fn refuse_sync(&mut self, replicas: &[ReplicaNumber]) {
        for number in replicas {
            if let Some(reply) = self.sessions.write_to(Token(number.0)) {
                reply.raw(b"-ERR BGSAVE failed, replication can't continue\r\n");
            }
            self.sessions.close(Token(number.0), Closing::AfterReply);
        }
    }

    /// Takes note of what became of the snapshot for replicas.
    pub(super) fn tend_sync(&mut self) {
        while let Some(ended) = self.persistence.take_sync_ended() {
            let Some(sync) = self.links.sync.take() else { continue };
            self.replication.synced_fully(self.now.monotonic.since_us(sync.began));
            match ended {
                // Each feed says how it ended.
                SyncEnded::Sockets(_) => {}
                SyncEnded::Disk(Ok(file)) => self.send_files(&sync.replicas, &file),
                SyncEnded::Disk(Err(_)) => {
                    for number in sync.replicas {
                        self.drop_replica(number, "SYNC failed. BGSAVE failed");
                    }
                }
            }
        }
        self.pump_feeds();
        self.begin_due_sync();
    }

    fn send_files(&mut self, replicas: &[ReplicaNumber], file: &SyncFile) {
        for &number in replicas {
            let Some(replica) = self.replication.replicas.get_mut(number) else { continue };
            match self.persistence.send_file(file) {
                Ok(feed) => {
                    replica.state = SyncState::Receives;
                    self.links.feeds.push(Sending { number, feed, with_mark: false });
                }
                Err(why) => self.drop_replica(number, &format!("SYNC failed. {why}")),
            }
        }
    }

    /// Moves what has come of snapshots to the connections of their replicas.
    fn pump_feeds(&mut self) {
        let numbers: Vec<_> = self.links.feeds.iter().map(|sending| sending.number).collect();
        numbers.into_iter().for_each(|number| self.pump_feed(number));
    }

    pub(super) fn pump_feed(&mut self, number: ReplicaNumber) {
        let place = self.links.feeds.iter().position(|sending| sending.number == number);
        let Some(place) = place else { return };
        let Sending { feed, with_mark, .. } = &mut self.links.feeds[place];
        let with_mark = *with_mark;
        let token = Token(number.0);
        let Some(session) = self.sessions.get_mut(token) else { return };
        let mut moved = 0;
        while session.reply.output.len() < OUTPUT_BYTES_MAX
            && let Some(bytes) = feed.take(TAKEN_BYTES)
        {
            moved += bytes.len();
            session.reply.output.push_shared(bytes);
        }
        if moved > 0 {
            self.replication.traffic.output_bytes += moved as u64;
            self.sessions.note_written(token);
        }
        match feed.state() {
            FeedState::Running => {}
            FeedState::Finished => {
                self.links.feeds.swap_remove(place);
                self.snapshot_sent(number, with_mark);
            }
            FeedState::Failed(why) => {
                self.links.feeds.swap_remove(place);
                self.drop_replica(number, &format!("SYNC failed. {why}"));
            }
        }
    }

    /// A replica has been sent its snapshot.
    fn snapshot_sent(&mut self, number: ReplicaNumber, with_mark: bool) {
        let Some(replica) = self.replication.replicas.get_mut(number) else { return };
        let name = replica.name();
        replica.last_ack = self.now.monotonic;
        if replica.announcement.snapshot_only {
            self.sessions.close(Token(number.0), Closing::AfterReply);
            return;
        }
        if with_mark {
            replica.state = SyncState::Loads;
            self.host.log_notice(&format!(
                "Streamed RDB transfer with replica {name} succeeded (socket). Waiting for REPLCONF \
                 ACK from replica to enable streaming"
            ));
            return;
        }
        self.go_online(number);
    }

    /// A replica has its snapshot: the stream follows.
    pub(super) fn go_online(&mut self, number: ReplicaNumber) {
        let Some(replica) = self.replication.replicas.get_mut(number) else { return };
        replica.state = SyncState::Online;
        replica.last_ack = self.now.monotonic;
        let line = format!("Synchronization with replica {} succeeded", replica.name());
        self.host.log_notice(&line);
        self.send_to(number);
    }

    /// A replica is gone for which a snapshot may be under way.
    pub(super) fn replica_left_sync(&mut self, number: ReplicaNumber) {
        let Some(sync) = &mut self.links.sync else { return };
        sync.replicas.retain(|one| *one != number);
        if sync.replicas.is_empty() {
            self.host.log_notice("The last replica of the BGSAVE for SYNC is gone");
            self.persistence.abort_sync(&mut self.keyspace, &self.config);
        }
    }
}
