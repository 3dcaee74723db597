//! What a server's persistence needs from the process around it.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::disk::{Disk, DiskFile};
use crate::job::Job;

/// Runs jobs over a disk: the server on threads, the simulator step by step.
pub trait Backend {
    /// The files.
    fn disk(&self) -> Arc<dyn Disk>;

    /// Begins to run a job beside the command thread.
    ///
    /// # Errors
    /// The system refuses another thread; the job is dropped.
    fn spawn(&mut self, role: JobRole, job: Box<dyn Job>) -> io::Result<()>;

    /// Whether a job may wait inside a step for what the command thread hands it: it has a thread of
    /// its own. Else it has to end the step, and come back.
    fn lets_jobs_wait(&self) -> bool {
        false
    }

    /// Lets jobs work until one of them has told something, or for a moment: the command thread has
    /// nothing else to do.
    fn wait(&mut self);

    /// Whether the command thread is to sync the append-only file itself when nobody else could be
    /// served meanwhile, rather than hand that to the file's job and wait for its answer. `usual_us` is
    /// what a sync took lately, in microseconds; `None` while too few are known.
    fn syncs_here(&mut self, usual_us: Option<u64>) -> bool {
        let _ = usual_us;
        false
    }

    /// Keeps the command thread from working for a while (`rdb-key-save-delay`,
    /// `key-load-delay`).
    fn sleep(&mut self, duration: Duration) {
        let _ = duration;
    }

    /// What jobs call after they told something.
    fn waker(&self) -> Arc<dyn Fn() + Send + Sync>;

    /// The number in the names of temporary files.
    fn process_id(&self) -> u32;
}

/// What a job is for: names its thread and says how urgent it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobRole {
    /// Writes and syncs the append-only file: clients wait for it.
    Append,
    /// Reads files at start, or what a primary has sent.
    Load,
    /// Writes what a primary sends.
    Receive,
    /// Verifies it.
    Check,
    /// Writes a snapshot; nobody waits for it.
    Snapshot,
    /// Writes a snapshot that goes to replicas: changes for them pile up meanwhile.
    Sync,
    /// Sends a file to a replica, for which changes pile up meanwhile.
    Send,
    /// Takes what a snapshot has no memory for; nobody waits for it.
    Spill,
    /// Keeps what the stream of changes has no memory for: replicas wait for it.
    StreamSpill,
    /// Decodes a large payload of RESTORE, for which its client waits.
    Decode,
}

impl JobRole {
    /// The name of the thread.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Load => "load",
            Self::Receive => "receive",
            Self::Check => "check",
            Self::Snapshot => "snapshot",
            Self::Sync => "sync",
            Self::Send => "send",
            Self::Spill => "spill",
            Self::StreamSpill => "stream-spill",
            Self::Decode => "decode",
        }
    }

    /// Whether it is to leave the processor to others.
    #[must_use]
    pub const fn is_background(self) -> bool {
        matches!(self, Self::Snapshot | Self::Spill)
    }
}

/// No disk and no threads: for servers in tests that keep nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBackend;

impl Backend for NoBackend {
    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(Self)
    }

    fn spawn(&mut self, _: JobRole, _: Box<dyn Job>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn wait(&mut self) {}

    fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        Arc::new(|| ())
    }

    fn process_id(&self) -> u32 {
        0
    }
}

impl Disk for NoBackend {
    fn create(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.create(path)
    }

    fn open(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn temporary(&self, directory: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.create(directory)
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<OsString>> {
        Ok(Vec::new())
    }

    fn len_bytes(&self, _: &Path) -> io::Result<Option<u64>> {
        Ok(None)
    }

    fn is_directory(&self, _: &Path) -> bool {
        false
    }
}
