//! Runs pipelines of SET and GET through a node without a socket, for a profiler:
//! `cargo build --release --example pipeline -p dunlin-node`, then
//! `valgrind --tool=callgrind target/release/examples/pipeline 100000`; with `cluster` as second
//! argument, the node is one of a cluster and owns all slots.

use dunlin_commands::{Host, Table};
use dunlin_config::{Config, LogLevel};
use dunlin_keyspace::{Freer, Garbage};
use dunlin_node::{Environment, Node, Peer};
use dunlin_stdx::time::{Clock, Monotonic, Now};

struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> Now {
        Now { unix_us: 1_700_000_000_000_000, monotonic: Monotonic(1) }
    }

    fn ticks(&self) -> u64 {
        0
    }

    fn ticks_to_us(&self, ticks: u64) -> u64 {
        ticks
    }
}

struct DropAtOnce;

impl Freer for DropAtOnce {
    fn free_later(&mut self, garbage: Garbage) {
        drop(garbage);
    }
}

struct Silent;

impl Host for Silent {
    fn log(&mut self, _: LogLevel, _: &str) {}
}

/// Requests per read.
const PIPELINE: u64 = 16;

/// Different keys.
const KEYS: u64 = 10_000;

fn main() {
    let requests: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let is_clustered = std::env::args().nth(2).is_some_and(|word| word == "cluster");
    let mut config = Config::default();
    config.cluster.cluster_enabled = is_clustered;
    let environment = Environment {
        clock: Box::new(StandingClock),
        seed: 1,
        freer: Box::new(DropAtOnce),
        host: Box::new(Silent),
        backend: Box::new(dunlin_persistence::NoBackend),
        cluster: is_clustered.then(|| cluster(&config)),
    };
    let mut node = Node::new(config, Table::new(), environment);
    if is_clustered {
        node.begin_turn(at_s(1));
        node.engine_mut().run_cluster_cron();
        node.begin_turn(at_s(4));
        node.engine_mut().run_cluster_cron();
    }
    let client = node.connect(Peer { is_local: true, ..Peer::default() }).expect("taken");
    let mut sent = 0;
    let mut bytes = Vec::new();
    while sent < requests {
        bytes.clear();
        for i in sent..sent + PIPELINE {
            let key = format!("key:{:012}", (i * 7919) % KEYS);
            let request = if sent < KEYS {
                format!("*3\r\n$3\r\nSET\r\n$16\r\n{key}\r\n$3\r\nxxx\r\n")
            } else {
                format!("*2\r\n$3\r\nGET\r\n$16\r\n{key}\r\n")
            };
            bytes.extend_from_slice(request.as_bytes());
        }
        sent += PIPELINE;
        turn(&mut node, client, &bytes);
    }
}

/// A cluster of one node, which owns all slots.
fn cluster(config: &Config) -> Box<dunlin_cluster::Cluster> {
    let id = "0123456789abcdef0123456789abcdef01234567";
    let conf = format!(
        "{id} :6379@16379 myself,master - 0 0 1 connected 0-16383\n\
         vars currentEpoch 1 lastVoteEpoch 0\n"
    );
    dunlin_commands::cluster::start(config, Some(conf.as_bytes()), 1, at_s(1))
        .expect("a whole file")
}

fn at_s(seconds: i64) -> Now {
    Now { unix_us: 1_700_000_000_000_000, monotonic: Monotonic(seconds as u64 * 1_000_000) }
}

#[inline(never)]
fn turn(node: &mut Node, client: dunlin_node::Token, bytes: &[u8]) {
    node.begin_turn(StandingClock.now());
    node.input(client).expect("not paused").extend_from_slice(bytes);
    node.handle_input(client, bytes.len());
    node.run();
    while let Some(token) = node.next_with_output() {
        let mut output = node.output(token).expect("open");
        let len = output.len();
        output.advance(len);
        node.output_drained(token);
    }
}
