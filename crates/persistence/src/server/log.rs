//! The append-only file of one server: when it is written, synced and rewritten, and what follows
//! when that fails.
//!
//! | state | meaning |
//! |---|---|
//! | `Off` | nothing is appended (`appendonly no`) |
//! | `WaitsForBase` | just switched on: nothing counts before the first rewrite is complete |
//! | `On` | every change is appended |
//!
//! - `appendfsync always`: replies wait for a sync, and the next one begins when those who wait are there
//!   ([`Persistence::wants_sync`]): on the command thread while syncs are short and nobody else could be
//!   served meanwhile ([`Persistence::may_sync_here`]), else in the job. A failure ends the process:
//!   nobody is told what may be lost.
//! - `everysec`, `no`: written at once by the command thread while the job is idle. A write that fails
//!   is tried again ten times a second, and changes are refused meanwhile. After a failed sync nothing is
//!   known of the file: it is not synced again; changes are refused until a rewrite has put a new base
//!   and a new file in its place.

use dunlin_aof::TimestampWriter;
use dunlin_config::{AppendFsync, Config};
use dunlin_keyspace::Keyspace;
use dunlin_stdx::time::{Monotonic, Now};

use super::rewriting::{Rewrite, base_form};
use super::status::{LogStatus, Outcome};
use super::sync_pace::SyncPace;
use super::walk::Role;
use super::{Fatal, Persistence};
use crate::append::{
    AppendEvent, AppendFiles, AppendLog, AppendPaths, Appended, LogLevel, WriteFailure,
};
use crate::backend::JobRole;
use crate::snapshot::ReplicationAux;

/// Most bytes that may wait for a slow disk before clients wait, too.
const QUEUED_BYTES_MAX: usize = 64 << 20;

/// Time between two syncs under `everysec`.
const SYNC_INTERVAL_US: u64 = 1_000_000;

/// A sync that takes longer is told of.
const SLOW_SYNC_US: u64 = 2_000_000;

/// Failures to write are told at most so often.
const FAILURE_TOLD_EVERY_US: u64 = 30_000_000;

/// Whether changes are appended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// No.
    #[default]
    Off,
    /// Yes, but it counts only when the first rewrite is complete.
    WaitsForBase,
    /// Yes.
    On,
}

/// The append-only file of one server.
pub(super) struct Log {
    pub(super) status: LogStatus,
    pub(super) state: State,
    /// The files of a log that is going to be used: while the data set is loaded, or between CONFIG
    /// SET and the end of that command.
    pub(super) prepared: Option<AppendFiles>,
    pub(super) log: Option<AppendLog>,
    /// A log that was switched off and is brought to disk.
    pub(super) closing: Option<AppendLog>,
    /// Bytes appended since the server started, and one: a client that has changed something waits for
    /// more than nothing, even if the base of the next rewrite will hold it.
    pub(super) end: u64,
    /// Whether replies wait for syncs.
    pub(super) always: bool,
    /// Something was appended since a sync was asked for.
    pub(super) is_unsynced: bool,
    /// How long syncs take.
    pub(super) pace: SyncPace,
    pub(super) timestamps: TimestampWriter,
    pub(super) last_sync: Monotonic,
    /// Since when a sync is under way, and whether its slowness was told.
    pub(super) syncing: Option<(Monotonic, bool)>,
    /// What the system said when a write or a sync failed; changes are refused while this is set.
    pub(super) failure: Option<String>,
    pub(super) failure_told: Option<Monotonic>,
    /// A sync has failed: the file is not to be trusted, and a rewrite has to replace it.
    pub(super) is_lost: bool,
    pub(super) rewrite: Option<Rewrite>,
    /// Files that are no longer needed are kept (`aof-disable-auto-gc`).
    pub(super) keeps_history: bool,
    /// No automatic rewrite before this.
    pub(super) next_attempt: Monotonic,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            status: LogStatus::default(),
            state: State::Off,
            prepared: None,
            log: None,
            closing: None,
            end: 1,
            always: false,
            is_unsynced: false,
            pace: SyncPace::default(),
            timestamps: TimestampWriter::default(),
            last_sync: Monotonic::default(),
            syncing: None,
            failure: None,
            failure_told: None,
            is_lost: false,
            rewrite: None,
            keeps_history: false,
            next_attempt: Monotonic::default(),
        }
    }
}

impl Log {
    pub(super) fn trouble(&self) -> Option<&str> {
        self.failure.as_deref().filter(|_| self.state != State::Off)
    }

    pub(super) const fn is_rewriting(&self) -> bool {
        self.rewrite.is_some()
    }
}

impl Persistence {
    /// Whether changes are to be appended.
    #[must_use]
    #[inline]
    pub const fn is_logging(&self) -> bool {
        self.log.log.is_some() && !matches!(self.log.state, State::Off)
    }

    /// Whether changes are not appended, because the base of the next rewrite will hold them.
    #[must_use]
    pub const fn drops_changes(&self) -> bool {
        self.log.rewrite.is_none()
            && (matches!(self.log.state, State::WaitsForBase) || self.log.is_lost)
    }

    /// Whether the log is on, although it may not be complete yet (`aof_enabled`).
    #[must_use]
    pub fn is_log_wanted(&self) -> bool {
        self.log.state != State::Off
    }

    /// Where the log ends. Nothing was appended before the server started: it then ends at 1.
    #[must_use]
    #[inline]
    pub const fn end(&self) -> u64 {
        self.log.end
    }

    /// Where the log ends, and up to where replies need not wait for it any more.
    #[must_use]
    #[inline]
    pub fn log_ends(&self) -> (u64, u64) {
        if !self.log.always {
            return (self.log.end, self.log.end);
        }
        (self.log.end, self.synced_up_to())
    }

    /// Up to where the log is on disk.
    #[must_use]
    pub fn synced_up_to(&self) -> u64 {
        let log = self.log.log.as_ref().or(self.log.closing.as_ref());
        log.map_or(self.log.end, AppendLog::synced)
    }

    /// Up to where a start would find the log (WAITAOF): what is synced counts only once there is a
    /// base for it.
    #[must_use]
    pub fn kept_up_to(&self) -> u64 {
        if self.log.state == State::On && !self.log.is_lost { self.synced_up_to() } else { 0 }
    }

    /// Bytes that wait to be written (`aof_buffer_length`).
    #[must_use]
    pub fn log_waiting_bytes(&self) -> usize {
        self.log.log.as_ref().map_or(0, AppendLog::queued_bytes)
    }

    /// Whether a sync is under way.
    #[must_use]
    pub const fn is_log_syncing(&self) -> bool {
        self.log.syncing.is_some()
    }

    /// Appends changes. They are on their way to the disk when this returns, and in the system's
    /// hands unless a sync is under way.
    pub fn append(&mut self, changes: &[u8], config: &Config, now: Now) {
        let Some(log) = &self.log.log else { return };
        self.log.always = config.persistence.appendfsync == AppendFsync::Always;
        let mut stamped = Vec::new();
        let mut bytes = changes;
        if config.persistence.aof_timestamp_enabled {
            self.log.timestamps.annotate(now.unix_ms().seconds(), &mut stamped);
            if !stamped.is_empty() {
                stamped.extend_from_slice(changes);
                bytes = &stamped;
            }
        }
        let end = self.log.end + bytes.len() as u64;
        match log.write(bytes, end) {
            Appended::Dropped => {
                // A rewrite will hold what these changes did; replies need not wait for them.
                return;
            }
            Appended::Written | Appended::Queued => {}
            Appended::Failed(failure) => self.write_failed(failure, now),
        }
        self.log.end = end;
        self.log.is_unsynced = true;
        self.log.status.size_bytes += bytes.len() as u64;
        self.hold_up_if_behind();
    }

    /// When the disk is so slow that much waits for it, everybody waits: memory is bounded.
    fn hold_up_if_behind(&mut self) {
        let Some(log) = &self.log.log else { return };
        if log.queued_bytes() <= QUEUED_BYTES_MAX {
            return;
        }
        while log.queued_bytes() > QUEUED_BYTES_MAX / 2 && !log.is_failing() {
            self.backend.wait();
        }
    }

    /// Whether replies wait for a sync that nobody has asked for yet (`appendfsync always`). Whoever
    /// drives the server asks, so that one sync serves as many as are waiting.
    #[must_use]
    #[inline]
    pub const fn wants_sync(&self) -> bool {
        self.log.always && self.log.is_unsynced && self.log.syncing.is_none()
    }

    /// How long the last sync took, in microseconds.
    #[must_use]
    pub const fn last_sync_us(&self) -> u64 {
        self.log.pace.last_us()
    }

    /// How long a sync usually takes, in microseconds; 0 while too few are known.
    #[must_use]
    pub fn usual_sync_us(&self) -> u64 {
        self.log.pace.usual_us().unwrap_or(0)
    }

    /// Whether the next sync is to be done by [`Persistence::sync_log_here`], should nobody else be there
    /// to be served meanwhile.
    #[must_use]
    pub fn may_sync_here(&mut self) -> bool {
        self.backend.syncs_here(self.log.pace.usual_us())
    }

    /// Syncs all that was appended before it returns, if the job has nothing to do; whether it did and
    /// that went well. `took_us` says how long it took.
    pub fn sync_log_here(&mut self, now: Now, took_us: impl FnOnce() -> u64) -> bool {
        let Some(log) = &self.log.log else { return false };
        let Some(synced) = log.sync_here() else {
            self.sync_log(now);
            return false;
        };
        self.log.is_unsynced = false;
        self.log.last_sync = now.monotonic;
        self.log.pace.note(took_us());
        match synced {
            Ok(_) => {
                self.write_succeeded();
                true
            }
            Err(error) => {
                self.sync_failed(error);
                false
            }
        }
    }

    /// Asks for a sync of all that was appended.
    pub fn sync_log(&mut self, now: Now) {
        let Some(log) = &self.log.log else { return };
        self.log.is_unsynced = false;
        self.log.last_sync = now.monotonic;
        if log.sync() {
            self.log.syncing = Some((now.monotonic, false));
        }
    }

    /// Whether the append-only file can be switched on: its directory and its lock are ours then.
    pub fn can_start_log(&mut self, config: &Config) -> bool {
        let is_ours = self.log.prepared.is_some() || self.log.log.is_some();
        if self.log.state != State::Off || is_ours {
            return true;
        }
        self.wait_until_closed();
        match AppendFiles::enable(&self.backend.disk(), append_paths(config)) {
            Ok(files) => {
                self.log.prepared = Some(files);
                true
            }
            Err(error) => {
                error.log_lines().into_iter().for_each(|line| self.journal.warning(line));
                false
            }
        }
    }

    /// A log that was switched off a moment ago is brought to disk before its files are taken anew.
    fn wait_until_closed(&mut self) {
        while self.log.closing.is_some() {
            match self.append_events.next() {
                Some(AppendEvent::Closed(outcome)) => self.log_closed(outcome),
                Some(AppendEvent::Log(line)) => self.journal_line(line.level, line.text),
                Some(_) => {}
                None => self.backend.wait(),
            }
        }
    }

    fn log_closed(&mut self, outcome: Result<(), String>) {
        self.log.closing = None;
        if let Err(error) = outcome {
            self.journal.warning(format!("Fail to fsync the AOF file: {error}."));
        }
    }

    /// Switches the append-only file on; a rewrite must follow.
    pub fn start_log(&mut self, keyspace: &mut Keyspace, config: &Config) {
        if self.log.state != State::Off {
            return;
        }
        if self.log.log.is_some() {
            self.journal.notice(
                "AOF was enabled but there is already an AOF rewriting in background. Stopping \
                 background AOF and starting a rewrite now.",
            );
            self.stop_log(keyspace);
        }
        if !self.can_start_log(config) {
            return;
        }
        if self.open_log(None) {
            self.log.state = State::WaitsForBase;
            if self.is_busy() {
                self.journal.notice(
                    "AOF was enabled but there is already another background operation. An AOF \
                     background was scheduled to start when possible.",
                );
            }
        }
    }

    /// Gives the prepared files to a job; whether that works.
    pub(super) fn open_log(&mut self, open: Option<crate::append::OpenLog>) -> bool {
        let Some(files) = self.log.prepared.take() else { return false };
        let (log, job) = AppendLog::new(files, open, self.log.end, self.append_events.clone());
        if let Err(error) = self.backend.spawn(JobRole::Append, Box::new(job)) {
            self.journal.warning(format!("The append-only file has no thread: {error}"));
            return false;
        }
        self.log.log = Some(log);
        true
    }

    /// After the data set was loaded: opens the log for what comes; whether that works.
    pub(super) fn start_loaded_log(&mut self, config: &Config, empty_base: &[u8]) -> bool {
        let files = self.log.prepared.take().filter(|_| config.persistence.appendonly);
        let Some(mut files) = files else { return true };
        let started = files.start(base_form(config), empty_base);
        self.take_files_log(&mut files);
        match started {
            Ok(open) => {
                self.log.prepared = Some(files);
                self.log.state = State::On;
                self.open_log(Some(open))
            }
            Err(error) => {
                error.log_lines().into_iter().for_each(|line| self.journal.warning(line));
                false
            }
        }
    }

    pub(super) fn take_files_log(&mut self, files: &mut AppendFiles) {
        for line in files.take_log() {
            self.journal_line(line.level, line.text);
        }
    }

    pub(super) fn journal_line(&mut self, level: LogLevel, text: String) {
        match level {
            LogLevel::Notice => self.journal.notice(text),
            LogLevel::Warning => self.journal.warning(text),
        }
    }

    /// Switches the append-only file off: what was appended is brought to disk, and stays there.
    pub fn stop_log(&mut self, keyspace: &mut Keyspace) {
        self.stop_log_at(keyspace, None);
    }

    /// The same; a log that is complete ends with where the stream of changes is.
    fn stop_log_at(&mut self, keyspace: &mut Keyspace, position: Option<ReplicationAux>) {
        let position = position.filter(|_| self.log.state == State::On && !self.log.is_lost);
        self.log.state = State::Off;
        self.log.status.is_rewrite_scheduled = false;
        self.log.failure = None;
        self.log.is_lost = false;
        self.log.status.last_write = Outcome::Ok;
        self.end_rewrite(keyspace);
        if let Some(log) = self.log.log.take() {
            match position {
                Some(position) => log.close_at(position),
                None => log.close(),
            }
            self.log.closing = Some(log);
        }
    }

    /// Takes note of what became of a request to the log.
    pub(super) fn handle_append_event(
        &mut self,
        keyspace: &mut Keyspace,
        event: AppendEvent,
        now: Now,
    ) {
        match event {
            AppendEvent::Written(_) => self.write_succeeded(),
            AppendEvent::Synced(_) => {
                if let Some((since, _)) = self.log.syncing.take() {
                    self.log.pace.note(now.monotonic.since_us(since));
                }
                self.write_succeeded();
            }
            AppendEvent::WriteFailed(failure) => self.write_failed(failure, now),
            AppendEvent::SyncFailed(error) => {
                self.log.syncing = None;
                self.sync_failed(error);
            }
            AppendEvent::RewriteBegun(_) => {}
            AppendEvent::RewriteNotBegun(error) => {
                error.log_lines().into_iter().for_each(|line| self.journal.warning(line));
                self.log.rewrite = None;
                self.rewrite_failed(now);
                self.abort_target(keyspace, Role::Rewrite);
            }
            AppendEvent::RewriteCommitted(committed) => {
                self.rewrite_committed(committed.base_bytes);
            }
            AppendEvent::RewriteNotCommitted(error) => {
                error.log_lines().into_iter().for_each(|line| self.journal.warning(line));
                self.log.rewrite = None;
                self.rewrite_failed(now);
            }
            AppendEvent::Closed(outcome) => self.log_closed(outcome),
            AppendEvent::Log(line) => self.journal_line(line.level, line.text),
        }
    }

    /// What could not be written before is written now.
    pub(super) fn write_succeeded(&mut self) {
        if self.log.is_lost || self.log.failure.is_none() {
            return;
        }
        self.log.failure = None;
        self.log.failure_told = None;
        self.log.status.last_write = Outcome::Ok;
        self.journal.warning("AOF write error looks solved, Redis can write again.");
    }

    fn write_failed(&mut self, failure: WriteFailure, now: Now) {
        let told = self.log.failure_told;
        let may_tell = told.is_none_or(|at| now.monotonic.since_us(at) >= FAILURE_TOLD_EVERY_US);
        if may_tell {
            self.log.failure_told = Some(now.monotonic);
            self.journal.warning(format!("Error writing to the AOF file: {}", failure.error));
            if let Some(error) = failure.cut_error {
                self.journal.warning(format!(
                    "Could not remove short write from the append-only file. Redis may refuse to \
                     load the AOF the next time it starts. ftruncate: {error}"
                ));
            }
        }
        self.log.status.last_write = Outcome::Failed;
        self.log.failure = Some(failure.error);
        if self.log.always {
            self.journal.warning(
                "Can't recover from AOF write error when the AOF fsync policy is 'always'. \
                 Exiting...",
            );
            self.fatal = Some(Fatal);
        }
    }

    fn sync_failed(&mut self, error: String) {
        if self.log.always {
            self.journal.warning(format!(
                "Can't persist AOF for fsync error when the AOF fsync policy is 'always': {error}. \
                 Exiting..."
            ));
            self.fatal = Some(Fatal);
            return;
        }
        self.journal.warning(format!(
            "The append-only file could not be synced: {error}. What was written to it may be lost \
             and it will not be synced again: changes are refused until a rewrite has replaced it."
        ));
        self.log.is_lost = true;
        self.log.status.last_write = Outcome::Failed;
        self.log.failure = Some(error);
        self.log.status.is_rewrite_scheduled = true;
        self.log.next_attempt = Monotonic(0);
    }

    /// Periodic work on the log: syncs, attempts to write again.
    pub(super) fn tend_log(&mut self, config: &Config, now: Now) {
        let policy = config.persistence.appendfsync;
        self.log.always = policy == AppendFsync::Always && self.log.log.is_some()
            || self.log.always && self.log.closing.is_some();
        let keeps_history = config.diagnosis.aof_disable_auto_gc;
        let Some(log) = &self.log.log else { return };
        if std::mem::replace(&mut self.log.keeps_history, keeps_history) && !keeps_history {
            log.remove_history();
        }
        if log.is_failing() {
            log.retry();
        }
        if let Some((since, false)) = self.log.syncing
            && now.monotonic.since_us(since) > SLOW_SYNC_US
        {
            self.log.syncing = Some((since, true));
            self.log.status.delayed_syncs += 1;
            self.journal.notice(
                "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer \
                 without waiting for fsync to complete, this may slow down Redis.",
            );
        }
        let is_put_off = config.persistence.no_appendfsync_on_rewrite && self.walk.is_some();
        let is_due = policy == AppendFsync::Everysec
            && now.monotonic.since_us(self.log.last_sync) >= SYNC_INTERVAL_US;
        // After a change to `always` something may be left that nobody has asked to sync.
        let is_left = policy == AppendFsync::Always && log.synced() < self.log.end;
        if !self.log.is_lost && self.log.syncing.is_none() && (is_due && !is_put_off || is_left) {
            self.sync_log(now);
        }
    }

    /// Brings everything that was appended to disk, while everybody waits. `position` is where the
    /// stream of changes is then.
    pub(super) fn close_log(
        &mut self,
        keyspace: &mut Keyspace,
        config: &Config,
        position: Option<ReplicationAux>,
        now: Now,
    ) {
        self.stop_log_at(keyspace, position);
        while self.log.closing.is_some() {
            self.backend.wait();
            self.handle_events(keyspace, config, now);
        }
    }

    /// Waits until everything that was appended is in the files.
    pub fn settle_log(&mut self, keyspace: &mut Keyspace, config: &Config, now: Now) {
        while self.log.log.as_ref().is_some_and(|log| !log.is_idle() && !log.is_failing()) {
            self.backend.wait();
            self.handle_events(keyspace, config, now);
        }
    }
}

/// Where the append-only files are.
pub(super) fn append_paths(config: &Config) -> AppendPaths {
    let persistence = &config.persistence;
    // `dir` is the working directory.
    AppendPaths::new(
        std::path::Path::new("."),
        &persistence.appenddirname,
        &persistence.appendfilename,
    )
}
