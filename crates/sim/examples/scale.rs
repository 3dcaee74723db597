//! Clusters of 6 to 1,000 nodes on the simulated bus: how long they take to find together, what they say
//! at rest, how fast the failure of a tenth is found and mended, and what a PING costs.
//!
//! `cargo run --profile quick -p dunlin-sim --example scale -- 6 30 100 300 1000` prints a table; half of
//! the nodes are primaries. With `joins` among the words, clusters are also formed by CLUSTER MEET;
//! with `redis`, nodes follow Redis's rules about failures; `timeout=15000` sets the node timeout,
//! `rest=20` how many seconds a cluster at rest is watched, a node timeout after all serve.

use std::time::Instant;

use dunlin_cluster::bus::MessageKind;
use dunlin_cluster::{ClusterConfig, Facts, NoKeys, Pace, PrimaryLink};
use dunlin_sim::Bus;
use dunlin_stdx::time::{Monotonic, Now};

/// How often a cluster is looked at.
const SAMPLE_MS: u64 = 100;

/// So long redis-cli waits between MEET and REPLICATE when it creates a cluster.
const SETTLE_MS: u64 = 1_000;

/// How often a cluster is looked at whose nodes find together, and how long that may take.
const LOOK_MS: u64 = 10;
const JOIN_US_MAX: u64 = 600_000_000;

/// A node is told to meet the first one after so many milliseconds: an administrator's loop.
const MEET_MS: u64 = 2;

struct Setting {
    sizes: Vec<usize>,
    joins: bool,
    /// How long a cluster at rest is watched.
    rest_ms: u64,
    config: ClusterConfig,
}

fn setting() -> Setting {
    let config = ClusterConfig { node_timeout_ms: 5000, ..ClusterConfig::default() };
    let mut setting = Setting { sizes: Vec::new(), joins: false, rest_ms: 20_000, config };
    for word in std::env::args().skip(1) {
        match word.as_str() {
            "joins" => setting.joins = true,
            "redis" => setting.config.pace = Pace::Redis,
            _ => match word.split_once('=').map(|(name, value)| (name, value.parse::<u64>())) {
                Some(("timeout", Ok(ms))) => setting.config.node_timeout_ms = ms,
                Some(("rest", Ok(seconds))) => setting.rest_ms = seconds * 1000,
                _ => setting.sizes.push(word.parse().expect("a number of nodes")),
            },
        }
    }
    setting
}

/// When something has come to hold, in microseconds of the simulation.
struct Held {
    /// Of all nodes but one in a hundred.
    most_us: u64,
    /// Of all of them.
    all_us: u64,
}

/// Lets time pass until something holds of every node. Nodes of which it has once held are looked at
/// again at the end only: to look at a million views each time would take longer than what is simulated.
fn wait_for_all(bus: &mut Bus, what: &str, holds: impl Fn(&Bus, usize) -> bool) -> Held {
    let size = bus.machines.len();
    let (began_us, mut most_us) = (bus.now_us(), None);
    let mut missing: Vec<usize> = (0..size).collect();
    loop {
        missing.retain(|index| !holds(bus, *index));
        if missing.len() <= size / 100 {
            most_us.get_or_insert(bus.now_us());
        }
        if missing.is_empty() {
            missing = (0..size).filter(|index| !holds(bus, *index)).collect();
        }
        let all_us = bus.now_us();
        match most_us {
            Some(most_us) if missing.is_empty() => return Held { most_us, all_us },
            _ => assert!(all_us < began_us + JOIN_US_MAX, "after {JOIN_US_MAX} µs not yet: {what}"),
        }
        bus.run_ms(LOOK_MS);
    }
}

/// How a cluster comes about by CLUSTER MEET; seconds.
struct Joined {
    /// From the first MEET until nearly all know all, and until all do.
    most_s: f64,
    all_s: f64,
    /// Sent until then, by each node.
    messages: f64,
    megabytes: f64,
    /// From the first REPLICATE, which comes a second later, until all know all replicas and serve.
    replicas_s: f64,
}

fn join(size: usize, config: &ClusterConfig) -> Joined {
    let mut bus = Bus::new(size as u64, 0, config);
    for index in 0..size {
        bus.add(config);
        bus.number(index);
    }
    let primaries = size / 2;
    bus.share_slots(primaries);
    bus.run_ms(1_000);
    let (began_us, before) = (bus.now_us(), bus.traffic());
    for index in 1..size {
        bus.meet(index, 0);
        bus.run_ms(MEET_MS);
    }
    let known = wait_for_all(&mut bus, "all know all", |bus, index| {
        let cluster = bus.at(index);
        cluster.nodes().count() == size && cluster.nodes().all(|node| !node.is_in_handshake())
    });
    let sent = bus.traffic();
    bus.run_ms(SETTLE_MS);
    let begun_us = bus.now_us();
    for index in primaries..size {
        bus.replicate_of(index, index % primaries);
        bus.run_ms(MEET_MS);
    }
    let served = wait_for_all(&mut bus, "all serve", |bus, index| {
        let cluster = bus.at(index);
        let replicas = cluster.nodes().filter(|node| node.primary().is_some()).count();
        cluster.is_ok() && cluster.nodes().count() == size && replicas == size - primaries
    });
    let each = |count: u64| count as f64 / size as f64;
    Joined {
        most_s: (known.most_us - began_us) as f64 / 1e6,
        all_s: (known.all_us - began_us) as f64 / 1e6,
        messages: each(sent.messages - before.messages),
        megabytes: each(sent.bytes - before.bytes) / 1e6,
        replicas_s: (served.all_us - begun_us) as f64 / 1e6,
    }
}

/// What is said while nothing happens.
struct Rest {
    messages: f64,
    bytes: f64,
    /// Nodes that did not serve, over all looks at all nodes.
    down: usize,
}

fn rest(bus: &mut Bus, rest_ms: u64) -> Rest {
    let before = bus.traffic();
    let mut down = 0;
    for _ in 0..rest_ms / SAMPLE_MS {
        bus.run_ms(SAMPLE_MS);
        down += bus.running().filter(|index| !bus.at(*index).is_ok()).count();
    }
    let (after, size) = (bus.traffic(), bus.machines.len());
    let rate = |count: u64| count as f64 / size as f64 / (rest_ms as f64 / 1000.0);
    Rest {
        messages: rate(after.messages - before.messages),
        bytes: rate(after.bytes - before.bytes),
        down,
    }
}

/// What becomes of a tenth that dies at once: half primaries, half replicas of others.
struct Deaths {
    /// Milliseconds until every survivor takes all of them for failed, and until all slots have a
    /// writer; `None` if not within ten node timeouts.
    known_ms: Option<u64>,
    writable_ms: Option<u64>,
    /// Bytes per node and second meanwhile.
    bytes: f64,
}

fn kill_a_tenth(bus: &mut Bus) -> Deaths {
    let size = bus.machines.len();
    let (primaries, dead) = (size / 2, (size / 20).max(1));
    // Every shard keeps one of its two nodes.
    let victims: Vec<usize> =
        (0..dead).chain((size - dead..size).filter(|index| index % primaries >= dead)).collect();
    let ids: Vec<_> = victims.iter().map(|index| bus.id(*index)).collect();
    let (before, began_us) = (bus.traffic(), bus.now_us());
    victims.iter().for_each(|index| bus.kill(*index));
    let limit_ms = 10 * bus.machines[0].config.node_timeout_ms;
    let (mut known_ms, mut writable_ms) = (None, None);
    let slots: Vec<u16> = (0..dead).map(|index| slot_of(index, primaries)).collect();
    for passed_ms in (SAMPLE_MS..=limit_ms).step_by(SAMPLE_MS as usize) {
        bus.run_ms(SAMPLE_MS);
        if known_ms.is_none() {
            let knows = |index: usize| {
                ids.iter().all(|id| bus.at(index).node(id).is_none_or(|node| node.is_failed()))
            };
            known_ms = bus.running().all(knows).then_some(passed_ms);
        }
        if writable_ms.is_none() {
            let is_written = |slot: &u16| bus.writers(*slot).len() == 1;
            writable_ms = slots.iter().all(is_written).then_some(passed_ms);
        }
        if known_ms.is_some() && writable_ms.is_some() {
            break;
        }
    }
    let seconds = (bus.now_us() - began_us) as f64 / 1e6;
    let bytes =
        (bus.traffic().bytes - before.bytes) as f64 / seconds / (size - victims.len()) as f64;
    Deaths { known_ms, writable_ms, bytes }
}

/// A slot of one of so many primaries.
fn slot_of(index: usize, primaries: usize) -> u16 {
    ((index * 16_384 + primaries / 2) / primaries) as u16
}

/// What a node takes for a PING with its PONG, and for a run of its cron, in microseconds.
fn costs(bus: &mut Bus) -> (f64, f64) {
    bus.record_messages();
    bus.run_ms(1_000);
    let is_ping = |bytes: &&bytes::Bytes| bytes[12..14] == (MessageKind::Ping as u16).to_be_bytes();
    let pings: Vec<_> = bus.recorded().iter().filter(is_ping).cloned().collect();
    let now = Now {
        unix_us: 1_700_000_000_000_000 + bus.now_us() as i64,
        monotonic: Monotonic(bus.now_us()),
    };
    let facts = Facts { offset: 0, primary_link: PrimaryLink::Never, keys: &NoKeys };
    let survivor = bus.machines.len() / 4;
    let Some(cluster) = bus.machines[survivor].cluster.as_mut() else { return (0.0, 0.0) };
    let link = cluster.accepted(now, "10.9.9.9", "10.0.0.1");
    let mut turns = 0;
    let began = Instant::now();
    for ping in pings.iter().cycle().take(2_000) {
        cluster.received(now, &facts, link, ping);
        while cluster.poll_action().is_some() {}
        turns += 1;
    }
    let ping_us = began.elapsed().as_secs_f64() * 1e6 / f64::from(turns.max(1));
    let began = Instant::now();
    for _ in 0..200 {
        cluster.run_cron(now, &facts);
        while cluster.poll_action().is_some() {}
    }
    (ping_us, began.elapsed().as_secs_f64() * 1e6 / 200.0)
}

/// Peak of this process's memory, in megabytes.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    kb.unwrap_or(0) / 1024
}

fn main() {
    let Setting { sizes, joins, rest_ms, config } = setting();
    println!(
        "node timeout {} ms, {:?}'s pace; at rest for {} s\n",
        config.node_timeout_ms,
        config.pace,
        rest_ms / 1000
    );
    println!(
        "| nodes | 99% know all, s | all know all, s | messages of a node until then | MB of a node until then | all replicas, s | messages per node and s | bytes per node \
         and s | nodes not serving | 10% killed: failed for all, s | all slots written, s | bytes per \
         node and s | µs per PING | µs per cron | memory, MB | time, s |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    );
    for size in sizes {
        let began = Instant::now();
        let phase = |name: &str| {
            let (seconds, peak_mb) = (began.elapsed().as_secs_f64(), peak_mb());
            eprintln!("{size} nodes: {name} after {seconds:.0} s, at most {peak_mb} MB");
        };
        let text =
            |seconds: Option<f64>| seconds.map_or("-".to_owned(), |took| format!("{took:.1}"));
        let joined = joins.then(|| join(size, &config));
        let of_join = |field: fn(&Joined) -> f64| text(joined.as_ref().map(field));
        let joining = [
            of_join(|joined| joined.most_s),
            of_join(|joined| joined.all_s),
            of_join(|joined| joined.messages),
            of_join(|joined| joined.megabytes),
            of_join(|joined| joined.replicas_s),
        ]
        .join(" | ");
        phase(&format!("joined: {joining}"));
        let mut bus = Bus::formed(size as u64, &vec![config.clone(); size], size / 2);
        bus.run_until(120_000, "all serve", |bus| bus.running().all(|index| bus.at(index).is_ok()));
        phase("all serve");
        bus.run_ms(config.node_timeout_ms);
        phase("at rest");
        let rest = rest(&mut bus, rest_ms);
        phase("a tenth dies");
        let deaths = kill_a_tenth(&mut bus);
        // The last, as its clock stands still.
        let (ping_us, cron_us) = costs(&mut bus);
        let seconds = |ms: Option<u64>| text(ms.map(|ms| ms as f64 / 1000.0));
        println!(
            "| {size} | {joining} | {:.1} | {:.0} | {} | {} | {} | {:.0} | {ping_us:.1} | {cron_us:.0} | \
             {} | {:.0} |",
            rest.messages,
            rest.bytes,
            rest.down,
            seconds(deaths.known_ms),
            seconds(deaths.writable_ms),
            deaths.bytes,
            peak_mb(),
            began.elapsed().as_secs_f64()
        );
    }
}
