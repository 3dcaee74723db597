//! Whole servers on a disk that fails: random commands of several clients, snapshots and rewrites,
//! and an end at any moment. What is loaded afterwards is a state the server had between two
//! commands, never within a transaction, and no older than what was promised.

mod commands;
mod history;
mod story;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use dunlin_sim::{Call, Fault, seeds};
use story::{Plot, Story};

const PLAIN: Plot = Plot { always: true, faults: None, clock_steps: false, preamble: true };

fn run(name: &str, count: u64, plot: Plot) {
    seeds(name, count, |seed| {
        let mut story = Story::new(seed, plot);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| story.run())) {
            eprintln!("{}\n{}", story.disk.log(), story.log);
            resume_unwind(panic);
        }
    });
}

#[test]
fn always_keeps_what_anybody_was_told() {
    run("always", 40, PLAIN);
    run("always, commands", 10, Plot { preamble: false, ..PLAIN });
}

#[test]
fn everysec_keeps_what_was_synced() {
    run("everysec", 40, Plot { always: false, ..PLAIN });
    run("everysec, commands", 10, Plot { always: false, preamble: false, ..PLAIN });
}

#[test]
fn the_clock_is_set_back_and_forth() {
    run("clock", 15, Plot { clock_steps: true, ..PLAIN });
    run("clock, everysec", 15, Plot { clock_steps: true, always: false, ..PLAIN });
}

#[test]
fn a_full_disk_takes_nothing_back() {
    for always in [true, false] {
        let faults = |disk: &dunlin_sim::SimDisk, _: &mut fastrand::Rng| {
            disk.fail_by_chance(Call::Write, 30_000, Fault::ENOSPC);
            disk.fail_by_chance(Call::Write, 100_000, Fault::Short);
        };
        run("full", 25, Plot { always, faults: Some(faults), ..PLAIN });
    }
}

#[test]
fn a_failed_sync_is_never_taken_for_success() {
    for always in [true, false] {
        let faults = |disk: &dunlin_sim::SimDisk, _: &mut fastrand::Rng| {
            disk.fail_by_chance(Call::Sync, 30_000, Fault::EIO);
            disk.fail_by_chance(Call::SyncSoon, 30_000, Fault::EIO);
        };
        run("sync", 25, Plot { always, faults: Some(faults), ..PLAIN });
    }
}

#[test]
fn any_call_may_fail() {
    for always in [true, false] {
        let faults = |disk: &dunlin_sim::SimDisk, _: &mut fastrand::Rng| {
            let calls = [
                Call::Create,
                Call::Append,
                Call::Rename,
                Call::Remove,
                Call::Look,
                Call::SyncDirectory,
            ];
            for call in calls {
                disk.fail_by_chance(call, 30_000, Fault::EIO);
            }
            disk.fail_by_chance(Call::Write, 10_000, Fault::ENOSPC);
            disk.fail_by_chance(Call::Sync, 10_000, Fault::EIO);
        };
        run("any", 25, Plot { always, faults: Some(faults), ..PLAIN });
    }
}
