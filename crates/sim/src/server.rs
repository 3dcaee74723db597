//! One server on a simulated disk: its node, its jobs, its clients, and the time it believes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use dunlin_commands::{Digest, Host, Table};
use dunlin_config::{Config, LogLevel};
use dunlin_keyspace::{Freer, Garbage};
use dunlin_node::{Action, Environment, Node, Peer, Token};
use dunlin_stdx::time::{Clock, Monotonic, Now};
use fastrand::Rng;

use crate::disk::SimDisk;
use crate::jobs::{SimBackend, SyncPlace};

/// When time begins: 2023-11-14 22:13:20 UTC.
const START_UNIX_US: i64 = 1_700_000_000_000_000;

/// Time as a machine tells it. Clones are the same machine.
#[derive(Clone, Debug)]
pub struct SimTime(Rc<TimeCells>);

#[derive(Debug)]
struct TimeCells {
    unix_us: Cell<i64>,
    monotonic_us: Cell<u64>,
}

impl Default for SimTime {
    fn default() -> SimTime {
        let (unix_us, monotonic_us) = (Cell::new(START_UNIX_US), Cell::new(1_000_000));
        SimTime(Rc::new(TimeCells { unix_us, monotonic_us }))
    }
}

impl SimTime {
    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let us = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.0.monotonic_us.set(self.0.monotonic_us.get() + us);
        self.step_clock(i64::try_from(us).unwrap_or(i64::MAX));
    }

    /// Sets the clock on the wall forward or back; no time passes.
    pub fn step_clock(&self, by_us: i64) {
        self.0.unix_us.set(self.0.unix_us.get() + by_us);
    }

    fn now(&self) -> Now {
        let monotonic = Monotonic(self.0.monotonic_us.get());
        Now { unix_us: self.0.unix_us.get(), monotonic }
    }

    /// Time since the machine began.
    pub fn since_start(&self) -> Duration {
        Duration::from_micros(self.0.monotonic_us.get())
    }
}

impl Clock for SimTime {
    fn now(&self) -> Now {
        SimTime::now(self)
    }

    fn ticks(&self) -> u64 {
        // A microsecond passes whenever somebody looks, so that slices of work come to an end.
        self.0.monotonic_us.set(self.0.monotonic_us.get() + 1);
        self.0.monotonic_us.get()
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

#[derive(Default)]
struct Process {
    log: RefCell<Vec<String>>,
    has_stopped: Cell<bool>,
}

struct ProcessHost {
    process: Rc<Process>,
    time: SimTime,
}

impl Host for ProcessHost {
    fn log(&mut self, _: LogLevel, line: &str) {
        let line = format!("{:?} {line}", self.time.since_start());
        self.process.log.borrow_mut().push(line);
    }

    fn working_directory(&self) -> Option<PathBuf> {
        Some(PathBuf::from("."))
    }

    fn stop(&mut self) {
        self.process.has_stopped.set(true);
    }
}

/// A server on a simulated disk.
pub struct SimServer {
    /// The server.
    pub node: Node,
    backend: SimBackend,
    time: SimTime,
    process: Rc<Process>,
}

impl SimServer {
    /// Starts a process on this disk; it begins to load.
    pub fn start(disk: SimDisk, config: Config, time: &SimTime, seed: u64) -> SimServer {
        let process = Rc::new(Process::default());
        // In a container every server is process 1.
        let backend = SimBackend::new(disk, 1);
        backend.sync_at(SyncPlace::ByChance(Rng::with_seed(seed)));
        let environment = Environment {
            clock: Box::new(time.clone()),
            seed,
            freer: Box::new(DropAtOnce),
            host: Box::new(ProcessHost { process: Rc::clone(&process), time: time.clone() }),
            backend: Box::new(backend.clone()),
            cluster: None,
        };
        let mut node = Node::new(config, Table::new(), environment);
        node.begin_turn(time.now());
        node.begin_load();
        SimServer { node, backend, time: time.clone(), process }
    }

    /// Runs until the data set is loaded.
    ///
    /// # Errors
    /// The server must not start: its log.
    pub fn load(&mut self, random: &mut Rng) -> Result<(), String> {
        while self.node.is_loading() {
            if self.node.is_lost() || self.process.has_stopped.get() {
                return Err(self.log());
            }
            self.step_job(random);
            self.turn();
        }
        if self.node.is_lost() { Err(self.log()) } else { Ok(()) }
    }

    /// Lets one job do a piece of work; whether one had something to do.
    pub fn step_job(&mut self, random: &mut Rng) -> bool {
        let disk = self.backend.sim_disk().clone();
        let stepped = self.backend.jobs().step(&disk, self.time.since_start(), random);
        stepped.is_some()
    }

    /// One turn of the event loop without input: hears jobs, does what is due.
    pub fn turn(&mut self) {
        self.begin_turn();
        self.carry_out();
        self.node.end_turn(1);
    }

    /// Begins a turn: hears jobs, does what is due.
    pub(crate) fn begin_turn(&mut self) {
        self.node.begin_turn(self.time.now());
        if self.backend.take_woken() {
            self.node.handle_job_events();
        }
        if self.node.next_deadline() <= self.time.now().monotonic {
            self.node.handle_deadline();
        }
    }

    /// Carries out what the node asks for, as the event loop would.
    fn carry_out(&mut self) {
        while let Some(action) = self.node.next_action() {
            if let Action::Resume(token) = action {
                self.node.handle_input(token, 0);
                self.node.run();
            }
        }
    }

    /// Whether the process has ended by itself, or must.
    pub fn has_ended(&self) -> bool {
        self.node.is_lost() || self.process.has_stopped.get()
    }

    /// A new connection.
    ///
    /// # Panics
    /// When it is refused.
    pub fn connect(&mut self) -> Token {
        let peer = Peer { is_local: true, ..Peer::default() };
        self.node.connect(peer).expect("the node takes connections")
    }

    /// Sends bytes; what they ask for has run when this returns.
    ///
    /// # Panics
    /// When the connection is not read.
    pub fn send(&mut self, token: Token, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let input = self.node.input(token).expect("the connection is read");
            let room = (input.capacity() - input.len()).min(rest.len());
            input.extend_from_slice(&rest[..room]);
            rest = &rest[room..];
            self.node.handle_input(token, room);
            self.node.run();
        }
    }

    /// Ends the turn as far as output goes: what a connection may be sent now, for each that has
    /// something.
    pub fn output(&mut self) -> Vec<(Token, Vec<u8>)> {
        let mut outputs = Vec::new();
        while let Some(token) = self.node.next_with_output() {
            if self.has_ended() {
                // Whoever is lost says no more.
                return Vec::new();
            }
            let Some(mut output) = self.node.output(token) else { continue };
            let bytes = output.to_vec();
            output.advance(bytes.len());
            self.node.output_drained(token);
            outputs.push((token, bytes));
        }
        outputs
    }

    /// The digest of all that it holds.
    pub fn digest(&mut self) -> String {
        Digest::of_keyspace(&self.node.engine_mut().keyspace).to_hex()
    }

    /// What it holds, key by key: to name the difference when digests differ.
    pub fn describe(&mut self) -> BTreeMap<String, String> {
        let keyspace = &self.node.engine_mut().keyspace;
        let mut keys = BTreeMap::new();
        for db in 0..keyspace.databases() {
            keyspace.database(db).for_each(|entry| {
                let name = format!("{db}: {}", String::from_utf8_lossy(entry.key()));
                let value = format!(
                    "{:?} {}",
                    entry.deadline(),
                    Digest::of_value(keyspace, db, entry.key()).to_hex()
                );
                keys.insert(name, value);
            });
        }
        keys
    }

    /// Whether one of its databases holds this key, expired or not.
    pub fn holds(&mut self, key: &str) -> bool {
        let keyspace = &self.node.engine_mut().keyspace;
        (0..keyspace.databases()).any(|db| keyspace.held(db, key.as_bytes()).is_some())
    }

    /// How many lines of its log contain this text.
    pub fn logged(&self, text: &str) -> usize {
        self.process.log.borrow().iter().filter(|line| line.contains(text)).count()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.process.log.borrow().join("\n")
    }

    /// Where its jobs run.
    pub fn backend(&self) -> &SimBackend {
        &self.backend
    }

    /// The process is gone, and its threads with it.
    pub fn end(self) {
        self.backend.jobs().end();
        let _ = self.backend.sim_disk().kill();
    }
}
