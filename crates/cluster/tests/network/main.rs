//! Clusters in memory: meeting, failing, taking over, from many seeds (SIM_SEEDS, 30 if it is not set).

mod failover;
mod membership;
mod net;

use dunlin_cluster::ClusterConfig;

/// Runs a test for each seed.
fn for_seeds(test: impl Fn(u64)) {
    let count = std::env::var("SIM_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(30);
    for seed in 0..count {
        eprintln!("seed {seed}");
        test(seed);
    }
}

fn config(node_timeout_ms: u64) -> ClusterConfig {
    ClusterConfig { node_timeout_ms, ..ClusterConfig::default() }
}
