//! What a walk is to write, and where to: from the wish for a snapshot to a walk under way.

use std::path::PathBuf;

use dunlin_aof::BaseForm;
use dunlin_config::{Config, RdbVersion, SnapshotOverflow};
use dunlin_keyspace::{Keyspace, SnapshotScope, SnapshotSink};
use dunlin_rdb::Version;
use dunlin_stdx::time::Now;

use super::Persistence;
use super::syncing::{SyncFilter, SyncPurpose};
use super::walk::{Purposes, Role, Walk};
use crate::backend::JobRole;
use crate::disk::error_text;
use crate::feed::FeedOutlet;
use crate::snapshot::{
    CommandForm, Destination, Form, Overflow, QueueLimits, RdbForm, ReplicationAux, Snapshot,
    SnapshotRequest, Target,
};

/// The version of Redis whose behaviour, and whose files, ours are.
const REDIS_VERSION: &str = "7.2.4";

/// A snapshot is given up when so many times `snapshot-buffer-limit` waits in memory: the spill file does
/// not keep up.
const ABORT_TIMES: usize = 3;

/// As [`ABORT_TIMES`], where clients are made to wait at twice the limit: one transaction or script, and
/// what comes from a primary, do not wait.
const THROTTLED_ABORT_TIMES: usize = 8;

/// What is written of the data set, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content {
    pub(super) form: BaseForm,
    /// Leave the deadlines of fields out of hashes.
    pub(super) plain_hashes: bool,
    pub(super) filter: SyncFilter,
}

impl Content {
    /// Everything.
    pub(super) const fn whole(form: BaseForm) -> Self {
        Self { form, plain_hashes: false, filter: SyncFilter::Everything }
    }
}

/// A walk that is to begin.
pub(super) struct WalkPlan {
    pub(super) purposes: Purposes,
    pub(super) sync: Option<SyncPurpose>,
    /// Replicas that get it as it is written.
    pub(super) outlets: Vec<FeedOutlet>,
    pub(super) content: Content,
    /// Where the stream of changes is, for every header but that of a log's base.
    pub(super) replication: Option<ReplicationAux>,
}

impl WalkPlan {
    /// A walk whose results are the server's own files.
    pub(super) const fn of_files(
        purposes: Purposes,
        content: Content,
        replication: Option<ReplicationAux>,
    ) -> Self {
        Self { purposes, sync: None, outlets: Vec::new(), content, replication }
    }
}

impl Persistence {
    /// Begins a walk.
    ///
    /// # Errors
    /// Why it could not be begun.
    pub(super) fn begin_walk(
        &mut self,
        keyspace: &mut Keyspace,
        config: &Config,
        plan: WalkPlan,
        now: Now,
    ) -> Result<(), String> {
        let WalkPlan { purposes, sync, outlets, content, replication } = plan;
        if keyspace.snapshot_progress().is_some() {
            return Err("another snapshot is running".to_owned());
        }
        let job_role = if outlets.is_empty() { JobRole::Snapshot } else { JobRole::Sync };
        let places = self.targets(config, (purposes, sync.as_ref(), outlets), replication);
        let (roles, targets) = places.into_iter().unzip();
        let request = self.request(keyspace, config, (targets, content), now);
        let snapshot = Snapshot::begin(
            request,
            &self.backend.disk(),
            self.backend.waker(),
            self.snapshot_events.clone(),
        );
        let Snapshot { mut encoder, writer, spill, control } = snapshot;
        let spawned = self.backend.spawn(job_role, Box::new(writer));
        spawned.map_err(|error| error_text(&error))?;
        self.walks_begun += 1;
        let mut walk = Walk::new((purposes, sync), roles, (control, spill), now);
        if content.filter == SyncFilter::Everything {
            // On failure the encoder is dropped, which cancels what the writer has begun.
            let start = keyspace
                .begin_snapshot(SnapshotScope::All, Box::new(encoder))
                .map_err(|_| "another snapshot is running".to_owned())?;
            walk.set_keys_total(start.keys() as u64);
        } else {
            encoder.complete();
            walk.set_handed_out();
        }
        self.walk = Some(walk);
        Ok(())
    }

    /// Where a walk goes to.
    fn targets(
        &self,
        config: &Config,
        (purposes, sync, outlets): (Purposes, Option<&SyncPurpose>, Vec<FeedOutlet>),
        replication: Option<ReplicationAux>,
    ) -> Vec<(Role, Target)> {
        let mut targets = Vec::new();
        if purposes.save.is_some() {
            let mut target = self.save_target(config, "temp-bg-", replication);
            if let (Some(SyncPurpose::File { slot, .. }), Destination::File { keep, .. }) =
                (sync, &mut target.destination)
            {
                *keep = Some(slot.clone());
            }
            targets.push((Role::Save, target));
        } else if let Some(SyncPurpose::File { slot, path }) = sync {
            let destination = Destination::File {
                temporary: path.clone(),
                publish: None,
                incremental_sync: config.persistence.rdb_save_incremental_fsync,
                keep: Some(slot.clone()),
            };
            targets.push((Role::SyncFile, Target { destination, replication, is_aof_base: false }));
        }
        if purposes.rewrite {
            targets.push((Role::Rewrite, self.base_target(config)));
        }
        targets.extend(outlets.into_iter().map(|outlet| {
            let destination = Destination::Outlet(Box::new(outlet));
            (Role::Outlet, Target { destination, replication, is_aof_base: false })
        }));
        targets
    }

    /// The snapshot file; it is written under a name that begins with `prefix`.
    pub(super) fn save_target(
        &self,
        config: &Config,
        prefix: &str,
        replication: Option<ReplicationAux>,
    ) -> Target {
        // By their full names: `dir` may be another one before the snapshot is complete.
        let temporary = format!("{prefix}{}.rdb", self.backend.process_id());
        Target {
            destination: Destination::File {
                temporary: config.persistence.dir.as_path().join(temporary),
                publish: Some(snapshot_path(config)),
                incremental_sync: config.persistence.rdb_save_incremental_fsync,
                keep: None,
            },
            replication,
            is_aof_base: false,
        }
    }

    pub(super) fn request(
        &mut self,
        keyspace: &Keyspace,
        config: &Config,
        (targets, content): (Vec<Target>, Content),
        now: Now,
    ) -> SnapshotRequest {
        let start = keyspace.snapshot_start(&SnapshotScope::All);
        let has_deadlines = start.has_field_deadlines && !content.plain_hashes;
        if has_deadlines && content.form == BaseForm::Rdb {
            self.journal.notice(
                "Fields of hashes have deadlines: the snapshot is written in version 12 of the RDB \
                 format, which Redis reads from 7.4 on",
            );
        }
        SnapshotRequest {
            form: self.form(config, has_deadlines, content, now),
            targets,
            libraries: Vec::new(),
            databases: start.databases,
            spill_directory: config.persistence.dir.as_path().to_owned(),
            limits: limits(config),
        }
    }

    /// How keys are written.
    pub(super) fn form(
        &self,
        config: &Config,
        has_field_deadlines: bool,
        content: Content,
        now: Now,
    ) -> Form {
        let persistence = &config.persistence;
        if content.form == BaseForm::Commands {
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
            plain_hashes: content.plain_hashes,
            compression: persistence.rdbcompression,
            checksum: persistence.rdbchecksum,
            server_version: REDIS_VERSION,
            created: now.unix_ms(),
            used_memory_bytes: self.used_memory_bytes,
        })
    }
}

/// The name of the snapshot file, in full.
pub(super) fn snapshot_path(config: &Config) -> PathBuf {
    let persistence = &config.persistence;
    persistence.dir.as_path().join(persistence.dbfilename.as_path())
}

/// How much may wait between command thread and writer.
fn limits(config: &Config) -> QueueLimits {
    let persistence = &config.persistence;
    let spill_bytes_max = match persistence.snapshot_spill_limit {
        0 => u64::MAX,
        limit => limit,
    };
    let barrier_bytes = usize::try_from(persistence.snapshot_buffer_limit);
    let barrier_bytes = barrier_bytes.unwrap_or(usize::MAX);
    let (overflow, times_at_most) = match persistence.snapshot_overflow {
        SnapshotOverflow::Abort => (Overflow::Abort, ABORT_TIMES),
        SnapshotOverflow::Throttle => (Overflow::Throttle, THROTTLED_ABORT_TIMES),
    };
    QueueLimits {
        barrier_bytes,
        barrier_bytes_max: barrier_bytes.saturating_mul(times_at_most),
        spill_bytes_max,
        overflow,
        ..QueueLimits::default()
    }
}
