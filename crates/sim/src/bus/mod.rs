//! Clusters without data on a simulated network: the protocol machine of `dunlin-cluster` on many
//! machines, with one clock, one generator, and checks after every turn.
//!
//! ```text
//!  Bus::turn -> Cluster (input, before_sleep) -> Actions -> Queue of Events -> Bus::run_ms -> turn
//!                     |                             |
//!                  Checks                       Wires: latency, partitions, lost directions
//! ```
//!
//! What may happen to machines and connections is in [`faults`](Bus::partition); who writes what on
//! the bus that should not, in [`hostile`](Bus::attack). Replication is a number: a primary that
//! serves counts up, a replica that reaches it takes its number.
//!
//! What is checked after every turn, for all slots:
//! - one node at most takes writes of a slot in a config epoch, ever;
//! - a node gives one vote in an epoch, and its epochs do not run backwards, restarts included;
//! - a primary that hears of no majority stops taking writes within the node timeout and one cron.
//!
//! A [fork](Bus::fork) goes on from the same state with other luck; [ballots](Bus::ballots) are
//! counted.
//!
//! The same seed gives the same [`digest`](Bus::digest).

mod checks;
mod events;
mod faults;
mod forming;
mod hostile;
mod machine;
mod run;
mod send;
mod views;
mod wires;

use std::collections::BTreeMap;

use dunlin_cluster::{Action, BusRequest, Cluster, ClusterConfig, Facts, NoKeys, Ports, Start};
use dunlin_stdx::time::Now;

pub use checks::Ballot;
use checks::Checks;
use events::Queue;
pub use hostile::Attack;
use hostile::Recorder;
pub use machine::Machine;
use machine::Power;
use wires::Wires;

/// Microseconds between two runs of a process's cron.
const CRON_US: u64 = 100_000;

/// What was sent on the bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// How slow the network is.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    /// At least, in microseconds.
    pub min_us: u64,
    /// Less than this.
    pub max_us: u64,
    /// One message in so many takes up to [`late_us`](Self::late_us) more, and those behind it on
    /// the same connection wait; 0 for none.
    pub late_one_in: u32,
    /// What a late message takes more, at most.
    pub late_us: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self { min_us: 200, max_us: 2_000, late_one_in: 0, late_us: 0 }
    }
}

/// Machines, what is on its way between them, and what has been seen of them.
#[derive(Clone)]
pub struct Bus {
    /// The machines; tests may look at them and change them.
    pub machines: Vec<Machine>,
    /// Where chance comes from.
    pub random: fastrand::Rng,
    /// How slow the network is.
    pub latency: Latency,
    /// Whether primaries that serve are written to.
    pub writes: bool,
    now_us: u64,
    queue: Queue,
    wires: Wires,
    /// Machines by their addresses and names.
    by_host: BTreeMap<String, usize>,
    checks: Checks,
    recorder: Recorder,
    traffic: Traffic,
    digest: u64,
}

impl Bus {
    /// So many machines whose processes run and know nobody.
    #[must_use]
    pub fn new(seed: u64, count: usize, config: &ClusterConfig) -> Self {
        let mut bus = Self {
            machines: Vec::new(),
            random: fastrand::Rng::with_seed(seed),
            latency: Latency::default(),
            writes: true,
            now_us: 1_000_000,
            queue: Queue::default(),
            wires: Wires::default(),
            by_host: BTreeMap::new(),
            checks: Checks::default(),
            recorder: Recorder::default(),
            traffic: Traffic::default(),
            digest: 0,
        };
        for _ in 0..count {
            bus.add(config);
        }
        bus
    }

    /// The same state, from which chance goes on in another way.
    #[must_use]
    pub fn fork(&self, seed: u64) -> Self {
        let mut fork = self.clone();
        fork.random = fastrand::Rng::with_seed(seed);
        for machine in &mut fork.machines {
            if let Some(cluster) = &mut machine.cluster {
                cluster.set_seed(fork.random.u64(..));
            }
        }
        fork
    }

    /// A new machine, whose process is started; its number.
    pub fn add(&mut self, config: &ClusterConfig) -> usize {
        let index = self.add_stopped(config);
        self.start(index);
        index
    }

    /// A new machine, on which no process runs yet; its number.
    fn add_stopped(&mut self, config: &ClusterConfig) -> usize {
        let index = self.machines.len();
        let machine = Machine::new(index, config.clone());
        self.by_host.insert(machine.address.0.clone(), index);
        self.machines.push(machine);
        self.wires.add_machine();
        self.checks.add_machine();
        index
    }

    /// Microseconds on no machine's clock.
    #[must_use]
    pub const fn now_us(&self) -> u64 {
        self.now_us
    }

    /// What was sent so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// A number that all that has happened makes.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    fn note(&mut self, word: u64) {
        self.digest = (self.digest ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }

    /// Starts a process from the nodes.conf that the last one has left.
    ///
    /// # Panics
    /// If it runs, or if its nodes.conf is none.
    pub fn start(&mut self, index: usize) {
        let seed = self.random.u64(..);
        let machine = &mut self.machines[index];
        assert!(machine.cluster.is_none(), "{index} runs");
        if let Some(name) = &machine.config.announce_hostname {
            self.by_host.insert(name.clone(), index);
        }
        let port = machine.address.1;
        let start = Start {
            conf: Some(machine.conf.text().as_bytes()),
            config: machine.config.clone(),
            ports: Ports { tcp: port, tls: 0, bus: port + 10_000 },
            seed,
            now: machine.now(self.now_us),
        };
        machine.cluster = Some(Cluster::start(start).expect("a nodes.conf"));
        machine.forget_replication();
        machine.power = Power::On;
        machine.life += 1;
        machine.resumed_us = self.now_us;
        self.checks.started(index, self.now_us);
        self.plan_cron(index);
        self.turn(index, |_, _, _| {});
    }

    /// One turn of a process: an input, and all that follows. `None` if it does not run.
    pub fn turn<R>(
        &mut self,
        index: usize,
        input: impl FnOnce(&mut Cluster, Now, &Facts<'_>) -> R,
    ) -> Option<R> {
        let machine = &mut self.machines[index];
        let now = machine.now(self.now_us);
        let (offset, primary_link) = (machine.offset, machine.primary_link());
        let facts = Facts { offset, primary_link, keys: &NoKeys };
        let result = input(machine.cluster.as_mut()?, now, &facts);
        self.act(index);
        self.machines[index].cluster.as_mut()?.before_sleep(now, &facts);
        self.act(index);
        self.checks.look(index, &self.machines[index], self.now_us);
        Some(result)
    }

    fn act(&mut self, index: usize) {
        loop {
            let machine = &mut self.machines[index];
            let Some(action) = machine.cluster.as_mut().and_then(Cluster::poll_action) else {
                return;
            };
            let now = machine.now(self.now_us).monotonic;
            match action {
                Action::Bus(BusRequest::Connect { link, ip, port }) => {
                    self.request(index, link, &ip, port);
                }
                Action::Bus(BusRequest::Send { link, bytes }) => self.send(index, link, bytes),
                Action::Bus(BusRequest::Close { link }) => self.close(index, link),
                Action::SaveConf { text, fsync } => machine.conf.write(text, fsync),
                Action::ReplicateFrom { ip, port } => machine.follow((ip, port), now),
                Action::BecomePrimary => machine.following = None,
                Action::PauseWrites { until } => machine.paused_until = Some(until),
                Action::ResumeWrites => machine.paused_until = None,
                Action::DropKeysInSlots(slots) => machine.dropped = slots,
                Action::DropAllKeys | Action::DropSlotSubscriptions(_) | Action::Probed { .. } => {}
                Action::Publish { message, .. } => machine.published.push(message),
                Action::Log(line) => machine.write_log(line.text),
            }
        }
    }
}
