//! Some time in the life of a primary, its replicas and theirs.

use std::time::Duration;

use dunlin_config::Config;
use dunlin_sim::Network;
use dunlin_sim::network::{Death, FIRST_PORT, Weather};
use fastrand::Rng;

use crate::checks::{Checks, difference, position};
use crate::clients::Client;
use crate::plot::{Plot, config};
use crate::promises::Promises;

pub(crate) const HOSTS: usize = 4;
const CLIENTS: usize = 4;

/// Whom each server follows at the beginning and at the end.
pub(crate) const TREE: [Option<usize>; HOSTS] = [None, Some(0), Some(0), Some(1)];

/// Turns of the quiet time at the end; each is about 30 ms.
const QUIET_TURNS: usize = 6000;

pub(crate) struct Scenario {
    pub(crate) network: Network,
    pub(crate) checks: Checks,
    pub(crate) promises: Promises,
    pub(crate) plot: Plot,
    pub(crate) random: Rng,
    pub(crate) clients: Vec<Client>,
    pub(crate) writes: u64,
    /// Pieces of work that jobs do in a turn: few make slow snapshots.
    pub(crate) pace: usize,
    /// Keys that clients wrote to replicas, when faults stopped.
    pub(crate) own_keys: usize,
    pub(crate) story: Vec<String>,
}

impl Scenario {
    pub(crate) fn new(seed: u64, plot: Plot) -> Scenario {
        let mut random = Rng::with_seed(seed);
        let weather = Weather {
            delay_max: Duration::from_micros(1 << random.u32(6..18)),
            window: 1 << random.u32(11..18),
            piece_max: 1 << random.u32(8..16),
        };
        let mut configs: Vec<Config> = (0..HOSTS).map(|_| config(&mut random, plot)).collect();
        for (config, primary) in configs.iter_mut().zip(TREE) {
            config.replication.replicaof.0 = primary.map(address);
        }
        let mut network = Network::start(configs, weather, random.u64(..));
        let clients = (0..CLIENTS).map(|_| Client::new(0, network.open(0))).collect();
        let pace = random.usize(1..if plot.heavy { 4 } else { 12 });
        let checks = Checks::new(HOSTS, plot);
        let (promises, story) = (Promises::new(seed), Vec::new());
        Scenario {
            network,
            checks,
            promises,
            plot,
            random,
            clients,
            writes: 0,
            pace,
            own_keys: 0,
            story,
        }
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
    }

    pub(crate) fn note(&mut self, what: &str) {
        let at = self.network.time.since_start();
        self.story.push(format!("{at:?} {what}"));
    }

    /// A turn of everybody, in any order.
    pub(crate) fn turn(&mut self) {
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

    /// Faults stop: everybody comes to hold what the primary holds.
    fn end_well(&mut self) {
        self.note("faults stop");
        self.network.join();
        self.check_own_keys();
        self.reset_tainted();
        for turn in 0..QUIET_TURNS {
            if turn % 200 == 0 {
                for (host, primary) in TREE.into_iter().enumerate() {
                    self.network.disk(host).mend();
                    self.revive(host);
                    if self.plot.hand_overs {
                        self.tell(host, "FAILOVER ABORT");
                    }
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

    /// Keys that clients wrote to a replica go by themselves when their time has come. As in Redis they
    /// stay where a replica of that one has got them with a data set, and where their replica has
    /// started again or changed its role.
    fn check_own_keys(&mut self) {
        if !self.plot.own_writes || self.plot.roles || self.plot.deaths {
            return;
        }
        let is_direct = |host: &usize| TREE[*host] == Some(0);
        for host in (0..HOSTS).filter(is_direct) {
            self.own_keys += self.own_keys_of(host).len();
        }
        let written = self.network.time.since_start();
        while self.network.time.since_start() < written + Duration::from_secs(20) {
            self.turn();
        }
        for host in (0..HOSTS).filter(is_direct) {
            let late = self.own_keys_of(host);
            assert!(late.is_empty(), "server {host} keeps {late:?}");
        }
    }

    fn own_keys_of(&mut self, host: usize) -> Vec<String> {
        let Some(server) = self.network.server(host) else { return Vec::new() };
        server.describe().into_keys().filter(|key| key.contains("own:")).collect()
    }

    /// Whoever may hold something else than its position says starts again with nothing.
    fn reset_tainted(&mut self) {
        for host in (0..HOSTS).filter(|host| self.checks.is_tainted(*host)).collect::<Vec<_>>() {
            self.note(&format!("{host} starts with nothing"));
            self.network.end(host, Death::Kill);
            self.network.replace_disk(host);
            self.network.config(host).replication.replica_read_only = true;
            self.network.restart(host);
        }
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

    /// How many lines of all logs contain a text.
    pub(crate) fn logged(&self, text: &str) -> usize {
        (0..HOSTS).map(|host| self.network.log(host).matches(text).count()).sum()
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

pub(crate) fn address(host: usize) -> (String, u16) {
    ("127.0.0.1".to_owned(), FIRST_PORT + host as u16)
}
