//! Full synchronisation, the primary's sending side: a snapshot for replicas.
//!
//! A snapshot goes to the replicas as it is written ([`SyncTarget::Sockets`]), or to the snapshot file
//! first, from which any number of replicas are served afterwards ([`SyncTarget::Disk`],
//! [`Persistence::send_file`]). Either way it is a walk like others: a snapshot and a rewrite that wait
//! join it.
//!
//! Source: Redis documentation, "Replication"; log lines and scheduling checked against 7.2.6.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dunlin_aof::BaseForm;
use dunlin_config::Config;
use dunlin_keyspace::{Keyspace, SnapshotScope};
use dunlin_stdx::time::Now;

use super::Persistence;
use super::plan::{Content, WalkPlan, snapshot_path};
use super::rewriting::base_form;
use super::walk::{Purposes, Role};
use crate::backend::JobRole;
use crate::disk::error_text;
use crate::feed::{Feed, FeedOutlet, FileSender, REPLICA_IS_GONE, SyncFile};
use crate::snapshot::{FileSlot, ReplicationAux, TargetEnd};

/// A snapshot for replicas.
#[derive(Debug)]
pub struct SyncRequest {
    /// Where the stream of changes is at this moment.
    pub replication: ReplicationAux,
    /// Where the snapshot goes.
    pub target: SyncTarget,
    /// Whether a replica does not know deadlines of hash fields: hashes are written without them.
    pub plain_hashes: bool,
    /// What the replicas asked for; less than everything goes to sockets only.
    pub filter: SyncFilter,
    /// Changes since the last snapshot, which a file brings to disk.
    pub changes: u64,
}

/// Where a snapshot for replicas goes.
#[derive(Debug)]
pub enum SyncTarget {
    /// To these replicas as it is written.
    Sockets(Vec<FeedOutlet>),
    /// To the snapshot file.
    Disk,
}

/// What of the data set is sent (`REPLCONF rdb-filter-only`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncFilter {
    /// All of it.
    #[default]
    Everything,
    /// Libraries of functions.
    Functions,
    /// Nothing: a header alone.
    Nothing,
}

/// How a synchronisation ended. Each that began ends once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncEnded {
    /// What became of each replica's snapshot, in the order of the request. The last bytes may still
    /// wait in a [`Feed`].
    Sockets(Vec<TargetEnd>),
    /// The file, for [`Persistence::send_file`], or why there is none.
    Disk(Result<SyncFile, String>),
}

/// What a walk does for replicas.
pub(super) enum SyncPurpose {
    /// It goes to them.
    Sockets,
    /// It goes to a file, which stays open in `slot`.
    File { slot: FileSlot, path: PathBuf },
}

impl SyncPurpose {
    const fn is_file(&self) -> bool {
        matches!(self, Self::File { .. })
    }
}

impl Persistence {
    /// Begins a snapshot for replicas: its epoch is now. It ends with one
    /// [`Persistence::take_sync_ended`].
    ///
    /// A rewrite of the log that waits joins it. So whoever calls this has appended all changes so far,
    /// and appends what follows with its database named anew, as with [`Persistence::begin_rewrite`].
    ///
    /// # Errors
    /// Why it could not be begun, as the log says it too.
    pub fn begin_sync(
        &mut self,
        keyspace: &mut Keyspace,
        config: &Config,
        request: SyncRequest,
        now: Now,
    ) -> Result<(), String> {
        let planned = self.plan_sync(keyspace, config, request, now);
        let begun = planned.and_then(|plan| self.begin_planned(keyspace, config, plan, now));
        if let Err(why) = &begun {
            self.journal.warning(format!("Can't save in background: {why}"));
        }
        begun
    }

    /// What the walk is to do, for replicas and for whoever joins them.
    fn plan_sync(
        &mut self,
        keyspace: &Keyspace,
        config: &Config,
        request: SyncRequest,
        now: Now,
    ) -> Result<WalkPlan, String> {
        if self.is_busy() || self.load.is_some() {
            return Err("another background operation is running".to_owned());
        }
        let SyncRequest { replication, target, plain_hashes, filter, changes } = request;
        let is_everything = filter == SyncFilter::Everything;
        let has_deadlines = keyspace.snapshot_start(&SnapshotScope::All).has_field_deadlines;
        // What replicas get is what a file of the server's own would hold.
        let is_whole = is_everything && !(plain_hashes && has_deadlines);
        let (sync, outlets) = match target {
            SyncTarget::Sockets(outlets) if outlets.is_empty() => {
                return Err("no replica waits".to_owned());
            }
            SyncTarget::Sockets(outlets) => (SyncPurpose::Sockets, outlets),
            SyncTarget::Disk if !is_everything => {
                return Err("the snapshot file holds everything".to_owned());
            }
            SyncTarget::Disk => (self.file_purpose(config, is_whole), Vec::new()),
        };
        let saves = is_whole && (sync.is_file() || self.saves.is_scheduled);
        let rewrite = is_whole
            && self.is_rewrite_scheduled()
            && self.may_rewrite(now)
            && base_form(config) == BaseForm::Rdb;
        Ok(WalkPlan {
            purposes: Purposes { save: saves.then_some(changes), rewrite },
            sync: Some(sync),
            outlets,
            content: Content { form: BaseForm::Rdb, plain_hashes, filter },
            replication: Some(replication),
        })
    }

    fn begin_planned(
        &mut self,
        keyspace: &mut Keyspace,
        config: &Config,
        mut plan: WalkPlan,
        now: Now,
    ) -> Result<(), String> {
        // Where the log cannot go on in another file, the replicas are served without it.
        plan.purposes.rewrite = plan.purposes.rewrite && self.prepare_rewrite(config, now);
        let Purposes { save, rewrite } = plan.purposes;
        let is_file = plan.sync.as_ref().is_some_and(SyncPurpose::is_file);
        if save.is_some() {
            self.saves.last_try = now.monotonic;
        }
        if let Err(why) = self.begin_walk(keyspace, config, plan, now) {
            if rewrite {
                self.rewrite_not_begun(&why, now);
            }
            return Err(why);
        }
        if save.is_some() {
            self.saves.is_scheduled = false;
        }
        if save.is_some() || is_file {
            self.tell_save_began();
        }
        if !is_file {
            let pid = self.backend.process_id();
            self.journal.notice(format!("Background RDB transfer started by pid {pid}"));
        }
        if rewrite {
            self.tell_rewrite_began();
        }
        Ok(())
    }

    /// Which file replicas are served from: one that lacks something is not the snapshot file.
    fn file_purpose(&self, config: &Config, is_whole: bool) -> SyncPurpose {
        let path = if is_whole {
            snapshot_path(config)
        } else {
            let name = format!("temp-sync-{}.rdb", self.backend.process_id());
            config.persistence.dir.as_path().join(name)
        };
        SyncPurpose::File { slot: FileSlot::default(), path }
    }

    /// Whether a snapshot for replicas is under way. Replicas that lag behind it may be served longer.
    #[must_use]
    pub fn is_syncing(&self) -> bool {
        self.walk.as_ref().is_some_and(|walk| walk.sync.is_some())
    }

    /// How a synchronisation ended, once; to be asked after [`Persistence::handle_events`].
    pub fn take_sync_ended(&mut self) -> Option<SyncEnded> {
        self.syncs_ended.pop_front()
    }

    /// No replica waits for the snapshot any more. Where nobody else needs it, it is given up; a file
    /// that save points ask for goes on. Its end is told all the same.
    pub fn abort_sync(&mut self, keyspace: &mut Keyspace, config: &Config) {
        let saves_for_itself = !config.persistence.save.0.is_empty();
        match self.walk.as_ref().and_then(|walk| walk.sync.as_ref()) {
            None => {}
            Some(SyncPurpose::Sockets) => self.abort_target(keyspace, Role::Outlet),
            Some(SyncPurpose::File { .. }) => {
                self.abort_target(keyspace, Role::SyncFile);
                if !saves_for_itself {
                    self.abort_target(keyspace, Role::Save);
                }
            }
        }
    }

    /// Replicas wait for the next snapshot, or do not: the one under way does not wait for a replica that
    /// is too slow then (`snapshot-min-rate`).
    pub const fn set_sync_wanted(&mut self, is_wanted: bool) {
        self.is_sync_wanted = is_wanted;
    }

    /// What jobs call after they told something: for [`Feed::new`].
    #[must_use]
    pub fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        self.backend.waker()
    }

    /// Begins to send a file that [`SyncEnded::Disk`] handed over to a replica, its length in front.
    ///
    /// # Errors
    /// Why it could not be begun.
    pub fn send_file(&mut self, file: &SyncFile) -> Result<Feed, String> {
        let (sender, feed) = FileSender::new(file.clone(), self.backend.waker());
        let spawned = self.backend.spawn(JobRole::Send, Box::new(sender));
        spawned.map_err(|error| error_text(&error))?;
        Ok(feed)
    }

    /// The walk is over for replicas.
    pub(super) fn sync_ended(
        &mut self,
        sync: SyncPurpose,
        ends: Vec<(Role, TargetEnd)>,
        config: &Config,
    ) {
        let ended = match sync {
            SyncPurpose::Sockets => {
                let outlets = ends.into_iter().filter(|(role, _)| *role == Role::Outlet);
                let outlets: Vec<TargetEnd> = outlets.map(|(_, end)| end).collect();
                self.tell_transfer_ended(&outlets);
                SyncEnded::Sockets(outlets)
            }
            SyncPurpose::File { slot, path } => {
                let end =
                    ends.into_iter().find(|(role, _)| matches!(role, Role::Save | Role::SyncFile));
                SyncEnded::Disk(self.sync_file(&slot, &path, end, config))
            }
        };
        self.syncs_ended.push_back(ended);
    }

    fn tell_transfer_ended(&mut self, outlets: &[TargetEnd]) {
        let is_gone = |end: &TargetEnd| *end == TargetEnd::Failed(REPLICA_IS_GONE.to_owned());
        let is_served =
            |end: &&TargetEnd| matches!(end, TargetEnd::Complete(_) | TargetEnd::Lagging);
        let served = outlets.iter().filter(is_served).count();
        if served > 0 {
            self.journal.notice(format!(
                "Diskless rdb transfer, done reading from pipe, {served} replicas still up."
            ));
            self.journal.notice("Background RDB transfer terminated with success");
            return;
        }
        if outlets.iter().all(is_gone) {
            self.journal.warning("Diskless rdb transfer, last replica dropped.");
        }
        for end in outlets.iter().filter(|end| !is_gone(end)) {
            if let TargetEnd::Failed(why) = end {
                self.journal.warning(format!("Diskless rdb transfer: {why}"));
            }
        }
        self.journal.warning("Background transfer error");
    }

    /// The file that replicas are served from. It is open, so its name can go at once, where it is to.
    fn sync_file(
        &mut self,
        slot: &FileSlot,
        path: &Path,
        end: Option<(Role, TargetEnd)>,
        config: &Config,
    ) -> Result<SyncFile, String> {
        let (role, len_bytes) = match end {
            Some((role, TargetEnd::Complete(len_bytes))) => (role, len_bytes),
            Some((_, TargetEnd::Failed(why))) => return Err(why),
            _ => return Err("the snapshot was given up".to_owned()),
        };
        let file = slot.take().ok_or("the file is not open")?;
        let keeps_nothing = config.persistence.save.0.is_empty() && !self.is_log_wanted();
        let is_unwanted = config.persistence.rdb_del_sync_files && keeps_nothing;
        if role == Role::SyncFile || is_unwanted {
            if role == Role::Save {
                self.journal.notice(format!(
                    "Removing the RDB file {} used to feed replicas in a persistence-less instance",
                    path.display()
                ));
            }
            if let Err(error) = self.backend.disk().remove(path) {
                let why = error_text(&error);
                self.journal.warning(format!("Can't remove {}: {why}", path.display()));
            }
        }
        Ok(SyncFile::new(file, len_bytes))
    }
}
