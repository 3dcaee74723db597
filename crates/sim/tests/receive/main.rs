//! A replica takes the data set of its primary on a disk that fails: the snapshot file is the old
//! one or the new one, whole, whatever happens; and what a spilled stream gives back is what it got.
//!
//! `SIM_SEEDS=100000 cargo nextest run -p dunlin-sim --release` runs more seeds, `SIM_SEED=7` one.

mod spill;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use dunlin_config::Config;
use dunlin_keyspace::{Freer, Garbage, Keyspace, Layout};
use dunlin_persistence::{JobRole, Loaded, Persistence, ReceivedSource};
use dunlin_sim::{Call, Fault, SimBackend, SimDisk, seeds};
use dunlin_stdx::time::{Monotonic, Now};
use dunlin_values::NewValue;
use fastrand::Rng;

const NOW: Now = Now { unix_us: 1_700_000_000_000_000, monotonic: Monotonic(5_000_000) };
const SNAPSHOT: &str = "dump.rdb";

/// Keys of the primary.
const KEYS: usize = 300;

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

/// A keyspace of so many keys.
fn keys(count: usize) -> Keyspace {
    let mut keyspace = keyspace();
    for n in 0..count {
        let (key, value) = (n.to_string(), vec![n as u8; n % 700]);
        keyspace.slot(n as u32 % 3, key.as_bytes()).set(NewValue::string(&value), None);
    }
    keyspace
}

/// Whether a keyspace is as [`keys`] made it.
fn holds(keyspace: &Keyspace, count: usize) -> bool {
    let len = |db| keyspace.database(db).len();
    let is_there = |n: usize| {
        let found = keyspace.held(n as u32 % 3, n.to_string().as_bytes());
        let value = vec![n as u8; n % 700];
        found.is_some_and(|entry| {
            let text = entry.string();
            text.is_some_and(|text| text.as_bytes(&mut Default::default()) == value)
        })
    };
    (0..16).map(len).sum::<usize>() == count && (0..count).all(is_there)
}

/// The bytes of its snapshot.
fn snapshot(keyspace: &Keyspace) -> Vec<u8> {
    let disk = SimDisk::new(0);
    let mut persistence = Persistence::new(Box::new(SimBackend::new(disk.clone(), 1)), NOW);
    assert!(persistence.save(keyspace, &Config::default(), NOW));
    disk.content(SNAPSHOT).expect("saved")
}

/// A replica that takes a data set, with its jobs stepped in any order.
struct Replica {
    disk: SimDisk,
    backend: SimBackend,
    persistence: Persistence,
    keyspace: Keyspace,
    config: Config,
    time: Duration,
}

impl Replica {
    fn new(disk: &SimDisk) -> Replica {
        let backend = SimBackend::new(disk.clone(), 9);
        let persistence = Persistence::new(Box::new(backend.clone()), NOW);
        let (keyspace, config) = (keyspace(), Config::default());
        let disk = disk.clone();
        Replica { disk, backend, persistence, keyspace, config, time: Duration::ZERO }
    }

    /// Lets one job work; whether one had anything to do.
    fn step(&mut self, random: &mut Rng) -> bool {
        let mut jobs = self.backend.jobs();
        if jobs.step(&self.disk, self.time, random).is_some() {
            return true;
        }
        let next = jobs.next_delayed(self.time);
        self.time = next.unwrap_or(self.time);
        next.is_some()
    }

    /// Sends the rest of a data set in pieces, between steps of jobs.
    fn send(&mut self, mut rest: &[u8], random: &mut Rng) {
        while !rest.is_empty() {
            if random.bool() && self.persistence.receive_has_room() {
                let (piece, behind) = rest.split_at(random.usize(1..=rest.len().min(5000)));
                self.persistence.receive(Bytes::copy_from_slice(piece));
                rest = behind;
            } else {
                self.step(random);
            }
            if self.disk.is_off() {
                return;
            }
        }
        self.persistence.finish_receive();
    }

    /// Receives a file; `None` if the power went.
    fn receive(&mut self, sent: &[u8], random: &mut Rng) -> Option<Result<u64, String>> {
        let Replica { persistence, keyspace, config, .. } = self;
        persistence.begin_receive(keyspace, config, NOW).expect("a thread");
        self.send(sent, random);
        loop {
            if self.disk.is_off() {
                return None;
            }
            if let Some(ended) = self.persistence.take_received() {
                return Some(ended);
            }
            assert!(self.step(random), "nobody has anything to do\n{}", self.disk.log());
        }
    }

    fn begin_load(&mut self, source: ReceivedSource) {
        let Replica { persistence, keyspace, config, .. } = self;
        persistence.begin_load_received(keyspace, config, source, NOW).expect("a thread");
    }

    /// Loads to the end.
    fn load(&mut self, random: &mut Rng) -> Result<(), String> {
        loop {
            let stepped = self.step(random);
            let Replica { persistence, keyspace, config, .. } = self;
            match persistence.next_loaded(keyspace, config, NOW) {
                Loaded::Done => return Ok(()),
                Loaded::Failed(why) => return Err(why),
                Loaded::Nothing => assert!(stepped, "nobody has anything to do"),
                Loaded::Progress | Loaded::Waits(_) | Loaded::Commands(_) => {}
            }
        }
    }
}

fn random_faults(disk: &SimDisk, random: &mut Rng) {
    for call in [Call::Create, Call::Rename, Call::Sync, Call::SyncSoon, Call::SyncDirectory] {
        disk.fail_by_chance(call, random.u32(..100_000), Fault::EIO);
    }
    disk.fail_by_chance(Call::Write, random.u32(..200_000), Fault::Short);
    disk.fail_by_chance(Call::Read, random.u32(..200_000), Fault::Short);
    disk.fail_by_chance(Call::Write, random.u32(..20_000), Fault::ENOSPC);
    disk.fail_by_chance(Call::Read, random.u32(..20_000), Fault::EIO);
    disk.fail_by_chance(Call::Write, random.u32(..20_000), Fault::Slow(Duration::from_secs(3)));
}

#[test]
fn the_snapshot_file_is_the_old_or_the_new_one_whatever_happens() {
    let (sent, old) = (snapshot(&keys(KEYS)), snapshot(&keys(5)));
    seeds("a received file", 300, |seed| {
        let mut random = Rng::with_seed(seed);
        let disk = SimDisk::new(seed);
        disk.put(SNAPSHOT, &old);
        if random.bool() {
            random_faults(&disk, &mut random);
        }
        if random.bool() {
            disk.power_off_after(random.u64(..200));
        }
        let mut replica = Replica::new(&disk);
        let is_damaged = random.u8(..4) == 0;
        let mut bytes = sent.clone();
        if is_damaged {
            let at = random.usize(..bytes.len());
            bytes[at] ^= random.u8(1..);
        }
        let ended = replica.receive(&bytes, &mut random);
        assert!(!(is_damaged && matches!(ended, Some(Ok(_)))), "seed {seed}");
        let is_new = matches!(ended, Some(Ok(_)));
        if is_new && !disk.is_off() {
            disk.mend();
            replica.begin_load(ReceivedSource::File);
            match replica.load(&mut random) {
                Ok(()) => assert!(holds(&replica.keyspace, KEYS), "seed {seed}"),
                Err(why) => assert!(disk.is_off(), "seed {seed}: {why}"),
            }
        }
        // Whatever is told: after a power loss the file is a whole one, and the new one for good once
        // that was told.
        let after = if random.bool() { disk.crash(&mut random) } else { disk.kill() };
        let found = after.content(SNAPSHOT).expect("there is one");
        assert!(found == old || found == sent, "seed {seed}: {} bytes", found.len());
        assert!(!is_new || found == sent, "seed {seed}\n{}", disk.log());
    });
}

#[test]
fn a_transfer_that_is_given_up_leaves_no_file_and_no_job() {
    let sent = snapshot(&keys(KEYS));
    seeds("a transfer given up", 100, |seed| {
        let mut random = Rng::with_seed(seed);
        let disk = SimDisk::new(seed);
        let mut replica = Replica::new(&disk);
        let Replica { persistence, keyspace, config, .. } = &mut replica;
        persistence.begin_receive(keyspace, config, NOW).expect("a thread");
        let len = random.usize(..=sent.len());
        replica.send(&sent[..len], &mut random);
        (0..random.usize(..60)).for_each(|_| {
            replica.step(&mut random);
        });
        replica.persistence.abort_receive();
        while replica.step(&mut random) {}
        assert!(!replica.backend.jobs().runs(JobRole::Receive), "seed {seed}");
        let is_whole = len == sent.len();
        let left = disk.paths();
        assert!(
            left.is_empty() || is_whole && left == [Path::new(SNAPSHOT)],
            "seed {seed}: {left:?}"
        );
    });
}

#[test]
fn a_data_set_is_loaded_as_it_arrives_or_refused_whole() {
    let sent = snapshot(&keys(KEYS));
    seeds("a data set that arrives", 200, |seed| {
        let mut random = Rng::with_seed(seed);
        let mut replica = Replica::new(&SimDisk::new(seed));
        let mut bytes = sent.clone();
        let damage = random.u8(..3);
        match damage {
            0 => {}
            1 => bytes.truncate(random.usize(..bytes.len())),
            _ => {
                let at = random.usize(..bytes.len());
                bytes[at] ^= random.u8(1..);
            }
        }
        replica.begin_load(ReceivedSource::Stream { len_bytes: None });
        replica.send(&bytes, &mut random);
        let loaded = replica.load(&mut random);
        assert_eq!(loaded.is_ok(), damage == 0, "seed {seed}: {loaded:?}");
        if damage == 0 {
            assert!(holds(&replica.keyspace, KEYS), "seed {seed}");
        }
        while replica.step(&mut random) {}
        assert!(!replica.backend.jobs().runs(JobRole::Load), "seed {seed}");
    });
}
