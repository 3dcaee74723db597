//! The file that commands are appended to.

use std::io;

use dunlin_aof::StreamPosition;

use super::events::WriteFailure;
use super::rewrite::Incremental;
use crate::disk::{DiskFile, error_text};
use crate::snapshot::ReplicationAux;

/// An incremental file, open for writing at its end.
pub struct OpenLog {
    file: Box<dyn DiskFile>,
    /// What the manifest knows of it.
    incremental: Incremental,
    len_bytes: u64,
    /// Whether something was written since the last sync.
    is_dirty: bool,
    /// A sync failed: there will be no other.
    sync_failed: bool,
}

/// A write that did not write all.
pub(super) struct ShortWrite {
    /// What to tell.
    pub(super) failure: WriteFailure,
    /// Bytes that are in the file.
    pub(super) kept: usize,
}

impl OpenLog {
    pub(super) fn new(file: Box<dyn DiskFile>, incremental: Incremental, len_bytes: u64) -> Self {
        Self { file, incremental, len_bytes, is_dirty: false, sync_failed: false }
    }

    /// Length of the file.
    #[must_use]
    pub const fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    pub(super) const fn incremental(&self) -> Incremental {
        self.incremental
    }

    /// The file has its name now.
    pub(super) fn listed(mut self) -> Self {
        self.incremental = Incremental::Listed;
        self
    }

    pub(super) const fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    pub(super) const fn sync_failed(&self) -> bool {
        self.sync_failed
    }

    /// Writes all of `bytes`, or cuts off what was written of them.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), ShortWrite> {
        self.is_dirty = true;
        let mut written = 0;
        while written < bytes.len() {
            match self.file.write(&bytes[written..]) {
                Ok(0) => return Err(self.cut(written, &io::ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.cut(written, &error)),
            }
        }
        self.len_bytes += written as u64;
        Ok(())
    }

    /// Ends the file, of which everything lasts, with where the stream of changes is.
    pub(super) fn end_at(&mut self, position: ReplicationAux) -> Result<(), String> {
        let ReplicationAux { id, offset, stream_db } = position;
        let file_bytes = self.len_bytes;
        let mut line = Vec::new();
        StreamPosition { id, offset, database: stream_db, file_bytes }.annotate(&mut line);
        self.append(&line).map_err(|short| short.failure.error)?;
        self.sync()
    }

    fn cut(&mut self, written: usize, error: &io::Error) -> ShortWrite {
        let error = error_text(error);
        let cut = if written == 0 { Ok(()) } else { self.file.truncate(self.len_bytes) };
        let (kept, cut_error) = match cut {
            Ok(()) => (0, None),
            Err(error) => (written, Some(error_text(&error))),
        };
        self.len_bytes += kept as u64;
        ShortWrite { failure: WriteFailure { error, cut_error }, kept }
    }

    /// Syncs what was written. After a failure no sync is tried again.
    pub(super) fn sync(&mut self) -> Result<(), String> {
        if self.sync_failed {
            return Err("an earlier fsync of this file failed".to_owned());
        }
        if self.is_dirty {
            self.file.sync().map_err(|error| {
                self.sync_failed = true;
                error_text(&error)
            })?;
            self.is_dirty = false;
        }
        Ok(())
    }
}
