//! `kill -9` under load, again and again: what was acknowledged is there, and whole.

use std::fmt;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dunlin_testkit::client::request;
use dunlin_testkit::{Client, DEADLINE, Server, wait_for};
use fastrand::Rng;

use crate::files::names;
use crate::writers::{Found, Writer};

const WRITERS: usize = 4;

/// Keys that lie there from the beginning.
const BALLAST_KEYS: i64 = 30_000;

/// Transactions that are acknowledged before a kill, at most.
const TRANSACTIONS_MAX: u64 = 3000;

/// With `everysec`, the last second and one write group may be missing. The rest is what a busy
/// machine may delay a thread by.
const LOSS_MAX: Duration = Duration::from_millis(2500);

/// What a crash loop came to.
#[derive(Debug, Default)]
struct Report {
    kills: u32,
    kills_at_start: u32,
    kills_in_rewrite: u32,
    kills_in_save: u32,
    transactions: u64,
    lost: u64,
    longest_loss: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills, {} of them at start, {} during a rewrite, {} during a save; {} transactions \
             acknowledged, {} lost, the first of them acknowledged {:?} before its kill",
            self.kills,
            self.kills_at_start,
            self.kills_in_rewrite,
            self.kills_in_save,
            self.transactions,
            self.lost,
            self.longest_loss
        )
    }
}

struct CrashLoop {
    server: Server,
    writers: Vec<Writer>,
    random: Rng,
    report: Report,
}

impl CrashLoop {
    fn new(policy: &str, seed: u64) -> CrashLoop {
        let server = Server::builder()
            .config(&format!("appendonly yes\nappendfsync {policy}"))
            // Rewrites begin all the time.
            .config("auto-aof-rewrite-percentage 50\nauto-aof-rewrite-min-size 1mb")
            .start();
        let mut client = server.client();
        // Enough that snapshots take a while.
        for first in (0..BALLAST_KEYS).step_by(1000) {
            let requests = (first..first + 1000).flat_map(|n| {
                request(&["SET".to_owned(), format!("ballast:{n}"), "x".repeat(100)])
            });
            client.send(&requests.collect::<Vec<u8>>()).expect("sent");
            (0..1000).for_each(|_| assert_eq!(client.read().to_string(), "OK"));
        }
        let writers = (0..WRITERS).map(Writer::new).collect();
        CrashLoop { server, writers, random: Rng::with_seed(seed), report: Report::default() }
    }

    /// Lets the writers write, and kills the server at some moment.
    fn load_and_kill(&mut self) -> Instant {
        let target = self.random.u64(..TRANSACTIONS_MAX);
        let snapshot_at = self.random.u64(..TRANSACTIONS_MAX);
        let command = if self.random.bool() { "BGSAVE" } else { "BGREWRITEAOF" };
        let total = AtomicU64::new(0);
        let address = self.server.address();
        let killed = thread::scope(|scope| {
            for writer in &mut self.writers {
                scope.spawn(|| writer.run(address, &total));
            }
            let reached = |count| total.load(Ordering::Relaxed) >= count;
            if snapshot_at < target {
                wait_for("some transactions", DEADLINE, || reached(snapshot_at));
                // It may be refused: another one may run.
                self.server.client().cmd(command);
            }
            wait_for("enough transactions", DEADLINE, || reached(target));
            let killed = Instant::now();
            self.server.kill();
            killed
        });
        self.report.kills += 1;
        self.report.transactions += total.load(Ordering::Relaxed);
        let left = self.take_temporary_files();
        let has = |part: &str| u32::from(left.iter().any(|name| name.contains(part)));
        self.report.kills_in_rewrite += has("rewriteaof");
        self.report.kills_in_save += has(".rdb");
        killed
    }

    /// Removes what was being written, which nobody needs any more, and returns the names.
    fn take_temporary_files(&self) -> Vec<String> {
        let mut left = names(self.server.dir());
        left.retain(|name| name.starts_with("temp-"));
        for name in &left {
            fs::remove_file(self.server.dir().join(name)).expect("removed");
        }
        left
    }

    /// Starts the server and kills it while it starts.
    fn kill_at_start(&mut self) {
        self.server.start_again_unchecked();
        let attempts = self.random.u32(..300);
        for _ in 0..attempts {
            let client = Client::try_connect(self.server.address());
            if client.is_ok_and(|mut client| client.try_cmd("PING").is_ok()) {
                break;
            }
        }
        self.server.kill();
        self.report.kills += 1;
        self.report.kills_at_start += 1;
    }

    #[track_caller]
    fn check(&mut self, killed: Instant) {
        self.server.start_again();
        let mut client = self.server.client();
        assert!(
            client.cmd("DBSIZE").integer() >= BALLAST_KEYS,
            "what was there before any kill is gone"
        );
        for writer in &mut self.writers {
            let Found { lost, lost_for } = writer.check(&mut client, killed);
            self.report.lost += lost;
            self.report.longest_loss = self.report.longest_loss.max(lost_for);
        }
    }

    #[track_caller]
    fn run(mut self, kills: u32) -> Report {
        while self.report.kills < kills {
            let killed = self.load_and_kill();
            if self.random.u8(..3) == 0 {
                self.kill_at_start();
            }
            self.check(killed);
        }
        eprintln!("{}", self.report);
        self.report
    }
}

#[track_caller]
fn nothing_is_lost(kills: u32, seed: u64) {
    let report = CrashLoop::new("always", seed).run(kills);
    assert_eq!(report.lost, 0, "{report}");
}

#[track_caller]
fn the_last_second_is_lost(policy: &str, kills: u32, seed: u64) {
    let report = CrashLoop::new(policy, seed).run(kills);
    assert!(report.longest_loss <= LOSS_MAX, "{report}");
}

#[test]
fn always_loses_nothing() {
    nothing_is_lost(10, 1);
}

#[test]
fn everysec_loses_a_second_at_most() {
    the_last_second_is_lost("everysec", 6, 2);
}

#[test]
#[ignore = "slow: two hundred kills"]
fn always_loses_nothing_in_two_hundred_kills() {
    nothing_is_lost(200, 3);
}

#[test]
#[ignore = "slow: two hundred kills"]
fn everysec_loses_a_second_at_most_in_two_hundred_kills() {
    the_last_second_is_lost("everysec", 200, 4);
}
