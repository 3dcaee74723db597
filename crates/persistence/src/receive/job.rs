//! Writing what arrives to a file, verifying it, and giving it its name.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arrival::Arrival;
use super::check::name_of;
use super::error::{Operation, ReceiveError};
use super::queue::{ReceiveQueue, Taken};
use crate::disk::{Disk, DiskFile};
use crate::events::Events;
use crate::job::{Job, Signal, Step};

/// Bytes after which the system is asked to bring them to the disk, so that the last sync is short.
const SYNC_EVERY_BYTES: u64 = 8 << 20;

/// What is to become of a transfer.
pub struct ReceiveRequest {
    /// The name of the file while it arrives.
    pub temporary: PathBuf,
    /// Its name when it was verified.
    pub publish: PathBuf,
}

/// What became of a transfer.
#[derive(Debug)]
pub enum ReceiveEvent {
    /// The file is whole, verified, and has its name.
    Received(ReceivedFile),
    /// There is no such file; the old one is still there.
    Failed(String),
}

/// A file that a primary sent, open for whoever loads it.
pub struct ReceivedFile {
    pub(crate) file: Box<dyn DiskFile>,
    /// What the log calls it.
    pub(crate) name: String,
    pub(crate) len_bytes: u64,
}

impl std::fmt::Debug for ReceivedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, len_bytes, .. } = self;
        f.debug_struct("ReceivedFile").field("name", name).field("len_bytes", len_bytes).finish()
    }
}

/// Takes what arrives. It ends with one [`ReceiveEvent`], unless the transfer is given up: then
/// nothing is left of it.
#[must_use = "a job does nothing unless it is run"]
pub struct ReceiveJob {
    request: ReceiveRequest,
    disk: Arc<dyn Disk>,
    queue: Arc<ReceiveQueue>,
    arrival: Arc<Arrival>,
    events: Events<ReceiveEvent>,
    stage: Stage,
    len_bytes: u64,
    unsynced_bytes: u64,
    /// Whether a file of the temporary name is there that somebody has to remove.
    has_temporary: bool,
}

enum Stage {
    New,
    Writing(Box<dyn DiskFile>),
    /// All has arrived.
    Written(Box<dyn DiskFile>),
    /// It will last, and waits to be found sound.
    Synced(Box<dyn DiskFile>),
    /// It has its name, which a crash may still take away.
    Renamed(Box<dyn DiskFile>),
    Ended,
}

impl ReceiveJob {
    pub(crate) fn new(
        request: ReceiveRequest,
        disk: Arc<dyn Disk>,
        queue: Arc<ReceiveQueue>,
        arrival: Arc<Arrival>,
        events: Events<ReceiveEvent>,
    ) -> Self {
        Self {
            request,
            disk,
            queue,
            arrival,
            events,
            stage: Stage::New,
            len_bytes: 0,
            unsynced_bytes: 0,
            has_temporary: false,
        }
    }

    fn next(&mut self, stage: Stage) -> Result<(Stage, Step), ReceiveError> {
        if let Some(fault) = self.arrival.take_fault() {
            return Err(ReceiveError::Unsound(fault));
        }
        let next = match stage {
            Stage::New => {
                let temporary = &self.request.temporary;
                let created = self.disk.create(temporary);
                let file = created.map_err(|error| self.failed(Operation::Create, error))?;
                self.has_temporary = true;
                self.arrival.written(0);
                Stage::Writing(file)
            }
            Stage::Writing(file) => return self.write(file),
            Stage::Written(mut file) => {
                file.sync().map_err(|error| self.failed(Operation::Sync, error))?;
                Stage::Synced(file)
            }
            Stage::Synced(file) if !self.arrival.is_sound() => {
                return Ok((Stage::Synced(file), Step::Idle));
            }
            Stage::Synced(file) => {
                let renamed = self.disk.rename(&self.request.temporary, &self.request.publish);
                renamed.map_err(|error| self.failed(Operation::Rename, error))?;
                self.has_temporary = false;
                Stage::Renamed(file)
            }
            Stage::Renamed(file) => {
                let synced = self.disk.sync_directory(directory(&self.request.publish));
                synced.map_err(|error| self.failed(Operation::SyncDirectory, error))?;
                let (name, len_bytes) = (name_of(&self.request.temporary), self.len_bytes);
                self.events.tell(ReceiveEvent::Received(ReceivedFile { file, name, len_bytes }));
                return Ok((Stage::Ended, Step::Done));
            }
            Stage::Ended => return Ok((Stage::Ended, Step::Done)),
        };
        Ok((next, Step::Working))
    }

    /// Writes a piece.
    fn write(&mut self, mut file: Box<dyn DiskFile>) -> Result<(Stage, Step), ReceiveError> {
        let bytes = match self.queue.take() {
            Taken::Bytes(bytes) => bytes,
            Taken::Nothing => return Ok((Stage::Writing(file), Step::Idle)),
            Taken::End => {
                self.arrival.finish();
                return Ok((Stage::Written(file), Step::Working));
            }
            Taken::Aborted => return Ok((Stage::Ended, Step::Done)),
        };
        file.write_all(&bytes).map_err(|error| self.failed(Operation::Write, error))?;
        self.len_bytes += bytes.len() as u64;
        self.arrival.written(self.len_bytes);
        self.unsynced_bytes += bytes.len() as u64;
        if self.unsynced_bytes >= SYNC_EVERY_BYTES {
            self.unsynced_bytes = 0;
            file.sync_soon().map_err(|error| self.failed(Operation::Sync, error))?;
        }
        Ok((Stage::Writing(file), Step::Working))
    }

    fn failed(&self, operation: Operation, error: io::Error) -> ReceiveError {
        let path = match operation {
            Operation::Rename | Operation::SyncDirectory => &self.request.publish,
            _ => &self.request.temporary,
        };
        ReceiveError::System { operation, path: path.clone(), error }
    }

    /// Leaves nothing behind.
    fn clean_up(&mut self) {
        self.arrival.abort();
        if std::mem::take(&mut self.has_temporary) {
            // Nobody is to be told: the transfer has its reason already.
            let _ = self.disk.remove(&self.request.temporary);
        }
    }
}

/// The directory that holds a name.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

impl Job for ReceiveJob {
    fn step(&mut self) -> Step {
        let stage = std::mem::replace(&mut self.stage, Stage::Ended);
        let is_aborted = self.queue.is_aborted();
        let next = if is_aborted { Ok((Stage::Ended, Step::Done)) } else { self.next(stage) };
        match next {
            Ok((stage, step)) => {
                self.stage = stage;
                if step == Step::Done {
                    self.clean_up();
                }
                step
            }
            Err(error) => {
                self.clean_up();
                self.events.tell(ReceiveEvent::Failed(error.to_string()));
                Step::Done
            }
        }
    }

    fn signal(&self) -> Arc<Signal> {
        self.queue.signal()
    }
}

impl Drop for ReceiveJob {
    fn drop(&mut self) {
        self.clean_up();
    }
}
