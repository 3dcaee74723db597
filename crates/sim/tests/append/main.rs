//! The append-only file on a disk that fails: whatever happens, what was promised is found again.
//!
//! A [`writer::Writer`] appends numbered records as a server would: alone and as transactions, with
//! rewrites, and with any policy, while its disk loses power or its process is killed, over and
//! over. Each life must find the records of the lives before, in order, without a gap, no
//! transaction in part, and none missing that was acknowledged.
//!
//! `SIM_SEEDS=100000 cargo nextest run -p dunlin-sim --release` runs more seeds, `SIM_SEED=7` one.

mod reader;
mod writer;

use dunlin_sim::{Call, Fault, SimDisk, seeds};
use fastrand::Rng;
use writer::{Policy, Writer};

/// Lives of one server; each ends with a kill or a power loss.
const LIVES: usize = 6;

/// Lets calls fail.
type Faults = fn(&SimDisk, &mut Rng);

/// What one seed lives through.
struct Story {
    random: Rng,
    policy: Policy,
    disk: SimDisk,
    /// Records that must be found, and those that may be.
    durable: u64,
    appended: u64,
    has_faults: bool,
}

impl Story {
    fn new(seed: u64, policy: Policy) -> Story {
        let disk = SimDisk::new(seed);
        Story {
            random: Rng::with_seed(seed),
            policy,
            disk,
            durable: 0,
            appended: 0,
            has_faults: false,
        }
    }

    /// Starts a server, which must find what is durable. `None` if damage is refused that a power
    /// loss may have done to what was not.
    fn start(&mut self) -> Option<Writer> {
        let (files, plan) = writer::open(&self.disk).expect("the files can be taken");
        match reader::read(&self.disk, plan) {
            Ok(found) => {
                let range = self.durable..=self.appended;
                assert!(range.contains(&found), "found {found} of {range:?}");
                self.durable = found;
                self.appended = found;
                Some(Writer::start(&self.disk, files, self.policy, found))
            }
            Err(damage) => {
                assert!(damage.records >= self.durable, "{} are durable: {damage:?}", self.durable);
                let lines = damage.error.log_lines();
                let says_why = lines[0].contains("at byte") && lines[0].contains(".aof");
                assert!(says_why, "which file, and where? {lines:?}");
                None
            }
        }
    }

    /// Runs until the power goes or the process is killed; whether there can be another life.
    ///
    /// There is none where a sync has failed and the process was then killed: the system shows its
    /// successor bytes that it has dropped, and says that they are synced. Only a rewrite helps,
    /// which the successor cannot know.
    fn live(&mut self, mut writer: Writer) -> bool {
        let is_power_loss = self.random.bool();
        if is_power_loss {
            self.disk.power_off_after(self.random.u64(..120));
        }
        let steps = self.random.usize(..400);
        let ended = (0..steps).any(|_| writer.step(&mut self.random).is_some());
        let is_off = self.disk.is_off();
        if !ended && !is_off && !self.has_faults && self.random.bool() {
            self.disk.power_off_after(u64::MAX / 2);
            writer.settle();
        }
        self.appended = writer.appended();
        // The dead tell nothing: events of the step in which the power went are not heard.
        self.durable = if is_power_loss || is_off { writer.durable() } else { writer.written() };
        let is_sound = writer.is_sound();
        writer.end();
        if is_power_loss || is_off {
            self.disk = self.disk.crash(&mut self.random);
            return true;
        }
        self.disk = self.disk.kill();
        is_sound
    }

    fn run(&mut self, faults: Option<Faults>) {
        for _ in 0..LIVES {
            let Some(writer) = self.start() else { return };
            if let Some(faults) = faults {
                faults(&self.disk, &mut self.random);
                self.has_faults = true;
            }
            let goes_on = self.live(writer);
            self.disk.mend();
            if !goes_on {
                break;
            }
        }
        self.start();
    }
}

fn run(name: &str, policy: Policy, faults: Option<Faults>) {
    seeds(name, 150, |seed| {
        let mut story = Story::new(seed, policy);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| story.run(faults)));
        if let Err(panic) = result {
            eprintln!("{}", story.disk.log());
            for path in story.disk.paths() {
                let content = story.disk.content(&path).unwrap_or_default();
                let shown =
                    String::from_utf8_lossy(&content[..content.len().min(300)]).into_owned();
                eprintln!("{}: {} bytes: {shown:?}", path.display(), content.len());
            }
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn always_keeps_what_was_acknowledged() {
    run("always", Policy::Always, None);
}

#[test]
fn everysec_keeps_what_was_synced() {
    run("everysec", Policy::EverySecond, None);
}

#[test]
fn short_writes_are_completed() {
    run(
        "short",
        Policy::EverySecond,
        Some(|disk, _| {
            disk.fail_by_chance(Call::Write, 300_000, Fault::Short);
        }),
    );
}

#[test]
fn a_full_disk_loses_nothing_that_was_written() {
    for policy in [Policy::Always, Policy::EverySecond] {
        run(
            "full",
            policy,
            Some(|disk, random| {
                disk.fail_by_chance(Call::Write, 30_000, Fault::ENOSPC);
                disk.fail_by_chance(Call::Write, 100_000, Fault::Short);
                if random.bool() {
                    disk.fail_by_chance(Call::Truncate, 300_000, Fault::EIO);
                }
            }),
        );
    }
}

#[test]
fn a_failed_sync_is_never_taken_for_success() {
    for policy in [Policy::Always, Policy::EverySecond] {
        run(
            "sync",
            policy,
            Some(|disk, _| {
                disk.fail_by_chance(Call::Sync, 50_000, Fault::EIO);
            }),
        );
    }
}

#[test]
fn any_call_may_fail() {
    for policy in [Policy::Always, Policy::EverySecond] {
        run(
            "any",
            policy,
            Some(|disk, _| {
                for call in [Call::Create, Call::Append, Call::Rename, Call::Remove, Call::Look] {
                    disk.fail_by_chance(call, 50_000, Fault::EIO);
                }
                disk.fail_by_chance(Call::SyncDirectory, 50_000, Fault::EIO);
                disk.fail_by_chance(Call::Sync, 20_000, Fault::EIO);
                disk.fail_by_chance(Call::Write, 20_000, Fault::ENOSPC);
            }),
        );
    }
}

#[test]
fn a_second_server_is_kept_out() {
    seeds("second", 100, |seed| {
        let mut story = Story::new(seed, Policy::Always);
        let mut writer = story.start().expect("a new log");
        for step in 0..100 {
            writer.step(&mut story.random);
            if step % 10 == 0 {
                let other = story.disk.another_process();
                let before = story.disk.paths();
                assert!(writer::open(&other).is_err(), "it took the files of a living server");
                assert_eq!(story.disk.paths(), before);
            }
        }
        story.durable = writer.written();
        story.appended = writer.appended();
        writer.end();
        story.disk = story.disk.kill();
        story.start().expect("nothing is damaged");
    });
}
