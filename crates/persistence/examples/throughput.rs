//! How fast data sets are saved and loaded, and on which thread the time goes.
//!
//! `cargo run --release -p dunlin-persistence --example throughput` fills a keyspace, writes a
//! snapshot of it into memory while the other thread walks, and loads it again. It prints keys per
//! second and the processor time that each thread took for a key; no disk is involved. The first save
//! writes to fresh pages, the second one to used ones, as a file system with room in its cache does.
//! Then it is sent to one replica and to three, which take everything at once.
//!
//! On two cores shared with some ten other processes: small keys 7.5 million/s saved (command thread
//! 121 ns a key) and 2.5 million/s loaded (300 ns); 1 KB of noise 1.0 million/s and 0.7 million/s.
//! With little else running: small keys 14.8 million/s saved to used pages, 15.2 sent to one replica and
//! 15.0 to three; 1 KB of noise 2.1 million/s (2.1 GB/s), 2.1 and 1.8, of which the command thread takes
//! 382, 446 and 500 ns a key.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use dunlin_keyspace::{Freer, Garbage, Keyspace, Layout, SnapshotScope, WalkProgress};
use dunlin_persistence::load::{LoadBatch, LoadPlan, LoadRules, Loader};
use dunlin_persistence::snapshot::{
    Destination, Form, Outlet, QueueLimits, RdbForm, Snapshot, SnapshotRequest, Target,
};
use dunlin_persistence::{Disk, DiskFile, Events, Feed, FeedOutlet, FeedState, Framing, Job, Step};
use dunlin_rdb::{LoadLimits, Version};
use dunlin_stdx::time::UnixMs;
use dunlin_values::NewValue;
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const NAME: &str = "dump.rdb";

/// A data set.
struct DataSet {
    name: &'static str,
    keys: usize,
    value: fn(usize) -> Vec<u8>,
}

const DATA_SETS: [DataSet; 4] = [
    DataSet { name: "small", keys: 3_000_000, value: |n| format!("v{n:07}").into_bytes() },
    DataSet { name: "1 KB, noise", keys: 500_000, value: noise },
    DataSet { name: "1 KB, half noise", keys: 500_000, value: half_noise },
    DataSet { name: "1 KB, text", keys: 500_000, value: text },
];

fn noise(n: usize) -> Vec<u8> {
    let mut state = n as u64;
    let step = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..1000).map(step).collect()
}

fn half_noise(n: usize) -> Vec<u8> {
    let mut value = noise(n);
    value[500..].fill(b'x');
    value
}

fn text(n: usize) -> Vec<u8> {
    let words = ["customer", "order", "delivered", "pending", "address", "street"];
    let word = |at: usize| words[(n + at * at) % words.len()].bytes().chain(*b" ");
    (0..).flat_map(word).take(1000).collect()
}

type Contents = Arc<Mutex<Vec<u8>>>;
type Files = HashMap<PathBuf, Contents>;

/// Files in memory that are never synced.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Files>>);

/// A file, and where it is read next.
struct MemoryFile(Contents, usize);

impl Memory {
    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.lock().expect("not poisoned")
    }
}

impl Disk for Memory {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        // In the memory of the last file, so that no page is new.
        let file = self.files().remove(Path::new(NAME)).unwrap_or_default();
        file.lock().expect("not poisoned").clear();
        self.files().insert(path.into(), Arc::clone(&file));
        Ok(Box::new(MemoryFile(file, 0)))
    }
    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.open(path)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = self.files().get(path).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(MemoryFile(file, 0)))
    }
    fn temporary(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(MemoryFile(Arc::default(), 0)))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.files();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.into(), file);
        Ok(())
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.files().remove(path);
        Ok(())
    }
    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn list(&self, _: &Path) -> io::Result<Vec<OsString>> {
        Ok(Vec::new())
    }
    fn len_bytes(&self, path: &Path) -> io::Result<Option<u64>> {
        let file = self.files().get(path).cloned();
        Ok(file.map(|file| file.lock().expect("not poisoned").len() as u64))
    }
    fn is_directory(&self, _: &Path) -> bool {
        true
    }
}

impl DiskFile for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.read_at(self.1 as u64, buffer)?;
        self.1 += count;
        Ok(count)
    }
    fn read_at(&mut self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.lock().expect("not poisoned");
        let rest = bytes.get(position as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
    fn seek(&mut self, position: u64) -> io::Result<()> {
        self.1 = position as usize;
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn truncate(&mut self, len_bytes: u64) -> io::Result<()> {
        self.0.lock().expect("not poisoned").truncate(len_bytes as usize);
        Ok(())
    }
    fn lock(&mut self) -> io::Result<bool> {
        Ok(true)
    }
}

struct DropAtOnce;

impl Freer for DropAtOnce {
    fn free_later(&mut self, garbage: Garbage) {
        drop(garbage);
    }
}

fn keyspace() -> Keyspace {
    Keyspace::new(1, Layout::OneTable, 7, Box::new(DropAtOnce))
}

/// Processor time of this thread, in nanoseconds.
fn cpu_ns() -> i64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has it");
    time.num_nanoseconds()
}

/// Runs a job to its end on a thread of its own; returns the processor time it took.
fn run(mut job: impl Job + 'static) -> std::thread::JoinHandle<i64> {
    std::thread::spawn(move || {
        let begun = cpu_ns();
        let signal = job.signal();
        loop {
            match job.step() {
                Step::Working => {}
                Step::Idle => {
                    signal.wait(Duration::from_millis(100));
                }
                Step::Done => return cpu_ns() - begun,
            }
        }
    })
}

fn print(what: &str, keys: usize, elapsed: Duration, command_ns: i64, job_ns: i64, bytes: usize) {
    let per_key = |ns: i64| ns as f64 / keys as f64;
    println!(
        "  {what}: {:.2} million keys/s, {:.0} MB/s; a key: command thread {:.0} ns, job {:.0} ns",
        keys as f64 / elapsed.as_secs_f64() / 1e6,
        bytes as f64 / elapsed.as_secs_f64() / 1e6,
        per_key(command_ns),
        per_key(job_ns),
    );
}

/// Writes a snapshot while this thread walks, and does `between` after each slice; returns the processor
/// time of both threads.
fn write(
    keyspace: &mut Keyspace,
    (disk, targets): (&Memory, Vec<Destination>),
    mut between: impl FnMut() -> bool,
) -> (i64, i64) {
    let start = keyspace.snapshot_start(&SnapshotScope::All);
    let target = |destination| Target { destination, replication: None, is_aof_base: false };
    let request = SnapshotRequest {
        form: Form::Rdb(RdbForm {
            version: Version::V10,
            plain_hashes: false,
            compression: true,
            checksum: true,
            server_version: "7.2.4",
            created: UnixMs(0),
            used_memory_bytes: 0,
        }),
        targets: targets.into_iter().map(target).collect(),
        libraries: Vec::new(),
        databases: start.databases,
        spill_directory: PathBuf::from("."),
        limits: QueueLimits::default(),
    };
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let begun_cpu = cpu_ns();
    let Snapshot { encoder, writer, .. } =
        Snapshot::begin(request, &shared, waker(), Events::new(waker()));
    let writer = run(writer);
    assert!(keyspace.begin_snapshot(SnapshotScope::All, Box::new(encoder)).is_ok());
    loop {
        let progress = keyspace.walk(5000);
        let has_moved = between();
        match progress {
            WalkProgress::More => {}
            WalkProgress::NoRoom if has_moved => {}
            WalkProgress::NoRoom => std::thread::park_timeout(Duration::from_millis(10)),
            WalkProgress::Done => break,
        }
    }
    keyspace.end_snapshot().expect("everything was handed out").complete();
    while !writer.is_finished() {
        if !between() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
    while between() {}
    (cpu_ns() - begun_cpu, writer.join().expect("the writer ends"))
}

/// Wakes this thread.
fn waker() -> Arc<dyn Fn() + Send + Sync> {
    let waker = std::thread::current();
    Arc::new(move || waker.unpark())
}

fn save(keyspace: &mut Keyspace, disk: &Memory, keys: usize) -> usize {
    let file = Destination::File {
        temporary: "temp".into(),
        publish: Some(NAME.into()),
        incremental_sync: true,
        keep: None,
    };
    let begun = Instant::now();
    let (command_ns, writer_ns) = write(keyspace, (disk, vec![file]), || false);
    let bytes = disk.len_bytes(Path::new(NAME)).expect("memory").expect("it is there") as usize;
    print("save", keys, begun.elapsed(), command_ns, writer_ns, bytes);
    bytes
}

/// Feeds replicas that take what comes at once: what it costs besides their sockets.
fn send(keyspace: &mut Keyspace, replicas: usize, keys: usize) {
    let new = |_| Feed::new(Framing::Mark([b'm'; 40]), waker());
    let (outlets, mut feeds): (Vec<FeedOutlet>, Vec<Feed>) = (0..replicas).map(new).unzip();
    let outlet = |outlet| Destination::Outlet(Box::new(outlet) as Box<dyn Outlet>);
    let targets = outlets.into_iter().map(outlet).collect();
    let (begun, mut bytes) = (Instant::now(), 0);
    let take_all = || {
        let before = bytes;
        for feed in &mut feeds {
            while let Some(taken) = feed.take(256 << 10) {
                bytes += taken.len();
            }
        }
        bytes > before
    };
    let (command_ns, writer_ns) = write(keyspace, (&Memory::default(), targets), take_all);
    assert!(feeds.iter().all(|feed| feed.state() == FeedState::Finished));
    let what = format!("send to {replicas}");
    print(&what, keys, begun.elapsed(), command_ns, writer_ns, bytes / replicas);
}

fn load(disk: &Memory, keys: usize, bytes: usize) {
    let mut keyspace = keyspace();
    let rules = LoadRules {
        placer: keyspace.placer(),
        databases: 1,
        limits: LoadLimits::default(),
        checksum: true,
        load_truncated: true,
        drop_expired: true,
        now: UnixMs(0),
    };
    let (begun, begun_cpu) = (Instant::now(), cpu_ns());
    let (loader, receiver) =
        Loader::new(LoadPlan::snapshot(NAME.into()), rules, Arc::new(disk.clone()), waker());
    let loader = run(loader);
    loop {
        match receiver.next() {
            None => std::thread::park_timeout(Duration::from_millis(10)),
            Some(LoadBatch::Room(db, room)) => keyspace.take_room(db, room),
            Some(LoadBatch::Entries(mut entries)) => {
                keyspace.load(&mut entries, false).expect("each key comes once");
                receiver.recycle_entries(entries);
            }
            Some(LoadBatch::Done(_)) => break,
            Some(LoadBatch::Failed(error)) => panic!("{error}"),
            Some(_) => {}
        }
    }
    let command_ns = cpu_ns() - begun_cpu;
    let elapsed = begun.elapsed();
    assert_eq!(keyspace.database(0).len(), keys);
    print("load", keys, elapsed, command_ns, loader.join().expect("it ends"), bytes);
}

fn main() {
    for DataSet { name, keys, value } in DATA_SETS {
        let mut keyspace = keyspace();
        for n in 0..keys {
            let value = value(n);
            let key = format!("key:{n:012}");
            keyspace.slot(0, key.as_bytes()).set(NewValue::string(&value), None);
        }
        println!("{name}, {keys} keys");
        let disk = Memory::default();
        save(&mut keyspace, &disk, keys);
        let bytes = save(&mut keyspace, &disk, keys);
        send(&mut keyspace, 1, keys);
        send(&mut keyspace, 3, keys);
        drop(keyspace);
        load(&disk, keys, bytes);
    }
}
