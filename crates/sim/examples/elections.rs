//! Thousands of elections on the simulated bus, by our rules, by Redis's, and of both kinds mixed: how
//! often votes are split, how often a second round is needed, how long slots have no writer.
//!
//! `cargo run --profile quick -p dunlin-sim --example elections -- --count 10000` prints a table. Options:
//! `--primaries 3`, `--replicas 3`, `--timeout 1000` (ms), `--seed 1`, `--only late` (rows whose name
//! has this in it).
//!
//! For each row some clusters are formed; each goes on in several ways (`Bus::fork`) until a primary is
//! killed, and from shortly before its failure is noticed in several ways again.

use std::fmt;

use dunlin_cluster::{ClusterConfig, Pace};
use dunlin_sim::Bus;
use dunlin_sim::bus::Latency;

/// Elections that share the moment at which the primary is killed.
const PER_DEATH: u64 = 20;

/// Deaths in one cluster, whose nodes have the same ids and run their crons at the same times.
const PER_CLUSTER: u64 = 10;

/// The machine of the primary that is killed, and one of its slots.
const VICTIM: usize = 1;

struct Options {
    count: u64,
    primaries: usize,
    replicas: usize,
    timeout_ms: u64,
    seed: u64,
    only: String,
}

impl Options {
    fn read() -> Self {
        let mut options = Self {
            count: 1000,
            primaries: 3,
            replicas: 3,
            timeout_ms: 1000,
            seed: 1,
            only: String::new(),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().unwrap_or_default();
            let number = || value.parse::<u64>().unwrap_or_else(|_| panic!("{name} {value}"));
            match name.as_str() {
                "--count" => options.count = number(),
                "--primaries" => options.primaries = number() as usize,
                "--replicas" => options.replicas = number() as usize,
                "--timeout" => options.timeout_ms = number(),
                "--seed" => options.seed = number(),
                "--only" => options.only = value,
                _ => panic!("what is {name}?"),
            }
        }
        options
    }
}

#[derive(Clone, Copy)]
struct Network {
    name: &'static str,
    latency: Latency,
}

/// Messages take a millisecond, about.
const PROMPT: Network = Network {
    name: "prompt",
    latency: Latency { min_us: 200, max_us: 2_000, late_one_in: 0, late_us: 0 },
};

/// Most messages take a millisecond, one of eight up to 400: TCP has sent it again.
const LOSSY: Network = Network {
    name: "lossy",
    latency: Latency { min_us: 200, max_us: 2_000, late_one_in: 8, late_us: 400_000 },
};

/// All messages take tens of milliseconds, one of eight hundreds: also the FAIL.
const LATE: Network = Network {
    name: "late",
    latency: Latency { min_us: 20_000, max_us: 120_000, late_one_in: 8, late_us: 400_000 },
};

#[derive(Clone, Copy)]
enum Nodes {
    Ours,
    Redis,
    Mixed,
}

struct Row {
    nodes: Nodes,
    network: Network,
    /// Whether all replicas have as much data when the primary dies.
    is_equal: bool,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = match self.nodes {
            Nodes::Ours => "ours",
            Nodes::Redis => "Redis's",
            Nodes::Mixed => "mixed",
        };
        let offsets = if self.is_equal { "equal" } else { "as they are" };
        write!(f, "| {nodes} | {} | {offsets} |", self.network.name)
    }
}

#[derive(Default)]
struct Outcome {
    /// More than one candidate has asked before the first round was over.
    contested: u64,
    /// Two got votes of the same round.
    split: u64,
    /// Somebody had to ask again.
    second_round: u64,
    /// Nobody was elected before all data was too old.
    never: u64,
    /// The winner had less data than another replica that worked.
    behind: u64,
    /// Milliseconds from the death until the slots had a writer.
    took_ms: Vec<u64>,
}

impl Outcome {
    fn percentile(&self, of_100: usize) -> u64 {
        self.took_ms[(self.took_ms.len() - 1) * of_100 / 100]
    }
}

fn form(options: &Options, row: &Row, number: u64) -> Bus {
    let count = options.primaries * (options.replicas + 1);
    let configs: Vec<ClusterConfig> = (0..count)
        .map(|index| {
            // Primaries and replicas of every shard are of both kinds.
            let shard = index % options.primaries + index / options.primaries;
            let pace = match row.nodes {
                Nodes::Ours => Pace::Dunlin,
                Nodes::Redis => Pace::Redis,
                Nodes::Mixed if shard.is_multiple_of(2) => Pace::Dunlin,
                Nodes::Mixed => Pace::Redis,
            };
            ClusterConfig { node_timeout_ms: options.timeout_ms, pace, ..ClusterConfig::default() }
        })
        .collect();
    let mut bus = Bus::cluster_of(options.seed << 32 ^ number, &configs, options.primaries);
    bus.latency = row.network.latency;
    bus.run_ms(2 * options.timeout_ms);
    bus
}

fn run(options: &Options, row: &Row) -> Outcome {
    let mut formed = form(options, row, 0);
    let slot = formed.at(VICTIM).myself().slots().iter().next().expect("a slot");
    let mut outcome = Outcome::default();
    for death in 0..options.count.div_ceil(PER_DEATH) {
        if death > 0 && death.is_multiple_of(PER_CLUSTER) {
            formed = form(options, row, death);
        }
        let mut dying = formed.fork(options.seed << 32 ^ death);
        let phase_ms = dying.random.u64(500..500 + 2 * options.timeout_ms);
        dying.run_ms(phase_ms);
        if row.is_equal {
            dying.writes = false;
            dying.run_ms(1_000);
        }
        dying.kill(VICTIM);
        // Nobody suspects it yet.
        let quiet_ms = options.timeout_ms - options.timeout_ms / 5;
        dying.run_ms(quiet_ms);
        for election in 0..PER_DEATH {
            let mut bus = dying.fork(options.seed << 48 ^ death << 16 ^ election);
            outcome.add(&mut bus, slot, quiet_ms, options);
        }
    }
    outcome.took_ms.sort_unstable();
    outcome
}

impl Outcome {
    fn add(&mut self, bus: &mut Bus, slot: u16, quiet_ms: u64, options: &Options) {
        let earlier = bus.ballots().last().map_or(0, |ballot| ballot.epoch);
        // Later the data of all replicas is too old: 10 s and ten timeouts.
        let limit_ms = 10_000 + 12 * options.timeout_ms;
        let mut waited = 0;
        while bus.writers(slot).is_empty() && waited < limit_ms {
            bus.run_ms(10);
            waited += 10;
        }
        self.took_ms.push(quiet_ms + waited);
        let shard: Vec<usize> =
            (1..=options.replicas).map(|round| VICTIM + round * options.primaries).collect();
        let ballots: Vec<_> = bus
            .ballots()
            .filter(|ballot| ballot.epoch > earlier && shard.contains(&ballot.candidate))
            .collect();
        let first_round: Vec<_> = (shard.iter())
            .filter_map(|index| ballots.iter().find(|ballot| ballot.candidate == *index))
            .collect();
        self.contested += u64::from(first_round.len() > 1);
        self.split += u64::from(first_round.iter().filter(|ballot| ballot.votes > 0).count() > 1);
        self.second_round += u64::from(ballots.len() > first_round.len());
        let Some(winner) = bus.writers(slot).first().copied() else {
            self.never += 1;
            return;
        };
        let best = shard.iter().map(|index| bus.machines[*index].offset).max();
        // It may have taken a write or two by now.
        self.behind += u64::from(best.is_some_and(|best| bus.machines[winner].offset < best));
    }
}

fn main() {
    let options = Options::read();
    let Options { primaries, replicas, timeout_ms, count, .. } = options;
    println!(
        "{count} elections per row, {primaries} primaries with {replicas} replicas each, node \
         timeout {timeout_ms} ms; per 10,000 elections:\n"
    );
    println!(
        "| nodes | network | offsets | contested | split votes | second round | nobody | less data | \
         writable after: median, ms | p99, ms |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    for network in [PROMPT, LOSSY, LATE] {
        for is_equal in [false, true] {
            for nodes in [Nodes::Ours, Nodes::Redis, Nodes::Mixed] {
                let row = Row { nodes, network, is_equal };
                let name = row.to_string();
                if !name.contains(&options.only) {
                    continue;
                }
                let outcome = run(&options, &row);
                let total = outcome.took_ms.len() as u64;
                let rate = |count: u64| (count * 10_000 + total / 2) / total;
                println!(
                    "{name} {} | {} | {} | {} | {} | {} | {} |",
                    rate(outcome.contested),
                    rate(outcome.split),
                    rate(outcome.second_round),
                    rate(outcome.never),
                    rate(outcome.behind),
                    outcome.percentile(50),
                    outcome.percentile(99)
                );
            }
        }
    }
}
