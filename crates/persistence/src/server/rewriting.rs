//! Rewriting the append-only file of one server: when it is due, how it begins, and what follows when
//! it ends.
//!
//! A rewrite is a walk whose target is the new base, and a new incremental file from the same moment
//! on. The base is put in place by the log's job when it is written; until then all files stay.

use std::path::PathBuf;

use dunlin_aof::{BaseForm, TimestampWriter};
use dunlin_config::Config;
use dunlin_keyspace::Keyspace;
use dunlin_stdx::time::{Monotonic, Now};

use super::log::State;
use super::plan::{Content, WalkPlan};
use super::status::Outcome;
use super::walk::{Ended, Purposes, Role, outcome_of};
use super::{Persistence, Wish};
use crate::append::Incremental;
use crate::snapshot::{Destination, Target};

/// Rewrites in a row that may fail before the next one is put off.
const FAILURES_MAX: u64 = 3;

/// Longest delay of a rewrite after failures, in minutes.
const DELAY_MINUTES_MAX: u64 = 60;

const US_PER_MINUTE: u64 = 60_000_000;

/// A rewrite under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rewrite {
    pub(super) incremental: Incremental,
    /// Where the log ended when it began.
    pub(super) cut: u64,
    /// What the base is written as.
    pub(super) form: BaseForm,
    /// The base is written and is being put in place.
    pub(super) is_committing: bool,
}

impl Persistence {
    /// Whether a rewrite is to begin as soon as nothing else runs.
    #[must_use]
    pub const fn is_rewrite_scheduled(&self) -> bool {
        self.log.status.is_rewrite_scheduled
    }

    /// BGREWRITEAOF: the log is to be rewritten, at once or as soon as nothing else runs.
    pub fn request_rewrite(&mut self, at_once: bool) {
        self.log.status.failures_in_a_row = 0;
        self.log.next_attempt = Monotonic(0);
        if at_once {
            self.wish(Wish::Rewrite);
        } else {
            self.log.status.is_rewrite_scheduled = true;
        }
    }

    /// Gives up the rewrite under way, if there is one.
    pub(super) fn end_rewrite(&mut self, keyspace: &mut Keyspace) {
        let Some(rewrite) = self.log.rewrite.take() else { return };
        let pid = self.backend.process_id();
        self.journal.notice(format!("Killing running AOF rewrite child: {pid}"));
        if !rewrite.is_committing
            && let Some(log) = &self.log.log
        {
            log.abort_rewrite();
        }
        self.abort_target(keyspace, Role::Rewrite);
    }

    /// Begins to rewrite the log. Whoever calls this has appended all changes so far, and appends what
    /// follows with its database named anew.
    pub fn begin_rewrite(&mut self, keyspace: &mut Keyspace, config: &Config, now: Now) {
        // A base that is made while the data set is loaded would hold a part of it.
        if self.is_busy() || self.load.is_some() {
            self.log.status.is_rewrite_scheduled = true;
            return;
        }
        if !self.prepare_rewrite(config, now) {
            return;
        }
        let form = base_form(config);
        let save = self.saves.is_scheduled.then_some(self.changes_noted);
        let save = save.filter(|_| form == BaseForm::Rdb);
        let purposes = Purposes { save, rewrite: true };
        let plan = WalkPlan::of_files(purposes, Content::whole(form), self.replication);
        match self.begin_walk(keyspace, config, plan, now) {
            Ok(()) => {
                if save.is_some() {
                    self.saves.is_scheduled = false;
                }
                self.tell_rewrite_began();
            }
            Err(why) => self.rewrite_not_begun(&why, now),
        }
    }

    pub(super) fn tell_rewrite_began(&mut self) {
        let pid = self.backend.process_id();
        self.journal.notice(format!("Background append only file rewriting started by pid {pid}"));
    }

    /// The log is to go on in another file from here on, because a walk that makes the next base begins;
    /// whether it does.
    pub(super) fn prepare_rewrite(&mut self, config: &Config, now: Now) -> bool {
        self.log.status.is_rewrite_scheduled = false;
        self.log.status.rewrites += 1;
        if self.log.state == State::Off && !(self.can_start_log(config) && self.open_log(None)) {
            self.rewrite_failed(now);
            return false;
        }
        let incremental = match self.log.state {
            // BGREWRITEAOF while the log is off makes a base, and nothing follows it.
            State::Off => Incremental::Off,
            State::WaitsForBase => Incremental::Temporary,
            State::On if self.log.is_lost => Incremental::Temporary,
            State::On => Incremental::Listed,
        };
        let form = base_form(config);
        self.log.rewrite =
            Some(Rewrite { incremental, cut: self.log.end, form, is_committing: false });
        self.log.timestamps = TimestampWriter::new();
        if let Some(log) = &self.log.log {
            log.begin_rewrite(incremental);
        }
        true
    }

    /// The walk that was to make the base could not be begun.
    pub(super) fn rewrite_not_begun(&mut self, why: &str, now: Now) {
        self.journal.warning(format!("Can't rewrite append only file in background: {why}"));
        if let Some(log) = &self.log.log {
            log.abort_rewrite();
        }
        self.log.rewrite = None;
        self.rewrite_failed(now);
    }

    /// Where the base of the rewritten log is written.
    pub(super) fn base_target(&self, config: &Config) -> Target {
        Target {
            destination: Destination::File {
                temporary: self.temporary_base(),
                publish: None,
                incremental_sync: config.persistence.aof_rewrite_incremental_fsync,
                keep: None,
            },
            replication: None,
            is_aof_base: true,
        }
    }

    fn temporary_base(&self) -> PathBuf {
        format!("temp-rewriteaof-bg-{}.aof", self.backend.process_id()).into()
    }

    /// The base is written, or is not going to be.
    pub(super) fn rewrite_ended(&mut self, ended: &Ended, config: &Config, now: Now) {
        self.log.status.last_rewrite = outcome_of(ended);
        let Some(rewrite) = &mut self.log.rewrite else { return };
        match ended {
            Ok(_) => {
                rewrite.is_committing = true;
                let form = rewrite.form;
                self.journal.notice("Background AOF rewrite terminated with success");
                let base = self.temporary_base();
                if let Some(log) = &self.log.log {
                    log.commit_rewrite(base, form, !config.diagnosis.aof_disable_auto_gc);
                }
            }
            Err(why) => {
                if let Some(why) = why {
                    self.journal.warning(why.clone());
                }
                self.journal.warning("Background AOF rewrite terminated with error");
                if let Some(log) = &self.log.log {
                    log.abort_rewrite();
                }
                self.log.rewrite = None;
                self.rewrite_failed(now);
            }
        }
    }

    /// A rewrite has failed: the next one is put off when that happens again and again.
    pub(super) fn rewrite_failed(&mut self, now: Now) {
        let log = &mut self.log;
        log.status.last_rewrite = Outcome::Failed;
        log.status.failures_in_a_row += 1;
        if log.status.failures_in_a_row >= FAILURES_MAX {
            let doublings = (log.status.failures_in_a_row - FAILURES_MAX).min(6);
            let minutes = (1 << doublings).min(DELAY_MINUTES_MAX);
            log.next_attempt = now.monotonic.plus_us(minutes * US_PER_MINUTE);
            self.journal.warning(format!(
                "Background AOF rewrite has repeatedly failed and triggered the limit, will retry \
                 in {minutes} minutes"
            ));
        }
        // Nothing is kept before the first base is there, and nothing can be synced after a loss.
        log.status.is_rewrite_scheduled = log.state == State::WaitsForBase || log.is_lost;
        if log.state == State::Off
            && let Some(log) = self.log.log.take()
        {
            log.close();
            self.log.closing = Some(log);
        }
    }

    pub(super) fn rewrite_committed(&mut self, base_bytes: u64) {
        let Some(rewrite) = self.log.rewrite.take() else { return };
        let log = &mut self.log;
        log.status.size_bytes = base_bytes + (log.end - rewrite.cut);
        log.status.base_bytes = log.status.size_bytes;
        log.status.failures_in_a_row = 0;
        log.status.last_rewrite = Outcome::Ok;
        if log.state == State::WaitsForBase {
            log.state = State::On;
        }
        if rewrite.incremental == Incremental::Temporary && log.is_lost {
            log.is_lost = false;
            self.write_succeeded();
        }
        self.journal.notice("Background AOF rewrite finished successfully");
        if self.log.state == State::Off
            && let Some(log) = self.log.log.take()
        {
            log.close();
            self.log.closing = Some(log);
        }
    }

    /// Whether the log has grown so much that it is to be rewritten; by how many percent.
    pub(super) fn is_rewrite_due(&self, config: &Config, now: Now) -> Option<u64> {
        let persistence = &config.persistence;
        let status = &self.log.status;
        let percentage = u64::from(persistence.auto_aof_rewrite_percentage);
        if self.log.state != State::On
            || self.is_busy()
            || percentage == 0
            || status.size_bytes <= persistence.auto_aof_rewrite_min_size
            || now.monotonic < self.log.next_attempt
        {
            return None;
        }
        let base = status.base_bytes.max(1);
        let growth = (u128::from(status.size_bytes) * 100 / u128::from(base)).saturating_sub(100);
        let growth = u64::try_from(growth).unwrap_or(u64::MAX);
        (growth >= percentage).then_some(growth)
    }

    /// Whether a rewrite that failed may be tried again.
    pub(super) fn may_rewrite(&self, now: Now) -> bool {
        now.monotonic >= self.log.next_attempt
    }

    /// Whether the log has been switched on and has no base yet.
    pub(super) fn waits_for_base(&self) -> bool {
        self.log.state == State::WaitsForBase
    }
}

/// How the base of a log is written.
pub(super) const fn base_form(config: &Config) -> BaseForm {
    if config.persistence.aof_use_rdb_preamble { BaseForm::Rdb } else { BaseForm::Commands }
}
