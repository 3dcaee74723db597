//! Snapshots of a keyspace that changes meanwhile, loaded again.

#[path = "../../keyspace/tests/support/mod.rs"]
pub(crate) mod support;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use dunlin_keyspace::{Keyspace, Layout, Placer, SnapshotScope, WalkProgress};
use dunlin_rdb::{LoadLimits, Version};
use dunlin_stdx::time::UnixMs;
use proptest::prelude::*;

use crate::disk::Disk;
use crate::events::Events;
use crate::job::{Job, Step};
use crate::load::{LoadBatch, LoadPlan, LoadRules, Loader, load_blocking};
use crate::memory_disk::MemoryDisk;
use crate::receive::ReceiveQueue;
use crate::snapshot::{
    Destination, Form, Overflow, QueueLimits, RdbForm, Snapshot, SnapshotEvent, SnapshotRequest,
    Target, save_blocking,
};
use support::{Contents, change, contents, contents_of, keyspace, put_new};

pub(crate) const NAME: &str = "dump.rdb";
pub(crate) const DATABASES: u32 = 3;

/// Small enough that both queues are full now and then.
const LIMITS: QueueLimits = QueueLimits {
    walk_bytes: 64 << 10,
    barrier_bytes: 200 << 10,
    barrier_bytes_max: 64 << 20,
    spill_bytes_max: u64::MAX,
    overflow: Overflow::Abort,
};

fn request(keyspace: &Keyspace, version: Version) -> SnapshotRequest {
    let start = keyspace.snapshot_start(&SnapshotScope::All);
    let version = if start.has_field_deadlines { Version::V12 } else { version };
    SnapshotRequest {
        form: Form::Rdb(RdbForm {
            version,
            plain_hashes: false,
            compression: true,
            checksum: true,
            server_version: "7.2.4",
            created: UnixMs(0),
            used_memory_bytes: 0,
        }),
        targets: vec![Target {
            destination: Destination::File {
                temporary: "temp".into(),
                publish: Some(NAME.into()),
                incremental_sync: true,
                keep: None,
            },
            replication: None,
            is_aof_base: false,
        }],
        libraries: Vec::new(),
        databases: start.databases,
        spill_directory: PathBuf::from("."),
        limits: LIMITS,
    }
}

fn rules() -> LoadRules {
    LoadRules {
        placer: Placer::default(),
        databases: DATABASES,
        limits: LoadLimits::default(),
        checksum: true,
        load_truncated: false,
        drop_expired: false,
        now: UnixMs(0),
    }
}

/// Notes what was loaded.
fn note(batch: LoadBatch, loaded: &mut Contents) {
    if let LoadBatch::Entries(entries) = batch {
        for loading in entries {
            let place = (loading.db, loading.entry.key().to_vec());
            let before = loaded.insert(place, contents(&loading.entry));
            assert_eq!(before, None, "{:?} came twice", loading.entry);
        }
    }
}

pub(crate) fn load(disk: &MemoryDisk) -> Contents {
    let mut loaded = Contents::new();
    let plan = LoadPlan::snapshot(NAME.into());
    let outcome = load_blocking(plan, rules(), Arc::new(disk.clone()), |batch| {
        note(batch, &mut loaded);
        ControlFlow::Continue(())
    });
    outcome.expect("the file was just written");
    loaded
}

/// Loads a file as it arrives, in pieces of these sizes, again and again.
fn load_arriving(disk: &MemoryDisk, sizes: &[usize]) -> Contents {
    let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(|| ());
    let queue = Arc::new(ReceiveQueue::new(false, Arc::clone(&wake)));
    let plan = LoadPlan::received(NAME.to_owned(), 0);
    let (mut loader, receiver) =
        Loader::arriving(plan, Arc::clone(&queue), rules(), Arc::new(disk.clone()), wake);
    let bytes = disk.get(NAME).expect("it was just written");
    let (mut rest, mut sizes) = (&bytes[..], sizes.iter().cycle());
    let mut loaded = Contents::new();
    loop {
        let step = loader.step();
        while let Some(batch) = receiver.next() {
            if let LoadBatch::Failed(error) = batch {
                panic!("{error}");
            }
            note(batch, &mut loaded);
        }
        match step {
            Step::Done => return loaded,
            Step::Working => {}
            Step::Idle if rest.is_empty() => queue.finish(),
            Step::Idle => {
                let size = sizes.next().copied().unwrap_or(1).min(rest.len());
                let (piece, behind) = rest.split_at(size);
                queue.push(bytes::Bytes::copy_from_slice(piece));
                rest = behind;
            }
        }
    }
}

/// Lengths from one element to more than a value has that is handed out at a stretch.
fn len() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 1_usize..10, 2 => 10_usize..300, 1 => 1000_usize..3000]
}

#[test]
fn what_is_saved_on_the_spot_is_loaded() {
    for version in [Version::V10, Version::V11] {
        let mut keyspace = keyspace(DATABASES, Layout::OneTable);
        for n in 0..200 {
            // The last one is larger than what may wait.
            let len = if n == 199 { 30_000 } else { [1, 5, 50, 3000][n % 4] };
            put_new(&mut keyspace, n as u32 % 2, n.to_string().as_bytes(), n as u8, len);
            change(&mut keyspace, n as u32 % 2, n.to_string().as_bytes(), n % 11);
        }
        let disk = MemoryDisk::default();
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let report = save_blocking(&keyspace, request(&keyspace, version), &shared);
        let peak_bytes = report.expect("the disk works").figures.peak_bytes;
        assert!(peak_bytes < LIMITS.walk_bytes + (256 << 10), "{peak_bytes}");
        let expected = contents_of(&keyspace, &SnapshotScope::All);
        assert_eq!(load(&disk), expected);
        for size in [7, 1000, 65_536] {
            assert_eq!(load_arriving(&disk, &[size]), expected, "{size}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the order in which all work, the file holds the state of the epoch.
    #[test]
    fn the_file_holds_the_epoch(
        values in prop::collection::vec((0..DATABASES, any::<u8>(), len()), 1..80),
        turns in prop::collection::vec((0_u8..8, 0_usize..100, any::<usize>()), 0..300),
        slots in any::<bool>(),
        sizes in prop::collection::vec(prop_oneof![1_usize..100, 1_usize..70_000], 1..6),
    ) {
        let layout = if slots { Layout::TablePerSlot } else { Layout::OneTable };
        let mut keyspace = keyspace(DATABASES, layout);
        for (n, (db, kind, len)) in values.iter().enumerate() {
            put_new(&mut keyspace, *db, n.to_string().as_bytes(), *kind, *len);
        }
        let expected = contents_of(&keyspace, &SnapshotScope::All);
        let disk = MemoryDisk::default();
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let events = Events::new(Arc::new(|| ()));
        let request = request(&keyspace, Version::V11);
        let Snapshot { encoder, mut writer, mut spill, control } =
            Snapshot::begin(request, &shared, Arc::new(|| ()), events.clone());
        prop_assert!(keyspace.begin_snapshot(SnapshotScope::All, Box::new(encoder)).is_ok());
        for (what, n, how) in turns {
            let (db, key) = (how as u32 % DATABASES, (n % values.len()).to_string());
            match what {
                0 | 1 => change(&mut keyspace, db, key.as_bytes(), how % 17),
                2 => drop(keyspace.delete(db, key.as_bytes(), false)),
                3 => put_new(&mut keyspace, db, key.as_bytes(), how as u8, n),
                4 => drop(keyspace.walk(n)),
                5 => drop(writer.step()),
                6 => drop(spill.step()),
                _ => keyspace.swap(db, (n as u32) % DATABASES),
            }
        }
        while keyspace.walk(50) != WalkProgress::Done {
            spill.step();
            writer.step();
        }
        keyspace.end_snapshot().expect("everything was handed out").complete();
        loop {
            let spilling = spill.step();
            match writer.step() {
                Step::Done => break,
                Step::Idle => prop_assert!(spilling == Step::Working, "nobody goes on"),
                Step::Working => {}
            }
        }
        let event = events.next();
        prop_assert!(matches!(event, Some(SnapshotEvent::Finished(_))), "{:?}", event);
        prop_assert!(!control.is_given_up());
        prop_assert_eq!(&load_arriving(&disk, &sizes), &expected);
        prop_assert_eq!(load(&disk), expected);
    }
}
