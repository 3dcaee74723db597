//! Everything happens at once, then peace: the nodes agree, every slot has one owner, epochs are
//! unique, and the next primary that dies is replaced in time.

use dunlin_cluster::ClusterConfig;
use dunlin_sim::Bus;

use crate::{config, mixed};

/// What a run may do to a cluster.
#[derive(Clone, Copy, Debug)]
struct Plot {
    primaries: usize,
    replicas: usize,
    steps: usize,
    timeout_ms: u64,
    power: bool,
    stops: bool,
    clocks: bool,
    /// Whether every other node follows Redis's rules about failures and elections.
    mixed: bool,
}

impl Plot {
    fn configs(&self) -> Vec<ClusterConfig> {
        let count = self.primaries * (self.replicas + 1);
        if self.mixed {
            return mixed(count, self.primaries, self.timeout_ms);
        }
        vec![config(self.timeout_ms); count]
    }

    /// How long the slots of a primary that dies may have no writer.
    const fn failover_ms(&self) -> u64 {
        let timeout_ms = self.timeout_ms;
        // Theirs hear of suspicions with the regular PINGs, and wait for up to a second, and one more if
        // another replica seems to have more data.
        if self.mixed { timeout_ms * 2 + 2_200 } else { timeout_ms + timeout_ms / 10 + 1_400 }
    }
}

const ALL: Plot = Plot {
    primaries: 3,
    replicas: 2,
    steps: 15,
    timeout_ms: 1000,
    power: true,
    stops: true,
    clocks: true,
    mixed: false,
};

/// Processes that run and are not stopped, of a cluster in which things happen.
fn step(bus: &mut Bus, plot: &Plot) {
    let count = bus.machines.len();
    let victim = bus.random.usize(..count);
    let has_many = (0..count).filter(|at| bus.is_up(*at)).count() > count * 2 / 3;
    match bus.random.u8(..16) {
        0 | 1 if bus.is_up(victim) && has_many => bus.kill(victim),
        2 | 3 if plot.power && bus.is_up(victim) && has_many => bus.cut_power(victim),
        4 | 5 => {
            let size = bus.random.usize(1..=count / 2);
            let cut_off: Vec<usize> = (0..size).map(|_| bus.random.usize(..count)).collect();
            bus.partition(&cut_off);
        }
        6 | 7 => {
            for _ in 0..bus.random.usize(1..=count) {
                let (from, to) = (bus.random.usize(..count), bus.random.usize(..count));
                bus.lose(from, to);
            }
        }
        8 => bus.heal(),
        9 => bus.reset_some(3),
        10 | 11 if plot.stops => bus.stop(victim),
        12 => (0..count).for_each(|at| bus.resume(at)),
        13 if plot.clocks => {
            let ms = bus.random.i64(-100_000..100_000);
            bus.jump_wall_clock(victim, ms);
        }
        14 if plot.clocks => {
            let ms = bus.random.u64(..5_000);
            bus.leap_monotonic(victim, ms);
        }
        _ => start_all(bus),
    }
}

fn start_all(bus: &mut Bus) {
    for at in 0..bus.machines.len() {
        if !bus.is_up(at) {
            bus.start(at);
        }
    }
}

fn make_peace(bus: &mut Bus) {
    bus.heal();
    (0..bus.machines.len()).for_each(|at| bus.resume(at));
    start_all(bus);
}

fn run(seed: u64, plot: &Plot, configs: &[ClusterConfig]) -> Bus {
    let mut bus = Bus::cluster_of(seed, configs, plot.primaries);
    let count = configs.len();
    for _ in 0..plot.steps {
        step(&mut bus, plot);
        let pause = bus.random.u64(..4 * plot.timeout_ms);
        bus.run_ms(pause);
    }
    make_peace(&mut bus);
    bus.run_until(60_000, "all serve and agree", |bus| {
        bus.is_whole(count) && bus.agrees() && bus.has_unique_epochs()
    });
    for slot in [0, 5461, 10_923, 16_383] {
        assert_eq!(bus.writers(slot).len(), 1);
    }
    next_failure_is_handled(&mut bus, plot);
    bus
}

/// After a quiet time, a primary with a replica dies: its slots are taken over in time.
fn next_failure_is_handled(bus: &mut Bus, plot: &Plot) {
    bus.run_ms(6 * plot.timeout_ms + 10_000);
    let with_replica = |index: &usize| {
        let me = bus.at(*index).myself();
        me.is_voting() && !bus.at(0).replicas_of(me.id().digits()).unwrap().is_empty()
    };
    let Some(victim) = (0..bus.machines.len()).find(with_replica) else { return };
    let slot = bus.at(victim).myself().slots().iter().next().expect("a slot");
    bus.kill(victim);
    bus.run_until(plot.failover_ms(), "a replica takes over", |bus| bus.writers(slot).len() == 1);
}

fn chaos(name: &str, count: u64, plot: &Plot) {
    dunlin_sim::seeds(name, count, |seed| {
        run(seed, plot, &plot.configs());
    });
}

#[test]
fn processes_die_and_the_network_fails() {
    chaos("deaths", 15, &Plot { power: false, stops: false, clocks: false, ..ALL });
}

#[test]
fn everything_happens() {
    chaos("all", 30, &ALL);
}

#[test]
fn everything_happens_to_a_larger_cluster() {
    chaos("larger", 4, &Plot { primaries: 7, replicas: 1, steps: 25, ..ALL });
}

#[test]
fn everything_happens_to_a_mixed_cluster() {
    chaos("mixed", 15, &Plot { mixed: true, ..ALL });
}

/// Seed 1120: partitions follow each other so fast that a primary hears from a majority within the node
/// timeout, though never from all of it at once. Nobody can replace it meanwhile.
#[test]
fn partitions_that_change_fast() {
    let plot = Plot { primaries: 7, replicas: 1, steps: 25, ..ALL };
    run(1120, &plot, &plot.configs());
}

/// Seed 2411: a primary that is cut off a moment later takes the next epoch to settle a collision, and its
/// replica is elected in the same one.
#[test]
fn an_epoch_is_settled_and_elected() {
    let plot = Plot { power: false, stops: false, clocks: false, ..ALL };
    run(2411, &plot, &plot.configs());
}

/// The same seed, the same story.
#[test]
fn a_seed_tells_one_story() {
    let digest = |seed| run(seed, &ALL, &ALL.configs()).digest();
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}
