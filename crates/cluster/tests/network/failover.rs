//! Primaries that die, are cut off, or hand over.

use std::collections::BTreeSet;

use dunlin_cluster::{DownReason, FailoverMode};

use crate::net::Net;
use crate::{config, for_seeds};

/// How long the slots of primary 1 have no writer after it is killed.
fn time_without_writer(seed: u64, timeout_ms: u64) -> u64 {
    let mut net = Net::cluster(seed, 1, &config(timeout_ms));
    net.run_ms(seed * 137 % 1000);
    net.kill(1);
    let took = net.run_until(60_000, "the slots have a writer again", |net| {
        net.writers(5461) == [4] && net.is_whole(6)
    });
    assert!(took >= timeout_ms, "after {took} ms");
    net.run_until(10_000, "all agree", Net::agrees);
    assert!(net.at(0).node(&net.id(4)).unwrap().is_primary());
    took
}

#[test]
fn a_killed_primary_is_replaced_in_time() {
    for_seeds(|seed| {
        let took = time_without_writer(seed, 5000);
        assert!(took <= 6500, "{took} ms with a timeout of 5000");
        let short = time_without_writer(seed, 1000);
        assert!(short <= 1700, "{short} ms with a timeout of 1000");
        eprintln!("{took} ms, {short} ms");
    });
}

/// Several replicas with as much data do not split the votes.
#[test]
fn one_of_three_replicas_takes_over_at_the_first_try() {
    for_seeds(|seed| {
        let mut net = Net::cluster(seed, 3, &config(1000));
        net.kill(1);
        net.run_until(2_300, "a replica takes over", |net| net.writers(5461).len() == 1);
        net.run_until(10_000, "all agree", |net| net.agrees() && net.is_whole(12));
        let winner = net.writers(5461)[0];
        let followers = [4, 7, 10]
            .iter()
            .filter(|index| net.at(**index).myself().primary() == Some(&net.id(winner)));
        assert_eq!(followers.count(), 2);
    });
}

/// The replica with more data wins, whatever its id.
#[test]
fn the_replica_with_most_data_takes_over() {
    for_seeds(|seed| {
        let mut net = Net::cluster(seed, 2, &config(1000));
        net.kill(1);
        net.servers[4].offset += 10;
        net.run_until(10_000, "a replica takes over", |net| net.writers(5461).len() == 1);
        assert_eq!(net.writers(5461), [4]);
    });
}

/// Two primaries die at once: their replicas do not stand in each other's way.
#[test]
fn two_of_five_primaries_die_at_once() {
    for_seeds(|seed| {
        let mut net = five_primaries(seed);
        net.kill(0);
        net.kill(1);
        net.run_until(4_000, "both are replaced", |net| {
            net.writers(0) == [5] && net.writers(5461) == [6]
        });
        net.run_until(10_000, "all agree", Net::agrees);
    });
}

fn five_primaries(seed: u64) -> Net {
    let mut net = Net::new(seed, 10, &config(1000));
    for (index, slots) in
        ["0-3000", "3001-6000", "6001-10922", "10923-14000", "14001-16383"].iter().enumerate()
    {
        net.give(index, slots);
    }
    (1..10).for_each(|index| net.meet(0, index));
    net.run_until(20_000, "all serve", |net| net.is_whole(10));
    (5..10).for_each(|index| net.replicate_of(index, index - 5));
    net.run_until(20_000, "all have replicas", |net| {
        (0..10).all(|at| net.at(at).nodes().filter(|node| node.is_replica()).count() == 5)
    });
    net.run_ms(10_000);
    net
}

#[test]
fn a_primary_in_a_minority_stops_before_its_successor_begins() {
    for_seeds(|seed| {
        let mut net = Net::cluster(seed, 1, &config(2000));
        net.run_ms(seed * 71 % 1000);
        net.partition(&[1]);
        for _ in 0..40 {
            net.run_ms(100);
            assert!(net.writers(5461).len() <= 1, "two writers");
        }
        assert_eq!(net.at(1).down_reason(), Some(DownReason::Minority));
        net.run_until(5_000, "its replica takes over", |net| net.writers(5461) == [4]);
        net.heal();
        net.run_until(20_000, "it is a replica of its successor", |net| {
            net.at(1).myself().primary() == Some(&net.id(4)) && net.is_whole(6) && net.agrees()
        });
    });
}

#[test]
fn a_killed_primary_comes_back_as_a_replica() {
    for_seeds(|seed| {
        let mut net = Net::cluster(seed, 1, &config(1000));
        net.kill(1);
        net.run_until(3_000, "its replica takes over", |net| net.writers(5461) == [4]);
        net.start(1);
        net.run_until(10_000, "it is a replica of its successor", |net| {
            net.at(1).myself().primary() == Some(&net.id(4)) && net.is_whole(6) && net.agrees()
        });
        let four = net.address(4);
        assert_eq!(net.servers[1].following, Some(four));
        net.run_until(5_000, "nobody fails", |net| {
            net.at(0).nodes().all(|node| !node.is_failed() && !node.is_suspected())
        });
    });
}

#[test]
fn without_replicas_the_cluster_fails_and_comes_back() {
    let mut net = Net::cluster(1, 1, &config(1000));
    net.kill(4);
    net.run_ms(3_000);
    assert!(net.at(0).is_ok());
    net.kill(1);
    net.run_until(5_000, "it fails", |net| {
        net.at(0).down_reason() == Some(DownReason::SlotFailed(5461))
    });
    assert_eq!(net.at(0).slot_counts().fail, 5462);
    assert!(net.at(0).describe_info().contains("cluster_state:fail\r\n"));
    net.start(1);
    net.run_until(10_000, "it serves again", |net| net.is_whole(6));
}

#[test]
fn hand_over_without_loss() {
    for_seeds(|seed| {
        let mut net = Net::cluster(seed, 1, &config(5000));
        net.turn(4, |cluster, now, facts| {
            cluster.manual_failover(now, facts, FailoverMode::Default)
        });
        net.run_until(2_000, "the replica takes over", |net| net.writers(5461) == [4]);
        net.run_until(2_000, "the primary follows", |net| {
            net.at(1).myself().primary() == Some(&net.id(4)) && !net.servers[1].is_paused
        });
        assert!(net.servers[4].offset >= net.servers[1].offset);
        net.run_until(10_000, "all agree", |net| net.agrees() && net.is_whole(6));
    });
}

#[test]
fn hand_over_that_nobody_finishes_is_given_up() {
    let mut net = Net::cluster(3, 1, &config(15_000));
    net.turn(4, |cluster, now, facts| cluster.manual_failover(now, facts, FailoverMode::Default));
    net.run_ms(3);
    assert!(net.servers[1].is_paused);
    net.kill(4);
    net.run_ms(5_200);
    assert!(!net.servers[1].is_paused);
    assert_eq!(net.writers(5461), [1]);
}

#[test]
fn forced_and_taken() {
    for mode in [FailoverMode::Force, FailoverMode::Takeover] {
        let mut net = Net::cluster(2, 1, &config(2000));
        net.kill(1);
        net.run_ms(100);
        if mode == FailoverMode::Takeover {
            net.kill(0);
            net.kill(2);
        }
        net.turn(4, |cluster, now, facts| cluster.manual_failover(now, facts, mode));
        net.run_ms(500);
        assert!(net.at(4).myself().is_primary() && net.at(4).owns(5461), "{mode:?}");
    }
}

#[test]
fn a_replica_migrates_to_a_primary_without() {
    for_seeds(|seed| {
        let mut net = Net::cluster(seed, 2, &config(1000));
        net.kill(4);
        net.kill(7);
        net.run_until(20_000, "a replica comes", |net| {
            net.at(0).replicas_of(net.id(1).digits()).unwrap().iter().any(|node| !node.is_failed())
        });
        net.run_ms(10_000);
        let counts: Vec<usize> = (0..3)
            .map(|index| {
                let replicas = net.at(0).replicas_of(net.id(index).digits()).unwrap();
                replicas.iter().filter(|node| !node.is_failed()).count()
            })
            .collect();
        assert_eq!(counts.iter().sum::<usize>(), 4);
        assert!(counts.iter().all(|count| (1..=2).contains(count)), "{counts:?}");
    });
}

/// Random kills, restarts and partitions; then peace: one owner per slot, unique epochs, all agree.
#[test]
fn chaos_then_peace() {
    for_seeds(|seed| {
        let mut net = Net::cluster(seed, 2, &config(1000));
        for _ in 0..12 {
            let victim = net.rng.usize(..9);
            match net.rng.u8(..4) {
                0 if net.is_up(victim) && (0..9).filter(|at| net.is_up(*at)).count() > 6 => {
                    net.kill(victim);
                }
                1 => {
                    let size = net.rng.usize(1..5);
                    let cut_off: Vec<usize> = (0..size).map(|_| net.rng.usize(..9)).collect();
                    net.partition(&cut_off);
                }
                2 => net.heal(),
                _ => (0..9)
                    .filter(|at| !net.is_up(*at))
                    .collect::<Vec<_>>()
                    .iter()
                    .for_each(|at| net.start(*at)),
            }
            let pause = net.rng.u64(100..4_000);
            net.run_ms(pause);
        }
        net.heal();
        for at in 0..9 {
            if !net.is_up(at) {
                net.start(at);
            }
        }
        net.run_until(60_000, "all serve and agree", |net| net.is_whole(9) && net.agrees());
        let epochs: Vec<u64> = net
            .at(0)
            .nodes()
            .filter(|node| node.is_voting())
            .map(|node| node.config_epoch())
            .collect();
        assert_eq!(epochs.iter().collect::<BTreeSet<_>>().len(), epochs.len(), "{epochs:?}");
        for slot in [0, 5461, 16383] {
            assert_eq!(net.writers(slot).len(), 1);
        }
    });
}

/// A primary that has lost its disk comes back under another id: its replica takes over all the same.
#[test]
fn a_primary_without_its_file_is_replaced() {
    for_seeds(|seed| {
        let mut net = Net::cluster(seed, 1, &config(1000));
        let old = net.id(1);
        net.kill(1);
        net.servers[1].conf.clear();
        net.start(1);
        net.run_until(5_000, "its replica takes over", |net| net.writers(5461) == [4]);
        net.meet(0, 1);
        let new = net.id(1);
        net.run_until(20_000, "the new node is known", |net| {
            (0..6).all(|index| net.at(index).node(&new).is_some()) && net.agrees()
        });
        assert!(net.at(0).node(&old).unwrap().is_failed());
    });
}

/// The replicas of a primary that becomes a replica follow it to its new primary.
#[test]
fn replicas_of_replicas_move_up() {
    let mut net = Net::cluster(4, 1, &config(1000));
    let empty = [net.add(&config(1000)), net.add(&config(1000))];
    empty.iter().for_each(|index| net.meet(0, *index));
    net.run_until(10_000, "eight are there", |net| net.is_whole(8));
    net.replicate_of(empty[1], empty[0]);
    net.run_ms(2_000);
    net.replicate_of(empty[0], 0);
    net.run_until(5_000, "both are replicas of the same", |net| {
        empty.iter().all(|index| net.at(*index).myself().primary() == Some(&net.id(0)))
    });
}
