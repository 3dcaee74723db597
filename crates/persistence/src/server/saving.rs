//! Snapshots to the snapshot file: on request, at save points, and when the server ends.

use std::time::Duration;

use dunlin_aof::BaseForm;
use dunlin_config::{Config, SavePoint, ShutdownOptions};
use dunlin_keyspace::Keyspace;
use dunlin_stdx::time::Now;

use super::loading::LoadOrigin;
use super::plan::{Content, WalkPlan};
use super::save_points::{self, SinceSave};
use super::status::Outcome;
use super::walk::{Ended, Purposes, Role};
use super::{Persistence, Wish};
use crate::snapshot::{ReplicationAux, save_blocking_paced};

/// How long after a failed snapshot a scheduled one is tried again, in seconds.
const RETRY_SECONDS: u64 = 5;

/// What a client is told whose change would not be in any snapshot.
const UNABLE_TO_SAVE: &str = "MISCONF Redis is configured to save RDB snapshots, but it's currently \
    unable to persist to disk. Commands that may modify the data set are disabled, because this \
    instance is configured to report errors during writes if RDB snapshotting fails \
    (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB \
    error.";

impl Persistence {
    /// SAVE: writes the snapshot file while everybody waits; whether that went well.
    pub fn save(&mut self, keyspace: &Keyspace, config: &Config, now: Now) -> bool {
        let target = self.save_target(config, "temp-", self.replication);
        let content = Content::whole(BaseForm::Rdb);
        let request = self.request(keyspace, config, (vec![target], content), now);
        let (disk, delay_us) = (self.backend.disk(), config.diagnosis.rdb_key_save_delay);
        let mut after_key = || {
            if let Ok(us @ 1..) = u64::try_from(delay_us) {
                self.backend.sleep(Duration::from_micros(us));
            }
        };
        match save_blocking_paced(keyspace, request, &disk, &mut after_key) {
            Ok(_) => {
                self.journal.notice("DB saved on disk");
                self.saved(now);
                self.saves.last_outcome = Outcome::Ok;
                true
            }
            Err(error) => {
                self.journal.warning(error);
                false
            }
        }
    }

    /// BGSAVE: begins to write the data set as it is now; whether that is under way.
    pub fn save_in_background(
        &mut self,
        keyspace: &mut Keyspace,
        config: &Config,
        changes: u64,
        now: Now,
    ) -> bool {
        self.saves.last_try = now.monotonic;
        let purposes = Purposes { save: Some(changes), rewrite: false };
        let plan = WalkPlan::of_files(purposes, Content::whole(BaseForm::Rdb), self.replication);
        match self.begin_walk(keyspace, config, plan, now) {
            Ok(()) => {
                self.tell_save_began();
                true
            }
            Err(why) => {
                self.journal.warning(format!("Can't save in background: {why}"));
                self.saves.last_outcome = Outcome::Failed;
                false
            }
        }
    }

    pub(super) fn tell_save_began(&mut self) {
        let pid = self.backend.process_id();
        self.journal.notice(format!("Background saving started by pid {pid}"));
    }

    /// Where the stream of changes is, for the headers of snapshots from now on: `None` if nobody could
    /// go on from there. Set right before a snapshot begins.
    pub const fn set_replication(&mut self, replication: Option<ReplicationAux>) {
        self.replication = replication;
    }

    /// FLUSHALL: a snapshot under way would bring back what is gone; it is given up. A walk that serves
    /// a rewrite or replicas, too, goes on: they get FLUSHALL behind it.
    pub fn abort_save(&mut self, keyspace: &mut Keyspace) {
        if self.walk.as_ref().is_none_or(|walk| walk.purposes.save.is_none()) {
            return;
        }
        let pid = self.backend.process_id();
        self.journal.notice(format!("Killing running RDB child: {pid}"));
        self.abort_file(keyspace);
    }

    /// A primary's data set is about to take the place of ours, and of the snapshot file: whatever is
    /// written of ours is given up. The log is the caller's to stop.
    pub fn abort_saves(&mut self, keyspace: &mut Keyspace) {
        if !self.is_saving() {
            return;
        }
        let pid = self.backend.process_id();
        self.journal.notice(format!(
            "Replica is about to load the RDB file received from the master, but there is a pending \
             RDB child running. Killing process {pid} and removing its temp file to avoid any race"
        ));
        self.abort_target(keyspace, Role::Outlet);
        self.abort_target(keyspace, Role::SyncFile);
        self.abort_file(keyspace);
    }

    /// Takes the snapshot file back that is being written. If it is getting its name right now, it has
    /// it when this returns: before another one is written.
    fn abort_file(&mut self, keyspace: &mut Keyspace) {
        self.abort_target(keyspace, Role::Save);
        while self.walk.as_ref().is_some_and(|walk| walk.is_being_published(Role::Save)) {
            self.backend.wait();
        }
    }

    /// A snapshot is to be taken as soon as nothing else runs.
    pub const fn schedule_save(&mut self) {
        self.saves.is_scheduled = true;
    }

    pub(super) fn background_save_ended(&mut self, ended: &Ended, changes: u64, now: Now) {
        match ended {
            Ok(_) => {
                self.journal.notice("DB saved on disk");
                self.journal.notice("Background saving terminated with success");
                self.saves.last_outcome = Outcome::Ok;
                self.saved(now);
                self.changes_saved += changes;
            }
            Err(Some(why)) => {
                self.journal.warning(why.clone());
                self.journal.warning("Background saving error");
                self.saves.last_outcome = Outcome::Failed;
            }
            Err(None) => self.journal.warning("Background saving cancelled"),
        }
    }

    /// Whether anything failed of late that could keep a change from being kept; then
    /// [`Persistence::trouble`] says whether it does.
    #[must_use]
    #[inline]
    pub const fn has_trouble(&self) -> bool {
        !(self.saves.last_outcome.is_ok() && self.log.status.last_write.is_ok())
    }

    /// Why no change may be made now, as a client is told.
    ///
    /// Source: texts checked against a 7.2.6 server.
    #[must_use]
    pub fn trouble(&self, config: &Config) -> Option<String> {
        let snapshots = &config.persistence;
        if snapshots.stop_writes_on_bgsave_error
            && !snapshots.save.0.is_empty()
            && !self.saves.last_outcome.is_ok()
        {
            return Some(UNABLE_TO_SAVE.to_owned());
        }
        self.log.trouble().map(|why| format!("MISCONF Errors writing to the AOF file: {why}"))
    }

    fn saved(&mut self, now: Now) {
        self.saves.saves += 1;
        self.saves.last_saved = now.unix_ms();
        self.last_saved = now.monotonic;
    }

    /// Changes that a snapshot in the background has brought to disk, once.
    pub const fn take_changes_saved(&mut self) -> u64 {
        let changes = self.changes_saved;
        self.changes_saved = 0;
        changes
    }

    /// Periodic work: what is due or scheduled begins, the log is synced. `changes` are those since the
    /// last snapshot.
    pub fn run_cron(&mut self, keyspace: &mut Keyspace, config: &Config, changes: u64, now: Now) {
        self.changes_noted = changes;
        self.tend_log(config, now);
        self.tend_walk(config, now);
        if self.load.is_some() || self.is_busy() {
            return;
        }
        if self.is_rewrite_scheduled() && self.may_rewrite(now) {
            self.wish(Wish::Rewrite);
            return;
        }
        if self.save_if_due(keyspace, config, changes, now) {
            return;
        }
        if let Some(growth) = self.is_rewrite_due(config, now) {
            self.journal.notice(format!("Starting automatic rewriting of AOF on {growth}% growth"));
            self.wish(Wish::Rewrite);
            return;
        }
        let since_try_us = now.monotonic.since_us(self.saves.last_try);
        let may_try = self.saves.last_outcome.is_ok() || since_try_us > RETRY_SECONDS * 1_000_000;
        if self.saves.is_scheduled && may_try {
            self.saves.is_scheduled = !self.save_in_background(keyspace, config, changes, now);
        }
    }

    /// Begins a snapshot if a save point is reached; whether one was.
    fn save_if_due(
        &mut self,
        keyspace: &mut Keyspace,
        config: &Config,
        changes: u64,
        now: Now,
    ) -> bool {
        let Some(point) = self.save_point_reached(config, changes, now) else { return false };
        self.journal
            .notice(format!("{} changes in {} seconds. Saving...", point.changes, point.seconds));
        self.save_in_background(keyspace, config, changes, now);
        true
    }

    /// The save point that is reached, if any is.
    pub(super) fn save_point_reached(
        &self,
        config: &Config,
        changes: u64,
        now: Now,
    ) -> Option<SavePoint> {
        let seconds_since_try = now.monotonic.since_us(self.saves.last_try) / 1_000_000;
        let failed = !self.saves.last_outcome.is_ok();
        let since = SinceSave {
            changes,
            seconds: now.monotonic.since_us(self.last_saved) / 1_000_000,
            seconds_since_failure: failed.then_some(seconds_since_try),
        };
        save_points::reached(&config.persistence.save.0, since)
    }

    /// SHUTDOWN: brings to disk what is to be kept; whether the process may end. `position` is where
    /// the stream of changes ends, to be found at the next start; `None` if nobody could go on from
    /// there. All changes so far were appended.
    pub fn finish(
        &mut self,
        keyspace: &mut Keyspace,
        config: &Config,
        (options, position): (ShutdownOptions, Option<ReplicationAux>),
        now: Now,
    ) -> bool {
        self.set_replication(position);
        if let Some(load) = &self.load {
            // What is not loaded must not replace what is on disk.
            if load.origin != LoadOrigin::Disk {
                self.load = None;
                self.end_receive();
                self.close_log(keyspace, config, None, now);
            }
            return true;
        }
        let is_forced = options.contains(ShutdownOptions::FORCE);
        if self.is_saving() {
            self.journal.warning("There is a child saving an .rdb. Killing it!");
        }
        if self.is_rewriting() && self.waits_for_base() {
            if !is_forced {
                self.journal.warning("Writing initial AOF, can't exit.");
                return false;
            }
            self.journal.warning("Writing initial AOF. Exit anyway.");
        }
        if self.is_rewriting() {
            self.journal.warning("There is a child rewriting the AOF. Killing it!");
        }
        let wants_save = !config.persistence.save.0.is_empty()
            && !options.contains(ShutdownOptions::NOSAVE)
            || options.contains(ShutdownOptions::SAVE);
        self.end_walk(keyspace, config, now);
        if wants_save {
            self.journal.notice("Saving the final RDB snapshot before exiting.");
            if !self.save(keyspace, config, now) {
                if !is_forced {
                    self.journal.warning("Error trying to save the DB, can't exit.");
                    return false;
                }
                self.journal.warning("Error trying to save the DB. Exit anyway.");
            }
        }
        if self.is_log_wanted() {
            self.journal.notice("Calling fsync() on the AOF file.");
            self.close_log(keyspace, config, position, now);
        }
        self.end_receive();
        true
    }

    /// Ends the walk under way and waits until its files are gone.
    fn end_walk(&mut self, keyspace: &mut Keyspace, config: &Config, now: Now) {
        self.abort_walk(keyspace);
        while self.walk.is_some() {
            self.backend.wait();
            self.handle_events(keyspace, config, now);
        }
    }

    /// Memory in use, which snapshots tell of.
    pub const fn note_used_memory(&mut self, bytes: u64) {
        self.used_memory_bytes = bytes;
    }
}
