//! The state behind all disks and files of one simulated machine.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fastrand::Rng;

use super::content::{Content, Tear};
use super::fault::{Call, Fault, Faults, error};
use super::names::{FileNumber, Kept, Names, Node};

/// Calls that the log of a failing test shows.
const LOG_CALLS_MAX: usize = 1000;

/// The number of a process; [`Machine::alive`] says whether it still runs.
pub(super) type ProcessNumber = usize;

/// One file, whatever its names.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    pub(super) content: Content,
    /// Open handles.
    pub(super) open: usize,
    /// The process and the handle that have it for themselves.
    pub(super) locked_by: Option<(ProcessNumber, u64)>,
}

/// One call, for the messages of failing tests.
#[derive(Clone, Debug)]
struct Logged {
    number: u64,
    process: ProcessNumber,
    call: Call,
    path: PathBuf,
    outcome: String,
}

impl fmt::Display for Logged {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Logged { number, process, call, path, outcome } = self;
        write!(to, "{number} process {process}: {call:?} {}: {outcome}", path.display())
    }
}

/// Files, names, faults and processes.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) files: Vec<File>,
    pub(super) names: Names,
    pub(super) faults: Faults,
    pub(super) random: Rng,
    /// Bytes that fit, in all files together.
    pub(super) capacity_bytes: Option<u64>,
    /// Calls so far.
    pub(super) calls: u64,
    /// The call at which the power goes.
    pub(super) power_off_at: Option<u64>,
    pub(super) off: bool,
    pub(super) delay: Duration,
    alive: Vec<bool>,
    handles: u64,
    log: VecDeque<Logged>,
}

impl Machine {
    pub(super) fn new(seed: u64) -> Machine {
        Machine::found(Names::default(), Vec::new(), Rng::with_seed(seed))
    }

    fn found(names: Names, files: Vec<File>, random: Rng) -> Machine {
        Machine {
            files,
            names,
            faults: Faults::default(),
            random,
            capacity_bytes: None,
            calls: 0,
            power_off_at: None,
            off: false,
            delay: Duration::ZERO,
            alive: vec![true],
            handles: 0,
            log: VecDeque::new(),
        }
    }

    /// The machine as it is found when the power is back. This one stays off.
    pub(super) fn after_power_loss(&mut self, random: &mut Rng) -> Machine {
        self.off = true;
        let mut found = self.found_after_power_loss(random);
        found.log = std::mem::take(&mut self.log);
        found.calls = self.calls;
        found
    }

    /// The machine as it would be found if the power went now.
    pub(super) fn found_after_power_loss(&self, random: &mut Rng) -> Machine {
        // A third of the machines lose or keep everything: the two ends find most mistakes.
        let mood = random.u8(..6);
        let kept = match mood {
            0 => Kept::None,
            1 => Kept::All,
            2..=4 => Kept::First,
            _ => Kept::Any,
        };
        let names = self.names.clone().after_power_loss(kept, random);
        let tear = |random: &mut Rng| match mood {
            0 => Tear::Lost,
            1 => Tear::Kept,
            _ => Tear::random(random),
        };
        let files = self.files.iter().map(|file| {
            let tear = tear(random);
            let content = file.content.clone().after_power_loss(tear, random);
            File { content, open: 0, locked_by: None }
        });
        let files = files.collect();
        let seed = random.u64(..);
        Machine::found(names, files, Rng::with_seed(seed))
    }

    pub(super) fn start_process(&mut self) -> ProcessNumber {
        self.alive.push(true);
        self.alive.len() - 1
    }

    /// Ends a process: what it wrote stays, what it locked is free.
    pub(super) fn end_process(&mut self, process: ProcessNumber) {
        self.alive[process] = false;
        for file in &mut self.files {
            if file.locked_by.is_some_and(|(owner, _)| owner == process) {
                file.locked_by = None;
            }
        }
    }

    /// Whether calls of this process still do anything.
    pub(super) fn runs(&self, process: ProcessNumber) -> bool {
        !self.off && self.alive[process]
    }

    /// Counts a call and says what it meets: an error, or whether it is to be short.
    pub(super) fn meet(
        &mut self,
        process: ProcessNumber,
        call: Call,
        path: &Path,
    ) -> io::Result<bool> {
        self.calls += 1;
        if self.power_off_at.is_some_and(|at| self.calls >= at) {
            self.off = true;
        }
        if !self.runs(process) {
            return Err(io::Error::other("the simulated process has ended"));
        }
        match self.faults.meet(call, path, &mut self.random) {
            None => Ok(false),
            Some(Fault::Short) => Ok(true),
            Some(Fault::Slow(delay)) => {
                self.delay += delay;
                Ok(false)
            }
            Some(Fault::Error(number)) => Err(error(number)),
        }
    }

    /// Notes what became of the call that [`Machine::meet`] counted.
    pub(super) fn note<T>(
        &mut self,
        process: ProcessNumber,
        call: Call,
        path: &Path,
        outcome: &io::Result<T>,
        success: impl FnOnce(&T) -> String,
    ) {
        if self.log.len() == LOG_CALLS_MAX {
            self.log.pop_front();
        }
        let outcome = match outcome {
            Ok(value) => success(value),
            Err(error) => error.to_string(),
        };
        let path = path.to_owned();
        self.log.push_back(Logged { number: self.calls, process, call, path, outcome });
    }

    /// The last calls, one a line.
    pub(super) fn log(&self) -> String {
        self.log.iter().map(|logged| format!("{logged}\n")).collect()
    }

    pub(super) fn new_file(&mut self) -> FileNumber {
        self.files.push(File::default());
        self.files.len() - 1
    }

    pub(super) fn new_handle(&mut self) -> u64 {
        self.handles += 1;
        self.handles
    }

    /// The file of this name.
    pub(super) fn file(&self, path: &Path) -> io::Result<FileNumber> {
        match self.names.get(path) {
            Some(Node::File(number)) => Ok(number),
            Some(Node::Directory) => Err(error(libc::EISDIR)),
            None => Err(error(libc::ENOENT)),
        }
    }

    /// The file of this name, made if it is missing.
    pub(super) fn file_or_new(&mut self, path: &Path) -> io::Result<FileNumber> {
        match self.file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
        if !self.names.has_parent(path) {
            return Err(error(libc::ENOENT));
        }
        let number = self.new_file();
        self.names.set(path.to_owned(), Node::File(number));
        Ok(number)
    }

    /// Bytes that may still be written, in all files together.
    pub(super) fn room_bytes(&self) -> usize {
        let Some(capacity) = self.capacity_bytes else { return usize::MAX };
        let mut used = vec![false; self.files.len()];
        for (_, number) in self.names.files() {
            used[number] = true;
        }
        let taken: usize = self
            .files
            .iter()
            .zip(used)
            .filter(|(file, named)| *named || file.open > 0)
            .map(|(file, _)| file.content.current().len())
            .sum();
        usize::try_from(capacity).unwrap_or(usize::MAX).saturating_sub(taken)
    }
}
