//! Servers in memory: clusters, a network that is slow and can be cut, machines that die.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use dunlin_cluster::{
    Action, Cluster, ClusterConfig, Facts, LinkId, NoKeys, NodeId, Ports, PrimaryLink, SetSlot,
    Start,
};
use dunlin_slots::SlotSet;
use dunlin_stdx::time::{Monotonic, Now};

/// The wall clock when a test begins.
const EPOCH_US: i64 = 1_700_000_000_000_000;

/// Slots that are looked at for two owners.
const WATCHED: [u16; 4] = [0, 5461, 10923, 16383];

/// A server: its cluster, and what a server has beside it.
pub(crate) struct Server {
    pub(crate) cluster: Option<Cluster>,
    pub(crate) config: ClusterConfig,
    pub(crate) conf: String,
    pub(crate) offset: u64,
    pub(crate) following: Option<(String, u16)>,
    pub(crate) is_paused: bool,
    pub(crate) published: Vec<Bytes>,
    pub(crate) log: Vec<String>,
    pub(crate) dropped: SlotSet,
    address: (String, u16),
    last_interaction: u64,
    down_since: Option<u64>,
}

enum Event {
    Cron { server: usize, life: u64 },
    Connect { from: usize, link: LinkId, to: Option<usize> },
    Bytes { to: (usize, LinkId), from: (usize, LinkId), bytes: Bytes },
    Closed { to: (usize, LinkId) },
}

/// All servers and what is on its way between them.
pub(crate) struct Net {
    pub(crate) servers: Vec<Server>,
    pub(crate) now_us: u64,
    events: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    /// The other ends of connections.
    peers: BTreeMap<(usize, LinkId), (usize, LinkId)>,
    /// Connections that have lost something: nothing gets through any more.
    broken: BTreeSet<(usize, LinkId)>,
    /// When the last bytes of a direction arrive.
    arrival: BTreeMap<(usize, LinkId), u64>,
    /// Which side of a partition each server is on.
    pub(crate) side: Vec<u8>,
    lives: Vec<u64>,
    /// Whether two writers of one epoch are an error: not before two clusters are one.
    pub(crate) checks_owners: bool,
    pub(crate) rng: fastrand::Rng,
}

impl Net {
    pub(crate) fn new(seed: u64, count: usize, config: &ClusterConfig) -> Self {
        let mut net = Self {
            servers: Vec::new(),
            now_us: 1_000_000,
            events: BTreeMap::new(),
            sequence: 0,
            peers: BTreeMap::new(),
            broken: BTreeSet::new(),
            arrival: BTreeMap::new(),
            side: Vec::new(),
            lives: Vec::new(),
            checks_owners: true,
            rng: fastrand::Rng::with_seed(seed),
        };
        for _ in 0..count {
            net.add(config);
        }
        net
    }

    /// A new server.
    pub(crate) fn add(&mut self, config: &ClusterConfig) -> usize {
        let index = self.servers.len();
        self.servers.push(Server {
            cluster: None,
            config: config.clone(),
            conf: String::new(),
            offset: 0,
            following: None,
            is_paused: false,
            published: Vec::new(),
            log: Vec::new(),
            dropped: SlotSet::new(),
            address: (format!("10.0.0.{}", index + 1), 7000),
            last_interaction: 0,
            down_since: None,
        });
        self.side.push(0);
        self.lives.push(0);
        self.start(index);
        index
    }

    pub(crate) fn now(&self) -> Now {
        Now { unix_us: EPOCH_US + self.now_us as i64, monotonic: Monotonic(self.now_us) }
    }

    pub(crate) fn at(&self, index: usize) -> &Cluster {
        self.servers[index].cluster.as_ref().expect("a server that runs")
    }

    pub(crate) fn id(&self, index: usize) -> NodeId {
        *self.at(index).myself().id()
    }

    pub(crate) fn address(&self, index: usize) -> (String, u16) {
        self.servers[index].address.clone()
    }

    /// The machine of a server that is down gets another address.
    pub(crate) fn move_to(&mut self, index: usize, ip: &str) {
        assert!(!self.is_up(index));
        self.servers[index].address.0 = ip.to_owned();
    }

    pub(crate) fn is_up(&self, index: usize) -> bool {
        self.servers[index].cluster.is_some()
    }

    /// Starts a server from the nodes.conf that it has left.
    pub(crate) fn start(&mut self, index: usize) {
        let (now, seed) = (self.now(), self.rng.u64(..));
        let server = &mut self.servers[index];
        assert!(server.cluster.is_none());
        let port = server.address.1;
        let start = Start {
            conf: Some(server.conf.as_bytes()),
            config: server.config.clone(),
            ports: Ports { tcp: port, tls: 0, bus: port + 10_000 },
            seed,
            now,
        };
        server.cluster = Some(Cluster::start(start).expect("a nodes.conf"));
        server.following = None;
        server.is_paused = false;
        server.down_since = None;
        self.lives[index] += 1;
        let life = self.lives[index];
        let first = self.rng.u64(..100_000);
        self.schedule(first, Event::Cron { server: index, life });
        self.turn(index, |_, _, _| {});
    }

    /// kill -9: the peers' connections end, if they hear of it.
    pub(crate) fn kill(&mut self, index: usize) {
        self.servers[index].cluster = None;
        let ends: Vec<_> =
            self.peers.keys().filter(|(server, _)| *server == index).copied().collect();
        for end in ends {
            self.hang_up(end);
        }
    }

    /// Cuts the servers of one side off from the others.
    pub(crate) fn partition(&mut self, cut_off: &[usize]) {
        for (index, side) in self.side.iter_mut().enumerate() {
            *side = u8::from(cut_off.contains(&index));
        }
    }

    pub(crate) fn heal(&mut self) {
        self.side.fill(0);
    }

    fn schedule(&mut self, delay_us: u64, event: Event) {
        self.sequence += 1;
        self.events.insert((self.now_us + delay_us, self.sequence), event);
    }

    fn latency_us(&mut self) -> u64 {
        self.rng.u64(200..2_000)
    }

    /// One turn of a server: an input, and all that follows.
    pub(crate) fn turn<R>(
        &mut self,
        index: usize,
        input: impl FnOnce(&mut Cluster, Now, &Facts<'_>) -> R,
    ) -> Option<R> {
        let now = self.now();
        let server = &mut self.servers[index];
        let primary_link = match (server.down_since, server.last_interaction) {
            (_, 0) => PrimaryLink::Never,
            (None, at) => PrimaryLink::Up { last_interaction: Monotonic(at) },
            (Some(at), _) => PrimaryLink::Down { since: Monotonic(at) },
        };
        let facts = Facts { offset: server.offset, primary_link, keys: &NoKeys };
        let result = input(server.cluster.as_mut()?, now, &facts);
        self.act(index);
        self.servers[index].cluster.as_mut()?.before_sleep(now, &facts);
        self.act(index);
        Some(result)
    }

    fn act(&mut self, index: usize) {
        while let Some(action) = self.servers[index].cluster.as_mut().and_then(Cluster::poll_action)
        {
            let server = &mut self.servers[index];
            match action {
                Action::Connect { link, ip, port } => {
                    let to = self.servers.iter().position(|server| {
                        let has_name = server.config.announce_hostname.as_ref() == Some(&ip);
                        (server.address.0 == ip || has_name) && server.address.1 + 10_000 == port
                    });
                    let delay = self.latency_us();
                    self.schedule(delay, Event::Connect { from: index, link, to });
                }
                Action::Send { link, bytes } => self.send((index, link), bytes),
                Action::Close { link } => self.hang_up((index, link)),
                Action::SaveConf { text, .. } => server.conf = text,
                Action::ReplicateFrom { ip, port } => {
                    server.following = Some((ip, port));
                    server.down_since = Some(self.now_us);
                }
                Action::BecomePrimary => server.following = None,
                Action::PauseWrites { .. } => server.is_paused = true,
                Action::ResumeWrites => server.is_paused = false,
                Action::DropKeysInSlots(slots) => server.dropped = slots,
                Action::DropAllKeys | Action::DropSlotSubscriptions(_) => {}
                Action::Publish { message, .. } => server.published.push(message),
                Action::Log(line) => server.log.push(line.text),
            }
        }
    }

    fn send(&mut self, from: (usize, LinkId), bytes: Bytes) {
        let Some(to) = self.peers.get(&from).copied() else { return };
        if self.side[from.0] != self.side[to.0] {
            self.broken.insert(from);
        }
        if self.broken.contains(&from) {
            return;
        }
        let arrival = self.arrival.get(&from).copied().unwrap_or(0);
        let arrives = (self.now_us + self.latency_us()).max(arrival);
        self.arrival.insert(from, arrives);
        let delay = arrives - self.now_us;
        self.schedule(delay, Event::Bytes { to, from, bytes });
    }

    fn hang_up(&mut self, end: (usize, LinkId)) {
        let Some(peer) = self.peers.remove(&end) else { return };
        self.peers.remove(&peer);
        if self.side[end.0] == self.side[peer.0] {
            // What was sent arrives first.
            let arrival = self.arrival.get(&end).copied().unwrap_or(0);
            let delay = arrival.saturating_sub(self.now_us) + self.latency_us();
            self.schedule(delay, Event::Closed { to: peer });
        }
        self.arrival.remove(&end);
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Cron { server, life } => {
                if self.lives[server] == life && self.is_up(server) {
                    self.replicate(server);
                    self.turn(server, |cluster, now, facts| cluster.run_cron(now, facts));
                    self.schedule(100_000, Event::Cron { server, life });
                    if self.checks_owners {
                        self.check_owners();
                    }
                }
            }
            Event::Connect { from, link, to } => self.connect(from, link, to),
            Event::Bytes { to, from, bytes } => {
                if self.side[to.0] != self.side[from.0] {
                    self.broken.insert(from);
                } else if self.peers.get(&to) == Some(&from) || !self.peers.contains_key(&from) {
                    self.turn(to.0, |cluster, now, facts| {
                        cluster.received(now, facts, to.1, &bytes);
                    });
                }
            }
            Event::Closed { to } => {
                self.turn(to.0, |cluster, now, _| cluster.closed(now, to.1));
            }
        }
    }

    fn connect(&mut self, from: usize, link: LinkId, to: Option<usize>) {
        if to.is_some_and(|to| self.side[to] != self.side[from]) || !self.is_up(from) {
            return;
        }
        let Some(to) = to.filter(|to| self.is_up(*to)) else {
            self.turn(from, |cluster, now, _| {
                cluster.connect_failed(now, link, "Connection refused");
            });
            return;
        };
        let (peer_ip, local_ip) =
            (self.servers[from].address.0.clone(), self.servers[to].address.0.clone());
        let accepted =
            self.turn(to, |cluster, now, _| cluster.accepted(now, &peer_ip, &local_ip)).unwrap();
        self.peers.insert((from, link), (to, accepted));
        self.peers.insert((to, accepted), (from, link));
        self.turn(from, |cluster, now, facts| cluster.connected(now, facts, link, &local_ip));
    }

    /// The stream of changes, as a number.
    fn replicate(&mut self, index: usize) {
        let Some(following) = self.servers[index].following.clone() else {
            let serves = self.at(index).is_ok() && self.at(index).myself().is_primary();
            self.servers[index].offset += u64::from(serves && !self.servers[index].is_paused);
            return;
        };
        let source = self.servers.iter().position(|server| server.address == following);
        let works = source.filter(|source| {
            self.is_up(*source) && self.side[*source] == self.side[index] && *source != index
        });
        let now = self.now_us;
        match works {
            Some(source) => {
                self.servers[index].offset = self.servers[source].offset;
                self.servers[index].last_interaction = now;
                self.servers[index].down_since = None;
            }
            None => {
                self.servers[index].down_since.get_or_insert(now);
            }
        }
    }

    /// Who takes writes of a slot.
    pub(crate) fn writers(&self, slot: u16) -> Vec<usize> {
        (0..self.servers.len())
            .filter(|index| self.is_up(*index))
            .filter(|index| self.at(*index).is_ok() && self.at(*index).owns(slot))
            .filter(|index| !self.servers[*index].is_paused)
            .collect()
    }

    /// At most one server takes writes of a slot in one epoch.
    fn check_owners(&self) {
        for slot in WATCHED {
            let mut epochs = BTreeSet::new();
            for index in self.writers(slot) {
                let epoch = self.at(index).myself().config_epoch();
                assert!(epochs.insert(epoch), "two writers of slot {slot} in epoch {epoch}");
            }
        }
    }

    /// Lets time pass.
    pub(crate) fn run_ms(&mut self, ms: u64) {
        let end = self.now_us + ms * 1000;
        while let Some(entry) = self.events.first_entry() {
            if entry.key().0 > end {
                break;
            }
            let ((at, _), event) = entry.remove_entry();
            self.now_us = at;
            self.handle(event);
        }
        self.now_us = end;
    }

    /// Lets time pass until something holds; how long that took, in milliseconds.
    pub(crate) fn run_until(
        &mut self,
        limit_ms: u64,
        what: &str,
        holds: impl Fn(&Self) -> bool,
    ) -> u64 {
        for passed in (0..limit_ms).step_by(10) {
            if holds(self) {
                return passed;
            }
            self.run_ms(10);
        }
        if holds(self) {
            return limit_ms;
        }
        for index in (0..self.servers.len()).filter(|index| self.is_up(*index)) {
            let cluster = self.at(index);
            eprintln!("{index}: {:?}\n{}", cluster.down_reason(), cluster.describe_nodes());
            let log = &self.servers[index].log;
            eprintln!("{}", log[log.len().saturating_sub(12)..].join("\n"));
        }
        panic!("not within {limit_ms} ms: {what}");
    }

    pub(crate) fn meet(&mut self, from: usize, to: usize) {
        let (ip, port) = self.address(to);
        self.turn(from, |cluster, now, _| cluster.meet(now, &ip, port, None)).unwrap().unwrap();
    }

    pub(crate) fn give(&mut self, index: usize, slots: &str) {
        let slots: SlotSet = slots.parse().unwrap();
        self.turn(index, |cluster, now, _| cluster.add_slots(now, &slots)).unwrap().unwrap();
    }

    pub(crate) fn set_slot(&mut self, index: usize, slot: u16, wish: SetSlot<'_>) {
        self.turn(index, |cluster, now, facts| cluster.set_slot(now, facts, slot, wish))
            .unwrap()
            .unwrap();
    }

    pub(crate) fn replicate_of(&mut self, index: usize, primary: usize) {
        let id = self.id(primary);
        self.turn(index, |cluster, now, facts| cluster.replicate(now, facts, id.digits()))
            .unwrap()
            .unwrap();
    }

    /// Whether all that run know each other and serve.
    pub(crate) fn is_whole(&self, count: usize) -> bool {
        (0..self.servers.len()).filter(|index| self.is_up(*index)).all(|index| {
            let cluster = self.at(index);
            cluster.is_ok()
                && cluster.nodes().count() == count
                && cluster.nodes().all(|node| !node.is_in_handshake())
        })
    }

    /// Whether all that run agree on the owners of all slots.
    pub(crate) fn agrees(&self) -> bool {
        let views = (0..self.servers.len()).filter(|index| self.is_up(*index)).map(|index| {
            let cluster = self.at(index);
            cluster.slots_table().iter().map(|run| (run.range, *run.owner.id())).collect::<Vec<_>>()
        });
        let views: BTreeSet<_> = views.map(|view| format!("{view:?}")).collect();
        views.len() == 1
    }

    /// Three primaries with `replicas` replicas each, which serve.
    pub(crate) fn cluster(seed: u64, replicas: usize, config: &ClusterConfig) -> Self {
        let count = 3 * (replicas + 1);
        let mut net = Self::new(seed, count, config);
        for index in 0..count {
            let epoch = index as i64 + 1;
            net.turn(index, |cluster, now, _| cluster.set_config_epoch(now, epoch))
                .unwrap()
                .unwrap();
        }
        for (index, slots) in ["0-5460", "5461-10922", "10923-16383"].iter().enumerate() {
            net.give(index, slots);
        }
        for index in 1..count {
            net.meet(0, index);
        }
        net.run_until(20_000, "all know each other", |net| {
            (0..count).all(|index| {
                let cluster = net.at(index);
                cluster.nodes().count() == count
                    && cluster.nodes().all(|node| !node.is_in_handshake())
            })
        });
        for index in 3..count {
            net.replicate_of(index, index % 3);
        }
        net.run_until(20_000, "all serve and have replicas", |net| {
            net.is_whole(count)
                && net.agrees()
                && (0..count).all(|index| {
                    net.at(index).nodes().filter(|node| node.is_replica()).count() == count - 3
                })
        });
        net.run_ms(3_000);
        net
    }
}
