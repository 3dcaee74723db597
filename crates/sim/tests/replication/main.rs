//! A primary, two replicas and the replica of one of them, on a network that is slow and cuts, on
//! machines that die; clients write meanwhile. After every turn: equal positions mean equal bytes and
//! equal data, offsets do not run backwards, WAIT counts nobody who has not got the write. In the end
//! everybody holds what the primary holds.
//!
//! `SIM_SEEDS=1000 cargo test --profile quick -p dunlin-sim --test replication` runs more seeds,
//! `SIM_SEED=7` one.

mod checks;
mod clients;
#[path = "../server/commands.rs"]
mod commands;
mod faults;
mod hand_overs;
mod plot;
mod promises;
mod scenario;
mod taints;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use dunlin_sim::seeds;
use plot::Plot;
use scenario::Scenario;

const CALM: Plot = Plot::CALM;
const ALL: Plot = Plot { network: true, deaths: true, roles: true, ..CALM };

const AT_ONCE: Plot = Plot { hand_overs: true, own_writes: true, heavy: true, disks: true, ..ALL };

/// How often something was there to be checked.
#[derive(Default)]
struct Tally {
    hand_overs: usize,
    inherited: usize,
    found_on_disk: usize,
    spilled: usize,
    own_keys: usize,
    compared: usize,
}

fn run(name: &str, count: u64, plot: Plot) -> Tally {
    let mut tally = Tally::default();
    seeds(name, count, |seed| {
        let one = run_one(seed, plot);
        tally.hand_overs += one.hand_overs;
        tally.inherited += one.inherited;
        tally.found_on_disk += one.found_on_disk;
        tally.spilled += one.spilled;
        tally.own_keys += one.own_keys;
        tally.compared += one.compared;
    });
    assert_some("pair of servers at the same position", tally.compared);
    tally
}

fn run_one(seed: u64, plot: Plot) -> Tally {
    let mut scenario = Scenario::new(seed, plot);
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| scenario.run())) {
        eprintln!("{}", scenario.describe());
        resume_unwind(panic);
    }
    Tally {
        own_keys: scenario.own_keys,
        compared: scenario.checks.compared,
        hand_overs: scenario.checks.hand_overs.complete,
        inherited: scenario.promises.inherited,
        found_on_disk: scenario.promises.found_on_disk,
        spilled: scenario.logged("The replication stream kept for slow replicas has reached"),
    }
}

/// Of what several seeds are to check there was some, unless one seed is looked at alone.
fn assert_some(what: &str, count: usize) {
    assert!(count > 0 || std::env::var_os("SIM_SEED").is_some(), "no {what} was looked at");
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

/// FAILOVER in all its forms: who gives its role away changes nothing more, who takes it has all.
#[test]
fn primaries_hand_their_role_over() {
    let plot = Plot { hand_overs: true, network: true, ..CALM };
    let tally = run("hand-overs", 10, plot);
    assert_some("hand-over", tally.hand_overs);
    run("hand-overs, all", 10, Plot { hand_overs: true, ..ALL });
}

/// Replicas that take writes of clients differ; nobody else does, and the stream does not.
#[test]
fn some_replicas_take_writes() {
    let tally = run("own writes", 8, Plot { own_writes: true, network: true, ..CALM });
    assert_some("key of a replica's client", tally.own_keys);
    run("own writes, all", 10, Plot { own_writes: true, ..ALL });
}

/// What WAITAOF has told of is found on disks after a loss of power.
#[test]
fn clients_wait_for_disks() {
    let plot = Plot { durable: true, network: true, deaths: true, ..CALM };
    let tally = run("disks", 10, plot);
    assert_some("write on a disk", tally.found_on_disk);
}

/// What WAIT has told of is there after the primary has died and the replica that has most has taken
/// its place.
#[test]
fn the_best_replica_takes_the_place_of_the_primary() {
    let tally = run("successions", 10, Plot { successions: true, network: true, ..CALM });
    assert_some("promise of WAIT", tally.inherited);
}

/// Large values, snapshots that take long, a stream that goes to a file.
#[test]
fn snapshots_are_slow_and_the_stream_is_long() {
    let plot = Plot { heavy: true, network: true, deaths: true, ..CALM };
    let tally = run("heavy", 6, plot);
    assert_some("stream in a file", tally.spilled);
    run("heavy, disks", 4, Plot { disks: true, ..plot });
}

#[test]
fn everything_happens_at_once() {
    run("at once", 6, AT_ONCE);
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
    run_one(166, Plot { disks: true, ..ALL });
}

/// WAITAOF told of writes that only the base of the next rewrite was to hold; and of replicas that had
/// not brought anything to disk, if the write was older than the stream.
#[test]
fn nothing_is_on_disk_before_the_base_is() {
    let plot = Plot { durable: true, network: true, deaths: true, ..CALM };
    run_one(56, plot);
    run_one(90, plot);
}

/// A forced FAILOVER that ended with a full synchronisation never ended.
#[test]
fn a_hand_over_ends_with_a_full_synchronisation() {
    run_one(67, AT_ONCE);
}

/// A replica of a replica that lost its link between the data set and the first byte of the stream
/// went on in another database than the stream.
#[test]
fn a_link_that_is_lost_before_the_stream_begins() {
    run_one(15, ALL);
}
