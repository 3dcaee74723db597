//! The disk stops after each call, and again after each call of the recovery: what a plan names is
//! always a whole, and holds what was acknowledged.
//!
//! The data set is the numbers from 1: a base holds all up to where it was begun, an incremental
//! file one for each command. Loaded in order, the files must count on without a gap or a double.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dunlin_aof::BaseForm;

use super::disk::{AFTER, After, TestDisk};
use crate::append::{
    AppendError, AppendEvent, AppendFiles, AppendJob, AppendLog, AppendPaths, Incremental,
};
use crate::disk::Disk;
use crate::events::Events;
use crate::job::{Job, Step};
use crate::load::LoadPlan;

const DIR: &str = "/srv";
const TEMPORARY_BASE: &str = "/srv/temp-rewriteaof-bg-1.aof";

fn paths() -> AppendPaths {
    AppendPaths::new(Path::new(DIR), b"appendonlydir", b"appendonly.aof")
}

fn numbers(upto: u64) -> Vec<u8> {
    (1..=upto).map(|number| format!("{number}\n")).collect::<String>().into_bytes()
}

/// Loads what a plan names and returns the last number. Cuts the end of a file as a loader does.
fn load(disk: &TestDisk, plan: &LoadPlan) -> io::Result<u64> {
    let mut last = 0;
    for file in &plan.files {
        let bytes = disk.get(&file.path).expect("a file that the plan names");
        let good = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if good < bytes.len() {
            assert!(file.may_be_cut, "{} is cut and is not the last", file.name);
            disk.append(&file.path)?.truncate(good as u64)?;
        }
        let text = std::str::from_utf8(&bytes[..good]).expect("text");
        for line in text.lines() {
            last += 1;
            assert_eq!(line, last.to_string(), "in {}", file.name);
        }
    }
    Ok(last)
}

/// A server: its log, and the numbers that were appended and acknowledged.
struct Server {
    disk: TestDisk,
    log: AppendLog,
    job: AppendJob,
    events: Events<AppendEvent>,
    last: u64,
    /// Whether the log is what a restart loads.
    is_on: bool,
    /// The last number in the file, and on the medium.
    written: u64,
    synced: u64,
}

impl Server {
    fn start(disk: &TestDisk) -> Result<Self, AppendError> {
        let (mut files, plan) = AppendFiles::open(&disk.arc(), paths())?;
        let stopped = |error: io::Error| AppendError::System(error.to_string());
        let last = load(disk, &plan).map_err(stopped)?;
        let open = files.start(BaseForm::Rdb, b"")?;
        Ok(Self::new(disk, last, files, Some(open)))
    }

    /// A server that has numbers already when it switches the log on.
    fn enable(disk: &TestDisk, last: u64) -> Result<Self, AppendError> {
        let files = AppendFiles::enable(&disk.arc(), paths())?;
        Ok(Self::new(disk, last, files, None))
    }

    fn new(
        disk: &TestDisk,
        last: u64,
        files: AppendFiles,
        open: Option<crate::append::OpenLog>,
    ) -> Self {
        let events = Events::new(Arc::new(|| ()));
        let is_on = open.is_some();
        let acknowledged = if is_on { last } else { 0 };
        let (log, job) = AppendLog::new(files, open, last, events.clone());
        let (written, synced) = (acknowledged, acknowledged);
        Self { disk: disk.clone(), log, job, events, last, is_on, written, synced }
    }

    fn append(&mut self) {
        self.last += 1;
        self.log.write(format!("{}\n", self.last).as_bytes(), self.last);
        self.hear();
    }

    /// Appends and waits as `appendfsync always` does, in each of its ways.
    fn append_synced(&mut self) {
        self.append();
        self.log.sync_here();
        self.last += 1;
        self.log.write_and_sync(format!("{}\n", self.last).as_bytes(), self.last);
        self.run();
    }

    fn run(&mut self) {
        while self.job.step() == Step::Working {}
        self.hear();
    }

    fn hear(&mut self) {
        while let Some(event) = self.events.next() {
            if let AppendEvent::RewriteCommitted(_) = event {
                self.is_on = true;
            }
        }
        if self.is_on {
            self.written = self.log.written();
            self.synced = self.log.synced();
        }
    }

    fn rewrite(&mut self, incremental: Incremental) {
        self.log.begin_rewrite(incremental);
        let base = numbers(self.last);
        self.append();
        self.run();
        self.append_synced();
        self.append();
        let written = self.disk.create(Path::new(TEMPORARY_BASE)).and_then(|mut file| {
            file.write_all(&base)?;
            file.sync()
        });
        if written.is_err() {
            self.log.abort_rewrite();
            self.run();
            return;
        }
        let temporary = PathBuf::from(TEMPORARY_BASE);
        self.log.commit_rewrite(temporary, BaseForm::Rdb, true);
        self.append();
        self.run();
    }

    fn close(&mut self) {
        self.log.close();
        self.run();
    }
}

/// What was promised when the disk stopped.
#[derive(Clone, Copy, Debug, Default)]
struct Promised {
    written: u64,
    synced: u64,
}

impl Promised {
    fn check(self, last: u64, after: After) {
        let least = if matches!(after, After::Kill) { self.written } else { self.synced };
        assert!(last >= least, "{last} of {self:?} after {after:?}");
    }
}

type Life = fn(&TestDisk) -> Promised;

fn promised(server: &Server) -> Promised {
    Promised { written: server.written, synced: server.synced }
}

/// A server is started, writes, rewrites its log three times (once it gives up), and ends.
fn rewrites(disk: &TestDisk) -> Promised {
    let Ok(mut server) = Server::start(disk) else { return Promised::default() };
    server.append();
    server.append_synced();
    server.append();
    server.rewrite(Incremental::Listed);
    server.append();
    server.log.begin_rewrite(Incremental::Listed);
    server.append();
    server.log.abort_rewrite();
    server.append_synced();
    server.rewrite(Incremental::Listed);
    server.append();
    server.close();
    promised(&server)
}

/// A server with data switches its log on, off, and on again.
fn switched(disk: &TestDisk) -> Promised {
    let Ok(mut server) = Server::enable(disk, 3) else { return Promised::default() };
    server.rewrite(Incremental::Temporary);
    server.append_synced();
    server.append();
    server.close();
    let (before, is_on) = (promised(&server), server.is_on);
    let last = server.last;
    drop(server);
    let Ok(mut server) = Server::enable(disk, last) else { return before };
    server.append();
    server.last = last;
    server.rewrite(Incremental::Temporary);
    server.close();
    if server.is_on || !is_on { promised(&server) } else { before }
}

/// A sync fails; the log goes on in a new file, and is rewritten.
fn recovers(disk: &TestDisk) -> Promised {
    let Ok(mut server) = Server::start(disk) else { return Promised::default() };
    server.append_synced();
    server.append();
    disk.fail_next_sync();
    server.log.sync();
    server.run();
    let before = promised(&server);
    // From here on clients are refused: what is written is not promised before the rewrite is done.
    server.is_on = false;
    server.rewrite(Incremental::Temporary);
    server.append_synced();
    server.close();
    let after = promised(&server);
    if server.is_on { after } else { Promised { written: before.synced, ..before } }
}

/// Lives `life` on a disk that stops after each of its calls, finds the disk in each way, and
/// starts again, once on a disk that stops again after each call.
fn crash_everywhere(prepare: fn(&TestDisk), life: Life, is_log_expected: bool) {
    let fresh = || {
        let disk = TestDisk::new(Path::new(DIR));
        prepare(&disk);
        disk
    };
    let whole = fresh();
    life(&whole);
    for stop in 0..=whole.calls() {
        let disk = fresh();
        disk.stop_after(stop);
        let promised = life(&disk);
        for after in AFTER {
            let found = disk.found(after);
            recover(&found, promised, after, is_log_expected);
            let calls = found.calls();
            for again in (0..calls).step_by(5) {
                let found = disk.found(after);
                found.stop_after(again);
                if let Ok(mut server) = Server::start(&found) {
                    server.append_synced();
                }
                for after in [after, After::PowerLoss] {
                    let least = Promised { written: promised.synced, ..promised };
                    recover(&found.found(after), least, after, is_log_expected);
                }
            }
        }
    }
}

/// The next start loads what was promised, goes on, and is loaded again.
fn recover(found: &TestDisk, promised: Promised, after: After, is_log_expected: bool) {
    let (_, plan) = AppendFiles::open(&found.arc(), paths()).expect("opens");
    if plan.files.is_empty() && !is_log_expected {
        assert_eq!((promised.written, promised.synced), (0, 0));
        return;
    }
    let mut server = Server::start(found).expect("starts");
    promised.check(server.last, after);
    // What was loaded is said to be synced.
    let lost = found.found(After::PowerLoss);
    let (_, plan) = AppendFiles::open(&lost.arc(), paths()).expect("opens");
    assert_eq!(load(&lost, &plan).expect("loads"), server.synced);
    server.append_synced();
    server.rewrite(Incremental::Listed);
    server.close();
    let last = server.last;
    drop(server);
    let (_, plan) =
        AppendFiles::open(&found.found(After::PowerLoss).arc(), paths()).expect("opens");
    assert_eq!(plan.files.len(), 2, "history is gone");
    assert_eq!(load(found, &plan).expect("loads"), last);
    let left: Vec<String> =
        found.names().into_iter().filter(|name| name.contains("temp-")).collect();
    assert!(left.iter().all(|name| name.starts_with("temp-rewrite")), "{left:?}");
}

#[test]
fn a_crash_in_a_life_of_rewrites() {
    crash_everywhere(|_| (), rewrites, true);
}

#[test]
fn a_crash_while_the_log_is_switched_on() {
    crash_everywhere(|_| (), switched, false);
}

#[test]
fn a_crash_while_a_failed_sync_is_made_good() {
    crash_everywhere(|_| (), recovers, true);
}

#[test]
fn a_crash_while_an_old_file_is_taken_over() {
    let prepare = |disk: &TestDisk| disk.put(&paths().old_style(), &numbers(4));
    let life: Life = |disk| {
        let promised = rewrites(disk);
        // The old file is never lost.
        Promised { written: promised.written.max(4), synced: promised.synced.max(4) }
    };
    crash_everywhere(prepare, life, true);
}
