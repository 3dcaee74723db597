//! Whatever happens to processes, in whatever order: afterwards there is one cluster that serves.

use std::time::{Duration, Instant};

use dunlin_testkit::cluster::{Cluster, redis_cli};
use dunlin_testkit::server::{program, reference_program};
use dunlin_testkit::{DEADLINE, wait_for};
use fastrand::Rng;
use nix::sys::signal::Signal;

use crate::consistency::{Load, lost};

/// How many mishaps a cluster has to stand.
const MISHAPS: usize = 25;

/// A hand-over that has not happened by then is given up (5 s, and a turn of the node).
const HAND_OVER_ENDS: Duration = Duration::from_millis(5500);

/// A primary that dies and is back before anybody takes over has everything that it acknowledged.
const DURABLE: &str = "appendonly yes\nappendfsync always";

const FORCE: &str = "CLUSTER FAILOVER FORCE";

/// What happens to a cluster.
#[derive(Debug, Clone, Copy)]
enum Mishap {
    /// A node dies and comes back, at once or when somebody else has taken over.
    Death { waits: bool },
    /// A node stands still for so many milliseconds.
    Standstill { ms: u64 },
    /// Somebody asks a replica to take over.
    HandOver { how: &'static str },
    /// Slots move.
    Reshard,
}

impl Mishap {
    fn any(rng: &mut Rng, timeout_ms: u64) -> Mishap {
        match rng.u8(..7) {
            0..=1 => Mishap::Death { waits: true },
            2 => Mishap::Death { waits: false },
            3 => Mishap::Standstill { ms: rng.u64(timeout_ms / 4..timeout_ms * 3) },
            4 => Mishap::HandOver { how: "CLUSTER FAILOVER" },
            5 => Mishap::HandOver { how: FORCE },
            _ => Mishap::Reshard,
        }
    }
}

/// One mishap after the other, each to a cluster that is whole again; returns what went on. Where
/// nobody dies or stands still and nothing is forced, nothing may be lost.
#[track_caller]
fn play(cluster: &mut Cluster, load: &Load, rng: &mut Rng, timeout_ms: u64) -> Vec<String> {
    let mut told = Vec::new();
    for _ in 0..MISHAPS {
        let (mishap, index) = (Mishap::any(rng, timeout_ms), rng.usize(..cluster.len()));
        let before = load.seen_lost();
        match mishap {
            Mishap::Death { waits } => {
                let is_primary = cluster.myself(index).has("master");
                cluster.kill(index);
                if waits && is_primary {
                    wait_for_successor(cluster, index);
                }
                cluster.restart(index);
            }
            Mishap::Standstill { ms } => {
                cluster.node(index).signal(Signal::SIGSTOP);
                let start = Instant::now();
                wait_for("the time to pass", DEADLINE, || {
                    start.elapsed() >= Duration::from_millis(ms)
                });
                cluster.node(index).signal(Signal::SIGCONT);
            }
            Mishap::HandOver { how } => {
                let replica = (0..cluster.len()).find(|&index| cluster.myself(index).has("slave"));
                let replica = replica.expect("there are replicas");
                assert_eq!(cluster.client(replica).show(how), "OK", "node {replica}");
                // It may come to nothing, where the shard has voted just before.
                let start = Instant::now();
                wait_for("the hand-over to end", DEADLINE, || {
                    cluster.myself(replica).has("master") || start.elapsed() > HAND_OVER_ENDS
                });
            }
            Mishap::Reshard => reshard(cluster, rng),
        }
        cluster.wait_until_ok();
        load.wait_for_a_round();
        let gone = load.seen_lost() - before;
        told.push(format!("{mishap:?} at node {index}, {gone} writes lost"));
        println!("{}", told.last().expect("it was just told"));
        let may_lose = match mishap {
            Mishap::HandOver { how } => how == FORCE,
            Mishap::Reshard => false,
            Mishap::Death { .. } | Mishap::Standstill { .. } => true,
        };
        assert!(gone == 0 || may_lose, "{told:?}");
        assert_eq!(cluster.info(index, "cluster_slots_ok"), "16384", "{told:?}");
    }
    told
}

/// Waits until all slots have a living owner again.
#[track_caller]
fn wait_for_successor(cluster: &Cluster, dead: usize) {
    let asked = if dead == 0 { 1 } else { 0 };
    wait_for("a successor", DEADLINE, || {
        cluster.line(asked, dead).is_some_and(|line| line.has("fail") && line.slot_count() == 0)
    });
}

fn reshard(cluster: &Cluster, rng: &mut Rng) {
    let mut primaries: Vec<String> = cluster
        .lines(0)
        .into_iter()
        .filter(|line| line.slot_count() > 100)
        .map(|line| line.id)
        .collect();
    rng.shuffle(&mut primaries);
    let address = cluster.address(0);
    let (from, to) = (&primaries[0], &primaries[1]);
    let words = ["--cluster", "reshard", &address, "--cluster-from", from, "--cluster-to", to];
    redis_cli(&[&words[..], &["--cluster-slots", "30", "--cluster-yes"]].concat(), "").success();
}

#[track_caller]
fn mishaps(mut cluster: Cluster, seed: u64, timeout_ms: u64) {
    let mut rng = Rng::with_seed(seed);
    let load = Load::start(&cluster);
    let told = play(&mut cluster, &load, &mut rng, timeout_ms);
    let ledgers = load.stop();
    let lost = lost(&cluster, &ledgers);
    let acknowledged: u64 = ledgers.iter().map(|ledger| ledger.acknowledged).sum();
    println!(
        "seed {seed}: {lost} of {acknowledged} acknowledged writes lost in {} mishaps",
        told.len()
    );
    // Those that a primary acknowledged before it was dead or knew that it is none any more.
    assert!(lost < acknowledged / 20, "{lost} of {acknowledged}: {told:?}");
}

/// The seed: `MISHAPS_SEED`, else one of the clock, which is printed.
fn seed() -> u64 {
    let given = std::env::var("MISHAPS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    println!("MISHAPS_SEED={seed}");
    seed
}

/// A cluster of our own.
#[test]
#[ignore = "slow: minutes of mishaps; cargo nextest run -p dunlin-tests --test cluster mishaps --run-ignored all"]
fn mishaps_of_our_own() {
    let builder = Cluster::builder().replicas(1).timeout_ms(1000).config(DURABLE);
    mishaps(builder.start(), seed(), 1000);
}

/// Ours and theirs mixed.
#[test]
#[ignore = "slow: minutes of mishaps; cargo nextest run -p dunlin-tests --test cluster mishaps --run-ignored all"]
fn mishaps_of_both_kinds() {
    let theirs = reference_program().expect("redis-server is needed: ./test installs it");
    let builder = Cluster::builder().programs(&[&program(), &theirs]).replicas(1);
    let builder = builder.timeout_ms(1000).config(DURABLE);
    mishaps(builder.start(), seed(), 1000);
}
