//! Primaries that die, are cut off, or hand over.

use dunlin_cluster::{DownReason, FailoverMode};

use crate::{config, for_seeds};
use dunlin_sim::Bus;

/// How long the slots of primary 1 have no writer after it is killed.
fn time_without_writer(seed: u64, timeout_ms: u64) -> u64 {
    let mut bus = Bus::cluster(seed, 1, &config(timeout_ms));
    bus.run_ms(seed * 137 % 1000);
    bus.kill(1);
    let took = bus.run_until(60_000, "the slots have a writer again", |bus| {
        bus.writers(5461) == [4] && bus.is_whole(6)
    });
    assert!(took >= timeout_ms, "after {took} ms");
    bus.run_until(10_000, "all agree", Bus::agrees);
    assert!(bus.at(0).node(&bus.id(4)).unwrap().is_primary());
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
        let mut bus = Bus::cluster(seed, 3, &config(1000));
        bus.kill(1);
        bus.run_until(2_300, "a replica takes over", |bus| bus.writers(5461).len() == 1);
        bus.run_until(10_000, "all agree", |bus| bus.agrees() && bus.is_whole(12));
        let winner = bus.writers(5461)[0];
        let followers = [4, 7, 10]
            .iter()
            .filter(|index| bus.at(**index).myself().primary() == Some(&bus.id(winner)));
        assert_eq!(followers.count(), 2);
    });
}

/// The replica with more data wins, whatever its id.
#[test]
fn the_replica_with_most_data_takes_over() {
    for_seeds(|seed| {
        let mut bus = Bus::cluster(seed, 2, &config(1000));
        bus.kill(1);
        bus.machines[4].offset += 10;
        bus.run_until(10_000, "a replica takes over", |bus| bus.writers(5461).len() == 1);
        assert_eq!(bus.writers(5461), [4]);
    });
}

/// Two primaries die at once: their replicas do not stand in each other's way.
#[test]
fn two_of_five_primaries_die_at_once() {
    for_seeds(|seed| {
        let mut bus = five_primaries(seed);
        bus.kill(0);
        bus.kill(1);
        bus.run_until(4_000, "both are replaced", |bus| {
            bus.writers(0) == [5] && bus.writers(5461) == [6]
        });
        bus.run_until(10_000, "all agree", Bus::agrees);
    });
}

fn five_primaries(seed: u64) -> Bus {
    let mut bus = Bus::new(seed, 10, &config(1000));
    for (index, slots) in
        ["0-3000", "3001-6000", "6001-10922", "10923-14000", "14001-16383"].iter().enumerate()
    {
        bus.give(index, slots);
    }
    (1..10).for_each(|index| bus.meet(0, index));
    bus.run_until(20_000, "all serve", |bus| bus.is_whole(10));
    (5..10).for_each(|index| bus.replicate_of(index, index - 5));
    bus.run_until(20_000, "all have replicas", |bus| {
        (0..10).all(|at| bus.at(at).nodes().filter(|node| node.is_replica()).count() == 5)
    });
    bus.run_ms(10_000);
    bus
}

#[test]
fn a_primary_in_a_minority_stops_before_its_successor_begins() {
    for_seeds(|seed| {
        let mut bus = Bus::cluster(seed, 1, &config(2000));
        bus.run_ms(seed * 71 % 1000);
        bus.partition(&[1]);
        for _ in 0..40 {
            bus.run_ms(100);
            assert!(bus.writers(5461).len() <= 1, "two writers");
        }
        assert_eq!(bus.at(1).down_reason(), Some(DownReason::Minority));
        bus.run_until(5_000, "its replica takes over", |bus| bus.writers(5461) == [4]);
        bus.heal();
        bus.run_until(20_000, "it is a replica of its successor", |bus| {
            bus.at(1).myself().primary() == Some(&bus.id(4)) && bus.is_whole(6) && bus.agrees()
        });
    });
}

#[test]
fn a_killed_primary_comes_back_as_a_replica() {
    for_seeds(|seed| {
        let mut bus = Bus::cluster(seed, 1, &config(1000));
        bus.kill(1);
        bus.run_until(3_000, "its replica takes over", |bus| bus.writers(5461) == [4]);
        bus.start(1);
        bus.run_until(10_000, "it is a replica of its successor", |bus| {
            bus.at(1).myself().primary() == Some(&bus.id(4)) && bus.is_whole(6) && bus.agrees()
        });
        let four = bus.address(4);
        assert_eq!(bus.machines[1].following, Some(four));
        bus.run_until(5_000, "nobody fails", |bus| {
            bus.at(0).nodes().all(|node| !node.is_failed() && !node.is_suspected())
        });
    });
}

#[test]
fn without_replicas_the_cluster_fails_and_comes_back() {
    let mut bus = Bus::cluster(1, 1, &config(1000));
    bus.kill(4);
    bus.run_ms(3_000);
    assert!(bus.at(0).is_ok());
    bus.kill(1);
    bus.run_until(5_000, "it fails", |bus| {
        bus.at(0).down_reason() == Some(DownReason::SlotFailed(5461))
    });
    assert_eq!(bus.at(0).slot_counts().fail, 5462);
    assert!(bus.at(0).describe_info().contains("cluster_state:fail\r\n"));
    bus.start(1);
    bus.run_until(10_000, "it serves again", |bus| bus.is_whole(6));
}

#[test]
fn hand_over_without_loss() {
    for_seeds(|seed| {
        let mut bus = Bus::cluster(seed, 1, &config(5000));
        bus.turn(4, |cluster, now, facts| {
            cluster.manual_failover(now, facts, FailoverMode::Default)
        });
        bus.run_until(2_000, "the replica takes over", |bus| bus.writers(5461) == [4]);
        bus.run_until(2_000, "the primary follows", |bus| {
            bus.at(1).myself().primary() == Some(&bus.id(4)) && !bus.holds_writes(1)
        });
        assert!(bus.machines[4].offset >= bus.machines[1].offset);
        bus.run_until(10_000, "all agree", |bus| bus.agrees() && bus.is_whole(6));
    });
}

#[test]
fn hand_over_that_nobody_finishes_is_given_up() {
    let mut bus = Bus::cluster(3, 1, &config(15_000));
    bus.turn(4, |cluster, now, facts| cluster.manual_failover(now, facts, FailoverMode::Default));
    bus.run_ms(3);
    assert!(bus.holds_writes(1));
    bus.kill(4);
    bus.run_ms(5_200);
    assert!(!bus.holds_writes(1));
    assert_eq!(bus.writers(5461), [1]);
}

#[test]
fn forced_and_taken() {
    for mode in [FailoverMode::Force, FailoverMode::Takeover] {
        let mut bus = Bus::cluster(2, 1, &config(2000));
        bus.kill(1);
        bus.run_ms(100);
        if mode == FailoverMode::Takeover {
            bus.kill(0);
            bus.kill(2);
        }
        bus.turn(4, |cluster, now, facts| cluster.manual_failover(now, facts, mode));
        bus.run_ms(500);
        assert!(bus.at(4).myself().is_primary() && bus.at(4).owns(5461), "{mode:?}");
    }
}

#[test]
fn a_replica_migrates_to_a_primary_without() {
    for_seeds(|seed| {
        let mut bus = Bus::cluster(seed, 2, &config(1000));
        bus.kill(4);
        bus.kill(7);
        bus.run_until(20_000, "a replica comes", |bus| {
            bus.at(0).replicas_of(bus.id(1).digits()).unwrap().iter().any(|node| !node.is_failed())
        });
        bus.run_ms(10_000);
        let counts: Vec<usize> = (0..3)
            .map(|index| {
                let replicas = bus.at(0).replicas_of(bus.id(index).digits()).unwrap();
                replicas.iter().filter(|node| !node.is_failed()).count()
            })
            .collect();
        assert_eq!(counts.iter().sum::<usize>(), 4);
        assert!(counts.iter().all(|count| (1..=2).contains(count)), "{counts:?}");
    });
}

/// A primary that has lost its disk comes back under another id: its replica takes over all the same.
#[test]
fn a_primary_without_its_file_is_replaced() {
    for_seeds(|seed| {
        let mut bus = Bus::cluster(seed, 1, &config(1000));
        let old = bus.id(1);
        bus.kill(1);
        bus.set_conf(1, "");
        bus.start(1);
        bus.run_until(5_000, "its replica takes over", |bus| bus.writers(5461) == [4]);
        bus.meet(0, 1);
        let new = bus.id(1);
        bus.run_until(20_000, "the new node is known", |bus| {
            (0..6).all(|index| bus.at(index).node(&new).is_some()) && bus.agrees()
        });
        assert!(bus.at(0).node(&old).unwrap().is_failed());
    });
}

/// The replicas of a primary that becomes a replica follow it to its new primary.
#[test]
fn replicas_of_replicas_move_up() {
    let mut bus = Bus::cluster(4, 1, &config(1000));
    let empty = [bus.add(&config(1000)), bus.add(&config(1000))];
    empty.iter().for_each(|index| bus.meet(0, *index));
    bus.run_until(10_000, "eight are there", |bus| bus.is_whole(8));
    bus.replicate_of(empty[1], empty[0]);
    bus.run_ms(2_000);
    bus.replicate_of(empty[0], 0);
    bus.run_until(5_000, "both are replicas of the same", |bus| {
        empty.iter().all(|index| bus.at(*index).myself().primary() == Some(&bus.id(0)))
    });
}
