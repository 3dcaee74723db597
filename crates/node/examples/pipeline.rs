//! Runs pipelines of SET and GET through a node without a socket, for a profiler:
//! `cargo build --release --example pipeline -p dunlin-node`, then
//! `valgrind --tool=callgrind target/release/examples/pipeline 100000`.

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
    let environment = Environment {
        clock: Box::new(StandingClock),
        seed: 1,
        freer: Box::new(DropAtOnce),
        host: Box::new(Silent),
        backend: Box::new(dunlin_persistence::NoBackend),
        cluster: None,
    };
    let mut node = Node::new(Config::default(), Table::new(), environment);
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
