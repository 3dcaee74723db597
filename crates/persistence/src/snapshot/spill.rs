//! The spill file: what was handed out before a change and has no room in memory.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use dunlin_stdx::lzf::Compressor;

use super::chunk::Chunk;
use super::error::{Operation, reason};
use super::queue::ChunkQueue;
use crate::disk::{Disk, DiskFile};
use crate::job::{Job, Signal, Step};

/// A file without a name that holds finished records.
pub(super) struct SpillFile {
    file: Box<dyn DiskFile>,
    len_bytes: u64,
    read_bytes: u64,
}

impl SpillFile {
    /// Fills `block` with what follows, at most as much as it has room for; nothing at the end.
    pub(super) fn read(&mut self, block: &mut Vec<u8>, room: usize) -> io::Result<()> {
        let wanted = (self.len_bytes - self.read_bytes).min(room as u64) as usize;
        block.resize(wanted, 0);
        self.file.read_exact_at(self.read_bytes, block)?;
        self.read_bytes += wanted as u64;
        Ok(())
    }
}

/// Writes the spill file of a snapshot: its writer may be waiting for a slow disk or replica, and
/// the command thread must not write.
///
/// It need not be run before [`SnapshotControl::wants_spill`](super::SnapshotControl::wants_spill)
/// says so.
#[must_use = "a job does nothing unless it is run"]
pub struct SpillJob {
    queue: Arc<ChunkQueue>,
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    compressor: Option<Compressor>,
    file: Option<SpillFile>,
    block: Vec<u8>,
    is_done: bool,
}

impl SpillJob {
    pub(super) fn new(
        queue: Arc<ChunkQueue>,
        disk: Arc<dyn Disk>,
        directory: PathBuf,
        compressor: Option<Compressor>,
    ) -> Self {
        Self { queue, disk, directory, compressor, file: None, block: Vec::new(), is_done: false }
    }

    /// Writes finished records: they can stand anywhere in the file, so nothing else is to be kept.
    fn write(&mut self, chunk: &Chunk) -> io::Result<u64> {
        self.block.clear();
        chunk.finish_into(&mut self.block, self.compressor.as_mut());
        let spilled = match &mut self.file {
            Some(spilled) => spilled,
            None => {
                let file = self.disk.temporary(&self.directory)?;
                self.file.insert(SpillFile { file, len_bytes: 0, read_bytes: 0 })
            }
        };
        spilled.file.write_all(&self.block)?;
        spilled.len_bytes += self.block.len() as u64;
        Ok(spilled.len_bytes)
    }
}

impl Job for SpillJob {
    fn step(&mut self) -> Step {
        let chunk = match self.queue.take_to_spill() {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Step::Idle,
            Err(()) => {
                if !std::mem::replace(&mut self.is_done, true) {
                    self.queue.spill_has_ended(self.file.take());
                }
                return Step::Done;
            }
        };
        match self.write(&chunk) {
            Ok(total_bytes) => {
                self.queue.recycle(chunk);
                self.queue.spilled(total_bytes);
                Step::Working
            }
            Err(error) => {
                let why = reason(Operation::Spill, &self.directory, &error);
                // What was written before is whole: it counts no further than that.
                self.queue.spill_failed(why, Some(chunk));
                Step::Working
            }
        }
    }

    fn signal(&self) -> Arc<Signal> {
        self.queue.spiller_signal()
    }
}
