//! An open file of a simulated disk.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use dunlin_persistence::DiskFile;

use super::fault::{Call, error};
use super::locked;
use super::machine::{Machine, ProcessNumber};
use super::names::FileNumber;

/// What a handle may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    ReadWrite,
    Append,
}

/// An open file. It outlives the machine it was opened on, but does nothing any more then.
#[derive(Debug)]
pub(super) struct SimFile {
    machine: Arc<Mutex<Machine>>,
    process: ProcessNumber,
    handle: u64,
    file: FileNumber,
    path: PathBuf,
    mode: Mode,
    read_at: usize,
    write_at: usize,
}

impl SimFile {
    pub(super) fn open(
        shared: &Arc<Mutex<Machine>>,
        machine: &mut Machine,
        process: ProcessNumber,
        file: FileNumber,
        path: PathBuf,
        mode: Mode,
    ) -> SimFile {
        machine.files[file].open += 1;
        let handle = machine.new_handle();
        let machine = Arc::clone(shared);
        SimFile { machine, process, handle, file, path, mode, read_at: 0, write_at: 0 }
    }

    /// Makes one call: counted, with its faults, and logged. `run` is told whether it is to be short.
    fn call<T>(
        &mut self,
        call: Call,
        show: impl FnOnce(&T) -> String,
        run: impl FnOnce(&mut SimFile, &mut Machine, bool) -> io::Result<T>,
    ) -> io::Result<T> {
        let shared = Arc::clone(&self.machine);
        let machine = &mut *locked(&shared);
        let outcome = match machine.meet(self.process, call, &self.path) {
            Ok(short) => run(self, machine, short),
            Err(error) => Err(error),
        };
        if matches!(call, Call::Sync | Call::SyncSoon)
            && outcome.is_err()
            && machine.runs(self.process)
        {
            let Machine { files, random, .. } = machine;
            files[self.file].content.fail_sync(random);
        }
        machine.note(self.process, call, &self.path, &outcome, show);
        outcome
    }

    fn writable(&self) -> io::Result<()> {
        if self.mode == Mode::Read { Err(error(libc::EBADF)) } else { Ok(()) }
    }
}

impl DiskFile for SimFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len();
        let show = |count: &usize| format!("{count} of {len} bytes");
        self.call(Call::Write, show, |this, machine, short| {
            this.writable()?;
            let mut count = len.min(machine.room_bytes());
            if count == 0 && len > 0 {
                return Err(error(libc::ENOSPC));
            }
            if short && count > 1 {
                count = machine.random.usize(1..count);
            }
            let content = &mut machine.files[this.file].content;
            if this.mode == Mode::Append {
                this.write_at = content.current().len();
            }
            content.write(this.write_at, &bytes[..count]);
            this.write_at += count;
            Ok(count)
        })
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.read_at(self.read_at as u64, buffer)?;
        self.read_at += count;
        Ok(count)
    }

    fn read_at(&mut self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let from = usize::try_from(position).map_err(|_| error(libc::EINVAL))?;
        let show = |count: &usize| format!("{count} bytes");
        self.call(Call::Read, show, |this, machine, short| {
            let current = machine.files[this.file].content.current();
            let rest = current.get(from..).unwrap_or_default();
            let mut count = rest.len().min(buffer.len());
            if short && count > 1 {
                count = machine.random.usize(1..count);
            }
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        })
    }

    fn seek(&mut self, position: u64) -> io::Result<()> {
        self.read_at = usize::try_from(position).map_err(|_| error(libc::EINVAL))?;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.call(
            Call::Sync,
            |()| "synced".to_owned(),
            |this, machine, _| {
                machine.files[this.file].content.sync();
                Ok(())
            },
        )
    }

    fn sync_soon(&mut self) -> io::Result<()> {
        // What it brings to the medium nobody knows: all of it may still be torn.
        self.call(Call::SyncSoon, |()| "asked".to_owned(), |_, _, _| Ok(()))
    }

    fn truncate(&mut self, len_bytes: u64) -> io::Result<()> {
        let len = usize::try_from(len_bytes).map_err(|_| error(libc::EFBIG))?;
        self.call(
            Call::Truncate,
            |()| format!("to {len} bytes"),
            |this, machine, _| {
                this.writable()?;
                machine.files[this.file].content.truncate(len);
                Ok(())
            },
        )
    }

    fn lock(&mut self) -> io::Result<bool> {
        self.call(
            Call::Lock,
            |taken| format!("taken: {taken}"),
            |this, machine, _| {
                let file = &mut machine.files[this.file];
                let mine = (this.process, this.handle);
                if file.locked_by.is_some_and(|owner| owner != mine) {
                    return Ok(false);
                }
                file.locked_by = Some(mine);
                Ok(true)
            },
        )
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let file = &mut locked(&self.machine).files[self.file];
        file.open -= 1;
        if file.locked_by == Some((self.process, self.handle)) {
            file.locked_by = None;
        }
    }
}
