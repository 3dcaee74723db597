//! Whole snapshots: encoder, queue, spill job and writer, stepped by hand over a disk in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use dunlin_aof::Commands;
use dunlin_keyspace::{Emitter, LargeKey, SnapshotSink};
use dunlin_rdb::Version;
use dunlin_stdx::time::UnixMs;
use dunlin_values::{AccessHint, Encoding, Entry, FrozenHeader, FrozenItem, NewValue};
use proptest::prelude::*;

use super::*;
use crate::job::{Job, Signal, Step};
use crate::memory_disk::MemoryDisk;

const NAME: &str = "dump.rdb";
const TEMPORARY: &str = "temp-1.rdb";

/// Small enough to overflow in a test.
const LIMITS: QueueLimits = QueueLimits {
    walk_bytes: 512 << 10,
    barrier_bytes: 1 << 20,
    barrier_bytes_max: 3 << 20,
    spill_bytes_max: 64 << 20,
    overflow: Overflow::Abort,
};

fn commands() -> Form {
    Form::Commands(CommandForm { timestamp: None })
}

fn rdb() -> Form {
    Form::Rdb(RdbForm {
        version: Version::V10,
        plain_hashes: false,
        compression: true,
        checksum: true,
        server_version: "7.2.4",
        created: UnixMs(1_700_000_000_000),
        used_memory_bytes: 1_000_000,
    })
}

fn file() -> Target {
    Target {
        destination: Destination::File {
            temporary: TEMPORARY.into(),
            publish: Some(NAME.into()),
            incremental_sync: true,
            keep: None,
        },
        replication: None,
        is_aof_base: false,
    }
}

fn outlet(outlet: impl Outlet + 'static) -> Target {
    Target { destination: Destination::Outlet(Box::new(outlet)), ..file() }
}

struct Trial {
    disk: MemoryDisk,
    events: Events<SnapshotEvent>,
    encoder: Option<Encoder>,
    writer: SnapshotWriter,
    spill: SpillJob,
    control: SnapshotControl,
}

impl Trial {
    fn new(form: Form, targets: Vec<Target>) -> Self {
        let disk = MemoryDisk::default();
        disk.put(NAME, b"old");
        Self::over(disk, form, targets)
    }

    fn over(disk: MemoryDisk, form: Form, targets: Vec<Target>) -> Self {
        Self::limited(disk, form, targets, LIMITS)
    }

    fn limited(disk: MemoryDisk, form: Form, targets: Vec<Target>, limits: QueueLimits) -> Self {
        let request = SnapshotRequest {
            form,
            targets,
            libraries: Vec::new(),
            databases: vec![DatabaseAtStart { db: 0, keys: 3, with_deadline: 1 }],
            spill_directory: PathBuf::from("."),
            limits,
        };
        let events = Events::new(Arc::new(|| ()));
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let Snapshot { encoder, writer, spill, control } =
            Snapshot::begin(request, &shared, Arc::new(|| ()), events.clone());
        Self { disk, events, encoder: Some(encoder), writer, spill, control }
    }

    fn encoder(&mut self) -> &mut Encoder {
        self.encoder.as_mut().expect("not finished")
    }

    fn put(&mut self, db: u32, key: &str, value: &[u8], from: Emitter) {
        let entry = Entry::new(key.as_bytes(), NewValue::string(value), None);
        self.encoder().entry(db, &entry, AccessHint::None, from);
    }

    fn write_all(&mut self) -> SnapshotEvent {
        if let Some(mut encoder) = self.encoder.take() {
            encoder.complete();
        }
        self.run()
    }

    /// Steps both jobs until the writer ends.
    fn run(&mut self) -> SnapshotEvent {
        loop {
            let spilling = self.spill.step();
            match self.writer.step() {
                Step::Done => break,
                Step::Idle if spilling != Step::Working => panic!("nobody has anything to do"),
                Step::Idle | Step::Working => {}
            }
        }
        let event = self.events.next().expect("a writer that ends tells so");
        assert_eq!((self.events.next(), self.writer.step()), (None, Step::Done));
        event
    }

    /// What the file of commands sets, by database and key.
    fn strings(&self) -> BTreeMap<(u32, String), Vec<u8>> {
        strings(&self.disk.get(NAME).expect("the file is there"))
    }
}

fn complete(bytes: &[u8]) -> TargetEnd {
    TargetEnd::Complete(bytes.len() as u64)
}

fn strings(bytes: &[u8]) -> BTreeMap<(u32, String), Vec<u8>> {
    let (mut db, mut strings) = (None, BTreeMap::new());
    let mut len = 0;
    for command in Commands::new(bytes) {
        len += command.bytes.len();
        let words: Vec<&[u8]> = command.arguments().collect();
        let text = |at: usize| String::from_utf8_lossy(words[at]).into_owned();
        match words[0] {
            b"SELECT" => db = text(1).parse().ok(),
            b"SET" => {
                let place = (db.expect("a database is named first"), text(1));
                assert_eq!(strings.insert(place, words[2].to_vec()), None, "{}", text(1));
            }
            other => panic!("{}", String::from_utf8_lossy(other)),
        }
    }
    assert_eq!(len, bytes.len());
    strings
}

/// Takes bytes only when it is told to.
#[derive(Clone, Default)]
struct Valve(Arc<Mutex<Flow>>);

#[derive(Default)]
struct Flow {
    room: usize,
    taken: Vec<u8>,
    signal: Option<Arc<Signal>>,
}

impl Valve {
    fn open(&self, bytes: usize) {
        let mut flow = self.flow();
        flow.room = bytes;
        flow.signal.as_ref().expect("attached").raise();
    }

    fn taken(&self) -> Vec<u8> {
        self.flow().taken.clone()
    }

    fn flow(&self) -> MutexGuard<'_, Flow> {
        self.0.lock().expect("not poisoned")
    }
}

impl Outlet for Valve {
    fn attach(&mut self, signal: Arc<Signal>) {
        self.flow().signal = Some(signal);
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let mut flow = self.flow();
        let count = bytes.len().min(flow.room);
        flow.room -= count;
        flow.taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn finish(&mut self) -> Result<bool, String> {
        Ok(true)
    }

    fn abandon(&mut self, _: &str) {}
}

#[test]
fn a_file_gets_its_name_when_it_is_complete() {
    let mut trial = Trial::new(rdb(), vec![file()]);
    trial.put(0, "k", b"v", Emitter::Walk);
    assert_eq!(trial.writer.step(), Step::Working);
    assert_eq!(trial.disk.get(NAME).as_deref(), Some(&b"old"[..]));
    let SnapshotEvent::Finished(report) = trial.write_all() else { panic!("it failed") };
    let bytes = trial.disk.get(NAME).expect("it is there");
    assert_eq!(report.targets, [complete(&bytes)]);
    assert_eq!(trial.disk.names(), [NAME]);
    assert!(bytes.starts_with(b"REDIS0010\xfa\x09redis-ver\x057.2.4\xfa\x0aredis-bits\xc0\x40"));
    let records = b"\xfa\x08aof-base\xc0\x00\xfe\x00\xfb\x03\x01\x00\x01k\x01v\xff";
    let end = bytes.len() - 8;
    assert!(bytes[..end].ends_with(records), "{:?}", String::from_utf8_lossy(&bytes));
    assert_eq!(bytes[end..], dunlin_rdb::Checksum::of(&bytes[..end]).to_le_bytes());
}

#[test]
fn each_target_has_a_header_and_a_sum_of_its_own() {
    let valve = Valve::default();
    valve.flow().room = usize::MAX;
    let replication = Some(ReplicationAux { stream_db: 2, id: [b'a'; 40], offset: 77 });
    let replica = Target { replication, ..outlet(valve.clone()) };
    let mut trial = Trial::new(rdb(), vec![file(), replica]);
    trial.put(0, "k", b"v", Emitter::Walk);
    let SnapshotEvent::Finished(report) = trial.write_all() else { panic!("it failed") };
    let (file, replica) = (trial.disk.get(NAME).expect("it is there"), valve.taken());
    assert_eq!(report.targets, [complete(&file), complete(&replica)]);
    assert!(replica.windows(11).any(|window| window == b"repl-offset"));
    for bytes in [&file, &replica] {
        let end = bytes.len() - 8;
        assert_eq!(bytes[end..], dunlin_rdb::Checksum::of(&bytes[..end]).to_le_bytes());
    }
}

#[test]
fn one_target_that_fails_leaves_the_others_alone() {
    struct Broken;
    impl Outlet for Broken {
        fn write(&mut self, _: &[u8]) -> Result<usize, String> {
            Err("the connection is closed".to_owned())
        }
        fn finish(&mut self) -> Result<bool, String> {
            unreachable!("it has failed")
        }
        fn abandon(&mut self, _: &str) {}
    }
    let mut trial = Trial::new(commands(), vec![outlet(Broken), file()]);
    trial.put(0, "k", b"v", Emitter::Walk);
    let SnapshotEvent::Finished(report) = trial.write_all() else { panic!("it failed") };
    assert_eq!(report.targets[0], TargetEnd::Failed("the connection is closed".to_owned()));
    assert_eq!(report.targets[1], complete(&trial.disk.get(NAME).expect("it is there")));

    let mut trial = Trial::new(commands(), vec![outlet(Broken)]);
    trial.put(0, "k", b"v", Emitter::Walk);
    let why = "the connection is closed".to_owned();
    assert_eq!(trial.write_all(), SnapshotEvent::Failed(why));
}

#[test]
fn a_slow_target_slows_the_walk_and_the_rest_goes_through_the_spill_file() {
    let valve = Valve::default();
    let mut trial = Trial::new(commands(), vec![outlet(valve.clone()), file()]);
    let value = vec![b'x'; 1000];
    let mut walked = 0;
    while trial.encoder().has_room() {
        trial.put(0, &format!("walk:{walked}"), &value, Emitter::Walk);
        walked += 1;
    }
    assert!(walked < 1000, "{walked}");
    for n in 0..20_000 {
        trial.put(1, &format!("barrier:{n}"), &value, Emitter::Barrier);
        if trial.control.wants_spill() {
            while trial.spill.step() == Step::Working {}
        }
        let figures = trial.control.figures();
        assert!(figures.walk_bytes + figures.barrier_bytes < 2 << 20, "{figures:?}");
        // The writer is stuck, but does not spin.
        while trial.writer.step() == Step::Working {}
    }
    assert!(trial.control.figures().spilled_bytes > 15 << 20);
    assert!(trial.disk.nameless_bytes() > 15 << 20);
    valve.open(usize::MAX);
    let SnapshotEvent::Finished(report) = trial.write_all() else { panic!("it failed") };
    assert!(report.figures.peak_bytes < 2 << 20, "{:?}", report.figures);
    let strings = trial.strings();
    assert_eq!(strings.len(), 20_000 + walked);
    assert!(strings.values().all(|text| *text == value));
    assert_eq!(strings.keys().filter(|(db, _)| *db == 1).count(), 20_000);
    assert_eq!(valve.taken(), trial.disk.get(NAME).expect("it is there"));
}

#[test]
fn what_nobody_spills_ends_the_snapshot() {
    let mut trial = Trial::new(commands(), vec![outlet(Valve::default()), file()]);
    for n in 0..4000 {
        trial.put(0, &n.to_string(), &[b'x'; 1000], Emitter::Barrier);
    }
    assert!(trial.control.is_given_up());
    assert!(!trial.encoder().has_room());
    let SnapshotEvent::Failed(why) = trial.run() else { panic!("it was completed") };
    assert!(why.ends_with("the spill file does not keep up"), "{why}");
    assert_eq!(trial.disk.names(), [NAME]);
    assert_eq!(trial.spill.step(), Step::Done);
}

#[test]
fn a_spill_file_at_its_limit_ends_the_snapshot() {
    let mut trial = Trial::new(commands(), vec![outlet(Valve::default()), file()]);
    for n in 0..100_000 {
        trial.put(0, &n.to_string(), &[b'x'; 1000], Emitter::Barrier);
        while trial.spill.step() == Step::Working {}
        if trial.control.is_given_up() {
            break;
        }
    }
    let SnapshotEvent::Failed(why) = trial.run() else { panic!("it was completed") };
    assert!(why.starts_with("the spill file has reached its limit"), "{why}");
}

/// Writes a snapshot that needs the spill file; the writer is held back meanwhile.
fn write_with_spill(trial: &mut Trial) -> SnapshotEvent {
    for n in 0..3000 {
        trial.put(0, &format!("walk:{n}"), &[b'w'; 100], Emitter::Walk);
        trial.put(0, &format!("barrier:{n}"), &[b'b'; 1000], Emitter::Barrier);
        while trial.spill.step() == Step::Working {}
    }
    trial.write_all()
}

#[test]
fn whatever_call_to_the_disk_fails_the_old_file_stays() {
    for call in 0.. {
        let mut trial = Trial::new(commands(), vec![file()]);
        trial.disk.fail_at(call);
        let event = write_with_spill(&mut trial);
        if !trial.disk.has_failed() {
            assert!(matches!(event, SnapshotEvent::Finished(_)));
            assert_eq!(trial.strings().len(), 6000);
            assert!(call > 20, "{call}");
            break;
        }
        let SnapshotEvent::Failed(why) = event else { panic!("call {call} is not missed") };
        assert!(why.contains("made to fail"), "{why}");
        assert_eq!(trial.disk.names(), [NAME], "{why}");
        if why.starts_with("Failed to sync the directory") {
            assert_eq!(trial.strings().len(), 6000);
        } else {
            assert_eq!(trial.disk.get(NAME).as_deref(), Some(&b"old"[..]), "{why}");
        }
    }
}

#[test]
fn where_changes_can_wait_a_broken_spill_file_ends_no_snapshot() {
    let limits =
        QueueLimits { barrier_bytes_max: usize::MAX, overflow: Overflow::Throttle, ..LIMITS };
    for call in 0.. {
        let disk = MemoryDisk::default();
        let mut trial = Trial::limited(disk, commands(), vec![file()], limits);
        trial.disk.fail_at(call);
        let event = write_with_spill(&mut trial);
        let has_failed = trial.disk.has_failed();
        let spill_failure = trial.control.take_spill_failure();
        match event {
            SnapshotEvent::Finished(_) => {
                assert_eq!(trial.strings().len(), 6000);
                assert_eq!(spill_failure.is_some(), has_failed, "call {call} is not missed");
            }
            SnapshotEvent::Failed(why) => assert!(!why.contains("to write a spill file"), "{why}"),
            SnapshotEvent::Cancelled => panic!("nobody has cancelled it"),
        }
        if !has_failed {
            assert!(call > 20, "{call}");
            break;
        }
    }
}

#[test]
fn changes_wait_from_a_limit_on_until_half_of_it_is_gone() {
    let limits = QueueLimits { overflow: Overflow::Throttle, ..LIMITS };
    let (disk, valve) = (MemoryDisk::default(), Valve::default());
    let mut trial = Trial::limited(disk, commands(), vec![outlet(valve.clone())], limits);
    let put_until = |trial: &mut Trial, prefix: &str, bytes: usize| {
        for n in 0.. {
            trial.put(0, &format!("{prefix}:{n}"), &[b'x'; 1000], Emitter::Barrier);
            if trial.control.wants_throttle() {
                break;
            }
        }
        let waiting = trial.control.figures().barrier_bytes;
        assert!((bytes..bytes + (256 << 10)).contains(&waiting), "{waiting}");
    };
    // The spill file is to take what is beyond one megabyte: it does not keep up at two.
    put_until(&mut trial, "first", 2 << 20);
    while trial.spill.step() == Step::Working {}
    assert!(!trial.control.wants_throttle());
    assert!(trial.control.figures().barrier_bytes <= 1 << 20);
    // Without a spill file it is one.
    trial.control.spill_failed("no thread".to_owned());
    assert_eq!(trial.control.take_spill_failure().as_deref(), Some("no thread"));
    put_until(&mut trial, "second", 1 << 20);
    assert!(!trial.control.wants_spill());
    assert_eq!(trial.spill.step(), Step::Idle);
    valve.open(300 << 10);
    while trial.writer.step() == Step::Working {}
    assert!(trial.control.wants_throttle());
    valve.open(400 << 10);
    while trial.writer.step() == Step::Working {}
    assert!(!trial.control.wants_throttle());
    valve.open(usize::MAX);
    assert!(matches!(trial.write_all(), SnapshotEvent::Finished(_)));
    assert_eq!(trial.control.figures().spilled_bytes as usize >> 20, 1);
}

#[test]
fn a_snapshot_is_cancelled_at_any_step() {
    for steps in 0.. {
        let mut trial = Trial::new(rdb(), vec![file()]);
        for n in 0..3000 {
            trial.put(0, &format!("walk:{n}"), &[b'w'; 100], Emitter::Walk);
        }
        trial.encoder().complete();
        let ended = (0..steps).any(|_| trial.writer.step() == Step::Done);
        trial.control.cancel();
        if ended {
            assert!(matches!(trial.run(), SnapshotEvent::Finished(_)));
            assert!(steps > 5, "{steps}");
            break;
        }
        let event = trial.run();
        let old = trial.disk.get(NAME).as_deref() == Some(&b"old"[..]);
        // Once it has its name it is too late.
        assert_eq!(old, event == SnapshotEvent::Cancelled);
        assert_eq!(trial.disk.names(), [NAME]);
    }
}

#[test]
fn an_encoder_that_is_dropped_cancels() {
    let mut trial = Trial::new(rdb(), vec![file()]);
    trial.put(0, "k", b"v", Emitter::Walk);
    drop(trial.encoder.take());
    assert_eq!(trial.run(), SnapshotEvent::Cancelled);
}

#[test]
fn the_command_thread_is_woken_when_the_walk_may_go_on() {
    let woken = Arc::new(Mutex::new(0));
    let count = Arc::clone(&woken);
    let request = SnapshotRequest {
        form: commands(),
        targets: vec![file()],
        libraries: Vec::new(),
        databases: Vec::new(),
        spill_directory: PathBuf::from("."),
        limits: LIMITS,
    };
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
    let wake = Arc::new(move || *count.lock().expect("not poisoned") += 1);
    let Snapshot { mut encoder, mut writer, .. } =
        Snapshot::begin(request, &disk, wake, Events::new(Arc::new(|| ())));
    let entry = Entry::new(b"k", NewValue::string(&[b'x'; 1000]), None);
    while encoder.has_room() {
        encoder.entry(0, &entry, AccessHint::None, Emitter::Walk);
    }
    assert_eq!(*woken.lock().expect("not poisoned"), 0);
    while writer.step() == Step::Working {}
    assert_eq!(*woken.lock().expect("not poisoned"), 1);
    assert!(encoder.has_room());
}

#[test]
fn a_large_collection_in_commands() {
    let mut trial = Trial::new(commands(), vec![file()]);
    let header = FrozenHeader {
        encoding: Encoding::Hashtable,
        is_hash: true,
        items: 2,
        earliest_field_deadline: Some(UnixMs(77)),
    };
    let (deadline, access) = (Some(UnixMs(99)), AccessHint::None);
    trial.encoder().begin_large(LargeKey { db: 3, key: b"h", deadline, access, header });
    let field = |name, deadline| FrozenItem::Field { name, value: b"v", deadline };
    trial.encoder().item(field(b"a", None));
    // Comes in between, under its own database and with its own gathered words.
    let set = Entry::new(b"n", NewValue::Int(5), None);
    trial.encoder().entry(0, &set, AccessHint::None, Emitter::Barrier);
    trial.encoder().item(field(b"b", Some(UnixMs(77))));
    trial.encoder().end_large();
    assert!(matches!(trial.write_all(), SnapshotEvent::Finished(_)));
    let bytes = trial.disk.get(NAME).expect("it is there");
    let words = |command: dunlin_aof::Command<'_>| {
        let words: Vec<_> = command.arguments().map(String::from_utf8_lossy).collect();
        words.join(" ")
    };
    let commands: Vec<String> = Commands::new(&bytes).map(words).collect();
    let expected = [
        "SELECT 0",
        "SET n 5",
        "SELECT 3",
        "HMSET h a v b v",
        "HPEXPIREAT h 77 FIELDS 1 b",
        "PEXPIREAT h 99",
    ];
    assert_eq!(commands, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_entry_arrives_in_whatever_order_all_work(
        turns in prop::collection::vec((0_u32..3, any::<bool>(), 0_usize..60_000, 0_u8..4), 1..120),
    ) {
        let mut trial = Trial::new(commands(), vec![file()]);
        let mut expected = BTreeMap::new();
        for (n, (db, walks, len, turn)) in turns.into_iter().enumerate() {
            let from = if walks { Emitter::Walk } else { Emitter::Barrier };
            let (key, value) = (n.to_string(), vec![b'x'; len]);
            trial.put(db, &key, &value, from);
            expected.insert((db, key), value);
            match turn {
                0 => { trial.writer.step(); }
                1 => { trial.spill.step(); }
                _ => {}
            }
        }
        // More waits than may, unless the spill job has had its turns.
        prop_assume!(!trial.control.is_given_up());
        prop_assert!(matches!(trial.write_all(), SnapshotEvent::Finished(_)));
        prop_assert_eq!(trial.strings(), expected);
    }
}
