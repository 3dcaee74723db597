//! Full synchronisation as a whole: walks for replicas and files, stepped by hand.

use dunlin_config::{ShutdownOptions, SnapshotOverflow};
use dunlin_keyspace::{Layout, Slot, SnapshotScope};
use dunlin_stdx::time::{Monotonic, UnixMs};
use dunlin_values::hash::HashMut;
use proptest::prelude::*;

use super::*;
use crate::feed::{Feed, FeedState, Framing, REPLICA_IS_GONE, SyncFile};
use crate::hand_backend::HandBackend;
use crate::memory_disk::MemoryDisk;
use crate::round_trip::support::{
    Contents, change, contents_of, field, hash_limits, keyspace, put_new,
};
use crate::round_trip::{DATABASES, NAME, load};
use crate::snapshot::TargetEnd;

const MARK: [u8; 40] = [b'm'; 40];

const POSITION: ReplicationAux = ReplicationAux { stream_db: 3, id: [b'a'; 40], offset: 77 };

const FILE: &str = "dump.rdb";

/// A primary.
struct Trial {
    backend: HandBackend,
    persistence: Persistence,
    keyspace: Keyspace,
    config: Config,
    now: Now,
}

impl Trial {
    fn new() -> Self {
        let backend = HandBackend::default();
        let now = Now { unix_us: 1_700_000_000_000_000, monotonic: Monotonic(50_000_000) };
        let mut config = Config::default();
        config.persistence.rdbcompression = false;
        config.persistence.save.0.clear();
        let persistence = Persistence::new(Box::new(backend.clone()), now);
        let keyspace = keyspace(DATABASES, Layout::OneTable);
        Self { backend, persistence, keyspace, config, now }
    }

    /// One with three megabytes, of which a replica takes one before it has to take more.
    fn filled() -> Self {
        let mut trial = Self::new();
        for n in 0..60 {
            put_new(&mut trial.keyspace, n % DATABASES, n.to_string().as_bytes(), 1, 50_000);
        }
        trial
    }

    /// Six more megabytes: more than may wait for a replica.
    fn add_more(&mut self) {
        for n in 0..120 {
            put_new(&mut self.keyspace, 0, format!("more:{n}").as_bytes(), 1, 50_000);
        }
    }

    fn contents(&self) -> Contents {
        contents_of(&self.keyspace, &SnapshotScope::All)
    }

    fn request(target: SyncTarget) -> SyncRequest {
        let filter = SyncFilter::Everything;
        SyncRequest { replication: POSITION, target, plain_hashes: false, filter, changes: 5 }
    }

    fn begin(&mut self, request: SyncRequest) -> Result<(), String> {
        let Self { persistence, keyspace, config, now, .. } = self;
        persistence.begin_sync(keyspace, config, request, *now)
    }

    fn begin_sockets(&mut self, replicas: usize) -> Vec<Replica> {
        let (outlets, replicas) = Replica::some(replicas);
        self.begin(Self::request(SyncTarget::Sockets(outlets))).expect("nothing else runs");
        replicas
    }

    /// Lets everybody work until nobody has anything to do.
    fn run(&mut self) {
        loop {
            let Self { persistence, keyspace, config, now, .. } = self;
            let end = persistence.advance_walk(keyspace, config, *now, || true);
            let stepped = self.backend.step();
            self.hear();
            if !stepped && end != SliceEnd::TimeIsUp {
                return;
            }
        }
    }

    fn hear(&mut self) {
        let Self { persistence, keyspace, config, now, .. } = self;
        persistence.handle_events(keyspace, config, *now);
    }

    /// Lets everybody work, `replicas` taking what comes, until that is all.
    fn run_with(&mut self, replicas: &mut [&mut Replica]) {
        loop {
            self.run();
            let taken: usize = replicas.iter_mut().map(|replica| replica.take_all()).sum();
            if taken == 0 {
                return;
            }
        }
    }

    /// `seconds` pass; `replicas` take what comes.
    fn pass(&mut self, seconds: u64, replicas: &mut [&mut Replica]) {
        for _ in 0..seconds * 10 {
            self.now.monotonic = self.now.monotonic.plus_us(100_000);
            self.now.unix_us += 100_000;
            let Self { persistence, keyspace, config, now, .. } = self;
            persistence.run_cron(keyspace, config, 0, *now);
            self.run_with(replicas);
        }
    }

    fn ended(&mut self) -> Vec<TargetEnd> {
        match self.persistence.take_sync_ended() {
            Some(SyncEnded::Sockets(ends)) => ends,
            other => panic!("{other:?}"),
        }
    }

    fn file(&mut self) -> Result<SyncFile, String> {
        match self.persistence.take_sync_ended() {
            Some(SyncEnded::Disk(file)) => file,
            other => panic!("{other:?}"),
        }
    }

    fn journal(&mut self) -> String {
        let lines = self.persistence.take_journal();
        lines.into_iter().map(|(_, line)| line + "\n").collect()
    }

    fn send(&mut self, file: &SyncFile) -> Vec<u8> {
        let feed = self.persistence.send_file(file).expect("a thread");
        let mut replica = Replica { feed, got: Vec::new() };
        self.run_with(&mut [&mut replica]);
        assert_eq!(replica.feed.state(), FeedState::Finished);
        let head = format!("${}\r\n", file.len_bytes());
        replica.got.strip_prefix(head.as_bytes()).expect("the length is in front").to_vec()
    }
}

struct Replica {
    feed: Feed,
    got: Vec<u8>,
}

impl Replica {
    fn some(count: usize) -> (Vec<crate::feed::FeedOutlet>, Vec<Self>) {
        let new = |_| {
            let (outlet, feed) = Feed::new(Framing::Mark(MARK), std::sync::Arc::new(|| ()));
            (outlet, Self { feed, got: Vec::new() })
        };
        (0..count).map(new).unzip()
    }

    fn take_all(&mut self) -> usize {
        let before = self.got.len();
        while let Some(bytes) = self.feed.take(100_000) {
            self.got.extend_from_slice(&bytes);
        }
        self.got.len() - before
    }

    /// The snapshot, which has to be complete.
    fn snapshot(&self) -> &[u8] {
        assert_eq!(self.feed.state(), FeedState::Finished);
        let head = [b"$EOF:", &MARK[..], b"\r\n"].concat();
        let rest = self.got.strip_prefix(&head[..]).expect("the mark is in front");
        rest.strip_suffix(&MARK).expect("the mark is behind")
    }
}

/// What a reader makes of a snapshot.
fn loaded(snapshot: &[u8]) -> Contents {
    let disk = MemoryDisk::default();
    disk.put(NAME, snapshot);
    load(&disk)
}

/// Header and records of a snapshot: the checksum of the header is in the footer.
fn parts(snapshot: &[u8]) -> (&[u8], &[u8]) {
    let last = b"aof-base";
    let at = snapshot.windows(last.len()).position(|window| window == last);
    let (head, rest) = snapshot.split_at(at.expect("a header") + last.len() + 2);
    (head, &rest[..rest.len() - 8])
}

fn has(snapshot: &[u8], what: &[u8]) -> bool {
    snapshot.windows(what.len()).any(|window| window == what)
}

#[test]
fn two_replicas_and_what_is_scheduled_share_a_walk() {
    let mut trial = Trial::filled();
    trial.config.persistence.save.0 = vec![dunlin_config::SavePoint { seconds: 9, changes: 9 }];
    trial.persistence.schedule_save();
    trial.persistence.request_rewrite(false);
    let expected = trial.contents();
    let mut replicas = trial.begin_sockets(2);
    let [first, second] = &mut replicas[..] else { panic!("there are two") };
    assert!(trial.persistence.is_syncing() && trial.persistence.is_saving());
    assert!(trial.persistence.is_rewriting());
    let status = trial.persistence.walk_status(&trial.keyspace).expect("a walk");
    assert_eq!((status.outlets, status.keys_total), (2, 60));
    trial.run_with(&mut [first, second]);

    assert!(!trial.persistence.is_busy());
    let (first, second) = (first.snapshot(), second.snapshot());
    assert_eq!(
        trial.ended(),
        [TargetEnd::Complete(first.len() as u64), TargetEnd::Complete(second.len() as u64)]
    );
    assert_eq!(trial.persistence.take_sync_ended(), None);
    let file = trial.backend.disk.get(FILE).expect("it was scheduled");
    let base = trial.backend.disk.names().into_iter().find(|name| name.ends_with("base.rdb"));
    let base = trial.backend.disk.get(&base.expect("it was scheduled")).expect("it is there");
    for snapshot in [first, second, &file, &base] {
        assert!(loaded(snapshot) == expected);
        assert!(parts(snapshot).1 == parts(first).1);
    }
    for snapshot in [first, second, &file] {
        assert!(has(parts(snapshot).0, &[b"repl-id\x28", &POSITION.id[..]].concat()));
        assert!(has(parts(snapshot).0, b"repl-stream-db\xc0\x03"));
    }
    assert!(!has(parts(&base).0, b"repl-") && has(parts(&base).0, b"aof-base\xc0\x01"));
    let journal = trial.journal();
    for line in [
        "Background RDB transfer started by pid 7",
        "Background saving started by pid 7",
        "Background append only file rewriting started by pid 7",
        "Diskless rdb transfer, done reading from pipe, 2 replicas still up.",
        "Background RDB transfer terminated with success",
        "DB saved on disk",
        "Background AOF rewrite finished successfully",
    ] {
        assert!(journal.contains(line), "{line}: {journal}");
    }
    assert_eq!((trial.persistence.take_changes_saved(), trial.persistence.saves().saves), (5, 1));
}

#[test]
fn a_replica_that_is_too_slow_gets_the_rest_from_a_file() {
    let mut trial = Trial::filled();
    let expected = trial.contents();
    let mut replicas = trial.begin_sockets(2);
    let [fast, slow] = &mut replicas[..] else { panic!("there are two") };
    trial.pass(2, &mut [fast]);
    assert!(trial.persistence.is_syncing());
    assert_ne!(fast.feed.state(), FeedState::Finished);
    trial.pass(2, &mut [fast]);

    // For the others the snapshot is over: the next one may begin.
    assert!(!trial.persistence.is_busy());
    assert!(trial.journal().contains("A replica takes less than 1048576 bytes"));
    let whole = TargetEnd::Complete(fast.snapshot().len() as u64);
    assert_eq!(trial.ended(), [whole, TargetEnd::Lagging]);
    assert_eq!((trial.backend.disk.open_nameless(), trial.backend.jobs()), (1, 1));
    put_new(&mut trial.keyspace, 0, b"later", 1, 5);
    let mut next = trial.begin_sockets(1);
    trial.run_with(&mut [&mut next[0]]);
    assert!(loaded(next[0].snapshot()) == trial.contents());

    trial.run_with(&mut [slow]);
    assert!(slow.snapshot() == fast.snapshot() && loaded(slow.snapshot()) == expected);
    assert_eq!((trial.backend.disk.open_nameless(), trial.backend.jobs()), (0, 0));
}

#[test]
fn a_lone_replica_may_be_slow_unless_something_is_due() {
    let mut trial = Trial::filled();
    let mut replicas = trial.begin_sockets(1);
    trial.pass(10, &mut []);
    assert!(trial.persistence.is_syncing());
    trial.persistence.schedule_save();
    // It takes enough.
    for _ in 0..4 {
        trial.pass(1, &mut []);
        let mut left = 1_200_000;
        while left > 0 {
            let Some(bytes) = replicas[0].feed.take(left) else { break };
            left -= bytes.len();
            replicas[0].got.extend_from_slice(&bytes);
            trial.run();
        }
        if !trial.persistence.is_syncing() {
            break;
        }
    }
    trial.run_with(&mut [&mut replicas[0]]);
    assert!(matches!(trial.ended()[..], [TargetEnd::Complete(_)]));

    trial.pass(1, &mut []);
    assert!(!trial.persistence.is_busy(), "the save has been done");
    let mut replicas = trial.begin_sockets(1);
    trial.persistence.schedule_save();
    trial.pass(4, &mut []);
    assert_eq!(trial.ended(), [TargetEnd::Lagging]);
    assert_eq!(trial.persistence.saves().saves, 2);
    trial.run_with(&mut [&mut replicas[0]]);
    assert!(loaded(replicas[0].snapshot()) == trial.contents());
}

#[test]
fn without_a_minimum_the_others_wait() {
    let mut trial = Trial::filled();
    trial.config.persistence.snapshot_min_rate = 0;
    let mut replicas = trial.begin_sockets(2);
    let [fast, slow] = &mut replicas[..] else { panic!("there are two") };
    trial.pass(10, &mut [fast]);
    assert!(trial.persistence.is_syncing());
    trial.run_with(&mut [fast, slow]);
    assert!(fast.snapshot() == slow.snapshot());
}

#[test]
fn a_detour_that_fails_ends_that_replica_alone() {
    // Where it fails: it is made, written, read.
    for call in [0, 1, 2, 3] {
        let mut trial = Trial::filled();
        let mut replicas = trial.begin_sockets(2);
        let [fast, slow] = &mut replicas[..] else { panic!("there are two") };
        trial.pass(2, &mut [fast]);
        trial.backend.disk.fail_at(call);
        trial.pass(2, &mut [fast]);
        trial.run_with(&mut [fast, slow]);
        assert!(loaded(fast.snapshot()) == trial.contents());
        let why =
            "Failed to use a temporary file for a slow replica in ./: made to fail".to_owned();
        assert_eq!(slow.feed.state(), FeedState::Failed(why.clone()), "{call}");
        let ends = trial.ended();
        assert!(matches!(ends[0], TargetEnd::Complete(_)), "{ends:?}");
        assert!(ends[1] == TargetEnd::Failed(why) || ends[1] == TargetEnd::Lagging, "{ends:?}");
        assert_eq!((trial.backend.disk.open_nameless(), trial.backend.jobs()), (0, 0));
    }
}

#[test]
fn a_detour_may_be_as_long_as_a_spill_file() {
    let mut trial = Trial::filled();
    trial.config.persistence.snapshot_spill_limit = 1 << 20;
    let mut replicas = trial.begin_sockets(2);
    let [fast, slow] = &mut replicas[..] else { panic!("there are two") };
    trial.pass(4, &mut [fast]);
    assert!(loaded(fast.snapshot()) == trial.contents());
    let FeedState::Failed(why) = slow.feed.state() else { panic!("it is not over") };
    assert!(why.ends_with("which is more than snapshot-spill-limit allows"), "{why}");
}

#[test]
fn a_replica_that_goes_leaves_the_others_alone() {
    let mut trial = Trial::filled();
    let mut replicas = trial.begin_sockets(2);
    trial.run();
    drop(replicas.remove(0));
    trial.run_with(&mut [&mut replicas[0]]);
    let gone = TargetEnd::Failed(REPLICA_IS_GONE.to_owned());
    let whole = TargetEnd::Complete(replicas[0].snapshot().len() as u64);
    assert_eq!(trial.ended(), [gone, whole]);
    assert!(loaded(replicas[0].snapshot()) == trial.contents());
}

#[test]
fn one_that_lags_behind_and_goes_leaves_nothing() {
    let mut trial = Trial::filled();
    let mut replicas = trial.begin_sockets(2);
    let [fast, _] = &mut replicas[..] else { panic!("there are two") };
    trial.pass(4, &mut [fast]);
    assert_eq!((trial.backend.disk.open_nameless(), trial.backend.jobs()), (1, 1));
    drop(replicas);
    trial.run();
    assert_eq!((trial.backend.disk.open_nameless(), trial.backend.jobs()), (0, 0));
}

#[test]
fn when_the_last_replica_goes_the_walk_ends() {
    let mut trial = Trial::filled();
    trial.add_more();
    let replicas = trial.begin_sockets(2);
    trial.run();
    assert!(trial.persistence.wants_slice());
    drop(replicas);
    trial.run();
    assert!(!trial.persistence.is_busy());
    assert!(trial.keyspace.snapshot_progress().is_none());
    let gone = TargetEnd::Failed(REPLICA_IS_GONE.to_owned());
    assert_eq!(trial.ended(), [gone.clone(), gone]);
    let journal = trial.journal();
    assert!(journal.contains("Diskless rdb transfer, last replica dropped."), "{journal}");
    assert!(journal.ends_with("Background transfer error\n"), "{journal}");
    assert!(trial.persistence.saves().last_outcome.is_ok());

    // The same before anything was handed out, and on request.
    let replicas = trial.begin_sockets(1);
    drop(replicas);
    trial.run();
    assert!(!trial.persistence.is_busy());
    let _replicas = trial.begin_sockets(1);
    trial.persistence.abort_sync(&mut trial.keyspace, &trial.config);
    trial.run();
    assert!(!trial.persistence.is_busy());
}

#[test]
fn the_file_of_a_sync_is_a_snapshot_like_others() {
    let mut trial = Trial::filled();
    let expected = trial.contents();
    trial.begin(Trial::request(SyncTarget::Disk)).expect("nothing else runs");
    assert!(trial.persistence.is_syncing());
    assert!(trial.begin(Trial::request(SyncTarget::Disk)).is_err(), "one at a time");
    put_new(&mut trial.keyspace, 0, b"1", 1, 7);
    trial.run();
    let file = trial.file().expect("the disk works");
    assert_eq!((trial.persistence.take_changes_saved(), trial.persistence.saves().saves), (5, 1));
    let bytes = trial.backend.disk.get(FILE).expect("it has its name");
    assert!(has(parts(&bytes).0, b"repl-offset\xc0\x4d"));

    // Another file gets the name: those who wait for this one get this one.
    let Trial { persistence, keyspace, config, now, .. } = &mut trial;
    assert!(persistence.save(keyspace, config, *now));
    assert_ne!(trial.backend.disk.get(FILE).as_deref(), Some(&bytes[..]));
    for _ in 0..2 {
        assert!(trial.send(&file) == bytes);
    }
    assert!(loaded(&bytes) == expected);
    drop(file);
    assert_eq!(trial.backend.jobs(), 0);
}

#[test]
fn a_server_that_keeps_nothing_keeps_no_file_of_a_sync() {
    let mut trial = Trial::filled();
    trial.config.persistence.rdb_del_sync_files = true;
    trial.begin(Trial::request(SyncTarget::Disk)).expect("nothing else runs");
    trial.run();
    let file = trial.file().expect("the disk works");
    assert_eq!(trial.backend.disk.names(), [""; 0]);
    assert!(trial.journal().contains("Removing the RDB file ./dump.rdb used to feed replicas"));
    assert!(loaded(&trial.send(&file)) == trial.contents());

    trial.config.persistence.save.0 = vec![dunlin_config::SavePoint { seconds: 9, changes: 9 }];
    trial.begin(Trial::request(SyncTarget::Disk)).expect("nothing else runs");
    trial.run();
    assert!(trial.file().is_ok());
    assert_eq!(trial.backend.disk.names(), [FILE]);
}

#[test]
fn a_file_that_cannot_be_written_is_told_of() {
    let mut trial = Trial::filled();
    trial.backend.disk.fail_at(2);
    trial.begin(Trial::request(SyncTarget::Disk)).expect("nothing else runs");
    trial.run();
    let why = "Write error while saving to ./temp-bg-7.rdb: made to fail";
    assert_eq!(trial.file(), Err(why.to_owned()));
    assert!(!trial.persistence.saves().last_outcome.is_ok());
    assert!(trial.journal().contains(why));
}

#[test]
fn flushall_takes_files_back_and_leaves_replicas_alone() {
    let mut trial = Trial::filled();
    let expected = trial.contents();
    trial.persistence.schedule_save();
    let mut replicas = trial.begin_sockets(1);
    trial.run();
    for db in 0..DATABASES {
        trial.keyspace.flush(db, false);
    }
    trial.persistence.abort_save(&mut trial.keyspace);
    trial.run_with(&mut [&mut replicas[0]]);
    assert!(loaded(replicas[0].snapshot()) == expected);
    assert!(matches!(trial.ended()[..], [TargetEnd::Complete(_)]));
    assert_eq!(trial.backend.disk.names(), [""; 0]);
    assert!(trial.journal().contains("Background saving cancelled"));
    assert!(trial.persistence.saves().last_outcome.is_ok());

    trial.begin(Trial::request(SyncTarget::Disk)).expect("nothing else runs");
    trial.persistence.abort_save(&mut trial.keyspace);
    trial.run();
    assert_eq!(trial.file(), Err("the snapshot was given up".to_owned()));
    assert_eq!(trial.backend.disk.names(), [""; 0]);
}

#[test]
fn nobody_waits_for_a_file_any_more() {
    let mut trial = Trial::filled();
    trial.begin(Trial::request(SyncTarget::Disk)).expect("nothing else runs");
    trial.persistence.abort_sync(&mut trial.keyspace, &trial.config);
    trial.run();
    assert!(trial.file().is_err());

    // Save points want it all the same.
    trial.config.persistence.save.0 = vec![dunlin_config::SavePoint { seconds: 9, changes: 9 }];
    trial.begin(Trial::request(SyncTarget::Disk)).expect("nothing else runs");
    trial.persistence.abort_sync(&mut trial.keyspace, &trial.config);
    trial.run();
    assert!(trial.file().is_ok());
}

#[test]
fn a_shutdown_ends_a_sync_and_writes_where_the_stream_is() {
    let mut trial = Trial::filled();
    let replicas = trial.begin_sockets(1);
    trial.run();
    let Trial { persistence, keyspace, config, now, .. } = &mut trial;
    let options = (ShutdownOptions::SAVE, Some(POSITION));
    assert!(persistence.finish(keyspace, config, options, *now));
    assert!(trial.journal().contains("There is a child saving an .rdb. Killing it!"));
    let why = "the snapshot was given up".to_owned();
    assert_eq!(replicas[0].feed.state(), FeedState::Failed(why));
    assert_eq!(trial.ended(), [TargetEnd::Cancelled]);
    let bytes = trial.backend.disk.get(FILE).expect("it was asked for");
    assert!(has(parts(&bytes).0, b"repl-offset\xc0\x4d") && loaded(&bytes) == trial.contents());
}

#[test]
fn a_primary_that_becomes_a_replica_gives_everything_up() {
    let mut trial = Trial::filled();
    trial.persistence.schedule_save();
    let replicas = trial.begin_sockets(1);
    trial.run();
    trial.persistence.abort_saves(&mut trial.keyspace);
    trial.run();
    assert!(!trial.persistence.is_busy());
    assert!(trial.keyspace.snapshot_progress().is_none());
    assert!(matches!(replicas[0].feed.state(), FeedState::Failed(_)));
    assert_eq!(trial.backend.disk.names(), [""; 0]);
}

#[test]
fn less_than_everything_is_a_header_and_an_end() {
    for filter in [SyncFilter::Functions, SyncFilter::Nothing] {
        let mut trial = Trial::filled();
        trial.persistence.schedule_save();
        let (outlets, mut replicas) = Replica::some(1);
        let request = |target| SyncRequest { filter, ..Trial::request(target) };
        assert!(trial.begin(request(SyncTarget::Disk)).is_err());
        trial.begin(request(SyncTarget::Sockets(outlets))).expect("nothing else runs");
        trial.run_with(&mut [&mut replicas[0]]);
        assert_eq!(parts(replicas[0].snapshot()).1, b"\xff");
        assert!(loaded(replicas[0].snapshot()).is_empty());
        assert_eq!(trial.persistence.saves().saves, 0, "a file holds everything");
    }
    let mut trial = Trial::filled();
    let nobody = trial.begin(Trial::request(SyncTarget::Sockets(Vec::new())));
    assert_eq!(nobody, Err("no replica waits".to_owned()));
}

/// A hash whose first field has a deadline, small or large.
fn put_hash(keyspace: &mut Keyspace, key: &[u8], len: usize) {
    put_new(keyspace, 0, key, 5, len);
    let Slot::Occupied(mut slot) = keyspace.slot(0, key) else { panic!("it was just put") };
    let mut hash = HashMut::new(slot.value_mut(), hash_limits(), UnixMs(0));
    hash.set_deadline(b"e0", Some(UnixMs(9_000_000_000_000)));
    slot.field_deadlines_changed();
}

#[test]
fn replicas_that_know_no_deadlines_of_fields_get_plain_hashes() {
    let mut trial = Trial::new();
    for (key, len) in [(b"a", 3), (b"b", 50), (b"c", 3000)] {
        put_hash(&mut trial.keyspace, key, len);
    }
    let whole = trial.contents();
    let with = field(b"e0", b"v", Some(UnixMs(9_000_000_000_000)));
    let without = field(b"e0", b"v", None);
    let plain: Contents =
        whole.iter().map(|(key, text)| (key.clone(), text.replace(&with, &without))).collect();
    assert!(plain != whole);

    trial.persistence.schedule_save();
    let (outlets, mut replicas) = Replica::some(1);
    let request = |target| SyncRequest { plain_hashes: true, ..Trial::request(target) };
    trial.begin(request(SyncTarget::Sockets(outlets))).expect("nothing else runs");
    trial.run_with(&mut [&mut replicas[0]]);
    let snapshot = replicas[0].snapshot();
    assert!(snapshot.starts_with(b"REDIS0010") && loaded(snapshot) == plain);
    // A file of the server's own has to hold everything: it waits.
    assert_eq!((trial.backend.disk.names().len(), trial.persistence.saves().saves), (0, 0));
    trial.ended();

    trial.begin(request(SyncTarget::Disk)).expect("nothing else runs");
    trial.run();
    let file = trial.file().expect("the disk works");
    assert!(loaded(&trial.send(&file)) == plain);
    assert_eq!((trial.backend.disk.names().len(), trial.persistence.saves().saves), (0, 0));

    // One that does know them shares.
    let mut replicas = trial.begin_sockets(1);
    trial.run_with(&mut [&mut replicas[0]]);
    let snapshot = replicas[0].snapshot();
    assert!(snapshot.starts_with(b"REDIS0012") && loaded(snapshot) == whole);
    assert!(loaded(&trial.backend.disk.get(FILE).expect("it has joined")) == whole);
}

#[test]
fn writers_wait_where_a_snapshot_must_not_be_given_up() {
    let mut trial = Trial::filled();
    trial.config.persistence.snapshot_overflow = SnapshotOverflow::Throttle;
    trial.config.persistence.snapshot_buffer_limit = 1 << 20;
    trial.add_more();
    let expected = trial.contents();
    let mut replicas = trial.begin_sockets(1);
    // The disk takes nothing.
    let mut changed = 0;
    while !trial.persistence.wants_throttle() {
        change(&mut trial.keyspace, 0, format!("more:{changed}").as_bytes(), changed);
        changed += 1;
        assert!(changed < 100, "nobody is stopped");
    }
    assert!((35..50).contains(&changed), "{changed}");
    let woken = trial.backend.woken();
    trial.backend.disk.fail_at(0);
    trial.run();
    assert!(trial.persistence.wants_throttle(), "the replica takes nothing, the disk neither");
    trial.pass(1, &mut []);
    let journal = trial.journal();
    assert!(journal.contains("made to fail. Clients that change data wait"), "{journal}");
    trial.run_with(&mut [&mut replicas[0]]);
    assert!(!trial.persistence.wants_throttle());
    assert!(trial.backend.woken() > woken);
    assert!(loaded(replicas[0].snapshot()) == expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the order in which all work, and whoever is slow: each replica gets the epoch.
    #[test]
    fn replicas_get_the_epoch(
        values in prop::collection::vec((0..DATABASES, any::<u8>(), 1_usize..2000), 1..60),
        turns in prop::collection::vec((0_u8..9, 0_usize..100, any::<usize>()), 0..200),
        large in any::<bool>(),
    ) {
        let mut trial = Trial::new();
        for (n, (db, kind, len)) in values.iter().enumerate() {
            put_new(&mut trial.keyspace, *db, n.to_string().as_bytes(), *kind, *len);
        }
        if large {
            put_new(&mut trial.keyspace, 0, b"0", 1, 5 << 20);
        }
        let expected = trial.contents();
        let mut replicas = trial.begin_sockets(3);
        for (what, n, how) in turns {
            let (db, key) = (how as u32 % DATABASES, (n % values.len()).to_string());
            let keyspace = &mut trial.keyspace;
            match what {
                0 | 1 => change(keyspace, db, key.as_bytes(), how % 17),
                2 => drop(keyspace.delete(db, key.as_bytes(), false)),
                3 => put_new(keyspace, db, key.as_bytes(), how as u8, n),
                4 => drop(trial.backend.step()),
                5 => {
                    let Trial { persistence, keyspace, config, now, .. } = &mut trial;
                    persistence.advance_walk(keyspace, config, *now, || true);
                }
                6 => drop(replicas[how % 3].take_all()),
                7 => trial.pass(1, &mut []),
                _ => trial.hear(),
            }
        }
        let [a, b, c] = &mut replicas[..] else { panic!("there are three") };
        trial.pass(4, &mut [a]);
        trial.run_with(&mut [a, b]);
        trial.run_with(&mut [a, b, c]);
        let ends = trial.ended();
        for (replica, end) in [a, b, c].into_iter().zip(ends) {
            prop_assert!(loaded(replica.snapshot()) == expected);
            let whole = TargetEnd::Complete(replica.snapshot().len() as u64);
            prop_assert!(end == whole || end == TargetEnd::Lagging);
        }
        prop_assert_eq!(trial.backend.jobs(), 0);
        prop_assert_eq!(trial.backend.disk.open_nameless(), 0);
    }
}
