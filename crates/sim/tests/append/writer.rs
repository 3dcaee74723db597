//! Appends records as a server would, and knows what it was promised.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dunlin_aof::BaseForm;
use dunlin_persistence::append::{
    AppendError, AppendEvent, AppendFiles, AppendLog, AppendPaths, Appended, Incremental,
};
use dunlin_persistence::load::LoadPlan;
use dunlin_persistence::{Backend, Disk, Events, JobRole};
use dunlin_sim::{SimBackend, SimDisk};
use fastrand::Rng;

/// `appendfsync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Always,
    EverySecond,
}

/// The server ends by itself: with `always`, what cannot be kept must not be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fatal;

/// A rewrite under way.
enum Rewrite {
    /// The log was asked to begin; the base holds records up to this one.
    Asked(u64),
    /// The base is being made.
    Begun(u64),
    /// The log was asked to put it in place.
    Committing(u64),
}

/// Takes the files as a server that starts.
pub(crate) fn open(disk: &SimDisk) -> Result<(AppendFiles, LoadPlan), AppendError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    AppendFiles::open(&disk, AppendPaths::new(Path::new(""), b"appendonlydir", b"appendonly.aof"))
}

/// A server that appends.
pub(crate) struct Writer {
    backend: SimBackend,
    log: AppendLog,
    events: Events<AppendEvent>,
    policy: Policy,
    now: Duration,
    offset: u64,
    /// Ends of what was appended, and the last record of each.
    ends: VecDeque<(u64, u64)>,
    appended: u64,
    written: u64,
    durable: u64,
    rewrite: Option<(Incremental, Rewrite)>,
    /// What is appended goes to a file that no start reads before the rewrite is committed.
    is_temporary: bool,
    /// What was synced there.
    synced_temporarily: Option<u64>,
    /// No sync has failed since the last rewrite that makes up for it.
    is_sound: bool,
    /// A write failed: no more before it is retried.
    is_failing: bool,
    /// A sync failed, or no file is open: only a temporary rewrite helps.
    needs_rewrite: bool,
}

impl Writer {
    /// Opens the log behind `found` records.
    pub(crate) fn start(
        disk: &SimDisk,
        mut files: AppendFiles,
        policy: Policy,
        found: u64,
    ) -> Writer {
        let open = files.start(BaseForm::Commands, b"").expect("no faults while it starts");
        let mut backend = SimBackend::new(disk.clone(), 1);
        let events = Events::new(backend.waker());
        let (log, job) = AppendLog::new(files, Some(open), 0, events.clone());
        backend.spawn(JobRole::Append, Box::new(job)).expect("a thread");
        Writer {
            backend,
            log,
            events,
            policy,
            now: Duration::ZERO,
            offset: 0,
            ends: VecDeque::new(),
            appended: found,
            written: found,
            durable: found,
            rewrite: None,
            is_temporary: false,
            is_sound: true,
            synced_temporarily: None,
            is_failing: false,
            needs_rewrite: false,
        }
    }

    /// The last record that was appended.
    pub(crate) fn appended(&self) -> u64 {
        self.appended
    }

    /// The last record that the system has.
    pub(crate) fn written(&self) -> u64 {
        self.written.max(self.durable)
    }

    /// The last record that was acknowledged as durable.
    pub(crate) fn durable(&self) -> u64 {
        self.durable
    }

    /// Whether the system shows nothing that it has dropped.
    pub(crate) fn is_sound(&self) -> bool {
        self.is_sound
    }

    /// The process ends, and its threads with it.
    pub(crate) fn end(self) {
        self.backend.jobs().end();
        let _ = self.backend.sim_disk().kill();
    }

    /// Does one thing at random.
    pub(crate) fn step(&mut self, random: &mut Rng) -> Option<Fatal> {
        match random.u8(..10) {
            0..=3 => self.append(random),
            4..=7 => self.step_job(random),
            8 => self.tick(random),
            _ => self.advance_rewrite(random),
        }
        if self.policy == Policy::Always && random.bool() && !self.backend.sim_disk().is_off() {
            // Whatever the job has told is heard before.
            let fatal = self.hear().or_else(|| self.sync_here());
            if fatal.is_some() && !self.backend.sim_disk().is_off() {
                return fatal;
            }
        }
        if self.backend.sim_disk().is_off() {
            return None;
        }
        self.hear()
    }

    fn step_job(&mut self, random: &mut Rng) {
        let disk = self.backend.sim_disk().clone();
        self.backend.jobs().step(&disk, self.now, random);
    }

    /// A turn with some changes.
    fn append(&mut self, random: &mut Rng) {
        if self.is_failing || self.needs_rewrite {
            return;
        }
        let mut bytes = Vec::new();
        for _ in 0..random.u8(1..4) {
            let is_transaction = random.u8(..3) == 0;
            if is_transaction {
                bytes.extend(b"*1\r\n$5\r\nMULTI\r\n");
            }
            for _ in 0..random.u8(1..4) {
                self.appended += 1;
                let padding = "x".repeat(random.usize(..200));
                bytes.extend(command(&["RECORD", &self.appended.to_string(), &padding]));
            }
            if is_transaction {
                bytes.extend(b"*1\r\n$4\r\nEXEC\r\n");
            }
        }
        self.offset += bytes.len() as u64;
        self.ends.push_back((self.offset, self.appended));
        let appended = match self.policy {
            Policy::Always if random.bool() => self.log.write_and_sync(&bytes, self.offset),
            Policy::Always | Policy::EverySecond => self.log.write(&bytes, self.offset),
        };
        match appended {
            Appended::Written if !self.is_temporary => self.written = self.appended,
            Appended::Written | Appended::Queued => {}
            Appended::Failed(_) => self.is_failing = true,
            // Nothing is open: this is what the server is told, and what it refuses to clients.
            Appended::Dropped => self.needs_rewrite = true,
        }
    }

    /// A timer: a second is over, or a failed write is tried again.
    fn tick(&mut self, random: &mut Rng) {
        if self.is_failing {
            if random.bool() {
                self.is_failing = false;
                self.log.retry();
            }
        } else if self.policy == Policy::EverySecond && !self.needs_rewrite {
            self.log.sync();
        }
    }

    /// A turn without input: what was appended is synced on the command thread.
    fn sync_here(&mut self) -> Option<Fatal> {
        match self.log.sync_here()? {
            Ok(end) if self.is_temporary => self.synced_temporarily = Some(end),
            Ok(end) => self.synced(end),
            Err(_) => {
                self.is_sound = false;
                return Some(Fatal);
            }
        }
        None
    }

    fn advance_rewrite(&mut self, random: &mut Rng) {
        match self.rewrite {
            None => {
                // One that only renews the base waits until writes succeed.
                let kind = match (self.needs_rewrite, self.is_failing) {
                    (true, _) => Incremental::Temporary,
                    (false, false) => Incremental::Listed,
                    (false, true) => return,
                };
                self.log.begin_rewrite(kind);
                self.rewrite = Some((kind, Rewrite::Asked(self.appended)));
                self.needs_rewrite = false;
                self.is_failing = false;
            }
            Some((kind, Rewrite::Begun(last))) if random.u8(..4) == 0 => {
                match self.make_base(last) {
                    Some(path) if random.u8(..5) > 0 => {
                        self.log.commit_rewrite(path, BaseForm::Commands, random.u8(..5) > 0);
                        self.rewrite = Some((kind, Rewrite::Committing(last)));
                    }
                    _ => {
                        self.log.abort_rewrite();
                        self.give_up_rewrite();
                    }
                }
            }
            Some(_) => {}
        }
    }

    /// Writes the base as the snapshot job would.
    fn make_base(&self, last: u64) -> Option<PathBuf> {
        let disk = self.backend.sim_disk();
        let path = PathBuf::from("temp-rewriteaof-1.aof");
        // A power loss can keep both names of the base before.
        disk.remove(&path)
            .or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })
            .ok()?;
        let mut file = disk.create(&path).ok()?;
        file.write_all(&command(&["BASE", &last.to_string()])).ok()?;
        file.sync().ok()?;
        Some(path)
    }

    /// Hears what became of requests.
    fn hear(&mut self) -> Option<Fatal> {
        while let Some(event) = self.events.next() {
            self.is_sound &= !matches!(event, AppendEvent::SyncFailed(_));
            match event {
                AppendEvent::Written(_) if self.is_temporary => {}
                AppendEvent::Written(end) => self.written = self.record_at(end),
                AppendEvent::Synced(end) if self.is_temporary => {
                    self.synced_temporarily = Some(end);
                }
                AppendEvent::Synced(end) => self.synced(end),
                AppendEvent::WriteFailed(_) | AppendEvent::SyncFailed(_)
                    if self.policy == Policy::Always =>
                {
                    return Some(Fatal);
                }
                AppendEvent::WriteFailed(_) => self.is_failing = true,
                AppendEvent::SyncFailed(_) => self.needs_rewrite = true,
                AppendEvent::RewriteBegun(kind) => {
                    self.is_temporary = kind == Incremental::Temporary;
                    if let Some((kind, Rewrite::Asked(last))) = self.rewrite {
                        self.rewrite = Some((kind, Rewrite::Begun(last)));
                    }
                }
                AppendEvent::RewriteCommitted(_) => self.rewrite_committed(),
                AppendEvent::RewriteNotBegun(_) | AppendEvent::RewriteNotCommitted(_) => {
                    self.give_up_rewrite();
                }
                AppendEvent::Closed(_) | AppendEvent::Log(_) => {}
            }
        }
        None
    }

    fn synced(&mut self, end: u64) {
        self.durable = self.record_at(end);
        self.written = self.written.max(self.durable);
        self.ends.retain(|(at, _)| *at > end);
    }

    fn rewrite_committed(&mut self) {
        if let Some((Incremental::Temporary, Rewrite::Committing(last))) = self.rewrite {
            self.durable = self.durable.max(last);
            self.is_temporary = false;
            self.is_sound = true;
            if let Some(end) = self.synced_temporarily.take() {
                self.synced(end);
            }
        }
        self.rewrite = None;
    }

    /// After a temporary one no file is open, or only one that cannot be synced.
    fn give_up_rewrite(&mut self) {
        if let Some((Incremental::Temporary, _)) = self.rewrite.take() {
            self.needs_rewrite = true;
            self.synced_temporarily = None;
        }
    }

    /// Lets everything come to an end: nothing may be left waiting for a call that never comes.
    pub(crate) fn settle(&mut self) {
        let disk = self.backend.sim_disk().clone();
        let mut random = Rng::with_seed(0);
        self.log.sync();
        while self.backend.jobs().step(&disk, self.now, &mut random).is_some() {}
        assert_eq!(self.hear(), None);
        assert!(self.log.is_idle(), "the job sleeps, but something waits");
        assert_eq!(self.durable, self.appended, "all is acknowledged in the end");
    }

    fn record_at(&self, end: u64) -> u64 {
        let covered = self.ends.iter().take_while(|(at, _)| *at <= end).last();
        covered.map_or(self.durable, |(_, record)| *record)
    }
}

fn command(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}
