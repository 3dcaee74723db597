//! A primary, two replicas and the replica of one of them, on a network that is slow and cuts, on
//! machines that die; clients write meanwhile. After every turn: equal positions mean equal bytes and
//! equal data, offsets do not run backwards, WAIT counts nobody who has not got the write. In the end
//! everybody holds what the primary holds.
//!
//! `SIM_SEEDS=1000 cargo test --profile quick -p dunlin-sim --test replication` runs more seeds,
//! `SIM_SEED=7` one.

mod checks;
#[path = "../server/commands.rs"]
mod commands;
mod scenario;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use dunlin_sim::seeds;
use scenario::{Plot, Scenario};

const CALM: Plot = Plot { network: false, deaths: false, roles: false, disks: false };
const ALL: Plot = Plot { network: true, deaths: true, roles: true, disks: false };

fn run(name: &str, count: u64, plot: Plot) {
    seeds(name, count, |seed| run_one(seed, plot));
}

fn run_one(seed: u64, plot: Plot) {
    let mut scenario = Scenario::new(seed, plot);
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| scenario.run())) {
        eprintln!("{}", scenario.describe());
        resume_unwind(panic);
    }
}

#[test]
fn replicas_follow_while_nothing_happens() {
    run("calm", 6, CALM);
}

#[test]
fn connections_are_lost() {
    run("network", 10, Plot { network: true, ..CALM });
}

#[test]
fn servers_die_and_come_back() {
    run("deaths", 10, Plot { deaths: true, network: true, ..CALM });
}

#[test]
fn roles_change() {
    run("roles", 10, Plot { roles: true, network: true, ..CALM });
}

#[test]
fn everything_happens() {
    run("all", 15, ALL);
    run("all, disks", 10, Plot { disks: true, ..ALL });
}

/// A replica that was started with its snapshot dropped what had expired, though its primary had not
/// removed it: it held something else than its position said.
#[test]
fn a_replica_that_starts_keeps_what_has_expired() {
    run_one(2, Plot { deaths: true, network: true, ..CALM });
    run_one(0, ALL);
}

/// A primary that was started with its snapshot dropped what had expired, and its replicas, which went
/// on from where that snapshot ended, were not told.
#[test]
fn a_primary_that_starts_tells_of_what_has_expired() {
    run_one(277, Plot { deaths: true, network: true, ..CALM });
}

/// A replica whose disk did not take the data set of its primary never asked for it again.
#[test]
fn a_data_set_that_was_not_taken_is_asked_for_again() {
    run_one(114, Plot { disks: true, ..ALL });
}
