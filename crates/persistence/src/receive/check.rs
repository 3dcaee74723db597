//! Verifying a file while it arrives, before anything depends on it.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dunlin_rdb::{ChecksumOutcome, Item, Reader};

use super::arrival::{Arrival, Stage};
use crate::disk::{Disk, DiskFile};
use crate::job::{Job, Signal, Step};
use crate::load::{LoadError, LoadErrorCause, LoadRules};

/// Items that are decoded in one step.
const STEP_ITEMS: usize = 512;

/// Bytes after which a step ends.
const STEP_BYTES: u64 = 256 << 10;

/// Decodes a file to its end, right behind the one that writes it and by the rules by which it will
/// be loaded, and keeps nothing of it. It ends with a verdict, unless the file is given up.
#[must_use = "a job does nothing unless it is run"]
pub struct CheckJob {
    path: PathBuf,
    rules: LoadRules,
    disk: Arc<dyn Disk>,
    arrival: Arc<Arrival>,
    reader: Option<Reader<ArrivingFile>>,
    /// Where the data set ended, if it has.
    end: Option<u64>,
}

/// The part of a file that is there already.
struct ArrivingFile {
    file: Box<dyn DiskFile>,
    read_bytes: u64,
    arrival: Arc<Arrival>,
}

impl Read for ArrivingFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.arrival.readable(self.read_bytes)?.min(buffer.len());
        let count = self.file.read(&mut buffer[..len])?;
        self.read_bytes += count as u64;
        Ok(count)
    }
}

/// Where a file is wrong, and how.
type Fault = (u64, LoadErrorCause);

impl CheckJob {
    pub(crate) fn new(
        path: PathBuf,
        rules: LoadRules,
        disk: Arc<dyn Disk>,
        arrival: Arc<Arrival>,
    ) -> Self {
        Self { path, rules, disk, arrival, reader: None, end: None }
    }

    /// Does a piece of work; [`Step::Done`] says that the file is sound.
    fn go_on(&mut self) -> Result<Step, Fault> {
        match self.end {
            Some(end) => self.check_tail(end),
            None => self.decode(),
        }
    }

    fn open(&self) -> Result<Reader<ArrivingFile>, Fault> {
        let file = self.disk.open(&self.path).map_err(|error| (0, LoadErrorCause::Open(error)))?;
        let arrival = Arc::clone(&self.arrival);
        let file = ArrivingFile { file, read_bytes: 0, arrival };
        let mut reader = if self.arrival.lets_wait() {
            Reader::open(file, self.rules.limits).map_err(|error| (error.offset, error.into()))?
        } else {
            Reader::patient(file, self.rules.limits)
        };
        if !self.rules.checksum {
            reader.ignore_checksum();
        }
        Ok(reader)
    }

    fn decode(&mut self) -> Result<Step, Fault> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None if self.arrival.stage() == Stage::Awaited => return Ok(Step::Idle),
            None => {
                let reader = self.open()?;
                self.reader.insert(reader)
            }
        };
        let from = reader.offset();
        for _ in 0..STEP_ITEMS {
            match reader.next_item() {
                Ok(Item::SelectDb(number)) if number >= u64::from(self.rules.databases) => {
                    let databases = self.rules.databases;
                    let cause = LoadErrorCause::Database { number, databases };
                    return Err((reader.offset(), cause));
                }
                Ok(Item::End(ChecksumOutcome::Wrong { expected, found })) => {
                    return Err((reader.offset(), LoadErrorCause::Checksum { expected, found }));
                }
                Ok(Item::End(_)) => {
                    self.end = Some(reader.offset());
                    break;
                }
                Ok(_) => {}
                Err(error) if error.is_waiting() => return Ok(Step::Idle),
                Err(error) => return Err((error.offset, error.into())),
            }
            if reader.offset() - from >= STEP_BYTES {
                break;
            }
        }
        Ok(Step::Working)
    }

    /// Nothing may follow.
    fn check_tail(&self, end: u64) -> Result<Step, Fault> {
        match self.arrival.readable(end) {
            Ok(0) => Ok(Step::Done),
            Ok(_) => Err((end, LoadErrorCause::Trailing)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Step::Idle),
            Err(error) => Err((end, LoadErrorCause::Read(error))),
        }
    }
}

impl Job for CheckJob {
    fn step(&mut self) -> Step {
        if self.arrival.stage() == Stage::Aborted {
            return Step::Done;
        }
        let verdict = match self.go_on() {
            Ok(Step::Done) => Ok(()),
            Ok(step) => return step,
            Err((offset, cause)) => {
                let file = name_of(&self.path);
                Err(LoadError { file, is_append_only: false, offset, cause })
            }
        };
        self.arrival.judge(verdict);
        Step::Done
    }

    fn signal(&self) -> Arc<Signal> {
        self.arrival.checker_signal()
    }
}

/// What the log calls a file.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
