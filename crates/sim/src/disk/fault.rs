//! What can go wrong on a disk, and when.

use std::io;
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;

/// The calls a fault can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// [`Disk::create`](dunlin_persistence::Disk::create), and files without a name.
    Create,
    /// [`Disk::append`](dunlin_persistence::Disk::append).
    Append,
    /// [`Disk::open`](dunlin_persistence::Disk::open).
    Open,
    /// [`Disk::rename`](dunlin_persistence::Disk::rename); the path is the new name.
    Rename,
    /// [`Disk::remove`](dunlin_persistence::Disk::remove).
    Remove,
    /// [`Disk::create_directory`](dunlin_persistence::Disk::create_directory).
    CreateDirectory,
    /// [`Disk::sync_directory`](dunlin_persistence::Disk::sync_directory).
    SyncDirectory,
    /// [`Disk::list`](dunlin_persistence::Disk::list).
    List,
    /// [`Disk::len_bytes`](dunlin_persistence::Disk::len_bytes) and `is_directory`.
    Look,
    /// [`DiskFile::write`](dunlin_persistence::DiskFile::write).
    Write,
    /// [`DiskFile::read`](dunlin_persistence::DiskFile::read).
    Read,
    /// [`DiskFile::sync`](dunlin_persistence::DiskFile::sync).
    Sync,
    /// [`DiskFile::sync_soon`](dunlin_persistence::DiskFile::sync_soon).
    SyncSoon,
    /// [`DiskFile::truncate`](dunlin_persistence::DiskFile::truncate).
    Truncate,
    /// [`DiskFile::lock`](dunlin_persistence::DiskFile::lock).
    Lock,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error of the system; a sync that meets one loses what was not synced.
    Error(i32),
    /// A write takes part of the bytes, a read gives part of them; other calls are not affected.
    Short,
    /// The call succeeds after this long; see [`SimDisk::take_delay`](super::SimDisk::take_delay).
    Slow(Duration),
}

impl Fault {
    /// The medium failed.
    pub const EIO: Fault = Fault::Error(libc::EIO);
    /// The disk is full.
    pub const ENOSPC: Fault = Fault::Error(libc::ENOSPC);
    /// Not allowed.
    pub const EACCES: Fault = Fault::Error(libc::EACCES);
    /// Too many open files.
    pub const EMFILE: Fault = Fault::Error(libc::EMFILE);
}

/// A fault on demand: meets calls of one kind on paths that contain a text.
#[derive(Clone, Debug)]
struct Rule {
    call: Call,
    part: String,
    skip: u32,
    times: u32,
    fault: Fault,
}

/// A fault by chance.
#[derive(Clone, Copy, Debug)]
struct Chance {
    call: Call,
    per_million: u32,
    fault: Fault,
}

/// All that may go wrong on a disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    rules: Vec<Rule>,
    chances: Vec<Chance>,
}

impl Faults {
    pub(super) fn add(&mut self, call: Call, part: &str, skip: u32, times: u32, fault: Fault) {
        self.rules.push(Rule { call, part: part.to_owned(), skip, times, fault });
    }

    pub(super) fn add_chance(&mut self, call: Call, per_million: u32, fault: Fault) {
        self.chances.push(Chance { call, per_million, fault });
    }

    pub(super) fn clear(&mut self) {
        *self = Faults::default();
    }

    /// The fault that this call meets.
    pub(super) fn meet(&mut self, call: Call, path: &Path, random: &mut Rng) -> Option<Fault> {
        let path = path.to_string_lossy();
        for rule in &mut self.rules {
            if rule.call != call || rule.times == 0 || !path.contains(&rule.part) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.times -= 1;
            return Some(rule.fault);
        }
        let met =
            |chance: &&Chance| chance.call == call && random.u32(..1_000_000) < chance.per_million;
        self.chances.iter().find(met).map(|chance| chance.fault)
    }
}

/// The error the system gives for a number.
pub(super) fn error(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_meets_the_calls_it_names() {
        let mut faults = Faults::default();
        faults.add(Call::Sync, ".incr.", 1, 2, Fault::EIO);
        let mut random = Rng::with_seed(1);
        let mut meet = |call, path| faults.meet(call, Path::new(path), &mut random);
        assert_eq!(meet(Call::Write, "a.1.incr.aof"), None);
        assert_eq!(meet(Call::Sync, "dump.rdb"), None);
        assert_eq!(meet(Call::Sync, "a.1.incr.aof"), None, "skipped");
        assert_eq!(meet(Call::Sync, "a.1.incr.aof"), Some(Fault::EIO));
        assert_eq!(meet(Call::Sync, "a.2.incr.aof"), Some(Fault::EIO));
        assert_eq!(meet(Call::Sync, "a.2.incr.aof"), None, "used up");
    }

    #[test]
    fn a_chance_is_met_about_as_often_as_it_says() {
        let mut faults = Faults::default();
        faults.add_chance(Call::Write, 100_000, Fault::Short);
        let mut random = Rng::with_seed(1);
        let meets = (0..10_000)
            .filter(|_| faults.meet(Call::Write, Path::new("a"), &mut random).is_some())
            .count();
        assert!((800..1200).contains(&meets), "{meets}");
    }

    #[test]
    fn errors_read_as_those_of_the_system() {
        assert_eq!(error(libc::ENOSPC).kind(), io::ErrorKind::StorageFull);
        assert!(error(libc::EIO).to_string().starts_with("Input/output error"));
    }
}
