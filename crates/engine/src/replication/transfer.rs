//! A replica takes the data set of its primary.
//!
//! Source: redis.io, "Replication"; the annotated redis.conf of 7.2, `repl-diskless-load`; log lines
//! as observed on 7.0.15 and 7.2.6 servers.
//!
//! Differs: a file is verified before the old data set goes, so that a damaged one does no harm.

use dunlin_config::{DisklessLoad, LogLevel};
use dunlin_persistence::ReceivedSource;
use dunlin_replication::{LinkFault, ReplId};

use super::{Arriving, ArrivingForm};
use crate::engine::Engine;
use crate::follow::Follower;

impl Engine {
    /// Whether the next snapshot is parsed as it comes (`repl-diskless-load`).
    pub(super) fn takes_snapshot_from_stream(&self) -> bool {
        match self.config.replication.repl_diskless_load {
            DisklessLoad::Disabled => false,
            DisklessLoad::OnEmptyDb => self.is_empty(),
            DisklessLoad::Swapdb => true,
        }
    }

    fn is_empty(&self) -> bool {
        (0..self.keyspace.databases()).all(|db| self.keyspace.database(db).is_empty())
    }

    /// The primary will send its data set.
    pub(super) fn expect_transfer(&mut self, position: Option<(ReplId, u64)>) {
        if self.replication.failover.is_some() {
            // A forced hand-over, to a replica that lacked something.
            self.failover_ended();
        }
        let form = ArrivingForm::Announced;
        self.links.arriving = Some(Arriving { position, form, is_complete: false });
    }

    /// The primary begins to send its data set.
    pub(super) fn begin_transfer(&mut self, len_bytes: Option<u64>) {
        let position = self.links.arriving.take().and_then(|arriving| arriving.position);
        let from_stream = self.takes_snapshot_from_stream();
        let is_beside = from_stream && !self.is_empty();
        let mut form = ArrivingForm::File;
        let begun = if !from_stream {
            self.persistence.begin_receive(&self.keyspace, &self.config, self.now)
        } else {
            let source = ReceivedSource::Stream { len_bytes };
            if is_beside {
                let mut spare = Box::new(self.keyspace.spare());
                let begun = self.persistence.begin_load_received(
                    &mut spare,
                    &self.config,
                    source,
                    self.now,
                );
                form = ArrivingForm::Beside(spare);
                self.persistence.note_load_beside();
                begun
            } else {
                self.make_place();
                form = ArrivingForm::InPlace;
                self.begin_load_received(source)
            }
        };
        self.links.arriving = Some(Arriving { position, form, is_complete: false });
        self.write_journal();
        if let Err(why) = begun {
            self.break_link(&LinkFault::Broken(why));
        }
    }

    fn begin_load_received(&mut self, source: ReceivedSource) -> Result<(), String> {
        self.host.log_notice("MASTER <-> REPLICA sync: Loading DB in memory");
        self.set_loading(true);
        let keyspace = &mut self.keyspace;
        self.persistence.begin_load_received(keyspace, &self.config, source, self.now)
    }

    /// The whole data set has arrived.
    pub(super) fn transfer_arrived(&mut self) {
        if let Some(arriving) = &mut self.links.arriving {
            arriving.is_complete = true;
            if let ArrivingForm::File = arriving.form {
                // The file gets the name that a snapshot of ours would take from it.
                self.persistence.abort_saves(&mut self.keyspace);
            }
        }
        self.persistence.finish_receive();
    }

    /// Takes note of what became of what arrives.
    pub(super) fn tend_transfer(&mut self) {
        let Some(arriving) = &mut self.links.arriving else { return };
        if let ArrivingForm::File = arriving.form
            && let Some(received) = self.persistence.take_received()
        {
            match received {
                Ok(_) => self.load_received_file(),
                Err(why) => {
                    self.links.arriving = None;
                    let why = format!("The data set of the primary is not taken: {why}");
                    self.break_link(&LinkFault::Broken(why));
                }
            }
        }
        if self.may_read_from_primary() {
            self.resume_primary();
        }
    }

    /// The file has arrived and is good: it takes the place of the data set that is there.
    fn load_received_file(&mut self) {
        self.make_place();
        if let Some(arriving) = &mut self.links.arriving {
            arriving.form = ArrivingForm::InPlace;
        }
        if let Err(why) = self.begin_load_received(ReceivedSource::File) {
            return self.transfer_failed(&why);
        }
        let no_files =
            self.config.persistence.save.0.is_empty() && !self.config.persistence.appendonly;
        if self.config.persistence.rdb_del_sync_files && no_files {
            self.persistence.delete_received(&self.config);
        }
    }

    /// The data set that is there goes, with all that depends on it.
    fn make_place(&mut self) {
        self.replication
            .log(dunlin_replication::Line::notice("Discarding previously cached master state."));
        self.replication.has_position = false;
        self.disconnect_replicas();
        self.replication.backlog = None;
        self.persistence.abort_saves(&mut self.keyspace);
        self.stop_log_for_transfer();
        self.replication
            .log(dunlin_replication::Line::notice("MASTER <-> REPLICA sync: Flushing old data"));
        self.write_replication_lines();
        let lazily = self.config.replication.replica_lazy_flush;
        for db in 0..self.keyspace.databases() {
            self.keyspace.flush(db, lazily);
        }
        self.tell_removed();
    }

    fn stop_log_for_transfer(&mut self) {
        if self.persistence.is_log_wanted() {
            self.flush_stream();
            self.persistence.stop_log(&mut self.keyspace);
            self.follow_consumers();
            self.write_journal();
        }
    }

    /// Whether what is being loaded comes from the primary.
    pub(crate) const fn loads_from_primary(&self) -> bool {
        self.links.arriving.is_some()
    }

    /// The primary's data set is loaded.
    pub(crate) fn end_transfer(&mut self) {
        let Some(arriving) = self.links.arriving.take() else { return };
        if let ArrivingForm::Beside(spare) = arriving.form {
            self.host.log_notice("MASTER <-> REPLICA sync: Swapping active DB with loaded DB");
            self.make_place();
            self.keyspace.take_over(*spare);
            self.tell_removed();
        }
        self.set_loading(false);
        let stream_db = self.persistence.loaded_position().map_or(0, |at| at.stream_db);
        match arriving.position {
            Some((replid, offset)) => self.replication.adopt(replid, offset),
            // A primary that does not say where it is: nobody can go on from here.
            None => self.replication.open_history(),
        }
        self.metrics.counters.changes_since_save = 0;
        self.follow_expiry();
        if let Some(link) = &mut self.replication.link {
            link.loaded(self.now.monotonic);
        }
        // A link that is lost before the stream begins is gone on with in this database.
        self.replication.stream_db = stream_db;
        if self.links.primary.is_some() {
            self.links.follower = Some(Box::new(Follower::of_primary(stream_db)));
        }
        self.write_replication_lines();
        self.acknowledge();
        self.restart_log_after_transfer();
        // The base of the log will hold all that has come so far.
        self.links.forget_log_ends();
        self.note_log_end();
        self.resume_primary();
    }

    fn restart_log_after_transfer(&mut self) {
        if self.config.persistence.appendonly {
            self.persistence.start_log(&mut self.keyspace, &self.config);
            self.begin_rewrite();
            self.write_journal();
        }
    }

    /// The primary's data set cannot be loaded.
    pub(crate) fn transfer_failed(&mut self, why: &str) {
        self.set_loading(false);
        self.host.log(
            LogLevel::Warning,
            "Failed trying to load the MASTER synchronization DB, check server logs.",
        );
        match self.links.arriving.take().map(|arriving| arriving.form) {
            Some(ArrivingForm::InPlace) => {
                for db in 0..self.keyspace.databases() {
                    self.keyspace.flush(db, true);
                }
                self.tell_removed();
                self.follow_expiry();
                self.restart_log_after_transfer();
            }
            Some(ArrivingForm::Beside(spare)) => self.keyspace.discard_spare(*spare),
            Some(ArrivingForm::Announced | ArrivingForm::File) | None => {}
        }
        self.break_link(&LinkFault::Broken(format!("MASTER <-> REPLICA sync failed: {why}")));
    }

    /// The primary's data set is not wanted any more, whole or not.
    pub(super) fn cancel_transfer(&mut self) {
        if let Some(arriving) = &mut self.links.arriving {
            arriving.is_complete = false;
        }
        self.abandon_transfer();
    }

    /// The connection is gone over which the primary's data set came. What has come as a whole is
    /// loaded all the same.
    pub(super) fn abandon_transfer(&mut self) {
        if self.links.arriving.as_ref().is_none_or(|arriving| arriving.is_complete) {
            return;
        }
        match self.links.arriving.take().map(|arriving| arriving.form) {
            Some(ArrivingForm::File) => self.persistence.abort_receive(),
            Some(ArrivingForm::Beside(mut spare)) => {
                self.persistence.abort_load(&mut spare);
                self.keyspace.discard_spare(*spare);
            }
            Some(ArrivingForm::InPlace) => {
                self.persistence.abort_load(&mut self.keyspace);
                self.transfer_failed("the connection was lost");
            }
            Some(ArrivingForm::Announced) | None => {}
        }
    }
}
