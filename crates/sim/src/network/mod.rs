//! Servers that are joined by a network: one clock, one generator, streams that are slow, arrive in
//! pieces, hold so many bytes and no more, and are cut at any moment.
//!
//! Whoever drives it calls [`Network::pass`], then [`Network::turn`] for each server in an order of
//! its choice. A turn is one of the event loop: what has arrived is read, what may be written goes
//! on its way. Port [`FIRST_PORT`] plus n is server n, whatever the host name.

mod turn;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dunlin_config::Config;
use dunlin_node::Token;
use fastrand::Rng;

use crate::disk::SimDisk;
use crate::server::{SimServer, SimTime};
use wire::{Stage, Wire};

/// Port of the first server.
pub const FIRST_PORT: u16 = 7000;

/// Names a connection.
pub type WireNumber = u64;

/// What a server knows of one of its connections, as the event loop would.
struct Connection {
    wire: WireNumber,
    side: usize,
    /// The node said "not now".
    is_paused: bool,
    is_resumed: bool,
    is_write_blocked: bool,
    is_closing: bool,
}

/// A machine with its disk, and the server on it while it runs.
struct Host {
    disk: SimDisk,
    config: Config,
    server: Option<SimServer>,
    connections: BTreeMap<usize, Connection>,
    /// The log of the lives before.
    old_log: String,
    lives: u32,
}

/// How slow and how narrow the network is.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Bytes arrive at most so much later.
    pub delay_max: Duration,
    /// Bytes that are on their way, or not read, in one direction.
    pub window: usize,
    /// Bytes that are read at once.
    pub piece_max: usize,
}

/// How a server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// The process is killed: its disk is as it was, its peers hear of it.
    Kill,
    /// The power goes: the disk loses what was not synced, its peers hear nothing.
    PowerLoss,
}

/// Servers and the connections between them.
pub struct Network {
    /// The clock of all.
    pub time: SimTime,
    /// Where chance comes from.
    pub random: Rng,
    /// May be changed at any moment.
    pub weather: Weather,
    hosts: Vec<Host>,
    wires: BTreeMap<WireNumber, Wire>,
    next_wire: WireNumber,
    /// Pairs of servers that do not reach each other.
    parted: BTreeSet<(usize, usize)>,
}

impl Network {
    /// Starts a server for each configuration; its port is set here.
    pub fn start(configs: Vec<Config>, weather: Weather, seed: u64) -> Network {
        let mut network = Network {
            time: SimTime::default(),
            random: Rng::with_seed(seed),
            weather,
            hosts: Vec::new(),
            wires: BTreeMap::new(),
            next_wire: 0,
            parted: BTreeSet::new(),
        };
        for (index, mut config) in configs.into_iter().enumerate() {
            config.network.port = FIRST_PORT + index as u16;
            network.hosts.push(Host {
                disk: SimDisk::new(network.random.u64(..)),
                config,
                server: None,
                connections: BTreeMap::new(),
                old_log: String::new(),
                lives: 0,
            });
            network.restart(index);
        }
        network
    }

    /// Number of servers, running or not.
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// The server with this number, while it runs.
    pub fn server(&mut self, index: usize) -> Option<&mut SimServer> {
        self.hosts[index].server.as_mut()
    }

    /// How often it was started.
    pub fn lives(&self, index: usize) -> u32 {
        self.hosts[index].lives
    }

    /// The disk of a machine.
    pub fn disk(&self, index: usize) -> &SimDisk {
        &self.hosts[index].disk
    }

    /// The configuration that the next start takes: the one that the last process had.
    pub fn config(&mut self, index: usize) -> &mut Config {
        &mut self.hosts[index].config
    }

    /// What a server has logged, in all its lives.
    pub fn log(&self, index: usize) -> String {
        let host = &self.hosts[index];
        let now = host.server.as_ref().map(SimServer::log).unwrap_or_default();
        format!("{}{now}", host.old_log)
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        self.time.advance(time);
    }

    /// Lets one job of a server do a piece of work; whether one had something to do.
    pub fn step_job(&mut self, index: usize) -> bool {
        let Some(server) = &mut self.hosts[index].server else { return false };
        server.step_job(&mut self.random)
    }

    /// Starts a server that has ended.
    pub fn restart(&mut self, index: usize) {
        let seed = self.random.u64(..);
        let host = &mut self.hosts[index];
        if host.server.is_none() {
            let (disk, config) = (host.disk.clone(), host.config.clone());
            host.server = Some(SimServer::start(disk, config, &self.time, seed));
            host.lives += 1;
        }
    }

    /// Gives a server that has ended a new, empty disk.
    pub fn replace_disk(&mut self, index: usize) {
        self.hosts[index].disk = SimDisk::new(self.random.u64(..));
    }

    /// Ends a server at once.
    pub fn end(&mut self, index: usize, death: Death) {
        if let Some(server) = self.hosts[index].server.take() {
            self.bury(index, server, death);
        }
    }

    /// What is left when a process has ended.
    fn bury(&mut self, index: usize, mut server: SimServer, death: Death) {
        let host = &mut self.hosts[index];
        host.config = server.node.engine_mut().config.clone();
        host.old_log = format!("{}{}\n--- ended ---\n", host.old_log, server.log());
        server.end();
        host.disk = match death {
            Death::Kill => host.disk.kill(),
            Death::PowerLoss => host.disk.crash(&mut self.random),
        };
        for (_, connection) in std::mem::take(&mut host.connections) {
            match death {
                Death::Kill => self.leave(&connection),
                Death::PowerLoss => {
                    if let Some(wire) = self.wires.get_mut(&connection.wire) {
                        wire.is_silent = true;
                        wire.tokens[connection.side] = None;
                    }
                }
            }
        }
    }

    /// A server has no connection any more: the other side hears of it later.
    fn leave(&mut self, connection: &Connection) {
        let arrival = self.arrival();
        if let Some(wire) = self.wires.get_mut(&connection.wire) {
            wire.tokens[connection.side] = None;
            wire.pipes[connection.side].finish(arrival);
            if wire.tokens == [None, None] && wire.hosts[0].is_some() {
                self.wires.remove(&connection.wire);
            }
        }
    }

    /// When what is sent now arrives.
    fn arrival(&mut self) -> Duration {
        let delay_us = self.weather.delay_max.as_micros() as u64;
        self.time.since_start() + Duration::from_micros(self.random.u64(..=delay_us))
    }

    /// Parts two servers: nothing that is sent arrives until they are joined again.
    pub fn part(&mut self, one: usize, other: usize) {
        self.parted.insert((one.min(other), one.max(other)));
    }

    /// Joins all servers again.
    pub fn join(&mut self) {
        self.parted.clear();
    }

    fn are_parted(&self, hosts: [Option<usize>; 2]) -> bool {
        let [Some(one), Some(other)] = hosts else { return false };
        self.parted.contains(&(one.min(other), one.max(other)))
    }

    /// Cuts all connections between two servers.
    pub fn cut(&mut self, one: usize, other: usize) {
        let now = self.time.since_start();
        for wire in self.wires.values_mut().filter(|wire| wire.joins(one, other)) {
            wire.is_cut = true;
            wire.pipes.iter_mut().for_each(|pipe| pipe.cut(now));
        }
    }

    /// A client connects.
    pub fn open(&mut self, index: usize) -> WireNumber {
        let due = self.arrival();
        self.add(Wire::new(None, None, index, due))
    }

    fn add(&mut self, wire: Wire) -> WireNumber {
        self.next_wire += 1;
        self.wires.insert(self.next_wire, wire);
        self.next_wire
    }

    /// A client sends something.
    pub fn send(&mut self, wire: WireNumber, bytes: &[u8]) {
        let arrival = self.arrival();
        if let Some(wire) = self.wires.get_mut(&wire) {
            wire.pipes[0].write(bytes, arrival);
        }
    }

    /// What has arrived for a client; `None` when the connection is over.
    pub fn receive(&mut self, number: WireNumber) -> Option<Vec<u8>> {
        let now = self.time.since_start();
        let wire = self.wires.get_mut(&number)?;
        let refused = wire.hosts[1].is_some_and(|host| self.hosts[host].server.is_none())
            && matches!(wire.stage, Stage::Asked(due) if due <= now);
        let pipe = &mut wire.pipes[1];
        pipe.settle(now);
        let count = pipe.readable();
        let bytes: Vec<u8> = pipe.read(count).collect();
        if bytes.is_empty() && (pipe.has_ended(now) || wire.is_silent || refused) {
            self.close(number);
            return None;
        }
        Some(bytes)
    }

    /// A client leaves. What it has sent arrives all the same.
    pub fn close(&mut self, number: WireNumber) {
        let arrival = self.arrival();
        let Some(wire) = self.wires.get_mut(&number) else { return };
        wire.pipes[0].finish(arrival);
        wire.hosts[0] = Some(usize::MAX);
        let is_over = wire.stage == Stage::Open || wire.is_silent;
        if is_over && wire.tokens == [None, None] {
            self.wires.remove(&number);
        }
    }

    /// The connection between a server and the place where it is kept.
    fn connection(&mut self, index: usize, token: Token) -> Option<&mut Connection> {
        self.hosts[index].connections.get_mut(&token.0)
    }
}
