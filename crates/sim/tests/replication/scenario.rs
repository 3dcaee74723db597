//! Some time in the life of a primary, its replicas and theirs.

use std::collections::VecDeque;
use std::time::Duration;

use dunlin_config::{AppendFsync, Config, DisklessLoad};
use dunlin_sim::network::{Death, FIRST_PORT, Weather};
use dunlin_sim::{Call, Fault, Network, WireNumber};
use dunlin_testkit::value::{Decoded, Value, decode};
use fastrand::Rng;

use crate::checks::{Checks, difference, marker, position};
use crate::commands::{self, request, words};

const HOSTS: usize = 4;
const CLIENTS: usize = 4;

/// Whom each server follows at the beginning and at the end.
const TREE: [Option<usize>; HOSTS] = [None, Some(0), Some(0), Some(1)];

/// Turns of the quiet time at the end; each is about 30 ms.
const QUIET_TURNS: usize = 6000;

/// What happens to the servers.
#[derive(Clone, Copy, Default)]
pub(crate) struct Plot {
    /// Connections are cut, servers do not reach each other.
    pub(crate) network: bool,
    /// Servers are killed, shut down, started.
    pub(crate) deaths: bool,
    /// Replicas follow others, are promoted.
    pub(crate) roles: bool,
    /// Calls of disks fail.
    pub(crate) disks: bool,
}

/// What the next reply of a client is about.
enum Awaited {
    Other,
    /// The write with this number.
    Write(u64),
    /// How many replicas have it.
    Count(u64),
}

struct Client {
    host: usize,
    wire: WireNumber,
    awaited: VecDeque<Awaited>,
    received: Vec<u8>,
    /// The latest write that was made.
    written: Option<u64>,
}

pub(crate) struct Scenario {
    pub(crate) network: Network,
    checks: Checks,
    plot: Plot,
    random: Rng,
    clients: Vec<Client>,
    writes: u64,
    /// Pieces of work that jobs do in a turn: few make slow snapshots.
    pace: usize,
    pub(crate) story: Vec<String>,
}

fn config(random: &mut Rng) -> Config {
    let mut config = Config::default();
    let persistence = &mut config.persistence;
    persistence.save.0.clear();
    persistence.appendonly = random.u8(..3) == 0;
    persistence.appendfsync =
        if random.bool() { AppendFsync::Always } else { AppendFsync::Everysec };
    persistence.aof_use_rdb_preamble = random.bool();
    persistence.auto_aof_rewrite_min_size = 20_000;
    let replication = &mut config.replication;
    replication.repl_diskless_sync = random.bool();
    replication.repl_diskless_sync_delay = random.u32(..3);
    let loads = [DisklessLoad::Disabled, DisklessLoad::OnEmptyDb, DisklessLoad::Swapdb];
    replication.repl_diskless_load = random.choice(loads).expect("some");
    replication.repl_backlog_size = 1 << random.u32(8..18);
    replication.repl_backlog_ttl = if random.u8(..4) == 0 { 5 } else { 3600 };
    replication.repl_timeout = random.u32(5..15);
    replication.repl_ping_replica_period = random.u32(1..4);
    config.process.shutdown_timeout = random.u32(..4);
    config
}

impl Scenario {
    pub(crate) fn new(seed: u64, plot: Plot) -> Scenario {
        let mut random = Rng::with_seed(seed);
        let weather = Weather {
            delay_max: Duration::from_micros(1 << random.u32(6..18)),
            window: 1 << random.u32(11..18),
            piece_max: 1 << random.u32(8..16),
        };
        let mut configs: Vec<Config> = (0..HOSTS).map(|_| config(&mut random)).collect();
        for (config, primary) in configs.iter_mut().zip(TREE) {
            config.replication.replicaof.0 = primary.map(address);
        }
        let mut network = Network::start(configs, weather, random.u64(..));
        let client = |network: &mut Network, host: usize| Client {
            host,
            wire: network.open(host),
            awaited: VecDeque::new(),
            received: Vec::new(),
            written: None,
        };
        let clients = (0..CLIENTS).map(|_| client(&mut network, 0)).collect();
        let pace = random.usize(1..12);
        let checks = Checks::new(HOSTS);
        let story = Vec::new();
        Scenario { network, checks, plot, random, clients, writes: 0, pace, story }
    }

    pub(crate) fn run(&mut self) {
        for _ in 0..self.random.usize(300..1200) {
            self.turn();
            for client in 0..CLIENTS {
                if self.random.u8(..4) == 0 {
                    self.write(client);
                }
            }
            self.fault();
        }
        self.end_well();
        assert!(self.checks.compared > 0, "nothing was compared");
    }

    fn note(&mut self, what: &str) {
        let at = self.network.time.since_start();
        self.story.push(format!("{at:?} {what}"));
    }

    /// A turn of everybody, in any order.
    fn turn(&mut self) {
        let us = if self.random.u8(..50) == 0 { 1_000_000 } else { 60_000 };
        self.network.pass(Duration::from_micros(self.random.u64(..us)));
        let mut order: Vec<usize> = (0..HOSTS).collect();
        self.random.shuffle(&mut order);
        for index in order {
            for _ in 0..self.random.usize(..=self.pace) {
                self.network.step_job(index);
            }
            let was_up = self.network.server(index).is_some();
            self.network.turn(index);
            if was_up && self.network.server(index).is_none() {
                self.note(&format!("server {index} has ended"));
            }
            self.checks.observe(&mut self.network, index);
        }
        (0..CLIENTS).for_each(|client| self.read(client));
    }

    /// A client reads its replies, or connects again.
    fn read(&mut self, client: usize) {
        let Some(bytes) = self.network.receive(self.clients[client].wire) else {
            let any = self.random.usize(..HOSTS * 3);
            let host = if any < HOSTS { any } else { self.primary() };
            let wire = self.network.open(host);
            let (awaited, received) = (VecDeque::new(), Vec::new());
            self.clients[client] = Client { host, wire, awaited, received, written: None };
            return;
        };
        let client = &mut self.clients[client];
        client.received.extend(bytes);
        while let Decoded::Whole(reply, len) = decode(&client.received) {
            client.received.drain(..len);
            match client.awaited.pop_front() {
                Some(Awaited::Write(number)) => {
                    client.written = matches!(reply, Value::Simple(_)).then_some(number);
                }
                Some(Awaited::Count(number)) if client.written == Some(number) => {
                    if let Value::Integer(count) = reply {
                        self.checks.acknowledged(number, client.host, count as usize);
                    }
                }
                Some(_) => {}
                None => assert!(matches!(reply, Value::Error(_)), "unasked: {reply:?}"),
            }
        }
    }

    /// A server that is a primary, preferably.
    fn primary(&mut self) -> usize {
        let is_primary = |network: &mut Network, index: usize| {
            let server = network.server(index);
            server.is_some_and(|server| !server.node.engine_mut().replication.is_replica())
        };
        (0..HOSTS).find(|index| is_primary(&mut self.network, *index)).unwrap_or(0)
    }

    fn send(&mut self, client: usize, words: &[String], awaited: Awaited) {
        let client = &mut self.clients[client];
        self.network.send(client.wire, &request(words));
        client.awaited.push_back(awaited);
    }

    /// A client writes something.
    fn write(&mut self, client: usize) {
        if self.clients[client].awaited.len() > 30 {
            return;
        }
        match self.random.u8(..20) {
            0 => self.write_and_wait(client),
            1 => {
                let db = self.random.u8(..3);
                self.send(client, &words(&format!("SELECT {db}")), Awaited::Other);
            }
            2 => {
                let (key, ms) = (self.random.u8(..5), self.random.u32(1..3000));
                self.send(client, &words(&format!("SET e{key} v PX {ms}")), Awaited::Other);
            }
            3 => {
                let key = self.random.u8(..5);
                self.send(client, &words(&format!("INCR e{key}")), Awaited::Other);
            }
            4..=6 => {
                self.send(client, &words("MULTI"), Awaited::Other);
                for _ in 0..self.random.u8(1..6) {
                    let command = commands::random(&mut self.random);
                    self.send(client, &command, Awaited::Other);
                }
                self.send(client, &words("EXEC"), Awaited::Other);
            }
            _ => {
                let command = commands::random(&mut self.random);
                self.send(client, &command, Awaited::Other);
            }
        }
    }

    fn write_and_wait(&mut self, client: usize) {
        self.writes += 1;
        let number = self.writes;
        self.send(client, &words(&format!("SET w {}", marker(number))), Awaited::Write(number));
        let (count, ms) = (self.random.u8(1..4), self.random.u32(1..2000));
        self.send(client, &words(&format!("WAIT {count} {ms}")), Awaited::Count(number));
    }

    /// Says something to a server over a connection of its own.
    fn tell(&mut self, host: usize, line: &str) {
        self.note(&format!("server {host} is told {line}"));
        let wire = self.network.open(host);
        self.network.send(wire, &request(&words(line)));
        self.network.close(wire);
    }

    fn fault(&mut self) {
        let (one, other) = (self.random.usize(..HOSTS), self.random.usize(..HOSTS));
        match self.random.u16(..400) {
            0..=3 if self.plot.network => {
                self.note(&format!("{one} and {other} lose their connections"));
                self.network.cut(one, other);
            }
            4 if self.plot.network => {
                self.note(&format!("{one} and {other} do not reach each other"));
                self.network.part(one, other);
            }
            5..=8 if self.plot.network => {
                self.note("all reach each other");
                self.network.join();
            }
            10 | 11 if self.plot.deaths => {
                let death = if self.random.u8(..3) == 0 { Death::PowerLoss } else { Death::Kill };
                self.note(&format!("{one}: {death:?}"));
                self.network.end(one, death);
            }
            12 | 13 if self.plot.deaths => {
                let how = self.random.choice(["SAVE", "NOSAVE", "SAVE NOW"]).expect("some");
                self.tell(one, &format!("SHUTDOWN {how}"));
            }
            14..=24 => self.revive(one),
            25 | 26 if self.plot.roles => self.follow(one, Some(other)),
            27 if self.plot.roles => self.follow(one, None),
            28 if self.plot.roles => self.follow(one, TREE[one]),
            29 | 30 => {
                let lines = ["BGSAVE", "BGREWRITEAOF", "CONFIG SET appendonly yes"];
                let line = self.random.choice(lines).expect("some");
                self.tell(one, line);
            }
            31 => self.pace = self.random.usize(1..12),
            32 if self.plot.disks => {
                let disk = self.network.disk(one).clone();
                disk.fail_by_chance(Call::Write, 5_000, Fault::ENOSPC);
                disk.fail_by_chance(Call::Write, 50_000, Fault::Short);
                disk.fail_by_chance(Call::Create, 20_000, Fault::EIO);
                disk.fail_by_chance(Call::Rename, 20_000, Fault::EIO);
            }
            33..=36 => self.network.disk(one).mend(),
            _ => {}
        }
    }

    fn follow(&mut self, host: usize, primary: Option<usize>) {
        match primary.map(address) {
            Some((name, port)) => self.tell(host, &format!("REPLICAOF {name} {port}")),
            None => self.tell(host, "REPLICAOF NO ONE"),
        }
    }

    /// Starts a server again if it has ended, with its files or without them.
    fn revive(&mut self, host: usize) {
        if self.network.server(host).is_some() {
            return;
        }
        let cannot_load = self.network.log(host).trim_end().ends_with("--- ended ---")
            && self.network.log(host).contains("cannot be loaded");
        if cannot_load || self.random.u8(..4) == 0 {
            self.note(&format!("{host} has lost its files"));
            self.network.replace_disk(host);
        }
        self.note(&format!("{host} is started"));
        self.network.restart(host);
    }

    /// Faults stop: everybody comes to hold what the primary holds.
    fn end_well(&mut self) {
        self.note("faults stop");
        self.network.join();
        for turn in 0..QUIET_TURNS {
            if turn % 200 == 0 {
                for (host, primary) in TREE.into_iter().enumerate() {
                    self.network.disk(host).mend();
                    self.revive(host);
                    self.follow(host, primary);
                }
            }
            self.turn();
            if turn > 20 && self.is_settled() {
                return;
            }
        }
        panic!("they do not come to rest");
    }

    fn is_settled(&mut self) -> bool {
        if (0..HOSTS).any(|host| self.network.server(host).is_none()) {
            return false;
        }
        let primary = position(&mut self.network, 0);
        let follows = |network: &mut Network, host: usize| {
            let at = position(network, host);
            let server = network.server(host).expect("it runs");
            let replication = &server.node.engine_mut().replication;
            let link = replication.link.as_ref();
            let is_right = match TREE[host] {
                Some(to) => link.is_some_and(|link| link.is_up() && link.port() == address(to).1),
                None => link.is_none(),
            };
            is_right && at == primary && !server.node.is_loading()
        };
        if !(0..HOSTS).all(|host| follows(&mut self.network, host)) {
            return false;
        }
        let mut pictures: Vec<_> =
            (0..HOSTS).map(|host| self.network.server(host).expect("it runs").describe()).collect();
        let of_primary = pictures.remove(0);
        for (index, picture) in pictures.iter().enumerate() {
            let difference = difference(&of_primary, picture);
            assert!(difference.is_empty(), "server {} in the end:\n{difference}", index + 1);
        }
        true
    }

    /// Where everybody is, for the message of a failure.
    pub(crate) fn describe(&mut self) -> String {
        let mut text = self.story.join("\n");
        for host in 0..HOSTS {
            let log = self.network.log(host);
            let from = log.char_indices().rev().filter(|(_, one)| *one == '\n').nth(60);
            text += &format!("\n=== server {host}\n{}", &log[from.map_or(0, |(at, _)| at)..]);
            if let Some(server) = self.network.server(host) {
                let replication = &server.node.engine_mut().replication;
                text += &format!(
                    "\n{:?}\n{:?}\n{:?}",
                    replication.history, replication.link, replication.replicas
                );
            }
        }
        text
    }
}

fn address(host: usize) -> (String, u16) {
    ("127.0.0.1".to_owned(), FIRST_PORT + host as u16)
}
