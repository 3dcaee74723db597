//! A disk in memory that tells the truth about durability and fails on purpose.
//!
//! Everything follows from one seed. A [`SimDisk`] belongs to one process of one machine; what
//! becomes of its files depends on how it ends:
//! - [`SimDisk::kill`], as `kill -9`: what was written stays, because the system still has it.
//! - [`SimDisk::crash`], as a power loss: what was not synced is lost, kept, torn at any byte or at
//!   the border of a sector, or full of holes; names that were not synced are lost or kept, a rename
//!   as a whole. A name that is kept says nothing about the content behind it.
//!
//! [`SimDisk::power_off_after`] stops the machine at any later call, [`SimDisk::fail`] and
//! [`SimDisk::fail_by_chance`] let calls fail. A sync that fails drops what it should have saved and
//! the next one succeeds, as on Linux. Files that are still open when their machine or process ends
//! give errors and change nothing.
//!
//! Stricter than most file systems, as POSIX permits: a name lasts only once its directory was
//! synced, syncing the file is not enough, and a directory's own name is one in its parent.

mod content;
mod fault;
mod file;
mod machine;
mod names;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dunlin_persistence::{Disk, DiskFile};
use fastrand::Rng;

pub use content::Tear;
pub use fault::{Call, Fault};

use fault::error;
use file::{Mode, SimFile};
use machine::{Machine, ProcessNumber};
use names::{Node, normal};

/// A test that has failed while it held the lock still wants its log.
fn locked(machine: &Mutex<Machine>) -> MutexGuard<'_, Machine> {
    machine.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The disk as one process sees it; clones are the same process.
#[derive(Clone, Debug)]
pub struct SimDisk {
    machine: Arc<Mutex<Machine>>,
    process: ProcessNumber,
}

impl SimDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> SimDisk {
        SimDisk { machine: Arc::new(Mutex::new(Machine::new(seed))), process: 0 }
    }

    /// The same disk for another process, which runs beside this one.
    pub fn another_process(&self) -> SimDisk {
        let process = self.machine().start_process();
        SimDisk { machine: Arc::clone(&self.machine), process }
    }

    /// Ends the process at once, as `kill -9` does, and gives the disk to its successor.
    pub fn kill(&self) -> SimDisk {
        self.machine().end_process(self.process);
        self.another_process()
    }

    /// Cuts the power and returns the disk as it is found afterwards. Faults are gone.
    pub fn crash(&self, random: &mut Rng) -> SimDisk {
        let machine = self.machine().after_power_loss(random);
        SimDisk { machine: Arc::new(Mutex::new(machine)), process: 0 }
    }

    /// The disk as it would be found if the power went now; this one goes on.
    pub fn image_after_crash(&self, random: &mut Rng) -> SimDisk {
        let machine = self.machine().found_after_power_loss(random);
        SimDisk { machine: Arc::new(Mutex::new(machine)), process: 0 }
    }

    /// Cuts the power at the call after the next `calls` ones.
    pub fn power_off_after(&self, calls: u64) {
        let mut machine = self.machine();
        machine.power_off_at = Some(machine.calls + calls + 1);
    }

    /// Whether the power is off: what the process does now, nobody sees.
    pub fn is_off(&self) -> bool {
        self.machine().off
    }

    /// Lets `times` calls of one kind fail on paths that contain `part`, after the next `skip`.
    pub fn fail(&self, call: Call, part: &str, skip: u32, times: u32, fault: Fault) {
        self.machine().faults.add(call, part, skip, times, fault);
    }

    /// Lets calls of one kind fail by chance.
    pub fn fail_by_chance(&self, call: Call, per_million: u32, fault: Fault) {
        self.machine().faults.add_chance(call, per_million, fault);
    }

    /// Takes all faults away.
    pub fn mend(&self) {
        let mut machine = self.machine();
        machine.faults.clear();
        machine.capacity_bytes = None;
    }

    /// Limits how many bytes fit, in all files together; `None` is no limit.
    pub fn set_capacity_bytes(&self, capacity: Option<u64>) {
        self.machine().capacity_bytes = capacity;
    }

    /// How long slow calls have taken since the last time this was asked.
    pub fn take_delay(&self) -> Duration {
        std::mem::take(&mut self.machine().delay)
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.machine().calls
    }

    /// The last calls, one a line, for the message of a failing test.
    pub fn log(&self) -> String {
        self.machine().log()
    }

    /// All files by name.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.machine().names.files().map(|(path, _)| path.to_owned()).collect()
    }

    /// What a file holds, as programs see it; without faults, and not counted.
    pub fn content(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let machine = self.machine();
        let file = machine.file(&normal(path.as_ref())).ok()?;
        Some(machine.files[file].content.current().to_vec())
    }

    /// Puts a file there that has survived, whatever happens next; without faults, and not counted.
    ///
    /// # Panics
    /// When the name is one of a directory, or lies in none.
    pub fn put(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        let path = normal(path.as_ref());
        let mut machine = self.machine();
        let file = machine.file_or_new(&path).expect("a place for a file");
        let content = &mut machine.files[file].content;
        content.truncate(0);
        content.write(0, bytes);
        content.sync();
        machine.names.sync(path.parent().unwrap_or(Path::new("")));
    }

    /// Whether a file shows bytes that a failed sync has dropped: after a `kill` nobody can tell them
    /// from those that will last.
    pub fn shows_dropped_bytes(&self) -> bool {
        let machine = self.machine();
        machine.names.files().any(|(_, file)| machine.files[file].content.shows_dropped_bytes())
    }

    /// Removes a file for good; without faults, and not counted.
    pub fn remove_quietly(&self, path: impl AsRef<Path>) {
        let path = normal(path.as_ref());
        let mut machine = self.machine();
        machine.names.remove(path.clone());
        machine.names.sync(path.parent().unwrap_or(Path::new("")));
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        locked(&self.machine)
    }

    /// Makes one call: counted, with its faults, and logged.
    fn call<T>(
        &self,
        call: Call,
        path: &Path,
        show: impl FnOnce(&T) -> String,
        run: impl FnOnce(&mut Machine, PathBuf) -> io::Result<T>,
    ) -> io::Result<T> {
        let machine = &mut *self.machine();
        let outcome = match machine.meet(self.process, call, path) {
            Ok(_) => run(machine, normal(path)),
            Err(error) => Err(error),
        };
        machine.note(self.process, call, path, &outcome, show);
        outcome
    }

    fn handle(
        &self,
        machine: &mut Machine,
        file: usize,
        path: PathBuf,
        mode: Mode,
    ) -> Box<dyn DiskFile> {
        Box::new(SimFile::open(&self.machine, machine, self.process, file, path, mode))
    }
}

fn done<T>(_: &T) -> String {
    "done".to_owned()
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.call(Call::Create, path, done, |machine, path| {
            let file = machine.file_or_new(&path)?;
            machine.files[file].content.truncate(0);
            Ok(self.handle(machine, file, path, Mode::ReadWrite))
        })
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.call(Call::Append, path, done, |machine, path| {
            let file = machine.file_or_new(&path)?;
            Ok(self.handle(machine, file, path, Mode::Append))
        })
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.call(Call::Open, path, done, |machine, path| {
            let file = machine.file(&path)?;
            Ok(self.handle(machine, file, path, Mode::Read))
        })
    }

    fn temporary(&self, directory: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.call(Call::Create, directory, done, |machine, directory| {
            if machine.names.get(&directory) != Some(Node::Directory) {
                return Err(error(libc::ENOENT));
            }
            let file = machine.new_file();
            let path = directory.join("(no name)");
            Ok(self.handle(machine, file, path, Mode::ReadWrite))
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let show = |(): &()| format!("was {}", from.display());
        self.call(Call::Rename, to, show, |machine, to| {
            let from = normal(from);
            let file = machine.file(&from)?;
            if machine.names.get(&to) == Some(Node::Directory) {
                return Err(error(libc::EISDIR));
            }
            if !machine.names.has_parent(&to) {
                return Err(error(libc::ENOENT));
            }
            if from != to {
                machine.names.rename(from, to, Node::File(file));
            }
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(Call::Remove, path, done, |machine, path| {
            machine.file(&path)?;
            machine.names.remove(path);
            Ok(())
        })
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.call(Call::CreateDirectory, path, done, |machine, path| {
            match machine.names.get(&path) {
                Some(Node::Directory) => Ok(()),
                Some(Node::File(_)) => Err(error(libc::EEXIST)),
                None if !machine.names.has_parent(&path) => Err(error(libc::ENOENT)),
                None => {
                    machine.names.set(path, Node::Directory);
                    Ok(())
                }
            }
        })
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.call(Call::SyncDirectory, path, done, |machine, path| match machine.names.get(&path) {
            Some(Node::Directory) => {
                machine.names.sync(&path);
                Ok(())
            }
            Some(Node::File(_)) => Err(error(libc::ENOTDIR)),
            None => Err(error(libc::ENOENT)),
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let show = |names: &Vec<OsString>| format!("{names:?}");
        self.call(Call::List, path, show, |machine, path| {
            let paths = machine.names.list(&path);
            let mut names: Vec<OsString> =
                paths.iter().filter_map(|path| Some(path.file_name()?.to_owned())).collect();
            machine.random.shuffle(&mut names);
            Ok(names)
        })
    }

    fn len_bytes(&self, path: &Path) -> io::Result<Option<u64>> {
        let show = |len: &Option<u64>| format!("{len:?} bytes");
        self.call(Call::Look, path, show, |machine, path| match machine.file(&path) {
            Ok(file) => Ok(Some(machine.files[file].content.current().len() as u64)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.call(Call::Look, path, bool::to_string, |machine, path| {
            Ok(machine.names.get(&path) == Some(Node::Directory))
        })
        .unwrap_or(false)
    }
}

#[cfg(test)]
mod tests;
