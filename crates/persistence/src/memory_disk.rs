//! A disk for tests: files in memory, and every call can be made to fail.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile};

/// Files in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, Contents>,
    calls: usize,
    fails_at: Option<usize>,
    /// Bytes of files without a name.
    nameless_bytes: usize,
    /// Files without a name that are open.
    open_nameless: usize,
}

type Contents = Arc<Mutex<Vec<u8>>>;

/// A path without `.` in it, so that each file has one name.
fn normal(path: impl AsRef<Path>) -> PathBuf {
    let parts = path.as_ref().components();
    parts.filter(|part| !matches!(part, Component::CurDir)).collect()
}

impl MemoryDisk {
    /// The call of this number, counted from 0, will fail.
    pub(crate) fn fail_at(&self, call: usize) {
        let mut state = self.state();
        (state.calls, state.fails_at) = (0, Some(call));
    }

    /// Whether the call that was to fail has been made.
    pub(crate) fn has_failed(&self) -> bool {
        let state = self.state();
        state.fails_at.is_some_and(|at| state.calls > at)
    }

    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        self.state().files.insert(normal(path), Arc::new(Mutex::new(bytes.to_vec())));
    }

    pub(crate) fn get(&self, path: &str) -> Option<Vec<u8>> {
        let contents = self.state().files.get(&normal(path)).cloned()?;
        let bytes = contents.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(bytes)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.state().files.keys().map(|path| path.display().to_string()).collect()
    }

    pub(crate) fn nameless_bytes(&self) -> usize {
        self.state().nameless_bytes
    }

    pub(crate) fn open_nameless(&self) -> usize {
        self.state().open_nameless
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        let call = state.calls;
        state.calls += 1;
        if state.fails_at == Some(call) {
            return Err(io::Error::other("made to fail"));
        }
        Ok(state)
    }

    fn file(&self, contents: Contents, is_nameless: bool) -> Box<dyn DiskFile> {
        Box::new(MemoryFile { disk: self.clone(), contents, is_nameless, position: 0 })
    }
}

impl Disk for MemoryDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let contents = Contents::default();
        self.call()?.files.insert(normal(path), Arc::clone(&contents));
        Ok(self.file(contents, false))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let contents = Arc::clone(self.call()?.files.entry(normal(path)).or_default());
        Ok(self.file(contents, false))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let contents = self.call()?.files.get(&normal(path)).cloned();
        Ok(self.file(contents.ok_or(io::ErrorKind::NotFound)?, false))
    }

    fn temporary(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.call()?.open_nameless += 1;
        Ok(self.file(Contents::default(), true))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.call()?;
        let contents = state.files.remove(&normal(from)).ok_or(io::ErrorKind::NotFound)?;
        state.files.insert(normal(to), contents);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = self.call()?.files.remove(&normal(path));
        removed.map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create_directory(&self, _: &Path) -> io::Result<()> {
        self.call().map(drop)
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        self.call().map(drop)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let state = self.call()?;
        let inside = state.files.keys().filter(|file| file.parent() == Some(&*normal(path)));
        Ok(inside.filter_map(|file| file.file_name().map(OsString::from)).collect())
    }

    fn len_bytes(&self, path: &Path) -> io::Result<Option<u64>> {
        let contents = self.call()?.files.get(&normal(path)).cloned();
        let len = |contents: Contents| {
            contents.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
        };
        Ok(contents.map(len))
    }

    fn is_directory(&self, _: &Path) -> bool {
        true
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    contents: Contents,
    is_nameless: bool,
    position: usize,
}

impl MemoryFile {
    fn contents(&self) -> MutexGuard<'_, Vec<u8>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        self.disk.state().open_nameless -= usize::from(self.is_nameless);
    }
}

impl DiskFile for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.call()?;
        if self.is_nameless {
            state.nameless_bytes += bytes.len();
        }
        drop(state);
        self.contents().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.read_at(self.position as u64, buffer)?;
        self.position += count;
        Ok(count)
    }

    fn read_at(&mut self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        drop(self.disk.call()?);
        let contents = self.contents();
        let rest = contents.get(position as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn seek(&mut self, position: u64) -> io::Result<()> {
        drop(self.disk.call()?);
        self.position = position as usize;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.call().map(drop)
    }

    fn truncate(&mut self, len_bytes: u64) -> io::Result<()> {
        drop(self.disk.call()?);
        self.contents().truncate(len_bytes as usize);
        Ok(())
    }

    fn lock(&mut self) -> io::Result<bool> {
        Ok(true)
    }
}
