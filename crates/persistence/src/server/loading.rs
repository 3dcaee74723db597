//! Loading what was kept, at start and on request.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use dunlin_config::Config;
use dunlin_keyspace::{Expiry, Keyspace, LoadedEntry};
use dunlin_rdb::LoadLimits;
use dunlin_stdx::time::{Monotonic, Now};
use dunlin_values::hash::HashLimits;
use dunlin_values::list::ListLimits;
use dunlin_values::set::SetLimits;
use dunlin_values::sorted_set::PackedLimits;

use super::allowance::Allowance;
use super::log::append_paths;
use super::plan::Content;
use super::rewriting::base_form;
use super::status::{LoadStatus, LoadedKeys};
use super::{Fatal, Persistence};
use crate::append::AppendFiles;
use crate::backend::JobRole;
use crate::job::{Job, Step};
use crate::load::{
    FileReport, FileRole, LoadBatch, LoadFile, LoadPlan, LoadReceiver, LoadRules, Loader,
    PositionFields, load_blocking,
};
use crate::snapshot::{ReplicationAux, empty_base};

/// What happens to a key that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// The data set cannot be loaded: a snapshot has each key once.
    Refuse,
    /// The loaded one takes its place.
    Replace,
}

/// A load under way.
pub(super) struct Load {
    receiver: LoadReceiver,
    plan: LoadPlan,
    pub(super) origin: LoadOrigin,
    pub(super) status: LoadStatus,
    /// Whether it goes into another keyspace than the one that serves clients.
    pub(super) is_beside: bool,
    /// When the file that is being read was begun.
    file_began: Monotonic,
    /// Its number in the plan.
    file: usize,
    keys: LoadedKeys,
    /// What a snapshot says of its position.
    fields: PositionFields,
    /// The position that the log ends with.
    log_end: Option<ReplicationAux>,
    /// Keys and commands that `key-load-delay` has let pass, and those keys that it lets wait.
    passed: u64,
    allowance: Allowance,
    delayed: Vec<LoadedEntry>,
}

/// Whose data set is being loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoadOrigin {
    /// Our own, at start: without it there is no server.
    Disk,
    /// One that a primary has sent.
    Primary {
        /// What happened to keys whose deadline has passed, before.
        expiry: Expiry,
    },
}

impl Load {
    pub(super) fn new(
        receiver: LoadReceiver,
        plan: LoadPlan,
        origin: LoadOrigin,
        now: Now,
    ) -> Self {
        let status = LoadStatus {
            began: now,
            total_bytes: plan.total_bytes(),
            loaded_bytes: 0,
            used_memory_bytes: 0,
            is_rdb: false,
        };
        Self {
            receiver,
            plan,
            origin,
            status,
            is_beside: false,
            file_began: now.monotonic,
            file: 0,
            keys: LoadedKeys::default(),
            fields: PositionFields::default(),
            log_end: None,
            passed: 0,
            allowance: Allowance::default(),
            delayed: Vec::new(),
        }
    }

    /// How many keys `key-load-delay` lets pass now, or when to ask again.
    fn allowed(&mut self, config: &Config, now: Now) -> Result<usize, Monotonic> {
        self.allowance.keys(config.diagnosis.key_load_delay, self.passed, now.monotonic)
    }
}

/// A piece of the log to be run as commands.
#[derive(Debug)]
pub enum Loaded {
    /// Nothing has arrived: an event follows.
    Nothing,
    /// Nothing may be put in place before this instant (`key-load-delay`).
    Waits(Monotonic),
    /// Something was put in place.
    Progress,
    /// Whole commands, to be run; hand the memory back to [`Persistence::commands_ran`].
    Commands(Vec<u8>),
    /// Everything is loaded.
    Done,
    /// What a primary has sent cannot be loaded: why. Part of it may be in the keyspace.
    Failed(String),
}

impl Persistence {
    /// Begins to load what is on disk. [`Persistence::next_loaded`] hands it over; if it cannot be
    /// loaded, [`Persistence::is_lost`] says so.
    pub fn begin_load(&mut self, keyspace: &mut Keyspace, config: &Config, now: Now) {
        let Some(plan) = self.plan_load(config) else {
            self.fatal = Some(Fatal);
            return;
        };
        if !self.has_data(&plan) {
            self.begin_log_after_load(config, now);
            return;
        }
        keyspace.set_expiry(Expiry::Ignore);
        let rules = rules(keyspace, config, now);
        let (loader, receiver) =
            Loader::new(plan.clone(), rules, self.backend.disk(), self.backend.waker());
        if let Err(error) = self.backend.spawn(JobRole::Load, Box::new(loader)) {
            self.journal.warning(format!("Loading has no thread: {error}"));
            self.fatal = Some(Fatal);
            return;
        }
        self.load = Some(Load::new(receiver, plan, LoadOrigin::Disk, now));
    }

    /// Whether there is anything to load: else clients need not be told LOADING. A file that cannot be
    /// looked at is for the loader to complain of.
    fn has_data(&self, plan: &LoadPlan) -> bool {
        let disk = self.backend.disk();
        let is_missing = |path| matches!(disk.len_bytes(path), Ok(None));
        plan.files.iter().any(|file| match file.role.is_append_only() {
            true => file.len_bytes > 0,
            false => !is_missing(&file.path),
        })
    }

    /// Which files hold the data set; `None`, and the log says why, if the server must not start.
    fn plan_load(&mut self, config: &Config) -> Option<LoadPlan> {
        let snapshot = config.persistence.dbfilename.as_path();
        if !config.persistence.appendonly {
            return Some(LoadPlan::snapshot(snapshot.to_owned()));
        }
        match AppendFiles::open(&self.backend.disk(), append_paths(config)) {
            Ok((mut files, plan)) => {
                self.take_files_log(&mut files);
                self.log.prepared = Some(files);
                if plan.files.is_empty() {
                    self.tell_of_ignored(snapshot);
                }
                Some(plan)
            }
            Err(error) => {
                error.log_lines().into_iter().for_each(|line| self.journal.warning(line));
                None
            }
        }
    }

    /// With `appendonly yes` a snapshot file is not looked at, as in Redis; whoever has just switched
    /// it on in the configuration file would miss his data without a word.
    fn tell_of_ignored(&mut self, snapshot: &Path) {
        let len = self.backend.disk().len_bytes(snapshot);
        let line = match len {
            Ok(Some(bytes)) if bytes > 0 => format!(
                "No append-only file is there yet: the data set is empty. {} ({bytes} bytes) is \
                 there and was NOT loaded, because appendonly is on. To keep its data, start with \
                 appendonly no and switch it on with CONFIG SET appendonly yes.",
                snapshot.display()
            ),
            _ => "No append-only file is there yet: the data set is empty.".to_owned(),
        };
        self.journal.warning(line);
    }

    /// Takes the next piece of what is being loaded.
    pub fn next_loaded(&mut self, keyspace: &mut Keyspace, config: &Config, now: Now) -> Loaded {
        let Some(load) = &mut self.load else { return Loaded::Nothing };
        let allowed = match load.allowed(config, now) {
            Ok(allowed) => allowed,
            Err(until) => return Loaded::Waits(until),
        };
        let batch = match load.delayed.is_empty() {
            true => load.receiver.next(),
            false => Some(LoadBatch::Entries(std::mem::take(&mut load.delayed))),
        };
        let Some(batch) = batch else { return Loaded::Nothing };
        let progress = load.receiver.progress();
        load.status.total_bytes = progress.total_bytes;
        load.status.loaded_bytes = progress.read_bytes;
        match batch {
            LoadBatch::FileBegins(file) => (load.file, load.file_began) = (file, now.monotonic),
            LoadBatch::Room(db, room) => keyspace.take_room(db, room),
            LoadBatch::Entries(mut entries) => {
                load.status.is_rdb = true;
                if entries.len() > allowed {
                    load.delayed = entries.split_off(allowed);
                }
                load.passed += entries.len() as u64;
                let outcome = keyspace.load(&mut entries, false);
                load.receiver.recycle_entries(entries);
                if let Err(duplicate) = outcome {
                    let line = duplicate_line(&duplicate.key, duplicate.db);
                    return self.refuse_data(keyspace, vec![line]);
                }
            }
            LoadBatch::Commands(commands) => {
                load.status.is_rdb = false;
                return Loaded::Commands(commands);
            }
            LoadBatch::Aux { name, value } => {
                load.fields.note(&name, &value);
                if &*name == b"used-mem" {
                    load.status.used_memory_bytes = dunlin_stdx::number::parse_i64(&value)
                        .and_then(|bytes| u64::try_from(bytes).ok())
                        .unwrap_or(0);
                }
            }
            LoadBatch::Position(position) => load.log_end = Some(position),
            LoadBatch::Function(_) => self.journal.warning(
                "The file holds a library of functions, which this version does not run: it is \
                 left out.",
            ),
            LoadBatch::Log(line) => self.journal_line(line.level, line.text),
            LoadBatch::FileDone(report) => self.file_loaded(report, now),
            LoadBatch::Failed(error) => {
                let lines = match load.origin {
                    LoadOrigin::Disk => error.log_lines(),
                    LoadOrigin::Primary { .. } => error.refusal_lines(),
                };
                return self.refuse_data(keyspace, lines);
            }
            LoadBatch::Done(_) => {
                self.finish_load(keyspace, config, now);
                return Loaded::Done;
            }
        }
        Loaded::Progress
    }

    /// What is being loaded is not to be used; the first of `lines` says why.
    fn refuse_data(&mut self, keyspace: &mut Keyspace, lines: Vec<String>) -> Loaded {
        if self.load.as_ref().is_some_and(|load| load.origin != LoadOrigin::Disk) {
            return self.refuse_received(keyspace, lines);
        }
        lines.into_iter().for_each(|line| self.journal.warning(line));
        self.fatal = Some(Fatal);
        Loaded::Progress
    }

    /// The commands of a piece were run, `count` of them.
    pub fn commands_ran(&mut self, commands: Vec<u8>, count: u64) {
        if let Some(load) = &mut self.load {
            load.passed += count;
            load.receiver.recycle_commands(commands);
        }
    }

    /// What the log calls the file that is being loaded.
    #[must_use]
    pub fn file_being_loaded(&self) -> &str {
        let file = self.load.as_ref().and_then(|load| load.plan.files.get(load.file));
        file.map_or("", |file| &file.name)
    }

    /// A command of the log cannot be run at all: the server must not start with half of it.
    pub fn refuse_log(&mut self, why: &str) {
        self.journal.warning(why);
        self.fatal = Some(Fatal);
    }

    fn file_loaded(&mut self, report: FileReport, now: Now) {
        let Some(load) = &mut self.load else { return };
        load.keys.loaded += report.keys;
        load.keys.expired += report.keys_expired;
        let seconds = now.monotonic.since_us(load.file_began) as f64 / 1e6;
        let Some(file) = load.plan.files.get(report.file) else { return };
        let name = &file.name;
        match file.role {
            FileRole::Received => {}
            FileRole::Snapshot if report.is_missing => {}
            FileRole::Snapshot => {
                self.journal.notice(format!("DB loaded from disk: {seconds:.3} seconds"));
            }
            FileRole::Incremental => {
                self.log.status.size_bytes += report.len_bytes;
                self.journal
                    .notice(format!("DB loaded from incr file {name}: {seconds:.3} seconds"));
            }
            FileRole::Base | FileRole::OldStyle => {
                self.log.status.size_bytes += report.len_bytes;
                self.log.status.base_bytes = report.len_bytes;
                self.journal
                    .notice(format!("DB loaded from base file {name}: {seconds:.3} seconds"));
            }
        }
    }

    /// Everything is loaded: what follows is appended.
    fn finish_load(&mut self, keyspace: &mut Keyspace, config: &Config, now: Now) {
        let Some(load) = self.load.take() else { return };
        keyspace.give_room_back();
        self.loaded = load.keys;
        let is_snapshot = |file: &LoadFile| !file.role.is_append_only();
        let is_from_snapshot = load.plan.files.iter().all(is_snapshot);
        // Behind the base of a log the stream goes on: what the base says is past.
        let position = load.fields.position(keyspace.databases()).filter(|_| is_from_snapshot);
        self.loaded_position = position.or(load.log_end);
        if let LoadOrigin::Primary { expiry } = load.origin {
            keyspace.set_expiry(expiry);
            self.abort_receive();
            return;
        }
        keyspace.set_expiry(Expiry::Remove);
        let is_append_only = load.plan.files.iter().any(|file| file.role.is_append_only());
        if is_append_only {
            let seconds = now.monotonic.since_us(load.status.began.monotonic) as f64 / 1e6;
            self.journal.notice(format!("DB loaded from append only file: {seconds:.3} seconds"));
        }
        self.begin_log_after_load(config, now);
    }

    fn begin_log_after_load(&mut self, config: &Config, now: Now) {
        let base = empty_base(&self.form(config, false, Content::whole(base_form(config)), now));
        if !self.start_loaded_log(config, &base) {
            self.fatal = Some(Fatal);
        }
    }

    /// DEBUG RELOAD: reads the snapshot file into the keyspace; whether that went well.
    pub fn load_snapshot(
        &mut self,
        keyspace: &mut Keyspace,
        config: &Config,
        merge: Merge,
        now: Now,
    ) -> bool {
        let plan = LoadPlan::snapshot(config.persistence.dbfilename.as_path().to_owned());
        let rules = rules(keyspace, config, now);
        let expiry = keyspace.expiry();
        keyspace.set_expiry(Expiry::Ignore);
        let mut duplicate = None;
        let loaded = load_blocking(plan, rules, self.backend.disk(), |batch| {
            match batch {
                LoadBatch::Room(db, room) => keyspace.take_room(db, room),
                LoadBatch::Entries(mut entries) => {
                    self.delay_load(config, entries.len() as u64);
                    let outcome = keyspace.load(&mut entries, merge == Merge::Replace);
                    if let Err(key) = outcome {
                        duplicate = Some(duplicate_line(&key.key, key.db));
                        return ControlFlow::Break(());
                    }
                }
                LoadBatch::Log(line) => self.journal_line(line.level, line.text),
                LoadBatch::FileDone(report) => {
                    self.loaded = LoadedKeys { loaded: report.keys, expired: report.keys_expired };
                }
                _ => {}
            }
            ControlFlow::Continue(())
        });
        keyspace.set_expiry(expiry);
        keyspace.give_room_back();
        if let Err(error) = &loaded {
            error.log_lines().into_iter().for_each(|line| self.journal.warning(line));
        }
        if let Some(line) = &duplicate {
            self.journal.warning(line.clone());
        }
        loaded.is_ok() && duplicate.is_none()
    }

    /// DEBUG LOADAOF: what is in the files of the log, piece by piece; `None`, and the log says why,
    /// if there is nothing to be read.
    pub fn read_log(
        &mut self,
        keyspace: &Keyspace,
        config: &Config,
        now: Now,
    ) -> Option<LogReading> {
        let plan = match crate::append::read_plan(&self.backend.disk(), &append_paths(config)) {
            Ok(plan) => plan,
            Err(error) => {
                error.log_lines().into_iter().for_each(|line| self.journal.warning(line));
                return None;
            }
        };
        let rules = rules(keyspace, config, now);
        let (loader, receiver) =
            Loader::new(plan, rules, self.backend.disk(), std::sync::Arc::new(|| ()));
        Some(LogReading { loader, receiver })
    }

    /// Lets everybody wait for keys or commands that are loaded on the spot (`key-load-delay`).
    pub fn delay_load(&mut self, config: &Config, count: u64) {
        let delay = config.diagnosis.key_load_delay;
        let size = u64::from(delay.unsigned_abs());
        let us = if delay > 0 { count.saturating_mul(size) } else { count / size.max(1) };
        if delay != 0 && us > 0 {
            self.backend.sleep(Duration::from_micros(us));
        }
    }

    /// Something is wrong with what is read.
    pub fn tell_fault(&mut self, why: &str) {
        self.journal.warning(why);
    }
}

/// The files of the log, read on the spot.
pub struct LogReading {
    loader: Loader,
    receiver: LoadReceiver,
}

impl LogReading {
    /// The next piece; `None` at the end.
    pub fn next_batch(&mut self) -> Option<LoadBatch> {
        loop {
            if let Some(batch) = self.receiver.next() {
                return Some(batch);
            }
            if self.loader.step() == Step::Done {
                return self.receiver.next();
            }
        }
    }
}

fn duplicate_line(key: &[u8], db: u32) -> String {
    format!("RDB has duplicated key '{}' in DB {db}", String::from_utf8_lossy(key))
}

/// By which rules files are loaded into `keyspace`.
pub(super) fn rules(keyspace: &Keyspace, config: &Config, now: Now) -> LoadRules {
    LoadRules {
        placer: keyspace.placer(),
        databases: keyspace.databases(),
        limits: load_limits(keyspace, config),
        checksum: config.persistence.rdbchecksum,
        load_truncated: config.persistence.aof_load_truncated,
        // A replica waits until its primary removes them: it is to hold what its position says.
        drop_expired: config.replication.replicaof.0.is_none(),
        now: now.unix_ms(),
    }
}

/// In which forms collections are held that are read from a file or a payload: those that commands
/// would have given them.
#[must_use]
pub fn load_limits(keyspace: &Keyspace, config: &Config) -> LoadLimits {
    /// A limit beyond what memory holds is none.
    fn len(limit: u64) -> usize {
        usize::try_from(limit).unwrap_or(usize::MAX)
    }
    let encodings = &config.encodings;
    let hasher = keyspace.member_hasher();
    LoadLimits {
        list: ListLimits {
            max_listpack_size: encodings.list_max_listpack_size,
            compress_depth: encodings.list_compress_depth,
            ..ListLimits::default()
        },
        set: SetLimits {
            intset_len: len(encodings.set_max_intset_entries),
            listpack_len: len(encodings.set_max_listpack_entries),
            listpack_member_len: len(encodings.set_max_listpack_value),
            hasher,
        },
        hash: HashLimits {
            listpack_len: len(encodings.hash_max_listpack_entries),
            listpack_value_len: len(encodings.hash_max_listpack_value),
            hasher,
        },
        sorted_set: PackedLimits {
            entries: encodings.zset_max_listpack_entries,
            value: encodings.zset_max_listpack_value,
        },
        hasher,
    }
}
