//! A disk in memory that stops after any of its calls, and is found again as a killed process or a
//! power loss leaves it. (The simulator's disk does worse; this one is for this crate's own tests.)

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::{Disk, DiskFile};

/// What the disk is found as after it has stopped.
#[derive(Clone, Copy, Debug)]
pub(super) enum After {
    /// The process died: all it has done is there.
    Kill,
    /// What was synced is there, names and bytes.
    PowerLoss,
    /// As a power loss, but half of the bytes that were not synced have made it.
    TornPowerLoss,
}

pub(super) const AFTER: [After; 3] = [After::Kill, After::PowerLoss, After::TornPowerLoss];

#[derive(Clone, Default)]
struct Inode {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    is_locked: bool,
}

#[derive(Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    directories: BTreeSet<PathBuf>,
    durable_directories: BTreeSet<PathBuf>,
    calls: usize,
    /// Calls after which it stops.
    stop_after: Option<usize>,
    /// Bytes that the next write takes before it fails.
    room: Option<usize>,
    fail_next_sync: bool,
    fail_next_truncate: bool,
    /// Syncs of directories that still succeed.
    directory_syncs: Option<usize>,
}

impl State {
    fn call(&mut self) -> io::Result<()> {
        if self.stop_after.is_some_and(|stop| self.calls >= stop) {
            return Err(io::Error::other("stopped"));
        }
        self.calls += 1;
        Ok(())
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn make(&mut self, path: &Path) -> io::Result<usize> {
        let parent = path.parent().unwrap_or(Path::new(""));
        if !self.directories.contains(parent) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.inodes.push(Inode::default());
        let inode = self.inodes.len() - 1;
        self.names.insert(path.to_owned(), inode);
        Ok(inode)
    }
}

#[derive(Clone, Default)]
pub(super) struct TestDisk {
    state: Arc<Mutex<State>>,
}

impl TestDisk {
    /// A disk with an empty, durable directory `dir`.
    pub(super) fn new(dir: &Path) -> Self {
        let disk = Self::default();
        let mut state = disk.lock();
        state.directories.insert(dir.to_owned());
        state.durable_directories.insert(dir.to_owned());
        drop(state);
        disk
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }

    pub(super) fn arc(&self) -> Arc<dyn Disk> {
        Arc::new(self.clone())
    }

    /// A durable file.
    pub(super) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.lock();
        let directory = path.parent().expect("a directory").to_owned();
        state.directories.insert(directory.clone());
        state.durable_directories.insert(directory);
        let inode = state.make(path).expect("a file");
        state.inodes[inode] =
            Inode { bytes: bytes.to_vec(), synced: bytes.to_vec(), is_locked: false };
        state.durable_names.insert(path.to_owned(), inode);
    }

    pub(super) fn get(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.lock();
        state.names.get(path).map(|inode| state.inodes[*inode].bytes.clone())
    }

    /// What of a file lasts.
    pub(super) fn synced(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.lock();
        state.names.get(path).map(|inode| state.inodes[*inode].synced.clone())
    }

    pub(super) fn names(&self) -> Vec<String> {
        let state = self.lock();
        let name = |path: &PathBuf| path.file_name().expect("name").to_string_lossy().into_owned();
        state.names.keys().map(name).collect()
    }

    pub(super) fn calls(&self) -> usize {
        self.lock().calls
    }

    pub(super) fn stop_after(&self, calls: usize) {
        let mut state = self.lock();
        state.stop_after = Some(state.calls + calls);
    }

    pub(super) fn room(&self, bytes: Option<usize>) {
        self.lock().room = bytes;
    }

    pub(super) fn fail_next_sync(&self) {
        self.lock().fail_next_sync = true;
    }

    pub(super) fn fail_next_truncate(&self) {
        self.lock().fail_next_truncate = true;
    }

    pub(super) fn directory_syncs(&self, count: Option<usize>) {
        self.lock().directory_syncs = count;
    }

    /// The disk as the next process finds it.
    pub(super) fn found(&self, after: After) -> Self {
        let state = self.lock();
        let is_kill = matches!(after, After::Kill);
        let keep = |inode: &Inode| {
            let bytes = match after {
                After::Kill => inode.bytes.clone(),
                After::PowerLoss => inode.synced.clone(),
                After::TornPowerLoss if inode.bytes.starts_with(&inode.synced) => {
                    inode.bytes[..inode.synced.len().midpoint(inode.bytes.len())].to_vec()
                }
                After::TornPowerLoss => inode.synced.clone(),
            };
            // A killed process leaves bytes that a later power loss still takes.
            let synced = if is_kill { inode.synced.clone() } else { bytes.clone() };
            Inode { bytes, synced, is_locked: false }
        };
        let names = if is_kill { &state.names } else { &state.durable_names };
        let directories = if is_kill { &state.directories } else { &state.durable_directories };
        let found = State {
            inodes: state.inodes.iter().map(keep).collect(),
            names: names.clone(),
            durable_names: state.durable_names.clone(),
            directories: directories.clone(),
            durable_directories: state.durable_directories.clone(),
            ..State::default()
        };
        Self { state: Arc::new(Mutex::new(found)) }
    }

    fn open_file(&self, inode: usize) -> Box<dyn DiskFile> {
        Box::new(TestFile { disk: self.clone(), inode, read_at: 0, has_lock: false })
    }
}

impl Disk for TestDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.lock();
        state.call()?;
        let inode = state.find(path).or_else(|_| state.make(path))?;
        state.inodes[inode].bytes.clear();
        drop(state);
        Ok(self.open_file(inode))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.lock();
        state.call()?;
        let inode = state.find(path).or_else(|_| state.make(path))?;
        drop(state);
        Ok(self.open_file(inode))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.lock();
        state.call()?;
        let inode = state.find(path)?;
        drop(state);
        Ok(self.open_file(inode))
    }

    fn temporary(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        let inode = state.find(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        state.find(path)?;
        state.names.remove(path);
        Ok(())
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        state.directories.insert(path.to_owned());
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        let state = &mut *state;
        match &mut state.directory_syncs {
            Some(0) => return Err(io::Error::from_raw_os_error(5)),
            Some(left) => *left -= 1,
            None => {}
        }
        let is_in = |name: &PathBuf| name.parent() == Some(path);
        state.durable_names.retain(|name, _| !is_in(name));
        let live = state.names.iter().filter(|(name, _)| is_in(name));
        state.durable_names.extend(live.map(|(name, inode)| (name.clone(), *inode)));
        let live = state.directories.iter().filter(|name| is_in(name));
        state.durable_directories.extend(live.cloned());
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let state = self.lock();
        let is_in = |name: &&PathBuf| name.parent() == Some(path);
        let name = |name: &PathBuf| name.file_name().expect("name").to_owned();
        Ok(state.names.keys().filter(is_in).map(name).collect())
    }

    fn len_bytes(&self, path: &Path) -> io::Result<Option<u64>> {
        let state = self.lock();
        Ok(state.names.get(path).map(|inode| state.inodes[*inode].bytes.len() as u64))
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.lock().directories.contains(path)
    }
}

struct TestFile {
    disk: TestDisk,
    inode: usize,
    read_at: usize,
    has_lock: bool,
}

impl DiskFile for TestFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.lock();
        state.call()?;
        let count = state.room.map_or(bytes.len(), |room| room.min(bytes.len()));
        if let Some(room) = &mut state.room {
            *room -= count;
        }
        if count == 0 {
            return Err(io::Error::from_raw_os_error(28));
        }
        state.inodes[self.inode].bytes.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.read_at(self.read_at as u64, buffer)?;
        self.read_at += count;
        Ok(count)
    }

    fn read_at(&mut self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.lock();
        let rest = state.inodes[self.inode].bytes.get(position as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn seek(&mut self, position: u64) -> io::Result<()> {
        self.read_at = usize::try_from(position).expect("small");
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.call()?;
        if std::mem::take(&mut state.fail_next_sync) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let inode = &mut state.inodes[self.inode];
        inode.synced.clone_from(&inode.bytes);
        Ok(())
    }

    fn truncate(&mut self, len_bytes: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.call()?;
        if std::mem::take(&mut state.fail_next_truncate) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let len = usize::try_from(len_bytes).expect("small");
        state.inodes[self.inode].bytes.truncate(len);
        Ok(())
    }

    fn lock(&mut self) -> io::Result<bool> {
        let mut state = self.disk.lock();
        let is_locked = &mut state.inodes[self.inode].is_locked;
        self.has_lock |= !*is_locked;
        *is_locked = true;
        Ok(self.has_lock)
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        if self.has_lock {
            self.disk.lock().inodes[self.inode].is_locked = false;
        }
    }
}
