//! Transfers whole, cut, damaged and given up, over a disk in memory.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use dunlin_config::{Config, ShutdownOptions};
use dunlin_keyspace::{Expiry, Freer, Garbage, Keyspace, Layout, Placer};
use dunlin_rdb::{LoadLimits, Version};
use dunlin_stdx::time::{Monotonic, Now, UnixMs};
use dunlin_values::NewValue;

use super::{Arrival, CheckJob, ReceiveQueue};
use crate::disk::Disk;
use crate::hand_backend::HandBackend;
use crate::job::{Job, Step};
use crate::load::{LoadBatch, LoadPlan, LoadReceiver, LoadRules, Loader};
use crate::memory_disk::MemoryDisk;
use crate::server::{Loaded, Persistence, ReceivedSource};
use crate::snapshot::{
    Destination, Form, QueueLimits, RdbForm, ReplicationAux, SnapshotRequest, Target, save_blocking,
};

const NOW: Now = Now { unix_us: 1_700_000_000_000_000, monotonic: Monotonic(5_000_000) };
const TEMPORARY: &str = "temp-1700000000.7.rdb";
const PUBLISHED: &str = "dump.rdb";

struct DropAtOnce;

impl Freer for DropAtOnce {
    fn free_later(&mut self, garbage: Garbage) {
        drop(garbage);
    }
}

fn keyspace() -> Keyspace {
    let mut keyspace = Keyspace::new(16, Layout::OneTable, 7, Box::new(DropAtOnce));
    keyspace.begin_turn(NOW.unix_ms());
    keyspace
}

/// What a primary has: two keys in one database, two in another, one of them expired.
fn primary() -> Keyspace {
    let mut keyspace = keyspace();
    keyspace.slot(0, b"number").set(NewValue::Int(1), None);
    keyspace.slot(0, b"text").set(NewValue::string(b"some text"), None);
    keyspace.slot(3, b"soon").set(NewValue::Int(2), Some(NOW.unix_ms() + 1));
    keyspace.slot(3, b"gone").set(NewValue::string(&[7; 300]), Some(UnixMs(1)));
    keyspace
}

fn position() -> ReplicationAux {
    ReplicationAux { stream_db: 3, id: [b'a'; 40], offset: 77 }
}

/// A snapshot as it is sent.
fn snapshot_of(keyspace: &Keyspace, checksum: bool) -> Vec<u8> {
    let backend = HandBackend::default();
    let request = SnapshotRequest {
        form: Form::Rdb(RdbForm {
            version: Version::V10,
            compression: true,
            checksum,
            plain_hashes: false,
            server_version: "7.2.4",
            created: NOW.unix_ms(),
            used_memory_bytes: 1 << 20,
        }),
        targets: vec![Target {
            destination: Destination::File {
                temporary: "temp".into(),
                publish: None,
                incremental_sync: false,
                keep: None,
            },
            replication: Some(position()),
            is_aof_base: false,
        }],
        libraries: Vec::new(),
        databases: Vec::new(),
        spill_directory: ".".into(),
        limits: QueueLimits::default(),
    };
    let disk: Arc<dyn Disk> = Arc::new(backend.disk.clone());
    save_blocking(keyspace, request, &disk).expect("the disk works");
    backend.disk.get("temp").expect("saved")
}

/// A replica.
struct Bench {
    backend: HandBackend,
    persistence: Persistence,
    keyspace: Keyspace,
    config: Config,
}

impl Bench {
    fn new() -> Self {
        let backend = HandBackend::default();
        backend.disk.put(PUBLISHED, b"old");
        let persistence = Persistence::new(Box::new(backend.clone()), NOW);
        Self { backend, persistence, keyspace: keyspace(), config: Config::default() }
    }

    fn begin(&mut self) {
        let Self { persistence, keyspace, config, .. } = self;
        persistence.begin_receive(keyspace, config, NOW).expect("a thread");
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.persistence.receive(Bytes::copy_from_slice(bytes));
    }

    /// Receives a whole file and says what became of it.
    fn receive_file(&mut self, bytes: &[u8]) -> Result<u64, String> {
        self.begin();
        self.receive(bytes);
        self.persistence.finish_receive();
        self.backend.run();
        self.persistence.take_received().expect("it has ended")
    }

    fn begin_load(&mut self, source: ReceivedSource) {
        let Self { persistence, keyspace, config, .. } = self;
        persistence.begin_load_received(keyspace, config, source, NOW).expect("a thread");
    }

    /// Takes what has arrived; the end, if it has come.
    fn next(&mut self) -> Option<Loaded> {
        let Self { persistence, keyspace, config, .. } = self;
        loop {
            match persistence.next_loaded(keyspace, config, NOW) {
                Loaded::Nothing => return None,
                Loaded::Progress => {}
                end => return Some(end),
            }
        }
    }

    /// Loads to the end.
    fn load(&mut self) -> Loaded {
        loop {
            let has_stepped = self.backend.step();
            match self.next() {
                Some(end) => return end,
                None => assert!(has_stepped, "nobody has anything to do"),
            }
        }
    }

    fn digest(&self) -> Vec<u8> {
        snapshot_of(&self.keyspace, true)
    }

    fn journal(&mut self) -> Vec<String> {
        self.persistence.take_journal().into_iter().map(|(_, line)| line).collect()
    }
}

#[test]
fn what_is_received_takes_the_place_of_the_snapshot_and_is_loaded() {
    let sent = snapshot_of(&primary(), true);
    let mut bench = Bench::new();
    assert_eq!(bench.receive_file(&sent), Ok(sent.len() as u64));
    assert_eq!(bench.backend.disk.names(), [PUBLISHED]);
    assert_eq!(bench.backend.disk.get(PUBLISHED).as_ref(), Some(&sent));
    assert_eq!(bench.backend.jobs(), 0);

    // Whoever gives another file that name changes nothing.
    bench.backend.disk.put(PUBLISHED, b"another one");
    bench.keyspace.set_expiry(Expiry::Hide);
    bench.begin_load(ReceivedSource::File);
    assert!(matches!(bench.load(), Loaded::Done));
    assert_eq!(bench.digest(), snapshot_of(&primary(), true));
    assert_eq!(bench.keyspace.expiry(), Expiry::Hide);
    assert_eq!(bench.persistence.loaded_position(), Some(position()));
    assert_eq!(
        bench.journal(),
        [
            "Loading RDB produced by version 7.2.4",
            "RDB age 0 seconds",
            "RDB memory usage when created 1.00 Mb",
            "Done loading RDB, keys loaded: 4, keys expired: 0."
        ]
    );
    let loaded = bench.persistence.loaded();
    assert_eq!((loaded.loaded, loaded.expired), (4, 0));
    assert!(!bench.persistence.is_lost());
}

/// What a replica keeps of a transfer that failed: its old file, and nothing else.
fn assert_untouched(bench: &Bench) {
    assert_eq!(bench.backend.disk.names(), [PUBLISHED]);
    assert_eq!(bench.backend.disk.get(PUBLISHED).as_deref(), Some(&b"old"[..]));
    assert_eq!(bench.backend.jobs(), 0);
    assert_eq!(bench.keyspace.database(0).len(), 0);
}

#[test]
fn a_file_that_was_cut_anywhere_is_refused() {
    for checksum in [true, false] {
        let sent = snapshot_of(&primary(), checksum);
        for len in 0..sent.len() {
            let mut bench = Bench::new();
            let why = bench.receive_file(&sent[..len]).expect_err("it was cut");
            assert!(why.starts_with("temp-1700000000.7.rdb cannot be loaded: at byte "), "{why}");
            assert!(why.ends_with("unexpected end of data"), "{why}");
            assert_untouched(&bench);
        }
    }
}

#[test]
fn a_file_in_which_a_byte_is_wrong_is_refused() {
    let sent = snapshot_of(&primary(), true);
    for at in 0..sent.len() {
        for change in [1, 0x80, 0xff] {
            let mut damaged = sent.clone();
            damaged[at] ^= change;
            let mut bench = Bench::new();
            bench.receive_file(&damaged).expect_err("it is damaged");
            assert_untouched(&bench);
        }
    }
    let mut longer = sent.clone();
    longer.push(0);
    let why = Bench::new().receive_file(&longer).expect_err("it is too long");
    let expected = format!("at byte {}: there are bytes behind its end", sent.len());
    assert!(why.ends_with(&expected), "{why}");
    let mut damaged = sent;
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let why = Bench::new().receive_file(&damaged).expect_err("its sum is wrong");
    assert!(why.contains("the checksum is "), "{why}");
}

#[test]
fn whatever_call_to_the_disk_fails_the_old_file_stays() {
    let sent = snapshot_of(&primary(), true);
    let mut told = Vec::new();
    for call in 0.. {
        let mut bench = Bench::new();
        bench.backend.disk.fail_at(call);
        let outcome = bench.receive_file(&sent);
        if !bench.backend.disk.has_failed() {
            assert_eq!(outcome, Ok(sent.len() as u64));
            break;
        }
        let why = outcome.expect_err("a call has failed");
        assert!(why.ends_with(": made to fail"), "{why}");
        if !why.contains("directory") {
            assert_untouched(&bench);
        }
        assert_eq!(bench.backend.disk.names(), [PUBLISHED]);
        told.push(why);
    }
    told.dedup();
    let names = "./temp-1700000000.7.rdb";
    assert_eq!(
        told,
        [
            format!(
                "Opening the temp file {names} needed for MASTER <-> REPLICA synchronization: made \
                 to fail"
            ),
            format!(
                "Write error or short write writing to the DB dump file {names} needed for MASTER \
                 <-> REPLICA synchronization: made to fail"
            ),
            format!(
                "Failed to sync the temporary RDB file {names} to disk in MASTER <-> REPLICA \
                 synchronization: made to fail"
            ),
            "temp-1700000000.7.rdb cannot be loaded: at byte 0: made to fail".to_owned(),
            "Failed trying to rename the temp DB into ./dump.rdb in MASTER <-> REPLICA \
             synchronization: made to fail"
                .to_owned(),
            "Failed to sync the directory of ./dump.rdb in MASTER <-> REPLICA synchronization: \
             made to fail"
                .to_owned(),
        ]
    );
}

#[test]
fn a_transfer_is_given_up_at_any_step() {
    let sent = snapshot_of(&primary(), true);
    for steps in 0.. {
        let mut bench = Bench::new();
        bench.begin();
        sent.chunks(10).for_each(|piece| bench.receive(piece));
        bench.persistence.finish_receive();
        let is_over = (0..steps).any(|_| !bench.backend.step());
        bench.persistence.abort_receive();
        bench.backend.run();
        assert_eq!((bench.backend.disk.names(), bench.backend.jobs()), (vec![PUBLISHED.into()], 0));
        assert!(bench.persistence.take_received().is_none());
        if is_over {
            return;
        }
        // The next one is not disturbed by what is left of it.
        assert_eq!(bench.receive_file(&sent), Ok(sent.len() as u64));
    }
}

#[test]
fn another_transfer_has_another_name() {
    let mut bench = Bench::new();
    bench.begin();
    assert!(bench.backend.step());
    assert_eq!(bench.backend.disk.names(), [PUBLISHED, TEMPORARY]);
    bench.begin();
    bench.backend.run();
    assert_eq!(bench.backend.disk.names(), [PUBLISHED, "temp-1700000001.7.rdb"]);
}

#[test]
fn who_sends_faster_than_the_disk_writes_has_to_wait() {
    let mut bench = Bench::new();
    bench.begin();
    // The beginning of a string of a gigabyte.
    let begin = b"REDIS0011\x00\x01k\x80\x40\x00\x00\x00";
    bench.receive(begin);
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    while bench.persistence.receive_has_room() {
        bench.persistence.receive(piece.clone());
    }
    let woken = bench.backend.woken();
    bench.backend.step();
    bench.backend.step();
    assert_eq!(bench.backend.woken(), woken, "there is room for little");
    bench.backend.run();
    assert_eq!(bench.backend.woken(), woken + 1);
    assert!(bench.persistence.receive_has_room());
    let len = bench.backend.disk.get(TEMPORARY).map(|bytes| bytes.len());
    assert_eq!(len, Some(begin.len() + (16 << 20)));
}

#[test]
fn a_file_that_is_damaged_is_refused_before_the_rest_of_it_has_arrived() {
    let sent = snapshot_of(&primary(), true);
    let mut bench = Bench::new();
    bench.begin();
    bench.receive(b"REDIS0099");
    bench.backend.run();
    let ended = bench.persistence.take_received().expect("it has ended");
    let why = ended.expect_err("there is no such version");
    assert!(why.ends_with("at byte 5: can't handle RDB format version 99"), "{why}");
    bench.receive(&sent);
    bench.backend.run();
    assert_untouched(&bench);
}

#[test]
fn a_file_is_verified_while_it_arrives_and_not_judged_before_its_end() {
    let sent = snapshot_of(&primary(), true);
    let mut bench = Bench::new();
    bench.begin();
    bench.receive(&sent);
    bench.backend.run();
    assert!(bench.persistence.take_received().is_none(), "more may follow");
    bench.persistence.finish_receive();
    bench.backend.run();
    assert_eq!(bench.persistence.take_received(), Some(Ok(sent.len() as u64)));
}

#[test]
fn a_file_is_verified_on_a_thread_that_waits() {
    let sent = snapshot_of(&primary(), true);
    let disk = MemoryDisk::default();
    for (len, is_sound) in [(sent.len(), true), (sent.len() - 1, false), (0, false)] {
        disk.put("temp", &sent[..len]);
        let arrival = Arc::new(Arrival::new(true, Arc::default()));
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let path = PathBuf::from("temp");
        let mut check = CheckJob::new(path, load_rules(), shared, Arc::clone(&arrival));
        let signal = check.signal();
        let thread = std::thread::spawn(move || {
            loop {
                match check.step() {
                    Step::Working => {}
                    Step::Idle => {
                        signal.wait(Duration::from_secs(1));
                    }
                    Step::Done => break,
                }
            }
        });
        for written in (0..=len).step_by(11) {
            arrival.written(written as u64);
        }
        arrival.written(len as u64);
        arrival.finish();
        thread.join().expect("it ends by itself");
        assert_eq!((arrival.is_sound(), arrival.take_fault().is_some()), (is_sound, !is_sound));
    }
}

#[test]
fn a_data_set_is_loaded_as_it_arrives_in_pieces_of_any_size() {
    let sent = snapshot_of(&primary(), true);
    for size in (1..=sent.len()).filter(|size| *size < 40 || size.is_power_of_two()) {
        let mut bench = Bench::new();
        bench.begin_load(ReceivedSource::Stream { len_bytes: None });
        for piece in sent.chunks(size) {
            bench.receive(piece);
            bench.backend.run();
            assert!(bench.next().is_none(), "its end was not told");
            assert_eq!(bench.persistence.load().map(|load| load.total_bytes), Some(0));
        }
        assert_eq!(bench.backend.jobs(), 1);
        bench.persistence.finish_receive();
        assert!(matches!(bench.load(), Loaded::Done));
        assert_eq!(bench.digest(), snapshot_of(&primary(), true), "{size}");
        assert_eq!(bench.persistence.loaded_position(), Some(position()));
        assert_eq!(bench.journal()[3], "Done loading RDB, keys loaded: 4, keys expired: 0.");
        assert_untouched_files(&bench);
    }
}

fn assert_untouched_files(bench: &Bench) {
    assert_eq!(bench.backend.disk.names(), [PUBLISHED]);
    assert_eq!(bench.backend.jobs(), 0);
}

#[test]
fn a_stream_that_is_cut_or_damaged_fails_and_the_server_goes_on() {
    let sent = snapshot_of(&primary(), true);
    let check = |bytes: &[u8], expected: &str| {
        let mut bench = Bench::new();
        bench.keyspace.set_expiry(Expiry::Hide);
        bench.begin_load(ReceivedSource::Stream { len_bytes: Some(sent.len() as u64) });
        assert_eq!(bench.persistence.load().map(|load| load.total_bytes), Some(sent.len() as u64));
        bench.receive(bytes);
        bench.persistence.finish_receive();
        let Loaded::Failed(why) = bench.load() else { panic!("it was loaded") };
        assert!(why.starts_with("the data set of the primary cannot be loaded: at byte "), "{why}");
        assert!(why.contains(expected), "{why}");
        assert!(bench.persistence.load().is_none() && !bench.persistence.is_lost());
        assert_eq!(bench.keyspace.expiry(), Expiry::Hide);
        assert!(bench.journal().contains(&why));
        // What comes late is nobody's.
        bench.receive(&sent);
        bench.backend.run();
        assert_untouched_files(&bench);
    };
    for len in 0..sent.len() {
        check(&sent[..len], "unexpected end of data");
    }
    for at in 0..sent.len() {
        let mut damaged = sent.clone();
        damaged[at] ^= 0x10;
        check(&damaged, "");
    }
    check(&[&sent[..], b"x"].concat(), "there are bytes behind its end");
}

#[test]
fn a_load_of_a_stream_is_given_up_at_any_point() {
    let sent = snapshot_of(&primary(), true);
    for len in 0..=sent.len() {
        let mut bench = Bench::new();
        bench.begin_load(ReceivedSource::Stream { len_bytes: None });
        bench.receive(&sent[..len]);
        bench.backend.run();
        assert!(bench.next().is_none());
        bench.persistence.abort_load(&mut bench.keyspace);
        bench.backend.run();
        assert_untouched_files(&bench);
        assert_eq!(bench.keyspace.expiry(), Expiry::Remove);
        assert!(bench.persistence.load().is_none());
        assert!(bench.next().is_none());
    }
}

fn load_rules() -> LoadRules {
    LoadRules {
        placer: Placer::default(),
        databases: 16,
        limits: LoadLimits::default(),
        checksum: true,
        load_truncated: false,
        drop_expired: false,
        now: NOW.unix_ms(),
    }
}

/// A loader on a thread, which may wait for what arrives.
fn loading_thread() -> (Arc<ReceiveQueue>, LoadReceiver, JoinHandle<()>) {
    let queue = Arc::new(ReceiveQueue::new(true, Arc::new(|| ())));
    let plan = LoadPlan::received("stream".to_owned(), 0);
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
    let (mut loader, receiver) =
        Loader::arriving(plan, Arc::clone(&queue), load_rules(), disk, Arc::new(|| ()));
    let run = move || while loader.step() == Step::Working {};
    (queue, receiver, std::thread::spawn(run))
}

#[test]
fn a_loader_with_a_thread_of_its_own_waits_for_what_arrives() {
    let sent = snapshot_of(&primary(), true);
    let (queue, receiver, thread) = loading_thread();
    sent.chunks(7).for_each(|piece| queue.push(Bytes::copy_from_slice(piece)));
    queue.finish();
    thread.join().expect("it ends by itself");
    let batches: Vec<_> = std::iter::from_fn(|| receiver.next()).collect();
    assert!(matches!(batches.last(), Some(LoadBatch::Done(_))), "{batches:?}");

    for len in [0, 5, sent.len() / 2, sent.len()] {
        let (queue, receiver, thread) = loading_thread();
        queue.push(Bytes::copy_from_slice(&sent[..len]));
        queue.abort();
        thread.join().expect("it ends by itself");
        assert!(!matches!(std::iter::from_fn(|| receiver.next()).last(), Some(LoadBatch::Done(_))));
    }
}

#[test]
fn a_shutdown_leaves_nothing_of_a_transfer() {
    let sent = snapshot_of(&primary(), true);
    for steps in 0..20 {
        let mut bench = Bench::new();
        bench.begin();
        bench.receive(&sent);
        bench.persistence.finish_receive();
        (0..steps).for_each(|_| {
            bench.backend.step();
        });
        let Bench { persistence, keyspace, config, backend } = &mut bench;
        assert!(persistence.finish(keyspace, config, (ShutdownOptions::NOSAVE, None), NOW));
        // The process ends before any job does another step.
        assert_eq!(backend.disk.names(), [PUBLISHED]);
    }
    let mut bench = Bench::new();
    bench.begin_load(ReceivedSource::Stream { len_bytes: None });
    bench.receive(&sent[..20]);
    let Bench { persistence, keyspace, config, .. } = &mut bench;
    assert!(persistence.finish(keyspace, config, (ShutdownOptions::SAVE, None), NOW));
    bench.backend.run();
    assert_untouched_files(&bench);
    assert_eq!(bench.backend.disk.get(PUBLISHED).as_deref(), Some(&b"old"[..]));
}

#[test]
fn a_key_that_is_there_twice_is_refused() {
    let sent = snapshot_of(&primary(), true);
    let mut bench = Bench::new();
    bench.receive_file(&sent).expect("it is good");
    bench.keyspace.slot(3, b"gone").set(NewValue::Int(1), None);
    bench.begin_load(ReceivedSource::File);
    let Loaded::Failed(why) = bench.load() else { panic!("it was loaded") };
    assert_eq!(why, "RDB has duplicated key 'gone' in DB 3");
    assert!(!bench.persistence.is_lost());
}
