//! Where the bytes of a snapshot go: files, or anything else that takes bytes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::error::{Operation, reason};
use crate::disk::{Disk, DiskFile};
use crate::job::Signal;

/// Bytes after which a file is synced while it is written, so that the last sync is short.
const SYNC_EVERY_BYTES: u64 = 4 << 20;

/// Takes the bytes of a snapshot in order: a replica's connection, a file of another kind.
pub trait Outlet: Send {
    /// Says what is to be raised when there is room again.
    fn attach(&mut self, _signal: Arc<Signal>) {}

    /// Whether anybody is there who takes bytes.
    ///
    /// # Errors
    /// Why nothing more can be taken: the others go on without this one.
    fn check(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Takes some of `bytes` and returns how many. 0 means that there is no room.
    ///
    /// # Errors
    /// As [`Outlet::check`].
    fn write(&mut self, bytes: &[u8]) -> Result<usize, String>;

    /// As [`Outlet::write`], from `from` on: the bytes may be kept without a copy.
    ///
    /// # Errors
    /// As [`Outlet::check`].
    fn write_shared(&mut self, bytes: &Bytes, from: usize) -> Result<usize, String> {
        self.write(&bytes[from..])
    }

    /// A step towards being complete; all bytes were taken. Whether it was the last one.
    ///
    /// # Errors
    /// Why it cannot be completed.
    fn finish(&mut self) -> Result<bool, String>;

    /// Whether the next step of [`Outlet::finish`] is the one that cannot be taken back.
    fn publishes_next(&self) -> bool {
        false
    }

    /// Whether it is past being taken back.
    fn is_published(&self) -> bool {
        false
    }

    /// The snapshot will not be completed, for this reason: leaves nothing behind.
    fn abandon(&mut self, why: &str);
}

/// Where a file is left open when it is complete, for whoever reads it next: its name may be that of
/// another one by then.
#[derive(Clone, Default)]
pub struct FileSlot(Arc<Mutex<Option<Box<dyn DiskFile>>>>);

impl FileSlot {
    /// The file, once.
    #[must_use]
    pub fn take(&self) -> Option<Box<dyn DiskFile>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, file: Box<dyn DiskFile>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    }
}

/// A file that gets its name when it is complete.
pub(super) struct FileOutlet {
    disk: Arc<dyn Disk>,
    temporary: PathBuf,
    publish: Option<PathBuf>,
    /// Whether to sync on the way.
    incremental_sync: bool,
    /// Where it stays open.
    keep: Option<FileSlot>,
    stage: Stage,
}

enum Stage {
    /// Not created yet.
    New,
    /// Being written, with the bytes since the last sync.
    Open(Box<dyn DiskFile>, u64),
    /// Synced and closed, still under its temporary name.
    Synced,
    /// Under its final name, which a crash may still take away.
    Renamed,
    /// Complete, or given up and removed.
    Ended,
}

impl FileOutlet {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        temporary: PathBuf,
        publish: Option<PathBuf>,
        incremental_sync: bool,
        keep: Option<FileSlot>,
    ) -> Self {
        Self { disk, temporary, publish, incremental_sync, keep, stage: Stage::New }
    }

    fn failed(&self, operation: Operation, error: &io::Error) -> String {
        let path = match operation {
            Operation::Rename | Operation::SyncDirectory => self.final_name(),
            _ => &self.temporary,
        };
        reason(operation, path, error)
    }

    fn final_name(&self) -> &Path {
        self.publish.as_deref().unwrap_or(&self.temporary)
    }

    /// The directory whose names are to last.
    fn directory(&self) -> &Path {
        match self.final_name().parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    fn create(&mut self) -> Result<(), String> {
        // What a dead process of this number has left may be a base in use: a power loss can keep
        // both names of a file that was on its way from one directory to another.
        if let Err(error) = self.disk.remove(&self.temporary)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(self.failed(Operation::Create, &error));
        }
        match self.disk.create(&self.temporary) {
            Ok(file) => {
                self.stage = Stage::Open(file, 0);
                Ok(())
            }
            Err(error) => Err(self.failed(Operation::Create, &error)),
        }
    }

    fn synced(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Synced);
        if let (Stage::Open(file, _), Some(slot)) = (stage, &self.keep) {
            slot.put(file);
        }
    }

    fn rename(&mut self) -> io::Result<()> {
        if let Some(name) = &self.publish {
            self.disk.rename(&self.temporary, name)?;
        }
        self.stage = Stage::Renamed;
        Ok(())
    }
}

impl Outlet for FileOutlet {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, String> {
        if let Stage::New = self.stage {
            self.create()?;
        }
        let Stage::Open(file, unsynced_bytes) = &mut self.stage else {
            unreachable!("a file is written before it is finished")
        };
        if let Err(error) = file.write_all(bytes) {
            return Err(self.failed(Operation::Write, &error));
        }
        *unsynced_bytes += bytes.len() as u64;
        if self.incremental_sync && *unsynced_bytes >= SYNC_EVERY_BYTES {
            *unsynced_bytes = 0;
            if let Err(error) = file.sync_soon() {
                return Err(self.failed(Operation::Sync, &error));
            }
        }
        Ok(bytes.len())
    }

    fn finish(&mut self) -> Result<bool, String> {
        match &mut self.stage {
            // In the form of commands nothing at all may be to write.
            Stage::New => self.create().map(|()| false),
            Stage::Ended => Ok(true),
            Stage::Open(file, _) => match file.sync() {
                Ok(()) => {
                    self.synced();
                    Ok(false)
                }
                Err(error) => Err(self.failed(Operation::Sync, &error)),
            },
            Stage::Synced => match self.rename() {
                Ok(()) => Ok(false),
                Err(error) => Err(self.failed(Operation::Rename, &error)),
            },
            Stage::Renamed => match self.disk.sync_directory(self.directory()) {
                Ok(()) => {
                    self.stage = Stage::Ended;
                    Ok(true)
                }
                Err(error) => Err(self.failed(Operation::SyncDirectory, &error)),
            },
        }
    }

    fn publishes_next(&self) -> bool {
        matches!(self.stage, Stage::Synced)
    }

    fn is_published(&self) -> bool {
        matches!(self.stage, Stage::Renamed | Stage::Ended)
    }

    fn abandon(&mut self, _: &str) {
        let remove = match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Open(..) | Stage::Synced => true,
            // Without a final name the file is the caller's to remove once it is complete.
            Stage::Renamed => self.publish.is_none(),
            Stage::New | Stage::Ended => false,
        };
        if remove {
            // Nobody is to be told: the snapshot has its reason already, and the next one writes
            // over the file.
            let _ = self.disk.remove(&self.temporary);
        }
    }
}

impl Drop for FileOutlet {
    fn drop(&mut self) {
        self.abandon("");
    }
}
