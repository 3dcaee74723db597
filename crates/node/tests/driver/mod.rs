//! Drives a node without a socket: bytes in, bytes out, time by hand.

#![allow(unreachable_pub, dead_code, reason = "every test file uses its part of the driver")]

use std::cell::Cell;
use std::rc::Rc;

use dunlin_commands::{Host, Table};
use dunlin_config::{Config, LogLevel};
use dunlin_keyspace::{Freer, Garbage, Keyspace};
use dunlin_node::{Environment, Node, Peer, Token};
use dunlin_stdx::time::{Clock, Monotonic, Now};

/// When a node's time begins: 2023-11-14 22:13:20 UTC.
pub const START_UNIX_MS: i64 = 1_700_000_000_000;

/// A node, and the time it believes.
pub struct Driver {
    /// The node.
    pub node: Node,
    time: Rc<Cell<i64>>,
}

struct ManualClock(Rc<Cell<i64>>);

impl Clock for ManualClock {
    fn now(&self) -> Now {
        at(self.0.get())
    }

    fn ticks(&self) -> u64 {
        self.0.get().unsigned_abs()
    }

    fn ticks_to_us(&self, ticks: u64) -> u64 {
        ticks
    }
}

fn at(unix_us: i64) -> Now {
    Now { unix_us, monotonic: Monotonic(unix_us.unsigned_abs()) }
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

impl Driver {
    /// A node with the default configuration, at 2023-11-14 22:13:20 UTC.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Config::default(), START_UNIX_MS)
    }

    /// A node with its own configuration and time.
    #[must_use]
    pub fn with(config: Config, unix_ms: i64) -> Self {
        let time = Rc::new(Cell::new(unix_ms * 1000));
        let environment = Environment {
            clock: Box::new(ManualClock(Rc::clone(&time))),
            seed: 1,
            freer: Box::new(DropAtOnce),
            host: Box::new(Silent),
        };
        let mut node = Node::new(config, Table::new(), environment);
        node.begin_turn(at(time.get()));
        Self { node, time }
    }

    /// Lets time pass.
    pub fn advance_ms(&mut self, ms: i64) {
        self.time.set(self.time.get() + ms * 1000);
        self.node.begin_turn(at(self.time.get()));
    }

    /// The data it holds.
    pub fn keyspace(&mut self) -> &Keyspace {
        &self.node.engine_mut().keyspace
    }

    /// The time it believes.
    #[must_use]
    pub fn unix_ms(&self) -> i64 {
        self.time.get() / 1000
    }

    /// A new connection.
    pub fn connect(&mut self) -> Token {
        self.node
            .connect(Peer { is_local: true, ..Peer::default() })
            .expect("the node takes connections")
    }

    /// Sends bytes and returns all that the node answers at once.
    pub fn send(&mut self, token: Token, bytes: &[u8]) -> Vec<u8> {
        let mut sent = 0;
        while sent < bytes.len() {
            let Some(input) = self.node.input(token) else { break };
            let room = (input.capacity() - input.len()).min(bytes.len() - sent);
            input.extend_from_slice(&bytes[sent..sent + room]);
            sent += room;
            self.node.handle_input(token, room);
            self.node.run();
        }
        self.received(token)
    }

    /// Takes what the node has to say to a connection.
    pub fn received(&mut self, token: Token) -> Vec<u8> {
        while self.node.next_with_output().is_some() {}
        let Some(mut output) = self.node.output(token) else { return Vec::new() };
        let bytes = output.to_vec();
        output.advance(bytes.len());
        self.node.output_drained(token);
        bytes
    }

    /// Runs one command, written as words between blanks, and returns its reply.
    pub fn call(&mut self, token: Token, command: &str) -> String {
        let reply = self.send(token, format!("{command}\r\n").as_bytes());
        String::from_utf8_lossy(&reply).into_owned()
    }
}
