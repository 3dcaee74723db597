//! Between the data set and what is kept of it on disk: the log of a turn's changes, slices of a
//! snapshot, and what commands ask of persistence that needs the whole engine.

use std::time::Duration;

use dunlin_commands::{Caller, CommandError};
use dunlin_config::ShutdownOptions;
use dunlin_persistence::{SliceEnd, Wish};
use dunlin_resp::Reply;
use dunlin_session::{Closing, Wait, WriteHold};

use crate::engine::Engine;
use crate::replication::ShutdownOutcome;
use crate::stream::Audience;

/// Longest slice of a walk while clients are waiting for the next turn, in microseconds: DESIGN D6
/// wants slices under half a millisecond.
const SLICE_BUSY_US: u64 = 400;

/// Longest slice of a walk while next to nobody asks for anything, in microseconds: who does, waits no
/// longer than that. A turn in between costs some microseconds, so that longer slices gain nothing.
const SLICE_IDLE_US: u64 = 500;

/// Shortest slice worth its while, in microseconds.
const SLICE_MIN_US: u64 = 50;

/// Which part of what clients need in a turn the walk gets beside it.
const BUSY_SHARE: u64 = 3;

/// A turn that took no longer, in microseconds, had next to nothing to do.
const IDLE_TURN_US: u64 = 100;

impl Engine {
    /// Refuses a change that could not be kept.
    #[inline]
    pub(crate) fn check_disk(
        &self,
        caller: Caller,
        changes_data: impl FnOnce() -> bool,
    ) -> Result<(), CommandError> {
        if !self.persistence.has_trouble() {
            return Ok(());
        }
        match self.persistence.trouble(&self.config) {
            Some(text) if caller.checked_client().is_some() && changes_data() => {
                Err(CommandError::Text(text.into()))
            }
            _ => Ok(()),
        }
    }

    /// Hands what was recorded for the log to it.
    pub(crate) fn log_stream(&mut self) {
        if self.switches.log_flush_sleep_us > 0 {
            self.host.sleep(Duration::from_micros(self.switches.log_flush_sleep_us));
        }
        let (persistence, config, now) = (&mut self.persistence, &self.config, self.now);
        self.stream.for_each_part(Audience::Log, |bytes| persistence.append(bytes, config, now));
        if self.persistence.is_lost() {
            // The process ends before anything else happens.
            self.write_journal();
        }
    }

    /// Where the log ends and up to where it is on disk, as far as replies have to wait for that.
    #[inline]
    pub fn log_ends(&self) -> (u64, u64) {
        self.persistence.log_ends()
    }

    /// Does what a command asked for, now that it has ended; within a transaction, when that has.
    #[cold]
    pub(crate) fn grant_wishes(&mut self, caller: Caller, reply: &mut Reply) {
        while !self.stream.is_in_unit()
            && let Some(wish) = self.persistence.take_wish()
        {
            self.grant(wish, caller, reply);
        }
        if self.replication.has_wish() {
            self.grant_replication_wishes();
        }
    }

    fn grant(&mut self, wish: Wish, caller: Caller, reply: &mut Reply) {
        let result = match wish {
            Wish::Save => {
                self.flush_stream();
                self.persistence.set_replication(self.saved_position());
                if self.persistence.save(&self.keyspace, &self.config, self.now) {
                    self.metrics.counters.changes_since_save = 0;
                }
                Ok(())
            }
            Wish::Rewrite | Wish::StartLog => {
                if wish == Wish::StartLog {
                    self.persistence.start_log(&mut self.keyspace, &self.config);
                }
                self.begin_rewrite();
                Ok(())
            }
            Wish::StopLog => {
                self.flush_stream();
                self.persistence.stop_log(&mut self.keyspace);
                self.follow_log();
                self.serve_others();
                Ok(())
            }
            Wish::LoadLog => self.reload_log(reply),
            Wish::Shutdown(options) => self.shut_down_for(options, caller),
        };
        if let Err(error) = result {
            self.answer_error(reply, &error);
        }
        self.write_journal();
    }

    /// SHUTDOWN of a client: its connection closes without a reply, or it waits for replicas as well.
    fn shut_down_for(
        &mut self,
        options: ShutdownOptions,
        caller: Caller,
    ) -> Result<(), CommandError> {
        match self.shut_down(options) {
            ShutdownOutcome::Refused => {
                Err(CommandError::fixed("ERR Errors trying to SHUTDOWN. Check logs."))
            }
            ShutdownOutcome::Ends => {
                if let Some(client) = caller.client() {
                    self.sessions.close(client, Closing::AfterReply);
                }
                Ok(())
            }
            ShutdownOutcome::Waits => {
                if let Some(client) = caller.client() {
                    self.sessions.blocking.block(client, Wait::for_shutdown());
                }
                Ok(())
            }
        }
    }

    /// Brings the log to disk while everybody waits; whether it is there. If it is not, its job was
    /// asked to, or the process is lost.
    pub fn sync_log_here(&mut self) -> bool {
        let began = self.clock.ticks();
        let (clock, scale) = (&*self.clock, &self.tick_scale);
        let took_us = || scale.ns(clock.ticks().wrapping_sub(began)) / 1000;
        let is_synced = self.persistence.sync_log_here(self.now, took_us);
        if is_synced && self.sessions.blocking.waits_for_others() {
            self.serve_others();
        }
        self.write_journal();
        is_synced
    }

    /// Takes note of what became of jobs of persistence.
    pub fn handle_job_events(&mut self) {
        self.persistence.handle_events(&mut self.keyspace, &self.config, self.now);
        let saved = self.persistence.take_changes_saved();
        let changes = &mut self.metrics.counters.changes_since_save;
        *changes = changes.saturating_sub(saved);
        self.hold_writes(self.persistence.wants_throttle());
        if self.sessions.blocking.waits_for_others() {
            self.serve_others();
        }
        for entry in self.persistence.payloads().take_unclaimed() {
            self.keyspace.discard(entry, true);
        }
        self.tend_transfers();
        self.write_journal();
    }

    /// While a snapshot has no room for what changes, clients that change data wait
    /// (`snapshot-overflow throttle`). Asked before each window of requests: what a few of them change
    /// is the most that comes on top.
    #[inline]
    pub(crate) fn hold_writes_if_behind(&mut self) {
        if self.persistence.wants_throttle() {
            self.hold_writes(true);
        }
    }

    #[cold]
    fn hold_writes(&mut self, holds: bool) {
        self.sessions.pause.hold_writes(WriteHold::SNAPSHOT, holds);
    }

    /// Hands out a slice of the snapshot under way, and says when the next one is due.
    ///
    /// While clients keep the thread busy, the walk gets a part of it: a third of what a turn of
    /// theirs takes, at most `SLICE_BUSY_US`; slices are short enough not to be noticed.
    pub fn advance_snapshot(&mut self) -> SliceEnd {
        let is_idle = self.last_turn_us <= IDLE_TURN_US;
        let limit_us = if is_idle {
            SLICE_IDLE_US
        } else {
            (self.last_turn_us / BUSY_SHARE).clamp(SLICE_MIN_US, SLICE_BUSY_US)
        };
        let began = self.clock.ticks();
        let (clock, scale) = (&*self.clock, &self.tick_scale);
        let took_us = || scale.ns(clock.ticks().wrapping_sub(began)) / 1000;
        let end = self
            .persistence
            .advance_walk(&mut self.keyspace, &self.config, self.now, || took_us() >= limit_us);
        let took_us = took_us();
        self.slice_us = took_us;
        self.persistence.slice_took(took_us);
        end
    }

    /// A turn has ended after `turn_us` microseconds, waiting not included.
    pub const fn turn_ended(&mut self, turn_us: u64) {
        self.last_turn_us = turn_us.saturating_sub(self.slice_us);
        self.slice_us = 0;
    }

    /// Periodic work: snapshots that are due, rewrites, syncs.
    pub(crate) fn run_persistence_cron(&mut self) {
        let changes = self.metrics.counters.changes_since_save;
        let used = self.host.used_memory_bytes();
        self.persistence.note_used_memory(used);
        self.tend_shutdown();
        self.flush_stream();
        self.persistence.set_replication(self.saved_position());
        self.persistence.run_cron(&mut self.keyspace, &self.config, changes, self.now);
        self.grant_wishes(Caller::Stream, &mut Reply::default());
        self.write_journal();
    }

    /// Begins to rewrite the log: what follows goes to another file than what is there.
    pub(crate) fn begin_rewrite(&mut self) {
        self.flush_stream();
        self.persistence.begin_rewrite(&mut self.keyspace, &self.config, self.now);
        self.follow_log();
    }

    /// The log begins, ends, or goes on in another file: who records changes follows.
    pub(crate) fn follow_log(&mut self) {
        self.follow_consumers();
        self.stream.forget_database();
    }

    /// Changes are recorded while the log or replicas want them.
    pub(crate) fn follow_consumers(&mut self) {
        let is_wanted = self.persistence.is_logging() || self.replication.wants_stream();
        if self.stream.is_wanted() != is_wanted {
            self.record_changes(is_wanted);
        }
    }

    /// Writes to the log what persistence has to say.
    pub fn write_journal(&mut self) {
        for (level, line) in self.persistence.take_journal() {
            self.host.log(level, &line);
        }
    }
}
