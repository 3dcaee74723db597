//! The walk under way, and what it is for.

use dunlin_config::Config;
use dunlin_keyspace::{Keyspace, WalkProgress};
use dunlin_stdx::time::{Monotonic, Now};

use super::Persistence;
use super::allowance::Allowance;
use super::lagging::Rates;
use super::status::{Outcome, WalkStatus};
use super::syncing::SyncPurpose;
use crate::backend::JobRole;
use crate::snapshot::{Pace, SnapshotControl, SnapshotEvent, SnapshotReport, SpillJob, TargetEnd};

/// Keys handed out between two looks at the clock.
const KEYS_PER_STEP: usize = 64;

/// Files of the server itself that a walk is for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Purposes {
    /// A snapshot, begun after so many changes.
    pub(super) save: Option<u64>,
    /// The base of a rewritten log.
    pub(super) rewrite: bool,
}

/// What one of a walk's targets is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The snapshot file.
    Save,
    /// The base of a rewritten log.
    Rewrite,
    /// A file for replicas alone.
    SyncFile,
    /// A replica.
    Outlet,
}

/// A walk, from its epoch until the files are complete.
pub(super) struct Walk {
    pub(super) purposes: Purposes,
    /// Replicas that it is for, too.
    pub(super) sync: Option<SyncPurpose>,
    /// What its targets are, in their order.
    roles: Vec<Role>,
    pub(super) began: Now,
    pub(super) control: SnapshotControl,
    /// Started when it has something to do.
    spill: Option<SpillJob>,
    keys_total: u64,
    /// Whether all keys were handed out, and the writer alone is at work.
    is_handed_out: bool,
    /// What `rdb-key-save-delay` allows so far.
    allowance: Allowance,
    /// How fast replicas are.
    pub(super) rates: Rates,
}

/// How a slice of a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceEnd {
    /// Time is up: more can be done at once.
    TimeIsUp,
    /// Nothing can be done before an event, or before this instant.
    Waits(Option<Monotonic>),
}

impl Walk {
    pub(super) fn new(
        (purposes, sync): (Purposes, Option<SyncPurpose>),
        roles: Vec<Role>,
        (control, spill): (SnapshotControl, SpillJob),
        began: Now,
    ) -> Self {
        Self {
            purposes,
            sync,
            roles,
            began,
            control,
            spill: Some(spill),
            keys_total: 0,
            is_handed_out: false,
            allowance: Allowance::default(),
            rates: Rates::default(),
        }
    }

    /// How many keys there are to be handed out.
    pub(super) const fn set_keys_total(&mut self, keys: u64) {
        self.keys_total = keys;
    }

    /// There is nothing to be handed out.
    pub(super) const fn set_handed_out(&mut self) {
        self.is_handed_out = true;
    }

    /// How many targets there are.
    pub(super) const fn targets_len(&self) -> usize {
        self.roles.len()
    }

    /// The targets of a role, by their numbers.
    pub(super) fn targets(&self, role: Role) -> impl Iterator<Item = usize> {
        let numbered = self.roles.iter().enumerate();
        numbered.filter(move |(_, of)| **of == role).map(|(target, _)| target)
    }

    /// Whether a file of this role is getting its name in this moment.
    pub(super) fn is_being_published(&self, role: Role) -> bool {
        self.targets(role).any(|target| self.control.is_being_published(target))
    }

    /// How many replicas get it as it is written.
    fn outlets(&self) -> usize {
        self.targets(Role::Outlet)
            .filter(|target| self.control.pace(*target) != Pace::Ended)
            .count()
    }

    pub(super) fn status(&self, keyspace: &Keyspace) -> WalkStatus {
        let figures = self.control.figures();
        let handed_out = keyspace.snapshot_progress().map(|progress| progress.keys_done as u64);
        WalkStatus {
            began: self.began,
            keys: handed_out.unwrap_or(self.keys_total),
            keys_total: self.keys_total,
            written_bytes: self.control.written_bytes(),
            queued_bytes: (figures.walk_bytes + figures.barrier_bytes) as u64,
            copied_bytes: figures.copied_bytes,
            spilled_bytes: figures.spilled_bytes,
            outlets: self.outlets(),
            is_throttling: self.control.wants_throttle(),
        }
    }

    pub(super) fn queued_bytes_peak(&self) -> u64 {
        self.control.figures().peak_bytes as u64
    }

    pub(super) fn cancel(&self) {
        self.control.cancel();
    }
}

impl Persistence {
    /// Whether a slice of a walk would find something to do.
    #[must_use]
    pub fn wants_slice(&self) -> bool {
        self.walk.as_ref().is_some_and(|walk| !walk.is_handed_out)
    }

    /// Hands out entries until `is_time_up` says so, the writer has no room, or all are handed out.
    pub fn advance_walk(
        &mut self,
        keyspace: &mut Keyspace,
        config: &Config,
        now: Now,
        mut is_time_up: impl FnMut() -> bool,
    ) -> SliceEnd {
        let Some(walk) = &mut self.walk else { return SliceEnd::Waits(None) };
        if walk.control.wants_spill()
            && let Some(job) = walk.spill.take()
            && let Err(error) = self.backend.spawn(JobRole::Spill, Box::new(job))
        {
            walk.control.spill_failed(format!("the spill file has no thread: {error}"));
        }
        if walk.is_handed_out {
            return SliceEnd::Waits(None);
        }
        if walk.control.is_given_up() {
            drop(keyspace.abort_snapshot());
            walk.is_handed_out = true;
            return SliceEnd::Waits(None);
        }
        loop {
            // Keys that were handed out before a change take their time, too.
            let done = keyspace.snapshot_progress().map_or(0, |progress| progress.keys_done as u64);
            let delay = config.diagnosis.rdb_key_save_delay;
            let allowed = match walk.allowance.keys(delay, done, now.monotonic) {
                Ok(allowed) => allowed.min(KEYS_PER_STEP),
                Err(until) => return SliceEnd::Waits(Some(until)),
            };
            let step = keyspace.walk(allowed);
            match step {
                WalkProgress::Done => {
                    if let Some(mut sink) = keyspace.end_snapshot() {
                        sink.complete();
                    }
                    walk.is_handed_out = true;
                    return SliceEnd::Waits(None);
                }
                WalkProgress::NoRoom => return SliceEnd::Waits(None),
                WalkProgress::More if is_time_up() => return SliceEnd::TimeIsUp,
                WalkProgress::More => {}
            }
        }
    }

    /// Takes note of how long a slice took.
    pub fn slice_took(&mut self, us: u64) {
        self.longest_slice_us = self.longest_slice_us.max(us);
    }

    /// Ends a walk that nobody wants any more; its event still comes.
    pub(super) fn abort_walk(&mut self, keyspace: &mut Keyspace) {
        if let Some(walk) = &mut self.walk {
            walk.cancel();
            if !walk.is_handed_out {
                walk.is_handed_out = true;
                drop(keyspace.abort_snapshot());
            }
        }
    }

    /// Takes back the targets of one role; a walk that has no others ends early.
    pub(super) fn abort_target(&mut self, keyspace: &mut Keyspace, role: Role) {
        let Some(walk) = &self.walk else { return };
        for target in walk.targets(role) {
            walk.control.cancel_target(target);
        }
        if walk.roles.iter().all(|of| *of == role) {
            self.abort_walk(keyspace);
        }
    }

    /// Whether clients that change data are to wait, because a snapshot has no room for what they change
    /// (`snapshot-overflow throttle`). When that has passed, there is a wake-up.
    #[must_use]
    #[inline]
    pub fn wants_throttle(&self) -> bool {
        self.walk.as_ref().is_some_and(|walk| walk.control.wants_throttle())
    }

    /// A walk has ended, well or not.
    pub(super) fn handle_snapshot_event(
        &mut self,
        keyspace: &mut Keyspace,
        event: &SnapshotEvent,
        config: &Config,
        now: Now,
    ) {
        let Some(walk) = self.walk.take() else { return };
        if !walk.is_handed_out {
            drop(keyspace.abort_snapshot());
        }
        self.queued_bytes_peak = walk.queued_bytes_peak();
        let seconds = now.monotonic.since_us(walk.began.monotonic) / 1_000_000;
        let ends: Vec<(Role, TargetEnd)> = walk.ends(event);
        let end_of = |role| ends.iter().find(|(of, _)| *of == role).map(|(_, end)| ended(end));
        if walk.purposes.save.is_some() || walk.sync.is_some() {
            self.saves.last_seconds = Some(seconds);
            self.saves.last_queued_bytes = self.queued_bytes_peak;
        }
        if let (Some(changes), Some(save)) = (walk.purposes.save, end_of(Role::Save)) {
            self.background_save_ended(&save, changes, now);
        }
        if let Some(rewrite) = end_of(Role::Rewrite) {
            self.log.status.last_rewrite_seconds = Some(seconds);
            self.log.status.last_queued_bytes = self.queued_bytes_peak;
            self.rewrite_ended(&rewrite, config, now);
        }
        if let Some(sync) = walk.sync {
            self.sync_ended(sync, ends, config);
        }
    }
}

/// How a walk ended for one of its purposes: the length of the file, or why there is none (no reason
/// if it was cancelled).
pub(super) type Ended = Result<u64, Option<String>>;

/// What became of a file.
pub(super) fn ended(end: &TargetEnd) -> Ended {
    match end {
        TargetEnd::Complete(len_bytes) => Ok(*len_bytes),
        TargetEnd::Failed(why) => Err(Some(why.clone())),
        // Files do not lag.
        TargetEnd::Cancelled | TargetEnd::Lagging => Err(None),
    }
}

impl Walk {
    /// What an event means for each of the targets.
    fn ends(&self, event: &SnapshotEvent) -> Vec<(Role, TargetEnd)> {
        let end = |n: usize| match event {
            SnapshotEvent::Finished(SnapshotReport { targets, .. }) => {
                targets.get(n).cloned().unwrap_or(TargetEnd::Cancelled)
            }
            SnapshotEvent::Failed(why) => TargetEnd::Failed(why.clone()),
            SnapshotEvent::Cancelled => TargetEnd::Cancelled,
        };
        self.roles.iter().enumerate().map(|(n, role)| (*role, end(n))).collect()
    }
}

/// How a walk ended, for INFO.
pub(super) const fn outcome_of(ended: &Ended) -> Outcome {
    match ended {
        // A snapshot that somebody stopped on purpose says nothing about the disk.
        Ok(_) | Err(None) => Outcome::Ok,
        Err(Some(_)) => Outcome::Failed,
    }
}
