//! The files of this machine, as jobs see them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use dunlin_persistence::{Disk, DiskFile};
use nix::fcntl::{Flock, FlockArg};

/// Mode of new files, before the process's mask.
const MODE: u32 = 0o644;

/// Mode of new directories, before the process's mask.
const DIRECTORY_MODE: u32 = 0o755;

/// Files of this machine; relative paths count from the working directory.
pub(crate) struct MachineDisk;

impl Disk for MachineDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(MODE);
        opened(options.open(path))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        opened(OpenOptions::new().read(true).append(true).create(true).mode(MODE).open(path))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        opened(File::open(path))
    }

    fn temporary(&self, directory: &Path) -> io::Result<Box<dyn DiskFile>> {
        let directory = named(directory);
        // Gone from the directory at once: nobody has to clean up after a crash.
        let name = format!("temp-spill-{}-{:x}", std::process::id(), unique());
        let path = directory.join(name);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        fs::remove_file(&path)?;
        opened(Ok(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        match fs::DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            result => result,
        }
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(named(path))?.sync_all()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        match fs::read_dir(named(path)) {
            Ok(entries) => entries.map(|entry| Ok(entry?.file_name())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn len_bytes(&self, path: &Path) -> io::Result<Option<u64>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn is_directory(&self, path: &Path) -> bool {
        named(path).is_dir()
    }
}

/// The empty path means the working directory.
fn named(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// A number that no other temporary file of this process has.
fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn opened(file: io::Result<File>) -> io::Result<Box<dyn DiskFile>> {
    Ok(Box::new(MachineFile(Held::Open(file?))))
}

/// An open file.
struct MachineFile(Held);

/// A file, and whether it is locked: the lock goes when the file is closed.
enum Held {
    Open(File),
    Locked(Flock<File>),
}

impl MachineFile {
    fn file(&mut self) -> &mut File {
        match &mut self.0 {
            Held::Open(file) => file,
            Held::Locked(file) => file,
        }
    }
}

impl DiskFile for MachineFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file().read(buffer)
    }

    fn read_at(&mut self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file().read_at(buffer, position)
    }

    fn seek(&mut self, position: u64) -> io::Result<()> {
        self.file().seek(SeekFrom::Start(position)).map(drop)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file().sync_data()
    }

    fn sync_soon(&mut self) -> io::Result<()> {
        dunlin_reactor::begin_writeback(self.file())
    }

    fn truncate(&mut self, len_bytes: u64) -> io::Result<()> {
        self.file().set_len(len_bytes)
    }

    fn lock(&mut self) -> io::Result<bool> {
        let Held::Open(file) = &self.0 else { return Ok(true) };
        let file = file.try_clone()?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(locked) => {
                self.0 = Held::Locked(locked);
                Ok(true)
            }
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(false),
            Err((_, error)) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_file_has_no_name() {
        let dir = tempfile::tempdir().expect("dir");
        let mut file = MachineDisk.temporary(dir.path()).expect("create");
        file.write_all(b"spilled").expect("write");
        assert!(MachineDisk.list(dir.path()).expect("list").is_empty());
        file.seek(3).expect("seek");
        let mut buffer = [0; 10];
        assert_eq!(file.read(&mut buffer).expect("read"), 4);
        assert_eq!(&buffer[..4], b"lled");
        // A look elsewhere does not move the place.
        file.seek(2).expect("seek");
        assert_eq!(file.read_at(0, &mut buffer[..3]).expect("read"), 3);
        assert_eq!(&buffer[..3], b"spi");
        file.write_all(b"X").expect("write");
        assert_eq!(file.read_at(0, &mut buffer).expect("read"), 7);
        assert_eq!(&buffer[..7], b"spXlled");
    }

    #[test]
    fn a_lock_keeps_others_out_until_the_file_is_closed() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("file");
        let mut first = MachineDisk.append(&path).expect("open");
        let mut second = MachineDisk.append(&path).expect("open");
        assert!(first.lock().expect("lock"));
        assert!(first.lock().expect("again"));
        assert!(!second.lock().expect("lock"));
        first.write_all(b"x").expect("write");
        drop(first);
        assert!(second.lock().expect("lock"));
    }

    #[test]
    fn what_is_missing_is_no_error() {
        let dir = tempfile::tempdir().expect("dir");
        let missing = dir.path().join("no");
        assert_eq!(MachineDisk.len_bytes(&missing).expect("len"), None);
        assert!(MachineDisk.list(&missing).expect("list").is_empty());
        assert!(!MachineDisk.is_directory(&missing));
        MachineDisk.create_directory(&missing).expect("create");
        MachineDisk.create_directory(&missing).expect("there already");
        MachineDisk.sync_directory(&missing).expect("sync");
    }
}
