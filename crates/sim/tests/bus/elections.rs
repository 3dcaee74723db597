//! Elections where votes could be split: late networks, replicas with as much data, nodes that follow
//! Redis's rules among ours. `examples/elections.rs` counts thousands of them.

use dunlin_cluster::{ClusterConfig, Pace};
use dunlin_sim::Bus;
use dunlin_sim::bus::Latency;

use crate::{config, for_seeds, mixed};

/// One message of eight is sent again by TCP: the FAIL, a request, a vote.
const LOSSY: Latency = Latency { min_us: 200, max_us: 2_000, late_one_in: 8, late_us: 400_000 };

#[test]
fn mixed_clusters_replace_their_primaries() {
    for_seeds(|seed| {
        let mut bus = Bus::cluster_of(seed, &mixed(9, 3, 1000), 3);
        bus.kill(1);
        bus.run_until(3_100, "a replica takes over", |bus| bus.writers(5461).len() == 1);
        bus.run_until(10_000, "all agree", |bus| bus.is_whole(9) && bus.agrees());
        bus.start(1);
        bus.run_until(10_000, "it is back", |bus| bus.is_whole(9) && bus.agrees());
    });
}

/// How many of 80 elections with equal candidates need a second round.
fn second_rounds(pace: Pace) -> usize {
    let configs = vec![ClusterConfig { pace, ..config(1000) }; 12];
    let mut formed = Bus::cluster_of(7, &configs, 3);
    formed.latency = LOSSY;
    formed.writes = false;
    formed.run_ms(2_000);
    (0..80)
        .filter(|luck| {
            let mut bus = formed.fork(*luck);
            let phase_ms = bus.random.u64(..1000);
            bus.run_ms(phase_ms);
            bus.kill(1);
            bus.run_ms(4_000);
            bus.writers(5461).is_empty()
        })
        .count()
}

/// A candidate waits until it must have heard of those before it, so few elections are split where
/// chance splits many.
#[test]
fn equal_candidates_on_a_late_network_seldom_split_the_votes() {
    let (ours, theirs) = (second_rounds(Pace::Dunlin), second_rounds(Pace::Redis));
    assert!(ours <= 2, "{ours} of 80");
    assert!(theirs > ours, "{theirs} of 80 by Redis's rules");
}
