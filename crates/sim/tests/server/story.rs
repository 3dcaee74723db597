//! The lives of one server on one disk.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use dunlin_config::{AppendFsync, Config};
use dunlin_node::Token;
use dunlin_sim::{SimDisk, SimServer, SimTime};
use dunlin_testkit::value::{Decoded, decode};
use fastrand::Rng;

use crate::commands::{self, request, words};
use crate::history::History;

/// Lives; each ends with a kill or a power loss.
const LIVES: usize = 4;
const CLIENTS: usize = 3;

/// What a story is about.
#[derive(Clone, Copy)]
pub(crate) struct Plot {
    pub(crate) always: bool,
    /// Lets calls fail, once a server has loaded.
    pub(crate) faults: Option<fn(&SimDisk, &mut Rng)>,
    /// The clock on the wall is set back and forth.
    pub(crate) clock_steps: bool,
    /// The form of a base.
    pub(crate) preamble: bool,
}

/// The configuration of its servers.
pub(crate) fn config(plot: Plot) -> Config {
    let mut config = Config::default();
    let persistence = &mut config.persistence;
    persistence.appendonly = true;
    persistence.appendfsync = if plot.always { AppendFsync::Always } else { AppendFsync::Everysec };
    persistence.aof_use_rdb_preamble = plot.preamble;
    persistence.auto_aof_rewrite_min_size = 20_000;
    persistence.save.0.clear();
    config
}

/// A client, and the states its outstanding replies tell of.
struct Client {
    token: Token,
    waiting: VecDeque<usize>,
    received: Vec<u8>,
}

/// The lives of one server.
pub(crate) struct Story {
    plot: Plot,
    random: Rng,
    time: SimTime,
    pub(crate) disk: SimDisk,
    history: History,
    /// What the server held in each state: for the message of a failure, when one seed runs alone.
    pictures: Vec<BTreeMap<String, String>>,
    keeps_pictures: bool,
    pub(crate) log: String,
}

impl Story {
    pub(crate) fn new(seed: u64, plot: Plot) -> Story {
        let disk = SimDisk::new(seed);
        let time = SimTime::default();
        let mut empty = SimServer::start(SimDisk::new(0), Config::default(), &time, 0);
        let history = History::new(empty.digest());
        let random = Rng::with_seed(seed);
        let keeps_pictures = std::env::var_os("SIM_SEED").is_some();
        let pictures = Vec::new();
        Story { plot, random, time, disk, history, pictures, keeps_pictures, log: String::new() }
    }

    /// Runs all lives.
    pub(crate) fn run(&mut self) {
        let mut is_power_loss = false;
        for life in 0..=LIVES {
            let (disk, seed) = (self.disk.clone(), self.random.u64(..));
            let mut server = SimServer::start(disk, config(self.plot), &self.time, seed);
            let loaded = server.load(&mut self.random);
            self.log = server.log();
            if let Err(log) = loaded {
                // A hole in what was not synced: refused, with the place.
                assert!(log.contains("cannot be loaded: at byte"), "{log}");
                return;
            }
            if let Some(nearest) = self.nearest(&server.describe()) {
                self.log += &nearest;
            }
            self.history.found(&server.digest(), is_power_loss);
            if life == LIVES {
                return;
            }
            if let Some(faults) = self.plot.faults {
                faults(&self.disk, &mut self.random);
            }
            is_power_loss = self.random.bool();
            if is_power_loss {
                self.disk.power_off_after(self.random.u64(..400));
            }
            self.live(&mut server);
            is_power_loss |= self.disk.is_off();
            server.end();
            // The system shows what it has dropped: nobody could tell.
            if !is_power_loss && self.disk.shows_dropped_bytes() {
                return;
            }
            self.disk.mend();
            self.disk =
                if is_power_loss { self.disk.crash(&mut self.random) } else { self.disk.kill() };
            self.check_snapshot();
        }
    }

    /// How what was found differs from the state it is nearest to.
    fn nearest(&self, found: &BTreeMap<String, String>) -> Option<String> {
        let differences = |held: &BTreeMap<String, String>| -> Vec<String> {
            let keys = held.keys().chain(found.keys().filter(|key| !held.contains_key(*key)));
            keys.filter(|key| held.get(*key) != found.get(*key))
                .map(|key| format!("{key}: held {:?}, found {:?}", held.get(key), found.get(key)))
                .collect()
        };
        let all = self.pictures.iter().map(differences);
        let nearest = all.min_by_key(Vec::len)?;
        Some(format!("\nnearest state differs by {}:\n{}", nearest.len(), nearest.join("\n")))
    }

    /// What `BGSAVE` has left is a state the server had.
    fn check_snapshot(&mut self) {
        if self.disk.content("dump.rdb").is_none() {
            return;
        }
        let config = Config::default();
        let disk = self.disk.another_process();
        let mut server = SimServer::start(disk, config, &self.time, 1);
        let loaded = server.load(&mut self.random);
        assert_eq!(loaded, Ok(()), "a snapshot is whole or not there");
        self.history.assert_known(&server.digest());
        server.end();
        self.disk.remove_quietly("dump.rdb");
    }

    /// Commands, jobs and time in any order.
    fn live(&mut self, server: &mut SimServer) {
        let mut clients: Vec<Client> = (0..CLIENTS)
            .map(|_| Client {
                token: server.connect(),
                waiting: VecDeque::new(),
                received: Vec::new(),
            })
            .collect();
        for _ in 0..self.random.usize(..300) {
            match self.random.u8(..12) {
                0..=3 => self.run_commands(server, &mut clients),
                4..=8 => {
                    server.step_job(&mut self.random);
                }
                9 => self.time.advance(Duration::from_micros(self.random.u64(..400_000))),
                10 if self.plot.clock_steps => {
                    self.time.step_clock(self.random.i64(-5_000_000..5_000_000));
                }
                _ => {}
            }
            if self.disk.is_off() {
                return;
            }
            server.turn();
            self.end_turn(server, &mut clients);
            if self.disk.is_off() || server.has_ended() {
                return;
            }
        }
    }

    /// Some clients send something.
    fn run_commands(&mut self, server: &mut SimServer, clients: &mut [Client]) {
        for _ in 0..self.random.u8(1..4) {
            let client = &mut clients[self.random.usize(..CLIENTS)];
            if self.random.u8(..25) == 0 {
                let commands = ["BGREWRITEAOF", "BGSAVE", "SAVE", "BGREWRITEAOF"];
                let line = self.random.choice(commands).expect("some");
                self.send(server, client, &words(line));
                continue;
            }
            if self.random.u8(..4) > 0 {
                let command = commands::random(&mut self.random);
                self.send(server, client, &command);
                continue;
            }
            self.send(server, client, &words("MULTI"));
            for _ in 0..self.random.u8(1..5) {
                let command = commands::random(&mut self.random);
                self.send(server, client, &command);
            }
            self.send(server, client, &words("EXEC"));
        }
    }

    fn send(&mut self, server: &mut SimServer, client: &mut Client, words: &[String]) {
        let logged = server.node.engine_mut().stream.recorded().len();
        server.send(client.token, &request(words));
        // Digests are dear, and most requests change nothing, or not yet.
        if server.node.engine_mut().stream.recorded().len() != logged {
            self.history.push(server.digest());
            if self.keeps_pictures {
                self.pictures.push(server.describe());
            }
        }
        client.waiting.push_back(self.history.newest());
    }

    /// The turn ends: replies leave that may, and everybody hears what is promised.
    fn end_turn(&mut self, server: &mut SimServer, clients: &mut [Client]) {
        let outputs = server.output();
        let persistence = &server.node.engine_mut().persistence;
        self.history.turn_ended(persistence.end());
        if self.disk.is_off() || server.has_ended() {
            return;
        }
        let persistence = &server.node.engine_mut().persistence;
        if !persistence.has_trouble() {
            self.history.synced(persistence.synced_up_to());
            if persistence.log_waiting_bytes() == 0 {
                self.history.all_written();
            }
        }
        for (token, bytes) in outputs {
            let client = clients.iter_mut().find(|client| client.token == token).expect("one");
            client.received.extend(bytes);
            while let Decoded::Whole(_, len) = decode(&client.received) {
                client.received.drain(..len);
                let state = client.waiting.pop_front().expect("a reply for each request");
                if self.plot.always {
                    self.history.told(state);
                }
            }
        }
    }
}
