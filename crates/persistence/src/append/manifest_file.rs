//! The manifest on disk, and the lock that says whose it is.
//!
//! Each manifest is written to a temporary file, synced, and renamed over the one before. The lock
//! is on the file itself, so it moves with the name: the next one is locked before it takes the
//! place of the last. Where there is no manifest yet, the temporary file is locked.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::AppendError;
use super::paths::{AppendPaths, text};
use crate::disk::{Disk, DiskFile, error_text};

/// A manifest has a line or two for each rewrite that was never finished.
const BYTES_MAX: usize = 16 << 20;

/// How often a manifest that is replaced while it is being opened is opened again. Each time means
/// that another server has finished a rewrite just now.
const ATTEMPTS_MAX: u32 = 16;

pub(super) struct ManifestFile {
    disk: Arc<dyn Disk>,
    paths: AppendPaths,
    held: Held,
}

/// The file whose lock keeps others out.
enum Held {
    /// There is no manifest yet: the file that will be.
    Temporary(Box<dyn DiskFile>),
    /// There is no manifest yet, and this file could not become it.
    Spoiled(#[expect(dead_code)] Box<dyn DiskFile>),
    /// The manifest.
    Manifest(#[expect(dead_code)] Box<dyn DiskFile>),
    /// The first manifest is being written, or the log was given up.
    Nothing,
}

/// Why a manifest was not replaced.
pub(super) enum NotReplaced {
    /// The one before is in force.
    Before(AppendError),
    /// The new one is in force, but the one before may be there again after a power loss.
    NotDurable(AppendError),
}

impl NotReplaced {
    pub(super) fn error(self) -> AppendError {
        match self {
            Self::Before(error) | Self::NotDurable(error) => error,
        }
    }
}

impl ManifestFile {
    /// Takes the log for this process, and reads its manifest if there is one. Makes the directory.
    pub(super) fn take(
        disk: &Arc<dyn Disk>,
        paths: &AppendPaths,
    ) -> Result<(Self, Option<Vec<u8>>), AppendError> {
        let in_use = || AppendError::InUse(paths.manifest());
        for _ in 0..ATTEMPTS_MAX {
            let taken = match disk.open(&paths.manifest()) {
                Ok(file) => take_manifest(&**disk, paths, file)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    take_temporary(&**disk, paths)?
                }
                Err(error) => return Err(cannot_read(paths, &error)),
            };
            match taken {
                Taken::Ours(held, bytes) => {
                    let (disk, paths) = (Arc::clone(disk), paths.clone());
                    return Ok((Self { disk, paths, held }, bytes));
                }
                Taken::Theirs => return Err(in_use()),
                Taken::Replaced => {}
            }
        }
        Err(in_use())
    }

    /// Gives up the lock.
    pub(super) fn release(&mut self) {
        self.held = Held::Nothing;
    }

    /// The manifest in force, for who has the log already.
    pub(super) fn read(
        disk: &dyn Disk,
        paths: &AppendPaths,
    ) -> Result<Option<Vec<u8>>, AppendError> {
        match disk.open(&paths.manifest()).and_then(|mut file| read_all(&mut *file)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(cannot_read(paths, &error)),
        }
    }

    /// Replaces the manifest.
    pub(super) fn replace(&mut self, bytes: &[u8]) -> Result<(), NotReplaced> {
        let file = self.write_temporary(bytes).map_err(NotReplaced::Before)?;
        let (from, to) = (self.temporary_path(), self.paths.manifest());
        if let Err(error) = self.disk.rename(&from, &to) {
            self.keep_out_others(file);
            let names = [self.paths.names.temporary_manifest(), self.paths.names.manifest()];
            let [from, to] = names.map(|name| text(&name));
            let doing =
                format!("Error trying to rename the temporary AOF manifest file {from} into {to}");
            return Err(NotReplaced::Before(AppendError::system(&doing, &error)));
        }
        self.held = Held::Manifest(file);
        self.disk.sync_directory(&self.paths.directory()).map_err(|error| {
            NotReplaced::NotDurable(AppendError::System(format!(
                "Fail to fsync AOF directory {}: {}.",
                to.display(),
                error_text(&error)
            )))
        })
    }

    /// A locked, synced file with these bytes under the temporary name.
    fn write_temporary(&mut self, bytes: &[u8]) -> Result<Box<dyn DiskFile>, AppendError> {
        let name = text(&self.paths.names.temporary_manifest());
        let mut file = self.open_temporary(&name)?;
        match fill(&mut *file, bytes, &name) {
            Ok(()) => Ok(file),
            Err(error) => {
                self.keep_out_others(file);
                Err(error)
            }
        }
    }

    /// Holds a file for its lock where there is no manifest to hold.
    fn keep_out_others(&mut self, file: Box<dyn DiskFile>) {
        if !matches!(self.held, Held::Manifest(_)) {
            self.held = Held::Spoiled(file);
        }
    }

    fn open_temporary(&mut self, name: &str) -> Result<Box<dyn DiskFile>, AppendError> {
        if let Held::Temporary(_) = self.held
            && let Held::Temporary(file) = std::mem::replace(&mut self.held, Held::Nothing)
        {
            return Ok(file);
        }
        let path = self.temporary_path();
        let failed = |error: io::Error| cannot_open(name, &error);
        // What a crash or a failure has left; a failed sync must not be tried again on that file.
        match self.disk.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let mut file = self.disk.append(&path).map_err(failed)?;
        if !file.lock().map_err(failed)? {
            return Err(AppendError::InUse(path));
        }
        let is_first = !matches!(self.held, Held::Manifest(_));
        if is_first && self.disk.len_bytes(&self.paths.manifest()).map_err(failed)?.is_some() {
            return Err(AppendError::InUse(self.paths.manifest()));
        }
        Ok(file)
    }

    fn temporary_path(&self) -> PathBuf {
        self.paths.file(&self.paths.names.temporary_manifest())
    }
}

fn fill(file: &mut dyn DiskFile, bytes: &[u8], name: &str) -> Result<(), AppendError> {
    let written = file.truncate(0).and_then(|()| file.write_all(bytes));
    let doing = format!("Error trying to write the temporary AOF manifest file {name}");
    written.map_err(|error| AppendError::system(&doing, &error))?;
    file.sync().map_err(|error| {
        let error = error_text(&error);
        AppendError::System(format!("Fail to fsync the temp AOF file {name}: {error}."))
    })
}

/// What came of an attempt to take the log.
enum Taken {
    Ours(Held, Option<Vec<u8>>),
    Theirs,
    /// The manifest changed meanwhile.
    Replaced,
}

fn take_manifest(
    disk: &dyn Disk,
    paths: &AppendPaths,
    mut file: Box<dyn DiskFile>,
) -> Result<Taken, AppendError> {
    let failed = |error: io::Error| cannot_read(paths, &error);
    if !file.lock().map_err(failed)? {
        return Ok(Taken::Theirs);
    }
    let bytes = read_all(&mut *file).map_err(failed)?;
    // Its owner may have put another one in its place before we had the lock of this one.
    let current = match disk.open(&paths.manifest()) {
        Ok(mut current) => read_all(&mut *current).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Taken::Replaced),
        Err(error) => return Err(failed(error)),
    };
    if current != bytes {
        return Ok(Taken::Replaced);
    }
    Ok(Taken::Ours(Held::Manifest(file), Some(bytes)))
}

fn take_temporary(disk: &dyn Disk, paths: &AppendPaths) -> Result<Taken, AppendError> {
    let directory = paths.directory();
    disk.create_directory(&directory).and_then(|()| disk.sync_directory(paths.dir())).map_err(
        |error| {
            let name = paths.directory_name();
            AppendError::system(&format!("Can't open or create append-only dir {name}"), &error)
        },
    )?;
    let name = paths.names.temporary_manifest();
    // Not emptied: it may be the manifest of another server a moment later.
    let failed = |error: io::Error| cannot_open(&text(&name), &error);
    let mut file = disk.append(&paths.file(&name)).map_err(failed)?;
    if !file.lock().map_err(failed)? {
        return Ok(Taken::Theirs);
    }
    match disk.len_bytes(&paths.manifest()).map_err(failed)? {
        None => Ok(Taken::Ours(Held::Temporary(file), None)),
        Some(_) => Ok(Taken::Replaced),
    }
}

fn read_all(file: &mut dyn DiskFile) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(_) if bytes.len() > BYTES_MAX => return Err(io::ErrorKind::FileTooLarge.into()),
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn cannot_read(paths: &AppendPaths, error: &io::Error) -> AppendError {
    let path = paths.manifest();
    let doing =
        format!("Fatal error: can't open the AOF manifest file {} for reading", path.display());
    AppendError::system(&doing, error)
}

fn cannot_open(name: &str, error: &io::Error) -> AppendError {
    AppendError::system(&format!("Can't open the AOF manifest file {name}"), error)
}
