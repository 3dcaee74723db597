//! Reads the files of a plan, one after the other.

use std::io::{self, Read};
use std::sync::Arc;

use dunlin_aof::{LogError, StreamPosition};
use dunlin_keyspace::Placer;
use dunlin_rdb::LoadLimits;
use dunlin_stdx::time::UnixMs;

use super::batch::{FileReport, LoadBatch, LoadReport};
use super::error::{LoadError, LoadErrorCause};
use super::log_file::{LogFailure, LogFileReader, LogStep};
use super::plan::{FileRole, LoadFile, LoadPlan};
use super::queue::{LoadQueue, LoadReceiver};
use super::snapshot_file::{SnapshotFileReader, SnapshotStep};
use crate::append::LogLevel;
use crate::disk::{Disk, DiskFile};
use crate::job::{Job, Signal, Step};
use crate::receive::{ReceiveQueue, ReceivedFile};
use crate::snapshot::ReplicationAux;

/// By which rules files are loaded.
#[derive(Clone, Debug)]
pub struct LoadRules {
    /// Prepares keys for the keyspace they are put into.
    pub placer: Placer,
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
    /// The one file of the plan, if it is not on the disk by its name.
    given: Option<Input>,
}

enum State {
    New,
    /// The file of this number is next.
    Next(usize),
    Snapshot(Box<SnapshotFileReader<CountingFile>>),
    Log(Box<LogFileReader<CountingFile>>),
    /// Nothing may follow what was received.
    Tail(CountingFile, u64),
    Ended,
}

/// Where bytes come from.
enum Input {
    File(Box<dyn DiskFile>),
    /// They are still arriving.
    Stream(Arc<ReceiveQueue>),
}

/// A file whose bytes count as progress when they are read.
struct CountingFile {
    input: Input,
    queue: Arc<LoadQueue>,
}

impl Read for CountingFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.input {
            Input::File(file) => file.read(buffer)?,
            Input::Stream(arriving) => arriving.read(buffer)?,
        };
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
        Self::with(plan, rules, disk, Arc::default(), wake)
    }

    fn with(
        plan: LoadPlan,
        rules: LoadRules,
        disk: Arc<dyn Disk>,
        signal: Arc<Signal>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> (Self, LoadReceiver) {
        let queue = Arc::new(LoadQueue::new(signal, wake));
        let receiver = LoadReceiver::new(Arc::clone(&queue));
        let (report, file) = (LoadReport::default(), FileReport::default());
        (Self { plan, rules, disk, queue, state: State::New, report, file, given: None }, receiver)
    }

    /// Prepares to load a file that a primary has sent.
    pub(crate) fn received(
        received: ReceivedFile,
        rules: LoadRules,
        disk: Arc<dyn Disk>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> (Self, LoadReceiver) {
        let ReceivedFile { file, name, len_bytes } = received;
        let plan = LoadPlan::received(name, len_bytes);
        let (mut loader, receiver) = Self::new(plan, rules, disk, wake);
        loader.given = Some(Input::File(file));
        (loader, receiver)
    }

    /// Prepares to load what a primary sends, as it arrives; `signal` is raised when something does.
    pub(crate) fn arriving(
        plan: LoadPlan,
        arriving: Arc<ReceiveQueue>,
        rules: LoadRules,
        disk: Arc<dyn Disk>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> (Self, LoadReceiver) {
        let (mut loader, receiver) = Self::with(plan, rules, disk, arriving.signal(), wake);
        loader.given = Some(Input::Stream(arriving));
        (loader, receiver)
    }

    fn count_bytes(&self) -> State {
        let len = |file: &LoadFile| match file.role {
            FileRole::Received => file.len_bytes,
            _ => self.disk.len_bytes(&file.path).ok().flatten().unwrap_or(0),
        };
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
        if let Some(input) = self.given.take() {
            return self.begin_given(input);
        }
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
        let file = CountingFile { input: Input::File(file), queue: Arc::clone(&self.queue) };
        if role.is_append_only() && !is_rdb {
            return Ok(State::Log(Box::new(LogFileReader::new(file, Vec::new(), 0))));
        }
        match role {
            FileRole::Snapshot | FileRole::Received => {}
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

    fn begin_given(&mut self, input: Input) -> Result<State, Failure> {
        let expired_at = self.rules.drop_expired.then_some(self.rules.now);
        let mut file = CountingFile { input, queue: Arc::clone(&self.queue) };
        let reader = match &mut file.input {
            Input::File(open) => {
                open.seek(0).map_err(|error| (0, LoadErrorCause::Read(error)))?;
                SnapshotFileReader::open(file, &self.rules, expired_at)?
            }
            // Where the reader may wait it needs to keep nothing for another attempt.
            Input::Stream(arriving) if arriving.lets_wait() => {
                SnapshotFileReader::open(file, &self.rules, expired_at)?
            }
            Input::Stream(_) => SnapshotFileReader::arriving(file, &self.rules, expired_at),
        };
        Ok(State::Snapshot(Box::new(reader)))
    }

    /// Reads on, and says whether to go on at once.
    fn read_snapshot(
        &mut self,
        mut reader: Box<SnapshotFileReader<CountingFile>>,
    ) -> Result<(State, Step), Failure> {
        match reader.step(&self.queue, &self.rules, &mut self.file)? {
            SnapshotStep::More => return Ok((State::Snapshot(reader), Step::Working)),
            SnapshotStep::Waits => return Ok((State::Snapshot(reader), Step::Idle)),
            SnapshotStep::End => {}
        }
        let state = self.end_snapshot(*reader)?;
        Ok((state, Step::Working))
    }

    fn end_snapshot(&mut self, reader: SnapshotFileReader<CountingFile>) -> Result<State, Failure> {
        let role = self.plan.files[self.file.file].role;
        if role == FileRole::Received {
            let end = reader.offset();
            let (rest, file) = reader.into_rest();
            return match rest.is_empty() {
                true => Ok(State::Tail(file, end)),
                false => Err((end, LoadErrorCause::Trailing)),
            };
        }
        self.notice(&self.file.log_line());
        let number = self.file.file;
        let len_bytes = reader.offset();
        if !role.is_append_only() {
            return Ok(self.end_file(number, len_bytes));
        }
        let (rest, file) = reader.into_rest();
        if role == FileRole::OldStyle && !rest.is_empty() {
            self.notice("Reading the remaining AOF tail...");
        }
        Ok(State::Log(Box::new(LogFileReader::new(file, rest, len_bytes))))
    }

    /// What was received counts when its end has come, too.
    fn read_tail(&mut self, mut file: CountingFile, end: u64) -> Result<(State, Step), Failure> {
        match file.read(&mut [0]) {
            Ok(0) => {
                self.notice(&self.file.log_line());
                Ok((self.end_file(self.file.file, end), Step::Working))
            }
            Ok(_) => Err((end, LoadErrorCause::Trailing)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                Ok((State::Tail(file, end), Step::Working))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Ok((State::Tail(file, end), Step::Idle))
            }
            Err(error) => Err((end, LoadErrorCause::Read(error))),
        }
    }

    fn read_log(&mut self, mut reader: Box<LogFileReader<CountingFile>>) -> Result<State, Failure> {
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
            Ok(LogStep::End) => {
                self.tell_position(number, reader.position());
                Ok(self.end_file(number, reader.log().position()))
            }
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

    /// A position counts as the last thing of the last file: behind anything else the stream went on.
    fn tell_position(&self, number: usize, position: Option<StreamPosition>) {
        let is_last = number + 1 == self.plan.files.len();
        let position = position.filter(|found| is_last && found.database < self.rules.databases);
        if let Some(StreamPosition { id, offset, database, .. }) = position {
            let position = ReplicationAux { stream_db: database, id, offset };
            self.queue.push(LoadBatch::Position(position), 0);
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
        let working = |state| (state, Step::Working);
        let next = match std::mem::replace(&mut self.state, State::Ended) {
            State::New => Ok(working(self.count_bytes())),
            State::Next(number) => self.begin(number).map(working),
            State::Snapshot(reader) => self.read_snapshot(reader),
            State::Log(reader) => self.read_log(reader).map(working),
            State::Tail(file, end) => self.read_tail(file, end),
            State::Ended => return Step::Done,
        };
        match next {
            Ok((State::Ended, _)) => Step::Done,
            Ok((state, step)) => {
                self.state = state;
                step
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
