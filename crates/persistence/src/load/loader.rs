//! Reads the files of a plan, one after the other.

use std::io::{self, Read};
use std::sync::Arc;

use dunlin_aof::LogError;
use dunlin_rdb::LoadLimits;
use dunlin_stdx::time::UnixMs;

use super::batch::{FileReport, LoadBatch, LoadReport};
use super::error::{LoadError, LoadErrorCause};
use super::log_file::{LogFailure, LogFileReader, LogStep};
use super::plan::{FileRole, LoadFile, LoadPlan};
use super::queue::{LoadQueue, LoadReceiver};
use super::snapshot_file::SnapshotFileReader;
use crate::append::LogLevel;
use crate::disk::{Disk, DiskFile};
use crate::job::{Job, Signal, Step};

/// By which rules files are loaded.
#[derive(Clone, Copy, Debug)]
pub struct LoadRules {
    /// Number of databases.
    pub databases: u32,
    /// In which forms collections are held.
    pub limits: LoadLimits,
    /// Whether checksums are verified (`rdbchecksum`).
    pub checksum: bool,
    /// Whether a log that was cut while it was written is loaded up to there
    /// (`aof-load-truncated`).
    pub load_truncated: bool,
    /// Whether keys of a [`FileRole::Snapshot`] that have expired are dropped: a primary's rule.
    pub drop_expired: bool,
    /// The time.
    pub now: UnixMs,
}

/// Reads files and makes entries and whole commands of them. It ends with [`LoadBatch::Done`] or
/// [`LoadBatch::Failed`], unless it is cancelled.
#[must_use = "a job does nothing unless it is run"]
pub struct Loader {
    plan: LoadPlan,
    rules: LoadRules,
    disk: Arc<dyn Disk>,
    queue: Arc<LoadQueue>,
    state: State,
    report: LoadReport,
    file: FileReport,
}

enum State {
    New,
    /// The file of this number is next.
    Next(usize),
    Snapshot(Box<SnapshotFileReader<CountingFile>>),
    Log(LogFileReader<CountingFile>),
    Ended,
}

/// A file whose bytes count as progress when they are read.
struct CountingFile {
    file: Box<dyn DiskFile>,
    queue: Arc<LoadQueue>,
}

impl Read for CountingFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.queue.add_read_bytes(count as u64);
        Ok(count)
    }
}

/// Why a step failed: where in the file, and why.
type Failure = (u64, LoadErrorCause);

impl Loader {
    /// Prepares to load; nothing is read before the first step. `wake` is called whenever something
    /// waits to be received.
    pub fn new(
        plan: LoadPlan,
        rules: LoadRules,
        disk: Arc<dyn Disk>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> (Self, LoadReceiver) {
        let queue = Arc::new(LoadQueue::new(wake));
        let receiver = LoadReceiver::new(Arc::clone(&queue));
        let (report, file) = (LoadReport::default(), FileReport::default());
        (Self { plan, rules, disk, queue, state: State::New, report, file }, receiver)
    }

    fn count_bytes(&self) -> State {
        let len = |file: &LoadFile| self.disk.len_bytes(&file.path).ok().flatten().unwrap_or(0);
        self.queue.set_total_bytes(self.plan.files.iter().map(len).sum());
        State::Next(0)
    }

    fn begin(&mut self, number: usize) -> Result<State, Failure> {
        let Some(plan) = self.plan.files.get(number) else {
            let report = std::mem::take(&mut self.report);
            self.queue.push(LoadBatch::Done(report), 0);
            return Ok(State::Ended);
        };
        self.file = FileReport { file: number, ..FileReport::default() };
        self.queue.push(LoadBatch::FileBegins(number), 0);
        let mut file = match self.disk.open(&plan.path) {
            Ok(file) => file,
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && !plan.role.is_append_only() =>
            {
                self.file.is_missing = true;
                return Ok(self.end_file(number, 0));
            }
            Err(error) => return Err((0, LoadErrorCause::Open(error))),
        };
        let is_rdb = begins_as_rdb(&mut *file).map_err(|error| (0, LoadErrorCause::Read(error)))?;
        let role = plan.role;
        let file = CountingFile { file, queue: Arc::clone(&self.queue) };
        if role.is_append_only() && !is_rdb {
            return Ok(State::Log(LogFileReader::new(file, Vec::new(), 0)));
        }
        match role {
            FileRole::Snapshot => {}
            FileRole::OldStyle => self.notice("Reading RDB preamble from AOF file..."),
            FileRole::Base | FileRole::Incremental => {
                self.notice("Reading RDB base file on AOF loading...");
            }
        }
        let expired_at =
            (self.rules.drop_expired && !role.is_append_only()).then_some(self.rules.now);
        let reader = SnapshotFileReader::open(file, &self.rules, expired_at)?;
        Ok(State::Snapshot(Box::new(reader)))
    }

    fn read_snapshot(
        &mut self,
        mut reader: Box<SnapshotFileReader<CountingFile>>,
    ) -> Result<State, Failure> {
        if reader.step(&self.queue, &self.rules, &mut self.file)? {
            return Ok(State::Snapshot(reader));
        }
        self.notice(&self.file.log_line());
        let number = self.file.file;
        let len_bytes = reader.offset();
        let role = self.plan.files[number].role;
        if !role.is_append_only() {
            return Ok(self.end_file(number, len_bytes));
        }
        let (rest, file) = reader.into_rest();
        if role == FileRole::OldStyle && !rest.is_empty() {
            self.notice("Reading the remaining AOF tail...");
        }
        Ok(State::Log(LogFileReader::new(file, rest, len_bytes)))
    }

    fn read_log(&mut self, mut reader: LogFileReader<CountingFile>) -> Result<State, Failure> {
        let mut commands = self.queue.spare_bytes();
        let step = reader.step(&mut commands);
        if !commands.is_empty() {
            let bytes = commands.capacity();
            self.queue.push(LoadBatch::Commands(commands), bytes);
        }
        self.file.commands = reader.log().commands();
        let number = self.file.file;
        match step {
            Ok(LogStep::More) => Ok(State::Log(reader)),
            Ok(LogStep::End) => Ok(self.end_file(number, reader.log().position())),
            Ok(LogStep::Truncated(error)) => {
                self.truncate(number, error, &reader)?;
                Ok(self.end_file(number, reader.log().ok_up_to()))
            }
            Err(LogFailure::Log(error)) => Err((error.offset, LoadErrorCause::Log(error))),
            Err(LogFailure::Io(error)) => {
                Err((reader.log().position(), LoadErrorCause::Read(error)))
            }
        }
    }

    /// Cuts a log back to where it is good, if that is allowed.
    fn truncate(
        &mut self,
        number: usize,
        error: LogError,
        reader: &LogFileReader<CountingFile>,
    ) -> Result<(), Failure> {
        let offset = error.offset;
        let name = self.plan.files[number].name.clone();
        if reader.log().is_in_transaction() {
            self.warn(format!("Revert incomplete MULTI/EXEC transaction in AOF file {name}"));
        }
        if !self.rules.load_truncated {
            return Err((offset, LoadErrorCause::Log(error)));
        }
        if !self.plan.files[number].may_be_cut {
            return Err((offset, LoadErrorCause::TruncatedInside(error)));
        }
        let good_bytes = reader.log().ok_up_to();
        self.warn(format!("!!! Warning: short read while loading the AOF file {name}!!!"));
        self.warn(format!("!!! Truncating the AOF {name} at offset {good_bytes} !!!"));
        let path = &self.plan.files[number].path;
        let cut = || -> io::Result<u64> {
            let len_bytes = self.disk.len_bytes(path)?.unwrap_or(good_bytes);
            let mut file = self.disk.append(path)?;
            file.truncate(good_bytes)?;
            file.sync()?;
            Ok(len_bytes.saturating_sub(good_bytes))
        };
        let cut_bytes = cut().map_err(|error| (good_bytes, LoadErrorCause::Truncate(error)))?;
        self.file.truncated_bytes = cut_bytes;
        self.warn(format!("AOF {name} loaded anyway because aof-load-truncated is enabled"));
        Ok(())
    }

    fn end_file(&mut self, number: usize, len_bytes: u64) -> State {
        self.file.len_bytes = len_bytes;
        self.queue.push(LoadBatch::FileDone(self.file), 0);
        self.report.files.push(self.file);
        State::Next(number + 1)
    }

    fn notice(&self, line: &str) {
        self.queue.log(LogLevel::Notice, line.to_owned());
    }

    fn warn(&self, line: String) {
        self.queue.log(LogLevel::Warning, line);
    }

    fn fail(&mut self, (offset, cause): Failure) {
        let file = &self.plan.files[self.file.file];
        let error = LoadError {
            file: file.name.clone(),
            is_append_only: file.role.is_append_only(),
            offset,
            cause,
        };
        self.queue.push(LoadBatch::Failed(error), 0);
    }
}

impl Job for Loader {
    fn step(&mut self) -> Step {
        if self.queue.is_cancelled() {
            self.state = State::Ended;
        }
        if let State::Ended = self.state {
            return Step::Done;
        }
        if !self.queue.has_room() {
            return Step::Idle;
        }
        let next = match std::mem::replace(&mut self.state, State::Ended) {
            State::New => Ok(self.count_bytes()),
            State::Next(number) => self.begin(number),
            State::Snapshot(reader) => self.read_snapshot(reader),
            State::Log(reader) => self.read_log(reader),
            State::Ended => return Step::Done,
        };
        match next {
            Ok(State::Ended) => Step::Done,
            Ok(state) => {
                self.state = state;
                Step::Working
            }
            Err(failure) => {
                self.fail(failure);
                Step::Done
            }
        }
    }

    fn signal(&self) -> Arc<Signal> {
        self.queue.signal()
    }
}

/// Whether the file begins as RDB files do; it is read from its beginning afterwards.
fn begins_as_rdb(file: &mut dyn DiskFile) -> io::Result<bool> {
    let mut head = [0; 5];
    let mut filled = 0;
    while filled < head.len() {
        match file.read(&mut head[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.seek(0)?;
    Ok(dunlin_aof::is_rdb(&head[..filled]))
}

/// Loads on the spot and hands what was loaded to `take`, until it breaks off (DEBUG RELOAD,
/// DEBUG LOADAOF).
///
/// # Errors
/// Why the data set cannot be loaded.
pub fn load_blocking(
    plan: LoadPlan,
    rules: LoadRules,
    disk: Arc<dyn Disk>,
    mut take: impl FnMut(LoadBatch) -> std::ops::ControlFlow<()>,
) -> Result<(), LoadError> {
    let (mut loader, receiver) = Loader::new(plan, rules, disk, Arc::new(|| ()));
    loop {
        let step = loader.step();
        while let Some(batch) = receiver.next() {
            if let LoadBatch::Failed(error) = batch {
                return Err(error);
            }
            if take(batch).is_break() {
                return Ok(());
            }
        }
        if step == Step::Done {
            return Ok(());
        }
    }
}
