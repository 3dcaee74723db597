//! The way around a target that is too slow for the others: what it is to get lies in a file without
//! a name until it has taken it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::error::{Operation, reason};
use super::outlet::Outlet;
use crate::disk::{Disk, DiskFile};

/// Bytes that are read at once.
const BLOCK_BYTES: usize = 256 << 10;

/// Where detours are made.
pub(super) struct DetourPlace {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) directory: PathBuf,
    /// How long each may become.
    pub(super) bytes_max: u64,
}

impl DetourPlace {
    fn failed(&self, error: &io::Error) -> String {
        reason(Operation::Detour, &self.directory, error)
    }
}

/// Bytes on a detour.
pub(super) struct Detour {
    file: Box<dyn DiskFile>,
    written_bytes: u64,
    read_bytes: u64,
    /// What was read and not taken yet.
    block: Bytes,
}

impl Detour {
    pub(super) fn open(place: &DetourPlace) -> Result<Self, String> {
        let file = place.disk.temporary(&place.directory).map_err(|error| place.failed(&error))?;
        Ok(Self { file, written_bytes: 0, read_bytes: 0, block: Bytes::new() })
    }

    /// Adds bytes at the end.
    pub(super) fn append(&mut self, bytes: &[u8], place: &DetourPlace) -> Result<(), String> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.file.write_all(bytes).map_err(|error| place.failed(&error))?;
        self.written_bytes += bytes.len() as u64;
        if self.waiting_bytes() > place.bytes_max {
            return Err(format!(
                "{} bytes wait for a slow replica, which is more than snapshot-spill-limit allows",
                self.waiting_bytes()
            ));
        }
        Ok(())
    }

    fn waiting_bytes(&self) -> u64 {
        self.written_bytes - self.read_bytes + self.block.len() as u64
    }

    /// Whether everything was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting_bytes() == 0
    }

    /// Hands over what `outlet` takes, at most one block; how many bytes that were.
    pub(super) fn serve(
        &mut self,
        outlet: &mut dyn Outlet,
        place: &DetourPlace,
    ) -> Result<usize, String> {
        if self.block.is_empty() {
            self.read().map_err(|error| place.failed(&error))?;
        }
        if self.block.is_empty() {
            return Ok(0);
        }
        let taken = outlet.write_shared(&self.block, 0)?;
        drop(self.block.split_to(taken));
        Ok(taken)
    }

    fn read(&mut self) -> io::Result<()> {
        let wanted = (self.written_bytes - self.read_bytes).min(BLOCK_BYTES as u64) as usize;
        if wanted == 0 {
            return Ok(());
        }
        let mut block = vec![0; wanted];
        self.file.read_exact_at(self.read_bytes, &mut block)?;
        self.read_bytes += wanted as u64;
        self.block = block.into();
        Ok(())
    }
}
