//! What of acknowledged writes survives while primaries die.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dunlin_testkit::Value;
use dunlin_testkit::cluster::{Cluster, RoutedClient};
use dunlin_testkit::{DEADLINE, wait_for};
use fastrand::Rng;

use crate::failover::wait_for_promotion;

/// Counters that the writers share out among themselves.
const COUNTERS: u64 = 300;
const WRITERS: u64 = 3;

/// What one writer knows of its counters.
#[derive(Default)]
pub(crate) struct Ledger {
    /// For each counter: increments that were acknowledged, and those that may or may not have been
    /// done, because no answer came.
    counters: BTreeMap<u64, (i64, i64)>,
    pub(crate) acknowledged: u64,
    /// Values that were smaller than what had been acknowledged before: lost writes, as a client sees
    /// them.
    regressions: u64,
    /// Replies that no client should see.
    wrong: Vec<String>,
    /// The longest time without an acknowledgement.
    gap: Duration,
}

/// Increments counters until told to stop.
fn write(
    mut client: RoutedClient,
    writer: u64,
    ends: &AtomicBool,
    seen: &AtomicU64,
    acknowledged: &AtomicU64,
) -> Ledger {
    let mut ledger = Ledger::default();
    let mut rng = Rng::with_seed(writer);
    let mut last = Instant::now();
    while !ends.load(Ordering::Relaxed) {
        let counter = rng.u64(..COUNTERS / WRITERS) * WRITERS + writer;
        let (done, unsure) = ledger.counters.entry(counter).or_default();
        match client.try_call(&["INCR".to_owned(), format!("counter:{counter}")]) {
            Ok(Value::Integer(value)) => {
                if value <= *done {
                    // What was there before has gone; count from what is there now.
                    let gone = (*done + 1 - value).unsigned_abs();
                    ledger.regressions += gone;
                    seen.fetch_add(gone, Ordering::Relaxed);
                    *unsure = 0;
                } else if value > *done + *unsure + 1 {
                    ledger.wrong.push(format!("{value} after {done} and perhaps {unsure} more"));
                } else {
                    *unsure -= value - *done - 1;
                }
                *done = value;
                ledger.acknowledged += 1;
                acknowledged.fetch_add(1, Ordering::Relaxed);
                ledger.gap = ledger.gap.max(last.elapsed());
                last = Instant::now();
            }
            Ok(Value::Error(text)) if is_expected(&text) => {}
            Ok(other) => ledger.wrong.push(other.to_string()),
            // Nobody answered: it may have been done.
            Err(_) => *unsure += 1,
        }
    }
    ledger
}

/// What clients are told while a cluster is not whole.
fn is_expected(error: &[u8]) -> bool {
    [&b"CLUSTERDOWN"[..], b"LOADING", b"MASTERDOWN", b"READONLY"]
        .iter()
        .any(|code| error.starts_with(code))
}

/// The writers of a cluster.
pub(crate) struct Load {
    ends: Arc<AtomicBool>,
    /// Lost writes that the writers have come across so far.
    seen: Arc<AtomicU64>,
    /// Writes that were acknowledged.
    done: Arc<AtomicU64>,
    writers: Vec<JoinHandle<Ledger>>,
}

impl Load {
    pub(crate) fn start(cluster: &Cluster) -> Load {
        let mut load = Load {
            ends: Arc::default(),
            seen: Arc::default(),
            done: Arc::default(),
            writers: Vec::new(),
        };
        for writer in 0..WRITERS {
            let (ends, seen) = (Arc::clone(&load.ends), Arc::clone(&load.seen));
            let (done, client) = (Arc::clone(&load.done), cluster.routed());
            let writer = std::thread::spawn(move || write(client, writer, &ends, &seen, &done));
            load.writers.push(writer);
        }
        load
    }

    /// Waits until the writers have looked at all of their counters again, more or less.
    #[track_caller]
    pub(crate) fn wait_for_a_round(&self) {
        let wanted = self.done.load(Ordering::Relaxed) + 6 * COUNTERS;
        wait_for("the writers", DEADLINE, || self.done.load(Ordering::Relaxed) >= wanted);
    }

    /// How many lost writes the writers have come across so far.
    pub(crate) fn seen_lost(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(self) -> Vec<Ledger> {
        self.ends.store(true, Ordering::Relaxed);
        self.writers.into_iter().map(|writer| writer.join().expect("it ends well")).collect()
    }
}

/// Compares what the cluster holds with what the writers know, and returns how many acknowledged
/// writes are gone in all.
#[track_caller]
pub(crate) fn lost(cluster: &Cluster, ledgers: &[Ledger]) -> u64 {
    let mut client = cluster.routed();
    let mut lost = 0;
    for ledger in ledgers {
        assert!(ledger.wrong.is_empty(), "{:?}", ledger.wrong);
        lost += ledger.regressions;
        for (counter, (done, unsure)) in &ledger.counters {
            let value = client.cmd(&format!("GET counter:{counter}"));
            let value: i64 =
                if value == Value::NullBulk { 0 } else { value.text().parse().expect("a number") };
            assert!(
                value <= done + unsure,
                "counter {counter}: {value}, at most {done} + {unsure}"
            );
            lost += u64::try_from(done - value).unwrap_or(0);
        }
    }
    lost
}

/// Primaries are killed under load, one after the other. What was acknowledged may be lost only by
/// what had not reached the replica yet: some requests per death.
#[test]
fn deaths_under_load() {
    let mut cluster = Cluster::builder().replicas(1).timeout_ms(1000).start();
    let load = Load::start(&cluster);
    for (primary, replica) in [(0, 3), (1, 4)] {
        wait_for_writes(&cluster, primary);
        cluster.kill(primary);
        wait_for_promotion(&cluster, replica);
        wait_for_writes(&cluster, replica);
        cluster.restart(primary);
        cluster.wait_until_ok();
    }
    let ledgers = load.stop();
    let lost = lost(&cluster, &ledgers);
    let acknowledged: u64 = ledgers.iter().map(|ledger| ledger.acknowledged).sum();
    let gap = ledgers.iter().map(|ledger| ledger.gap).max().unwrap_or_default();
    println!(
        "{lost} of {acknowledged} acknowledged writes lost in two failovers; longest pause {gap:?}"
    );
    // One connection has at most one request whose reply was sent before the replica had it; the
    // rest is margin for a machine that stalls between the two writes.
    assert!(lost <= 200, "{lost} of {acknowledged} lost");
    assert!(gap < Duration::from_secs(15), "{gap:?}");
}

/// Waits until a node has done more writes.
#[track_caller]
fn wait_for_writes(cluster: &Cluster, index: usize) {
    let count = || {
        let text = cluster.client(index).cmd("INFO commandstats").text();
        let line = text.lines().find_map(|line| line.strip_prefix("cmdstat_incr:calls="));
        line.and_then(|line| line.split(',').next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    let wanted = count() + 500;
    wait_for("writes", DEADLINE, || count() >= wanted);
}

/// A hand-over loses nothing at all.
#[test]
fn hand_overs_under_load() {
    let cluster = Cluster::builder().replicas(1).start();
    let load = Load::start(&cluster);
    for (primary, replica) in [(0, 3), (1, 4), (3, 0)] {
        wait_for_writes(&cluster, primary);
        assert_eq!(cluster.client(replica).show("CLUSTER FAILOVER"), "OK");
        wait_for_promotion(&cluster, replica);
        wait_for_writes(&cluster, replica);
    }
    let ledgers = load.stop();
    assert_eq!(lost(&cluster, &ledgers), 0);
}

/// Slots move while they are written to: nothing is lost, and nobody is told anything but where to
/// go.
#[test]
fn resharding_under_load() {
    let cluster = Cluster::builder().start();
    let load = Load::start(&cluster);
    wait_for_writes(&cluster, 0);
    for (source, target) in [(0, 1), (1, 2), (2, 0)] {
        let (address, from, to) = (cluster.address(0), cluster.id(source), cluster.id(target));
        let words =
            ["--cluster", "reshard", &address, "--cluster-from", &from, "--cluster-to", &to];
        let more = ["--cluster-slots", "200", "--cluster-yes"];
        dunlin_testkit::cluster::redis_cli(&[&words[..], &more].concat(), "").success();
        cluster.wait_until_agreed();
    }
    let ledgers = load.stop();
    assert_eq!(lost(&cluster, &ledgers), 0);
}
