//! Snapshots to the snapshot file: on request, at save points, and when the server ends.

use std::time::Duration;

use dunlin_aof::BaseForm;
use dunlin_config::{Config, RdbVersion, ShutdownOptions};
use dunlin_keyspace::{Keyspace, SnapshotScope};
use dunlin_rdb::Version;
use dunlin_stdx::time::Now;

use super::rewriting::base_form;
use super::save_points::{self, SinceSave};
use super::status::Outcome;
use super::walk::{Ended, Purposes, Walk};
use super::{Persistence, Wish};
use crate::backend::JobRole;
use crate::snapshot::{
    CommandForm, Destination, Form, QueueLimits, RdbForm, Snapshot, SnapshotRequest, Target,
    save_blocking_paced,
};

/// The version of Redis whose behaviour, and whose files, ours are.
const REDIS_VERSION: &str = "7.2.4";

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
        let target = self.save_target(config, "temp-");
        let request = self.request(keyspace, config, (vec![target], BaseForm::Rdb), now);
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
        let began = self.begin_walk(
            keyspace,
            config,
            Purposes { save: Some(changes), rewrite: false },
            now,
        );
        if began {
            let line = format!("Background saving started by pid {}", self.backend.process_id());
            self.journal.notice(line);
        } else {
            self.saves.last_outcome = Outcome::Failed;
        }
        began
    }

    /// FLUSHALL: a snapshot under way would bring back what is gone; it is given up. One that a rewrite
    /// shares goes on, because the log needs it.
    pub fn abort_save(&mut self, keyspace: &mut Keyspace) {
        if self.is_saving() && !self.is_rewriting() {
            let pid = self.backend.process_id();
            self.journal.notice(format!("Killing running RDB child: {pid}"));
            self.abort_walk(keyspace);
        }
    }

    /// A snapshot is to be taken as soon as nothing else runs.
    pub const fn schedule_save(&mut self) {
        self.saves.is_scheduled = true;
    }

    /// Begins a walk; whether that is under way.
    pub(super) fn begin_walk(
        &mut self,
        keyspace: &mut Keyspace,
        config: &Config,
        purposes: Purposes,
        now: Now,
    ) -> bool {
        let mut targets = Vec::new();
        if purposes.save.is_some() {
            targets.push(self.save_target(config, "temp-bg-"));
        }
        if purposes.rewrite {
            targets.push(self.base_target(config));
        }
        let form = if purposes.rewrite { base_form(config) } else { BaseForm::Rdb };
        let request = self.request(keyspace, config, (targets, form), now);
        let snapshot = Snapshot::begin(
            request,
            &self.backend.disk(),
            self.backend.waker(),
            self.snapshot_events.clone(),
        );
        let Snapshot { encoder, writer, spill, control } = snapshot;
        if let Err(error) = self.backend.spawn(JobRole::Snapshot, Box::new(writer)) {
            self.journal.warning(format!("Can't save in background: {error}"));
            return false;
        }
        self.walks_begun += 1;
        let Ok(start) = keyspace.begin_snapshot(SnapshotScope::All, Box::new(encoder)) else {
            // The encoder was dropped, which cancels what the writer has begun.
            self.journal.warning("Can't save in background: another snapshot is running");
            return false;
        };
        self.walk = Some(Walk::new(purposes, (control, spill), start.keys() as u64, now));
        true
    }

    fn save_target(&self, config: &Config, prefix: &str) -> Target {
        // By their full names: `dir` may be another one before the snapshot is complete.
        let dir = config.persistence.dir.as_path();
        let temporary = format!("{prefix}{}.rdb", self.backend.process_id());
        Target {
            destination: Destination::File {
                temporary: dir.join(temporary),
                publish: Some(dir.join(config.persistence.dbfilename.as_path())),
                incremental_sync: config.persistence.rdb_save_incremental_fsync,
            },
            replication: None,
            is_aof_base: false,
        }
    }

    pub(super) fn request(
        &mut self,
        keyspace: &Keyspace,
        config: &Config,
        (targets, form): (Vec<Target>, BaseForm),
        now: Now,
    ) -> SnapshotRequest {
        let start = keyspace.snapshot_start(&SnapshotScope::All);
        let has_deadlines = start.has_field_deadlines;
        let persistence = &config.persistence;
        if has_deadlines && form == BaseForm::Rdb {
            self.journal.notice(
                "Fields of hashes have deadlines: the snapshot is written in version 12 of the RDB \
                 format, which Redis reads from 7.4 on",
            );
        }
        let spill_bytes_max = match persistence.snapshot_spill_limit {
            0 => u64::MAX,
            limit => limit,
        };
        let barrier_bytes = usize::try_from(persistence.snapshot_buffer_limit);
        let barrier_bytes = barrier_bytes.unwrap_or(usize::MAX);
        let limits = QueueLimits {
            barrier_bytes,
            barrier_bytes_max: barrier_bytes.saturating_mul(3),
            spill_bytes_max,
            ..QueueLimits::default()
        };
        SnapshotRequest {
            form: self.form(config, has_deadlines, form, now),
            targets,
            libraries: Vec::new(),
            databases: start.databases,
            spill_directory: persistence.dir.as_path().to_owned(),
            limits,
        }
    }

    /// How keys are written.
    pub(super) fn form(
        &self,
        config: &Config,
        has_field_deadlines: bool,
        form: BaseForm,
        now: Now,
    ) -> Form {
        let persistence = &config.persistence;
        if form == BaseForm::Commands {
            let timestamp = persistence.aof_timestamp_enabled.then(|| now.unix_ms());
            return Form::Commands(CommandForm { timestamp });
        }
        let version = match persistence.rdb_version {
            _ if has_field_deadlines => Version::V12,
            RdbVersion::Ten => Version::V10,
            RdbVersion::Eleven => Version::V11,
        };
        Form::Rdb(RdbForm {
            version,
            compression: persistence.rdbcompression,
            checksum: persistence.rdbchecksum,
            server_version: REDIS_VERSION,
            created: now.unix_ms(),
            used_memory_bytes: self.used_memory_bytes,
        })
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
        let seconds_since_try = now.monotonic.since_us(self.saves.last_try) / 1_000_000;
        let failed = !self.saves.last_outcome.is_ok();
        let since = SinceSave {
            changes,
            seconds: now.monotonic.since_us(self.last_saved) / 1_000_000,
            seconds_since_failure: failed.then_some(seconds_since_try),
        };
        let Some(point) = save_points::reached(&config.persistence.save.0, since) else {
            return false;
        };
        self.journal
            .notice(format!("{} changes in {} seconds. Saving...", point.changes, point.seconds));
        self.save_in_background(keyspace, config, changes, now);
        true
    }

    /// SHUTDOWN: brings to disk what is to be kept; whether the process may end.
    pub fn finish(
        &mut self,
        keyspace: &mut Keyspace,
        config: &Config,
        options: ShutdownOptions,
        now: Now,
    ) -> bool {
        if self.load.is_some() {
            // What is not loaded must not replace what is on disk.
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
            self.close_log(keyspace, config, now);
        }
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
