//! A snapshot that lies in a file, on its way to one replica.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::pipe::{Feed, FeedOutlet, Framing};
use crate::disk::{DiskFile, error_text};
use crate::job::{Job, Signal, Step};
use crate::snapshot::Outlet;

/// Bytes that are read at once.
const BLOCK_BYTES: usize = 256 << 10;

/// The very file that a snapshot was written to, whatever has got its name since: a replica goes on
/// from where the stream of changes was at the epoch of this one.
#[derive(Clone)]
pub struct SyncFile {
    file: Arc<Mutex<Box<dyn DiskFile>>>,
    len_bytes: u64,
}

impl SyncFile {
    pub(crate) fn new(file: Box<dyn DiskFile>, len_bytes: u64) -> Self {
        Self { file: Arc::new(Mutex::new(file)), len_bytes }
    }

    /// Its length in bytes.
    #[must_use]
    pub const fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn DiskFile>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills `block` with what stands at `position`; others read elsewhere in between.
    fn read(&self, position: u64, block: &mut [u8]) -> io::Result<()> {
        self.lock().read_exact_at(position, block)
    }
}

/// Two are equal if they are the same file.
impl PartialEq for SyncFile {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file)
    }
}

impl Eq for SyncFile {}

impl fmt::Debug for SyncFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncFile").field("len_bytes", &self.len_bytes).finish_non_exhaustive()
    }
}

/// Reads a file for one replica, as fast as that takes it. A step is one read.
#[must_use = "a job does nothing unless it is run"]
pub struct FileSender {
    file: SyncFile,
    outlet: FeedOutlet,
    signal: Arc<Signal>,
    /// How much was read.
    position: u64,
    block: Bytes,
    is_done: bool,
}

impl FileSender {
    /// A job that sends `file` with its length in front, and the end where it arrives.
    pub fn new(file: SyncFile, wake: Arc<dyn Fn() + Send + Sync>) -> (Self, Feed) {
        let (mut outlet, feed) = Feed::new(Framing::Length(file.len_bytes), wake);
        let signal = Arc::new(Signal::default());
        outlet.attach(Arc::clone(&signal));
        let sender =
            Self { file, outlet, signal, position: 0, block: Bytes::new(), is_done: false };
        (sender, feed)
    }

    fn advance(&mut self) -> Result<Step, String> {
        if self.block.is_empty() {
            let left_bytes = self.file.len_bytes - self.position;
            if left_bytes == 0 {
                return self.outlet.finish().map(|_| Step::Done);
            }
            self.outlet.check()?;
            let mut block = vec![0; left_bytes.min(BLOCK_BYTES as u64) as usize];
            self.file
                .read(self.position, &mut block)
                .map_err(|error| format!("Read error sending DB to replica: {}", cause(&error)))?;
            self.position += block.len() as u64;
            self.block = block.into();
        }
        let taken = self.outlet.write_shared(&self.block, 0)?;
        drop(self.block.split_to(taken));
        Ok(if taken == 0 { Step::Idle } else { Step::Working })
    }
}

fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "premature EOF".to_owned(),
        _ => error_text(error),
    }
}

impl Job for FileSender {
    fn step(&mut self) -> Step {
        if self.is_done {
            return Step::Done;
        }
        let step = self.advance().unwrap_or_else(|why| {
            self.outlet.abandon(&why);
            Step::Done
        });
        self.is_done = step == Step::Done;
        step
    }

    fn signal(&self) -> Arc<Signal> {
        Arc::clone(&self.signal)
    }
}
