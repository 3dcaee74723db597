//! Clusters without data: meeting, failing, taking over, handing over; what must hold is checked
//! after every turn of every node (`dunlin_sim::bus`).
//!
//! `SIM_SEEDS=1000 cargo test --profile quick -p dunlin-sim --test bus` runs more seeds of each test,
//! `SIM_SEED=7` one; `SIM_SEEDS=5000 ... chaos` those in which everything happens.

mod chaos;
mod checks;
mod elections;
mod failover;
mod hostile;
mod membership;

use dunlin_cluster::{ClusterConfig, Pace};

/// Runs a test for some seeds.
fn for_seeds(test: impl Fn(u64)) {
    dunlin_sim::seeds("bus", 15, test);
}

fn config(node_timeout_ms: u64) -> ClusterConfig {
    ClusterConfig { node_timeout_ms, ..ClusterConfig::default() }
}

/// Voters and siblings that follow our rules and Redis's in every shard.
fn mixed(count: usize, primaries: usize, node_timeout_ms: u64) -> Vec<ClusterConfig> {
    let pace = |index: usize| match (index % primaries + index / primaries) % 2 {
        0 => Pace::Dunlin,
        _ => Pace::Redis,
    };
    (0..count).map(|index| ClusterConfig { pace: pace(index), ..config(node_timeout_ms) }).collect()
}
