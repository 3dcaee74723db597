//! Drives a node without a socket: bytes in, bytes out, time by hand.

#![allow(unreachable_pub, dead_code, reason = "every test file uses its part of the driver")]

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use dunlin_commands::{Host, NotApplied, Table};
use dunlin_config::{Changes, Config, LogLevel};
use dunlin_keyspace::{Freer, Garbage, Keyspace};
use dunlin_node::{Action, Environment, Node, Peer, Token};
use dunlin_persistence::NoBackend;
use dunlin_stdx::time::{Clock, Monotonic, Now};

/// When a node's time begins: 2023-11-14 22:13:20 UTC.
pub const START_UNIX_MS: i64 = 1_700_000_000_000;

/// A node, and the world it believes in.
pub struct Driver {
    /// The node.
    pub node: Node,
    /// What the node is told of time and process.
    pub world: Rc<World>,
}

/// Time and process, as the node sees them.
pub struct World {
    time_us: Cell<i64>,
    /// How much time passes whenever the node reads its cycle counter, in microseconds.
    pub look_us: Cell<i64>,
    /// Bytes that the program holds.
    pub memory: Cell<u64>,
    /// By how much that becomes less whenever the node asks, for want of a real allocator.
    pub memory_falls: Cell<u64>,
    /// What was written to the log.
    pub log: RefCell<Vec<String>>,
    /// The parameter whose changes the process refuses.
    pub refused: Cell<Option<&'static str>>,
    /// The working directory.
    pub directory: RefCell<PathBuf>,
    /// The configuration file.
    pub config_file: RefCell<Result<Option<Vec<u8>>, String>>,
}

struct ManualClock(Rc<World>);

impl Clock for ManualClock {
    fn now(&self) -> Now {
        at(self.0.time_us.get())
    }

    fn ticks(&self) -> u64 {
        let World { time_us, look_us, .. } = &*self.0;
        time_us.set(time_us.get() + look_us.get());
        time_us.get().unsigned_abs()
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

struct Process(Rc<World>);

impl Host for Process {
    fn log(&mut self, _: LogLevel, line: &str) {
        self.0.log.borrow_mut().push(line.to_owned());
    }

    fn used_memory_bytes(&self) -> u64 {
        let memory = self.0.memory.get();
        self.0.memory.set(memory.saturating_sub(self.0.memory_falls.get()));
        memory
    }

    fn apply_config(&mut self, _: &Config, changes: &Changes) -> Result<(), NotApplied> {
        match self.0.refused.get().filter(|parameter| changes.includes(parameter)) {
            Some(parameter) => Err(NotApplied { parameter, reason: "Unable to.".to_owned() }),
            None => Ok(()),
        }
    }

    fn working_directory(&self) -> Option<PathBuf> {
        Some(self.0.directory.borrow().clone())
    }

    fn read_config_file(&self) -> Result<Option<Vec<u8>>, String> {
        self.0.config_file.borrow().clone()
    }

    fn replace_config_file(&mut self, content: &[u8]) -> Result<(), String> {
        *self.0.config_file.borrow_mut() = Ok(Some(content.to_vec()));
        Ok(())
    }
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
        Self::with_table(config, Table::new(), unix_ms)
    }

    /// A node with its own configuration, commands and time.
    #[must_use]
    pub fn with_table(config: Config, table: Table, unix_ms: i64) -> Self {
        let world = Rc::new(World {
            time_us: Cell::new(unix_ms * 1000),
            look_us: Cell::new(0),
            memory: Cell::new(0),
            memory_falls: Cell::new(0),
            log: RefCell::default(),
            refused: Cell::new(None),
            directory: RefCell::default(),
            config_file: RefCell::new(Ok(None)),
        });
        let cluster = config.cluster.cluster_enabled.then(|| {
            let now = at(world.time_us.get());
            dunlin_commands::cluster::start(&config, None, 1, now).expect("a new node")
        });
        let environment = Environment {
            clock: Box::new(ManualClock(Rc::clone(&world))),
            seed: 1,
            freer: Box::new(DropAtOnce),
            host: Box::new(Process(Rc::clone(&world))),
            backend: Box::new(NoBackend),
            cluster,
        };
        let mut node = Node::new(config, table, environment);
        node.begin_turn(at(world.time_us.get()));
        Self { node, world }
    }

    /// Lets time pass.
    pub fn advance_ms(&mut self, ms: i64) {
        self.world.time_us.set(self.world.time_us.get() + ms * 1000);
        self.node.begin_turn(at(self.world.time_us.get()));
    }

    /// The next turn, without events: does what is due.
    pub fn turn(&mut self) {
        let now = at(self.world.time_us.get());
        self.node.begin_turn(now);
        if self.node.next_deadline() <= now.monotonic {
            self.node.handle_deadline();
        }
    }

    /// Milliseconds until the node wants to do something; 0 if it is due.
    pub fn ms_until_due(&self) -> u64 {
        let now = at(self.world.time_us.get()).monotonic;
        self.node.next_deadline().since_us(now) / 1000
    }

    /// A node of a cluster that has looked at its state, and waited for others as it does at first.
    pub fn settle_cluster(&mut self) {
        for _ in 0..2 {
            self.node.engine_mut().run_cluster_cron();
            self.node.engine_mut().settle_cluster();
            self.advance_ms(2000);
        }
    }

    /// A node of a cluster that is alone and owns all slots.
    pub fn own_all_slots(&mut self) {
        let client = self.connect();
        assert_eq!(self.call(client, "CLUSTER ADDSLOTSRANGE 0 16383"), "+OK\r\n");
        self.settle_cluster();
    }

    /// The data it holds.
    pub fn keyspace(&mut self) -> &Keyspace {
        &self.node.engine_mut().keyspace
    }

    /// The time it believes.
    #[must_use]
    pub fn unix_ms(&self) -> i64 {
        self.world.time_us.get() / 1000
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

    /// Carries out what the node asks for, as the event loop would, and returns it.
    pub fn carry_out(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some(action) = self.node.next_action() {
            if let Action::Resume(token) = action {
                self.node.handle_input(token, 0);
                self.node.run();
            }
            actions.push(action);
        }
        actions
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
