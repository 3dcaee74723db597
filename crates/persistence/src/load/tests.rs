//! Whole loads over a disk in memory.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use dunlin_aof::{Commands, StreamPosition};
use dunlin_keyspace::{Emitter, Freer, Garbage, Keyspace, Layout, Placer, SnapshotSink};
use dunlin_rdb::{LoadLimits, Version};
use dunlin_stdx::time::UnixMs;
use dunlin_values::{AccessHint, Entry, NewValue};
use proptest::prelude::*;

use super::*;
use crate::disk::Disk;
use crate::events::Events;
use crate::job::{Job, Step};
use crate::memory_disk::MemoryDisk;
use crate::snapshot::{
    Destination, Form, QueueLimits, RdbForm, ReplicationAux, Snapshot, SnapshotRequest, Target,
    save_blocking,
};

const NOW: UnixMs = UnixMs(1_700_000_000_000);

fn rules() -> LoadRules {
    LoadRules {
        placer: Placer::default(),
        databases: 16,
        limits: LoadLimits::default(),
        checksum: true,
        load_truncated: true,
        drop_expired: true,
        now: NOW,
    }
}

fn plan(files: &[(&str, FileRole)]) -> LoadPlan {
    let file = |(n, &(name, role)): (usize, &(&str, FileRole))| LoadFile {
        path: PathBuf::from(name),
        name: name.to_owned(),
        role,
        len_bytes: 0,
        may_be_cut: n + 1 == files.len(),
    };
    LoadPlan { files: files.iter().enumerate().map(file).collect() }
}

/// What was loaded.
#[derive(Debug, Default)]
struct Loaded {
    entries: Vec<(u32, Entry, AccessHint)>,
    commands: Vec<u8>,
    aux: BTreeMap<String, String>,
    functions: Vec<String>,
    position: Option<ReplicationAux>,
    log: Vec<String>,
    report: Option<LoadReport>,
    error: Option<LoadError>,
    /// Databases that got room, and how many bytes of it.
    rooms: Vec<(u32, usize)>,
}

impl Loaded {
    fn commands(&self) -> Vec<String> {
        let words = |command: dunlin_aof::Command<'_>| {
            let words: Vec<_> = command.arguments().map(String::from_utf8_lossy).collect();
            words.join(" ")
        };
        Commands::new(&self.commands).map(words).collect()
    }

    fn keys(&self) -> Vec<String> {
        let key = |(db, entry, _): &(u32, Entry, AccessHint)| {
            format!("{db}:{}", String::from_utf8_lossy(entry.key()))
        };
        self.entries.iter().map(key).collect()
    }

    fn file(&self, number: usize) -> FileReport {
        self.report.as_ref().expect("it was loaded").files[number]
    }

    fn error_lines(&self) -> Vec<String> {
        self.error.as_ref().expect("it was not loaded").log_lines()
    }
}

fn load(disk: &MemoryDisk, plan: LoadPlan, rules: LoadRules) -> Loaded {
    let mut loaded = Loaded::default();
    let outcome = load_blocking(plan, rules, Arc::new(disk.clone()), |batch| {
        match batch {
            LoadBatch::Entries(entries) => {
                let parts = |LoadedEntry { db, entry, access, .. }| (db, entry, access);
                loaded.entries.extend(entries.into_iter().map(parts));
            }
            LoadBatch::Commands(bytes) => loaded.commands.extend(bytes),
            LoadBatch::Aux { name, value } => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                loaded.aux.insert(text(&name), text(&value));
            }
            LoadBatch::Function(source) => {
                loaded.functions.push(String::from_utf8_lossy(&source).into_owned());
            }
            LoadBatch::Log(line) => loaded.log.push(line.text),
            LoadBatch::Room(db, room) => loaded.rooms.push((db, room.memory_bytes())),
            LoadBatch::Done(report) => loaded.report = Some(report),
            LoadBatch::Position(position) => loaded.position = Some(position),
            LoadBatch::FileBegins(_) | LoadBatch::FileDone(_) => {}
            LoadBatch::Failed(error) => panic!("told as an error: {error}"),
        }
        ControlFlow::Continue(())
    });
    loaded.error = outcome.err();
    assert_eq!(loaded.error.is_none(), loaded.report.is_some());
    loaded
}

struct DropAtOnce;

impl Freer for DropAtOnce {
    fn free_later(&mut self, garbage: Garbage) {
        drop(garbage);
    }
}

fn keyspace() -> Keyspace {
    let mut keyspace = Keyspace::new(16, Layout::OneTable, 7, Box::new(DropAtOnce));
    keyspace.begin_turn(NOW);
    keyspace.keep_access(true);
    keyspace
}

fn request(name: &str, is_aof_base: bool) -> SnapshotRequest {
    SnapshotRequest {
        form: Form::Rdb(RdbForm {
            version: Version::V10,
            plain_hashes: false,
            compression: true,
            checksum: true,
            server_version: "7.2.4",
            created: UnixMs(NOW.0 - 5000),
            used_memory_bytes: 3 << 20,
        }),
        targets: vec![Target {
            destination: Destination::File {
                temporary: "temp".into(),
                publish: Some(name.into()),
                incremental_sync: true,
                keep: None,
            },
            replication: None,
            is_aof_base,
        }],
        libraries: vec![bytes::Bytes::from_static(b"#!lua name=x")],
        databases: Vec::new(),
        spill_directory: PathBuf::from("."),
        limits: QueueLimits::default(),
    }
}

/// A key in database 0 and two in database 3, one of them expired.
fn three_keys_of() -> Keyspace {
    let mut keyspace = keyspace();
    keyspace.slot(0, b"a").set(NewValue::Int(1), None);
    keyspace.slot(3, b"b").set(NewValue::Int(2), Some(NOW + 1));
    keyspace.slot(3, b"c").set(NewValue::Int(3), Some(NOW));
    keyspace
}

/// A snapshot of [`three_keys_of`].
fn three_keys(disk: &MemoryDisk, name: &str, is_aof_base: bool) {
    let keyspace = three_keys_of();
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    save_blocking(&keyspace, request(name, is_aof_base), &disk).expect("the disk works");
}

fn command(words: &[&str]) -> String {
    let word = |word: &&str| format!("${}\r\n{word}\r\n", word.len());
    format!("*{}\r\n{}", words.len(), words.iter().map(word).collect::<String>())
}

/// A database that says it holds so many keys, in a file of so many bytes.
fn said_to_hold(keys: u64, times: usize, len_bytes: usize) -> Loaded {
    let mut file = b"REDIS0010".to_vec();
    for _ in 0..times {
        file.extend_from_slice(&[0xfe, 5, 0xfb, 0x81]);
        file.extend_from_slice(&keys.to_be_bytes());
        file.push(0);
    }
    file.extend_from_slice(&[0, 1, b'k', 0x80]);
    file.extend_from_slice(&(len_bytes as u32).to_be_bytes());
    file.resize(file.len() + len_bytes, b'v');
    file.push(0xff);
    file.extend_from_slice(&[0; 8]);
    let disk = MemoryDisk::default();
    disk.put("dump.rdb", &file);
    load(&disk, LoadPlan::snapshot("dump.rdb".into()), rules())
}

#[test]
fn room_is_made_for_as_many_keys_as_a_file_may_hold() {
    assert_eq!(said_to_hold(999, 1, 1_000_000).rooms, [], "not worth it");
    let [(5, bytes)] = said_to_hold(100_000, 1, 1_000_000).rooms[..] else { panic!("one room") };
    assert!((900_000..1_500_000).contains(&bytes), "{bytes}");
    // Who lies, and does so again and again, gets what a file of this length may need.
    for (keys, times) in [(u64::MAX, 1), (u64::MAX, 1000), (2000, 1000)] {
        let rooms = said_to_hold(keys, times, 1_000_000).rooms;
        let bytes: usize = rooms.iter().map(|(_, bytes)| bytes).sum();
        assert!((1_000_000..2_200_000).contains(&bytes), "{bytes} for {times} times {keys}");
    }
}

#[test]
fn a_snapshot_is_loaded_as_it_was_saved() {
    let disk = MemoryDisk::default();
    three_keys(&disk, "dump.rdb", false);
    let loaded = load(&disk, LoadPlan::snapshot("dump.rdb".into()), rules());
    assert_eq!(loaded.keys(), ["0:a", "3:b"]);
    assert_eq!(loaded.entries[1].1.deadline(), Some(NOW + 1));
    assert_eq!(loaded.entries[0].2, AccessHint::IdleSeconds(0));
    assert_eq!(loaded.functions, ["#!lua name=x"]);
    assert_eq!(loaded.aux["redis-ver"], "7.2.4");
    assert_eq!(
        loaded.log,
        [
            "Loading RDB produced by version 7.2.4",
            "RDB age 5 seconds",
            "RDB memory usage when created 3.00 Mb",
            "Done loading RDB, keys loaded: 2, keys expired: 1."
        ]
    );
    let report = loaded.file(0);
    assert_eq!((report.keys, report.keys_expired, report.keys_empty), (2, 1, 0));
    assert_eq!(Some(report.len_bytes as usize), disk.get("dump.rdb").map(|bytes| bytes.len()));
}

#[test]
fn a_replica_and_an_append_only_file_keep_what_has_expired() {
    let disk = MemoryDisk::default();
    three_keys(&disk, "dump.rdb", false);
    let replica = LoadRules { drop_expired: false, ..rules() };
    let loaded = load(&disk, LoadPlan::snapshot("dump.rdb".into()), replica);
    assert_eq!(loaded.keys(), ["0:a", "3:b", "3:c"]);

    three_keys(&disk, "base", true);
    let loaded = load(&disk, plan(&[("base", FileRole::Base)]), rules());
    assert_eq!(loaded.keys(), ["0:a", "3:b", "3:c"]);
    assert_eq!(loaded.log[0], "Reading RDB base file on AOF loading...");
    assert!(loaded.log.contains(&"RDB is base AOF".to_owned()));
}

#[test]
fn what_has_expired_is_kept_where_somebody_may_go_on_from_the_file() {
    let disk = MemoryDisk::default();
    let position = ReplicationAux { stream_db: 0, id: [b'e'; 40], offset: 5 };
    for (position, keys) in [(None, 2), (Some(position), 3)] {
        let mut request = request("dump.rdb", false);
        request.targets[0].replication = position;
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        save_blocking(&three_keys_of(), request, &shared).expect("the disk works");
        let loaded = load(&disk, LoadPlan::snapshot("dump.rdb".into()), rules());
        assert_eq!(loaded.keys().len(), keys);
        assert_eq!((loaded.file(0).keys, loaded.file(0).keys_expired), (2, 1));
        assert_eq!(loaded.aux.contains_key("repl-id"), position.is_some());
    }
}

#[test]
fn commands_behind_a_snapshot_and_in_further_files() {
    let disk = MemoryDisk::default();
    three_keys(&disk, "base", true);
    let mut base = disk.get("base").expect("saved");
    base.extend(command(&["SELECT", "0"]).bytes());
    base.extend(command(&["INCR", "a"]).bytes());
    disk.put("base", &base);
    disk.put("incr.1", b"");
    disk.put("incr.2", format!("#TS:5\r\n{}", command(&["DEL", "a"])).as_bytes());
    let files = [
        ("base", FileRole::OldStyle),
        ("incr.1", FileRole::Incremental),
        ("incr.2", FileRole::Incremental),
    ];
    let loaded = load(&disk, plan(&files), rules());
    assert_eq!(loaded.keys().len(), 3);
    assert_eq!(loaded.commands(), ["SELECT 0", "INCR a", "DEL a"]);
    assert_eq!(loaded.log[0], "Reading RDB preamble from AOF file...");
    assert_eq!(loaded.log.last().map(String::as_str), Some("Reading the remaining AOF tail..."));
    assert_eq!((loaded.file(0).commands, loaded.file(2).commands), (2, 1));
    assert_eq!(loaded.file(0).len_bytes, base.len() as u64);
}

#[test]
fn what_cannot_be_loaded_says_why_in_the_words_of_redis() {
    let disk = MemoryDisk::default();
    let missing = load(&disk, LoadPlan::snapshot("dump.rdb".into()), rules());
    assert!(missing.file(0).is_missing);
    let missing = load(&disk, plan(&[("base", FileRole::Base)]), rules());
    assert!(missing.error_lines()[1].starts_with("Fatal error: can't open the append log file"));

    three_keys(&disk, "dump.rdb", false);
    let whole = disk.get("dump.rdb").expect("saved");
    let check = |bytes: &[u8], expected: &str| {
        disk.put("dump.rdb", bytes);
        let lines = load(&disk, LoadPlan::snapshot("dump.rdb".into()), rules()).error_lines();
        assert!(lines[0].starts_with("dump.rdb cannot be loaded: at byte "), "{lines:?}");
        assert!(lines.iter().any(|line| line == expected), "{lines:?}");
        let lines = load(&disk, plan(&[("dump.rdb", FileRole::Base)]), rules()).error_lines();
        if bytes.starts_with(b"REDIS") {
            let last = "Error reading the RDB base file dump.rdb, AOF loading aborted";
            assert_eq!(lines.last().map(String::as_str), Some(last));
        }
    };
    let short = "Short read or OOM loading DB. Unrecoverable error, aborting now.";
    for len in 5..whole.len() {
        check(&whole[..len], short);
    }
    check(b"not an RDB file", "Wrong signature trying to load DB from file");
    check(b"REDIS0099", "Can't handle RDB format version 99");
    let mut changed = whole.clone();
    let at = whole.windows(5).position(|window| window == b"7.2.4").expect("it is there");
    changed[at] = b'8';
    disk.put("dump.rdb", &changed);
    let lines = load(&disk, LoadPlan::snapshot("dump.rdb".into()), rules()).error_lines();
    assert!(lines[1].starts_with("Wrong RDB checksum expected: ("), "{lines:?}");
    let unchecked = LoadRules { checksum: false, ..rules() };
    assert_eq!(load(&disk, LoadPlan::snapshot("dump.rdb".into()), unchecked).keys().len(), 2);

    disk.put("dump.rdb", &whole);
    let few = LoadRules { databases: 3, ..rules() };
    let lines = load(&disk, LoadPlan::snapshot("dump.rdb".into()), few).error_lines();
    assert!(lines[1].contains("more than 3 databases"), "{lines:?}");

    disk.put("log", b"*1\r\n$4\r\nPING\r\n?\r\n");
    let loaded = load(&disk, plan(&[("log", FileRole::Incremental)]), rules());
    assert!(
        loaded.error_lines()[1].starts_with("Bad file format reading the append only file log")
    );
    assert_eq!(loaded.error.as_ref().map(|error| error.offset), Some(14));
}

#[test]
fn a_log_that_was_cut_anywhere_is_loaded_up_to_there() {
    let parts = [
        command(&["SELECT", "0"]),
        "#TS:1700000000\r\n".to_owned(),
        command(&["SET", "k", "value"]),
        [command(&["MULTI"]), command(&["INCR", "a"]), command(&["EXEC"])].concat(),
        command(&["DEL", "k"]),
    ];
    let whole = parts.concat();
    let mut ends = vec![0];
    for part in &parts {
        ends.push(ends[ends.len() - 1] + part.len());
    }
    for len in 0..=whole.len() {
        let disk = MemoryDisk::default();
        disk.put("first", b"");
        disk.put("log", &whole.as_bytes()[..len]);
        let files = [("first", FileRole::Base), ("log", FileRole::Incremental)];
        let good = *ends.iter().rfind(|end| **end <= len).expect("0 is one");
        if good != len {
            let strict = LoadRules { load_truncated: false, ..rules() };
            let lines = load(&disk, plan(&files), strict).error_lines();
            let expected = "Unexpected end of file reading the append only file log. You can: 1)";
            assert!(lines[1].starts_with(expected), "{lines:?}");
            let swapped = [files[1], files[0]];
            let lines = load(&disk, plan(&swapped), rules()).error_lines();
            assert_eq!(lines[1], "Fatal error: the truncated file is not the last file");
            assert_eq!(disk.get("log").map(|bytes| bytes.len()), Some(len));
        }
        let loaded = load(&disk, plan(&files), rules());
        assert_eq!(disk.get("log").as_deref(), Some(&whole.as_bytes()[..good]), "{len}");
        assert_eq!(loaded.file(1).truncated_bytes, (len - good) as u64);
        assert_eq!(loaded.file(1).len_bytes, good as u64);
        let told = loaded.log.iter().any(|line| line.contains(&format!("at offset {good} !!!")));
        assert_eq!(told, good != len);
        // What the cut file holds is what the whole commands of it were.
        let again = load(&disk, plan(&files), rules());
        assert_eq!(again.file(1).truncated_bytes, 0);
        let (first, again) = (loaded.commands(), again.commands());
        assert_eq!(first[..again.len()], again, "{len}");
        let open = &first[again.len()..];
        assert!(open.is_empty() || open[0] == "MULTI", "{open:?}");
    }
}

/// The line that a log ends with which was closed behind `file`.
fn position_behind(file: &str) -> String {
    let mut line = Vec::new();
    let file_bytes = file.len() as u64;
    StreamPosition { id: [b'c'; 40], offset: 99, database: 3, file_bytes }.annotate(&mut line);
    String::from_utf8(line).expect("text")
}

#[test]
fn the_position_of_a_log_counts_only_as_its_very_last_thing() {
    let position = Some(ReplicationAux { stream_db: 3, id: [b'c'; 40], offset: 99 });
    let load_files = load;
    let load = |first: &str, last: &str| {
        let disk = MemoryDisk::default();
        disk.put("base", b"");
        disk.put("first", first.as_bytes());
        disk.put("last", last.as_bytes());
        let names = [
            ("base", FileRole::Base),
            ("first", FileRole::Incremental),
            ("last", FileRole::Incremental),
        ];
        load_files(&disk, plan(&names), rules()).position
    };
    let set = command(&["SET", "k", "v"]);
    let end = position_behind(&set);
    let closed = set.clone() + &end;
    assert_eq!(load("", &closed), position);
    assert_eq!(load(&set, &position_behind("")), position);
    for cut in 0..closed.len() {
        assert_eq!(load("", &closed[..cut]), None, "{cut}");
    }
    for cut in 1..=set.len() {
        assert_eq!(load("", &(closed.clone() + &set[..cut])), None, "{cut}");
    }
    for behind in ["#TS:7\r\n", "#\n", &set, &end] {
        assert_eq!(load("", &(closed.clone() + behind)), None, "{behind:?}");
    }
    assert_eq!(load(&closed, ""), None, "the stream went on in another file");
    assert_eq!(load(&closed, &set), None);
    // Once more, by the next server.
    let again = closed.clone() + &set;
    assert_eq!(load("", &(again.clone() + &position_behind(&again))), position);
    // Somebody has taken a command out of the file, or put one in.
    assert_eq!(load("", &end), None);
    assert_eq!(load("", &(set.clone() + &set + &end)), None);
    // There is no such database.
    let disk = MemoryDisk::default();
    disk.put("last", closed.as_bytes());
    let few = LoadRules { databases: 3, ..rules() };
    let loaded = load_files(&disk, plan(&[("last", FileRole::Incremental)]), few);
    assert_eq!(loaded.position, None);
}

#[test]
fn whatever_call_to_the_disk_fails_the_load_says_so() {
    for call in 0.. {
        let disk = MemoryDisk::default();
        three_keys(&disk, "base", true);
        disk.put("log", (command(&["PING"]) + "*1\r\n$4").as_bytes());
        disk.fail_at(call);
        let files = [("base", FileRole::Base), ("log", FileRole::Incremental)];
        let loaded = load(&disk, plan(&files), rules());
        if !disk.has_failed() {
            assert!(call > 10, "{call}");
            break;
        }
        // Only the sizes for the progress may be unknown.
        let lines = loaded.error.map(|error| error.log_lines().join("\n"));
        assert!(call < 2 || lines.is_some_and(|lines| lines.contains("made to fail")), "{call}");
    }
}

#[test]
fn the_loader_waits_while_nobody_receives() {
    let disk = MemoryDisk::default();
    let big = "x".repeat(100_000);
    disk.put("log", command(&["SET", "k", &big]).repeat(400).as_bytes());
    let files = plan(&[("log", FileRole::Incremental)]);
    let (mut loader, receiver) = Loader::new(files, rules(), Arc::new(disk), Arc::new(|| ()));
    while loader.step() == Step::Working {}
    let progress = receiver.progress();
    assert!(progress.total_bytes > 40_000_000, "{progress:?}");
    assert!((1 << 20..18 << 20).contains(&progress.read_bytes), "{progress:?}");
    let (mut received, mut is_done) = (0, false);
    while !is_done {
        while let Some(batch) = receiver.next() {
            match batch {
                LoadBatch::Commands(bytes) => {
                    received += Commands::new(&bytes).count();
                    receiver.recycle_commands(bytes);
                }
                LoadBatch::Done(_) => is_done = true,
                _ => {}
            }
        }
        loader.step();
    }
    assert_eq!(received, 400);
    assert_eq!(loader.step(), Step::Done);
}

#[test]
fn a_load_is_cancelled_at_any_step() {
    let disk = MemoryDisk::default();
    three_keys(&disk, "dump.rdb", false);
    for steps in 0..4 {
        let plan = LoadPlan::snapshot("dump.rdb".into());
        let (mut loader, receiver) =
            Loader::new(plan, rules(), Arc::new(disk.clone()), Arc::new(|| ()));
        for _ in 0..steps {
            loader.step();
        }
        receiver.cancel();
        assert_eq!(loader.step(), Step::Done);
    }
}

/// Values of all types.
fn value() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_a_snapshot_emits_is_what_is_loaded(
        values in prop::collection::vec((0_u32..16, value(), any::<bool>(), any::<bool>()), 0..60),
        len in 0_usize..60_000,
    ) {
        let disk = MemoryDisk::default();
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let events = Events::new(Arc::new(|| ()));
        let Snapshot { mut encoder, mut writer, .. } =
            Snapshot::begin(request("dump.rdb", false), &shared, Arc::new(|| ()), events);
        let mut expected = BTreeMap::new();
        for (n, (db, words, walks, expires)) in values.into_iter().enumerate() {
            let key = format!("{n}:{}", "k".repeat(n));
            let value: Vec<u8> = words.concat().into_iter().cycle().take(len * (n % 4)).collect();
            let deadline = expires.then_some(NOW + 1000 + n as i64);
            let entry = Entry::new(key.as_bytes(), NewValue::string(&value), deadline);
            let from = if walks { Emitter::Walk } else { Emitter::Barrier };
            encoder.entry(db, &entry, AccessHint::IdleSeconds(n as u64), from);
            expected.insert((db, key), (value, deadline, AccessHint::IdleSeconds(n as u64)));
            writer.step();
        }
        encoder.complete();
        while writer.step() == Step::Working {}
        let loaded = load(&disk, LoadPlan::snapshot("dump.rdb".into()), rules());
        let mut digits = dunlin_values::IntText::default();
        let found: BTreeMap<_, _> = loaded.entries.iter().map(|(db, entry, access)| {
            let key = String::from_utf8_lossy(entry.key()).into_owned();
            let text = entry.string().expect("a string").as_bytes(&mut digits).to_vec();
            ((*db, key), (text, entry.deadline(), *access))
        }).collect();
        prop_assert_eq!(found.len(), loaded.entries.len());
        prop_assert_eq!(found, expected);
    }
}
