//! A rewrite: a new base takes the place of all that came before it.
//!
//! The base is made elsewhere, under a temporary name, and is synced there. What is appended
//! meanwhile goes to a new incremental file, which begins where the base ends.

use std::path::Path;

use dunlin_aof::BaseForm;

use super::error::AppendError;
use super::files::AppendFiles;
use super::open_log::OpenLog;
use super::paths::text;

/// How the manifest knows the incremental file that is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incremental {
    /// By name: base, the files before it and this one are the data set.
    Listed,
    /// Not at all before the rewrite is committed: there is nothing before it to load (the log has
    /// just been switched on), or what is before it may have lost its end (a sync failed).
    Temporary,
    /// There is none: the log is off, and nothing is to follow the base.
    Off,
}

/// A rewrite that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Length of the new base.
    pub base_bytes: u64,
}

impl AppendFiles {
    /// Makes the file that what is appended from now on goes to. With [`Incremental::Listed`] it is
    /// named by a synced manifest when this returns; the file before it must be synced before the
    /// first byte goes to it. With [`Incremental::Off`] there is no such file.
    ///
    /// # Errors
    /// The system's; appending goes on where it was.
    pub fn begin_rewrite(
        &mut self,
        incremental: Incremental,
    ) -> Result<Option<OpenLog>, AppendError> {
        let mut next = self.manifest.clone();
        let name = match incremental {
            Incremental::Listed => next.next_incremental(&self.paths.names).name.clone(),
            Incremental::Temporary => self.paths.names.temporary_incremental(),
            Incremental::Off => return Ok(None),
        };
        self.create(&name, &[])?;
        let log = self.open_log(&name, incremental)?;
        if incremental == Incremental::Listed {
            self.sync_directory()?;
            self.replace_manifest(next)?;
        }
        self.notice(format!("Creating AOF incr file {} on background rewrite", text(&name)));
        Ok(Some(log))
    }

    /// Puts the base at `temporary_base`, which is whole and synced, in place, and names what it
    /// stands for as history. Those files are removed later, one by one.
    ///
    /// # Errors
    /// The system's; the files before are in force, and `temporary_base` may be gone.
    pub fn commit_rewrite(
        &mut self,
        incremental: Incremental,
        temporary_base: &Path,
        form: BaseForm,
    ) -> Result<Committed, AppendError> {
        let mut next = self.manifest.clone();
        let base = next.next_base(&self.paths.names, form).name.clone();
        self.put_in_place(temporary_base, &base, "base")?;
        let base_path = self.paths.file(&base);
        let mut placed = vec![base_path.clone()];
        if incremental == Incremental::Temporary {
            let temporary = self.paths.file(&self.paths.names.temporary_incremental());
            let name = next.next_incremental(&self.paths.names).name.clone();
            let done = self.put_in_place(&temporary, &name, "incr");
            done.inspect_err(|_| self.remove(&placed))?;
            placed.push(self.paths.file(&name));
        }
        self.sync_directory().inspect_err(|_| self.remove(&placed))?;
        match incremental {
            Incremental::Listed | Incremental::Temporary => next.retire_incremental(),
            Incremental::Off => next.retire_all_incremental(),
        }
        let is_in_force = next.clone();
        self.replace_manifest(next).inspect_err(|_| {
            // One that is in force, though it may not last, needs them.
            if self.manifest != is_in_force {
                self.remove(&placed);
            }
        })?;
        let base_bytes = self.disk.len_bytes(&base_path).ok().flatten().unwrap_or(0);
        Ok(Committed { base_bytes })
    }

    /// Gives up a rewrite. With [`Incremental::Listed`] all files stay: the base, the files before
    /// and the new one are the data set still.
    pub fn abort_rewrite(&mut self, incremental: Incremental) {
        if incremental == Incremental::Temporary {
            let name = self.paths.names.temporary_incremental();
            self.notice(format!(
                "Removing the temp incr aof file {} in the background",
                text(&name)
            ));
            self.remove(&[self.paths.file(&name)]);
        }
    }

    fn put_in_place(&mut self, from: &Path, name: &[u8], kind: &str) -> Result<(), AppendError> {
        let shown = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let to = self.paths.file(name);
        self.disk.rename(from, &to).map_err(|error| {
            let doing = format!(
                "Error trying to rename the temporary AOF {kind} file {shown} into {}",
                to.display()
            );
            AppendError::system(&doing, &error)
        })?;
        self.notice(format!(
            "Successfully renamed the temporary AOF {kind} file {shown} into {}",
            text(name)
        ));
        Ok(())
    }

    /// Removes files that no manifest names. What stays takes room, no more.
    fn remove(&self, paths: &[impl AsRef<Path>]) {
        for path in paths {
            let _ = self.disk.remove(path.as_ref());
        }
    }
}
