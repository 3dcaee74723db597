//! The files of the log: taken at start, loaded, then opened for what comes.

use std::io;
use std::path::Path;
use std::sync::Arc;

use dunlin_aof::{BaseForm, LogFile, Manifest};

use super::error::AppendError;
use super::events::{LogLevel, LogLine};
use super::manifest_file::{ManifestFile, NotReplaced};
use super::open_log::OpenLog;
use super::paths::{AppendPaths, text};
use super::rewrite::Incremental;
use crate::disk::Disk;
use crate::load::{FileRole, LoadFile, LoadPlan};

/// How much of a file is given back to the system at once: the sync of a command that waits behind
/// it must not wait for gigabytes.
const REMOVED_BYTES_MAX: u64 = 256 << 20;

/// The files of the log. As long as this lives, no other server can have it.
pub struct AppendFiles {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) paths: AppendPaths,
    pub(super) manifest_file: ManifestFile,
    pub(super) manifest: Manifest,
    /// Whether the manifest in force is known to last.
    pub(super) is_manifest_durable: bool,
    log: Vec<LogLine>,
}

impl AppendFiles {
    /// Takes the log of a server that starts with `appendonly yes`, and says what to load. An old
    /// single file becomes the base.
    ///
    /// # Errors
    /// See [`AppendError`]; the server must not start.
    pub fn open(disk: &Arc<dyn Disk>, paths: AppendPaths) -> Result<(Self, LoadPlan), AppendError> {
        let mut files = Self::enable(disk, paths)?;
        files.migrate_old_style()?;
        let plan = files.plan()?;
        Ok((files, plan))
    }

    /// Takes the log of a server that switches it on: what it holds is not of interest, but its
    /// numbers go on. The first rewrite must be [`Incremental::Temporary`], or [`Incremental::Off`] if
    /// it is only a rewrite that is wanted.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn enable(disk: &Arc<dyn Disk>, paths: AppendPaths) -> Result<Self, AppendError> {
        let (manifest_file, bytes) = ManifestFile::take(disk, &paths)?;
        let manifest = bytes.as_deref().map(Manifest::parse).transpose()?;
        let is_new = manifest.is_none();
        let mut files = Self {
            disk: Arc::clone(disk),
            paths,
            manifest_file,
            manifest: manifest.unwrap_or_default(),
            is_manifest_durable: true,
            log: Vec::new(),
        };
        files.look_for_strangers(is_new)?;
        Ok(files)
    }

    /// Makes a single file of Redis up to 6.2 the base. A crash at any point leaves what is found
    /// and done again at the next start.
    fn migrate_old_style(&mut self) -> Result<(), AppendError> {
        let (old, name) = (self.paths.old_style(), text(self.paths.names.old_style()));
        let moved = self.paths.file(self.paths.names.old_style());
        let there = |path: &Path| {
            let len = self.disk.len_bytes(path);
            let is_file = len.map(|len| len.is_some() && !self.disk.is_directory(path));
            is_file.map_err(|error| AppendError::system(&format!("Can't find {name}"), &error))
        };
        let is_due = self.manifest.is_empty() || self.manifest.is_old_style_only(&self.paths.names);
        if !is_due || !there(&old)? {
            return Ok(());
        }
        let directory = self.paths.directory_name();
        if there(&moved)? {
            // With a manifest that names it, it has been moved before; the other one is a stranger.
            return if self.manifest.is_empty() {
                Err(AppendError::System(format!(
                    "The old-style AOF file {name} is there twice, in dir and in {directory}, and \
                     no manifest says which one counts. Remove one of them."
                )))
            } else {
                Ok(())
            };
        }
        let mut next = self.manifest.clone();
        next.adopt_old_style(&self.paths.names);
        self.replace_manifest(next)?;
        let doing = format!("Error trying to move the old AOF file {name} into dir {directory}");
        self.disk
            .rename(&old, &moved)
            .and_then(|()| self.disk.sync_directory(&self.paths.directory()))
            .and_then(|()| self.disk.sync_directory(self.paths.dir()))
            .map_err(|error| AppendError::system(&doing, &error))?;
        self.notice(format!(
            "Successfully migrated an old-style AOF file ({name}) into the AOF directory \
             ({directory})."
        ));
        Ok(())
    }

    /// What is to be loaded.
    fn plan(&self) -> Result<LoadPlan, AppendError> {
        plan(&*self.disk, &self.paths, &self.manifest)
    }

    /// The files that make the data set, in order, and whether each is the base.
    fn named(&self) -> impl Iterator<Item = (&LogFile, bool)> {
        named(&self.manifest)
    }

    /// Opens the log for what comes, after the plan was loaded. `empty_base` is a base file of this
    /// form without any data: where there was nothing to load, it becomes the first base.
    ///
    /// # Errors
    /// See [`AppendError`]; the server must not start.
    pub fn start(&mut self, form: BaseForm, empty_base: &[u8]) -> Result<OpenLog, AppendError> {
        self.sync_named()?;
        let mut next = self.manifest.clone();
        if next.is_empty() {
            let file = next.next_base(&self.paths.names, form);
            self.create(&file.name, empty_base)?;
            let text = format!("Creating AOF base file {} on server start", text(&file.name));
            self.notice(text);
        }
        let doing = if next.incremental().is_empty() {
            let file = next.next_incremental(&self.paths.names);
            self.create(&file.name, &[])?;
            "Creating"
        } else {
            "Opening"
        };
        let name = next.incremental().last().map(|file| file.name.clone()).unwrap_or_default();
        let log = self.open_log(&name, Incremental::Listed)?;
        self.notice(format!("{doing} AOF incr file {} on server start", text(&name)));
        if next != self.manifest {
            self.sync_directory()?;
            self.replace_manifest(next)?;
        }
        // What a server that died while it switched its log on has left.
        let _ = self.disk.remove(&self.paths.file(&self.paths.names.temporary_incremental()));
        while self.remove_history() {}
        Ok(log)
    }

    /// Syncs what was loaded: a server that was killed has left bytes and names that the system has
    /// not written yet, and nothing may be appended before they last.
    fn sync_named(&self) -> Result<(), AppendError> {
        for (file, _) in self.named() {
            self.disk
                .open(&self.paths.file(&file.name))
                .and_then(|mut open| open.sync())
                .map_err(|error| cannot_open(&file.name, &error))?;
        }
        self.sync_directory()
    }

    /// A file with these bytes that will last, once its name is synced.
    pub(super) fn create(&self, name: &[u8], bytes: &[u8]) -> Result<(), AppendError> {
        let created = self.disk.create(&self.paths.file(name)).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync()
        });
        created.map_err(|error| cannot_open(name, &error))
    }

    pub(super) fn open_log(
        &self,
        name: &[u8],
        incremental: Incremental,
    ) -> Result<OpenLog, AppendError> {
        let path = self.paths.file(name);
        let opened = self.disk.append(&path).and_then(|file| {
            let len_bytes = self.disk.len_bytes(&path)?.unwrap_or(0);
            Ok(OpenLog::new(file, incremental, len_bytes))
        });
        opened.map_err(|error| cannot_open(name, &error))
    }

    pub(super) fn sync_directory(&self) -> Result<(), AppendError> {
        let directory = self.paths.directory();
        let doing = format!("Fail to fsync AOF directory {}", directory.display());
        let synced = self.disk.sync_directory(&directory);
        synced.map_err(|error| AppendError::system(&doing, &error))
    }

    /// Puts the next manifest in force. One that may not last is in force as well: it is what a
    /// server that starts now finds.
    pub(super) fn replace_manifest(&mut self, next: Manifest) -> Result<(), AppendError> {
        let replaced = self.manifest_file.replace(&next.format());
        if let Err(failure @ NotReplaced::Before(_)) = replaced {
            return Err(failure.error());
        }
        self.manifest = next;
        self.is_manifest_durable = replaced.is_ok();
        replaced.map_err(NotReplaced::error)
    }

    /// Removes a piece of a file that the log no longer needs, the names of all after the last.
    /// Whether there is more to do. What cannot be removed now is tried again at the next start.
    pub(super) fn remove_history(&mut self) -> bool {
        // A power loss could bring back the manifest that needs them.
        if !self.is_manifest_durable {
            return false;
        }
        let listed = self.manifest.history();
        let found = listed.iter().find_map(|file| {
            let len = self.disk.len_bytes(&self.paths.file(&file.name)).ok().flatten()?;
            Some((file.name.clone(), len))
        });
        let Some((name, len_bytes)) = found else {
            if !listed.is_empty() {
                self.forget_history();
            }
            return false;
        };
        let is_manifest = name == self.paths.names.manifest();
        if is_manifest || self.named().any(|(file, _)| file.name == name) {
            self.warn(format!("The file {} is history and in use: it stays", text(&name)));
            return false;
        }
        let path = self.paths.file(&name);
        if let Some(rest) = len_bytes.checked_sub(REMOVED_BYTES_MAX) {
            let cut = self.disk.append(&path).and_then(|mut file| file.truncate(rest));
            // One that cannot be cut is removed as a whole.
            if cut.is_ok() && rest > 0 {
                return true;
            }
        }
        self.notice(format!("Removing the history file {} in the background", text(&name)));
        match self.disk.remove(&path) {
            Ok(()) => true,
            Err(error) => {
                let error = AppendError::system(&format!("Can't remove {}", text(&name)), &error);
                self.warn(error.to_string());
                false
            }
        }
    }

    fn forget_history(&mut self) {
        let mut next = self.manifest.clone();
        next.forget_history();
        if let Err(error) = self.replace_manifest(next) {
            self.warn(error.to_string());
        }
    }

    /// Files with names of ours that the manifest does not name: leftovers of a crash, or a manifest
    /// that is not the one of these files. Without any manifest their numbers are not used again.
    fn look_for_strangers(&mut self, is_new: bool) -> Result<(), AppendError> {
        use std::os::unix::ffi::OsStrExt;
        let directory = self.paths.directory();
        let listed = self.disk.list(&directory).map_err(|error| {
            AppendError::system(&format!("Can't list {}", directory.display()), &error)
        })?;
        let mut strangers = Vec::new();
        for name in listed {
            let name = name.as_bytes();
            let names = &self.paths.names;
            let base = names.base_sequence(name);
            let incremental = names.incremental_sequence(name);
            let is_history = self.manifest.history().iter().any(|file| file.name == name);
            if (base.is_none() && incremental.is_none())
                || is_history
                || self.named().any(|(file, _)| file.name == name)
                || matches!(self.disk.len_bytes(&self.paths.file(name)), Ok(None | Some(0)))
            {
                continue;
            }
            if is_new {
                self.manifest.skip_to(base.unwrap_or(0), incremental.unwrap_or(0));
            }
            strangers.push(text(name));
        }
        if !strangers.is_empty() {
            strangers.sort();
            let (manifest, count) = (text(&self.paths.names.manifest()), strangers.len());
            self.warn(format!(
                "{count} AOF files are not named by the manifest {manifest} and are not used: {}",
                strangers.join(", ")
            ));
        }
        Ok(())
    }

    pub(super) fn notice(&mut self, text: String) {
        self.log.push(LogLine { level: LogLevel::Notice, text });
    }

    pub(super) fn warn(&mut self, text: String) {
        self.log.push(LogLine { level: LogLevel::Warning, text });
    }

    /// Lets others have the log. Nothing may be changed afterwards.
    pub(super) fn release(&mut self) {
        self.manifest_file.release();
    }

    /// What belongs in the log since the last call.
    pub fn take_log(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.log)
    }
}

/// What the manifest in force says is to be loaded, for whoever has the log already (DEBUG LOADAOF).
///
/// # Errors
/// See [`AppendError`].
pub fn read_plan(disk: &Arc<dyn Disk>, paths: &AppendPaths) -> Result<LoadPlan, AppendError> {
    let bytes = ManifestFile::read(&**disk, paths)?;
    let manifest = bytes.as_deref().map(Manifest::parse).transpose()?.unwrap_or_default();
    plan(&**disk, paths, &manifest)
}

/// The files that make the data set, in order, and whether each is the base.
fn named(manifest: &Manifest) -> impl Iterator<Item = (&LogFile, bool)> {
    let base = manifest.base().map(|file| (file, true));
    base.into_iter().chain(manifest.incremental().iter().map(|file| (file, false)))
}

fn plan(
    disk: &dyn Disk,
    paths: &AppendPaths,
    manifest: &Manifest,
) -> Result<LoadPlan, AppendError> {
    let mut files = Vec::new();
    for (file, is_base) in named(manifest) {
        let is_old_style = file.name == paths.names.old_style();
        let role = match (is_base, is_old_style) {
            (true, true) => FileRole::OldStyle,
            (true, false) => FileRole::Base,
            (false, _) => FileRole::Incremental,
        };
        let (path, name) = (paths.file(&file.name), text(&file.name));
        let doing = format!("Unable to obtain the AOF file {name} length. stat");
        let len = disk.len_bytes(&path);
        let len = len.map_err(|error| AppendError::system(&doing, &error))?;
        let len_bytes = len.ok_or_else(|| AppendError::Missing(name.clone()))?;
        files.push(LoadFile { path, name, role, len_bytes, may_be_cut: false });
    }
    let mut is_last = true;
    for file in files.iter_mut().rev() {
        file.may_be_cut = is_last;
        is_last = is_last && file.len_bytes == 0;
    }
    Ok(LoadPlan { files })
}

fn cannot_open(name: &[u8], error: &io::Error) -> AppendError {
    AppendError::system(&format!("Can't open the append-only file {}", text(name)), error)
}
