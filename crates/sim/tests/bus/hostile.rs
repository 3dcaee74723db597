//! Peers that send what they should not.

use dunlin_sim::Bus;
use dunlin_sim::bus::Attack;

use crate::{config, for_seeds};

/// Whatever is sent, nothing panics, what must hold holds, and the cluster goes on serving.
#[test]
fn attacks_do_no_harm() {
    for_seeds(|seed| {
        let mut bus = Bus::cluster(seed, 1, &config(1000));
        bus.record_messages();
        bus.run_ms(1_000);
        let mut refused = [0; Attack::ALL.len()];
        for _ in 0..300 {
            let (target, attack) = (bus.random.usize(..6), bus.random.usize(..Attack::ALL.len()));
            refused[attack] += usize::from(bus.attack(target, Attack::ALL[attack]));
            let pause = bus.random.u64(..30);
            bus.run_ms(pause);
        }
        let count = |attack: Attack| refused[attack as usize];
        assert!(count(Attack::Garbage) > 0 && count(Attack::Epoch) > 0, "{refused:?}");
        bus.run_until(20_000, "all serve and agree", |bus| {
            bus.running().all(|index| bus.at(index).is_ok()) && bus.agrees()
        });
    });
}

/// Attacks while primaries die.
#[test]
fn attacks_do_not_hinder_a_failover() {
    for_seeds(|seed| {
        let mut bus = Bus::cluster(seed, 2, &config(1000));
        bus.record_messages();
        bus.run_ms(1_000);
        bus.kill(1);
        for _ in 0..400 {
            let target = bus.random.usize(..9);
            let attack = Attack::ALL[bus.random.usize(..Attack::ALL.len())];
            bus.attack(target, attack);
            let pause = bus.random.u64(..15);
            bus.run_ms(pause);
        }
        bus.run_until(10_000, "a replica takes over", |bus| bus.writers(5461).len() == 1);
        bus.start(1);
        bus.run_until(20_000, "all serve and agree", |bus| {
            bus.running().all(|index| bus.at(index).is_ok()) && bus.agrees()
        });
    });
}
