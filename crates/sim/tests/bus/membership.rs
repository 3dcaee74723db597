//! Who is in the cluster: meeting, forgetting, restarts, copies.

use dunlin_cluster::{ClusterConfig, ClusterError, ResetMode, SetSlot};

use crate::{config, for_seeds};
use dunlin_sim::Bus;

#[test]
fn six_meet_and_serve_with_unique_epochs() {
    for_seeds(|seed| {
        let mut bus = Bus::new(seed, 6, &config(5000));
        for (index, slots) in ["0-5460", "5461-10922", "10923-16383"].iter().enumerate() {
            bus.give(index, slots);
        }
        (1..6).for_each(|index| bus.meet(index, 0));
        bus.run_until(20_000, "all serve", |bus| bus.is_whole(6) && bus.agrees());
        bus.run_until(20_000, "epochs differ", |bus| {
            let mut epochs: Vec<u64> = bus.at(0).nodes().map(|node| node.config_epoch()).collect();
            epochs.sort_unstable();
            epochs.dedup();
            epochs.len() == 6
        });
        bus.run_ms(10_000);
        assert!(bus.is_whole(6));
        assert_eq!(bus.at(3).myself().address().ip, "10.0.0.4");
    });
}

#[test]
fn all_restart_from_their_files() {
    for_seeds(|seed| {
        let mut bus = Bus::cluster(seed, 1, &config(1000));
        let ids: Vec<_> = (0..6).map(|index| bus.id(index)).collect();
        (0..6).for_each(|index| bus.kill(index));
        bus.run_ms(5_000);
        (0..6).for_each(|index| bus.start(index));
        bus.run_until(10_000, "all serve", |bus| bus.is_whole(6) && bus.agrees());
        assert_eq!((0..6).map(|index| bus.id(index)).collect::<Vec<_>>(), ids);
        assert_eq!(bus.machines[4].following, Some(bus.address(1)));
        assert_eq!(bus.at(0).current_epoch(), bus.at(1).current_epoch());
    });
}

#[test]
fn a_node_that_is_forgotten_stays_forgotten() {
    let mut bus = Bus::cluster(5, 1, &config(1000));
    let id = bus.id(5);
    bus.kill(5);
    bus.turn(0, |cluster, now, _| cluster.forget(now, id.digits())).unwrap().unwrap();
    // The others hear of it.
    bus.run_ms(5_000);
    for index in 0..5 {
        assert!(bus.at(index).node(&id).is_none(), "{index}");
    }
    assert_eq!(bus.turn(0, |cluster, now, _| cluster.forget(now, id.digits())), Some(Ok(())));
    let primary = bus.id(1);
    let refused = bus.turn(4, |cluster, now, _| cluster.forget(now, primary.digits()));
    assert_eq!(refused, Some(Err(ClusterError::ForgetsMyPrimary)));
    bus.run_ms(60_000);
    let unknown = bus.turn(0, |cluster, now, _| cluster.forget(now, id.digits()));
    assert_eq!(unknown, Some(Err(ClusterError::UnknownNode(id.to_string()))));
}

#[test]
fn meeting_oneself_changes_nothing() {
    let mut bus = Bus::cluster(6, 1, &config(1000));
    bus.meet(0, 0);
    bus.run_ms(5_000);
    assert!(bus.is_whole(6));
    let mut alone = Bus::new(6, 1, &config(1000));
    alone.meet(0, 0);
    alone.run_ms(5_000);
    assert_eq!(alone.at(0).nodes().count(), 1);
}

#[test]
fn meeting_nobody_is_given_up() {
    let mut bus = Bus::new(7, 1, &config(1000));
    bus.turn(0, |cluster, now, _| cluster.meet(now, "10.9.9.9", 7000, None)).unwrap().unwrap();
    assert_eq!(bus.at(0).nodes().count(), 2);
    bus.run_ms(2_000);
    assert_eq!(bus.at(0).nodes().count(), 1);
    for (ip, port) in [("localhost", 7000), ("10.0.0.1", 0), ("10.0.0.1", 60_000), ("", 7000)] {
        let refused = bus.turn(0, |cluster, now, _| cluster.meet(now, ip, port, None)).unwrap();
        assert!(matches!(refused, Err(ClusterError::InvalidAddress(..))), "{ip}:{port}");
    }
}

/// All machines come back with other addresses.
fn all_move(bus: &mut Bus) {
    (0..6).for_each(|index| bus.kill(index));
    for index in 0..6 {
        bus.move_to(index, &format!("10.7.7.{index}"));
        bus.start(index);
    }
}

/// Whether everybody knows where everybody is.
fn all_are_found(bus: &Bus) -> bool {
    (0..6).all(|index| {
        bus.at(index).nodes().all(|node| node.address().ip.starts_with("10.7.7."))
            && bus.is_whole(6)
    })
}

#[test]
fn nodes_with_names_find_each_other_when_all_addresses_change() {
    let mut bus = Bus::cluster(8, 1, &config(1000));
    for index in 0..6 {
        let name = format!("node-{index}.example");
        let config = ClusterConfig { announce_hostname: Some(name), ..config(1000) };
        bus.machines[index].config = config.clone();
        bus.turn(index, |cluster, now, _| cluster.set_config(now, config)).unwrap();
    }
    bus.run_ms(5_000);
    all_move(&mut bus);
    bus.run_until(20_000, "all are found by name", all_are_found);
}

#[test]
fn seeds_bring_nodes_together_when_all_addresses_change() {
    let mut bus = Bus::cluster(9, 1, &config(1000));
    for index in 0..6 {
        bus.machines[index].config.seeds = vec!["10.7.7.0:7000".into(), "10.7.7.1:7000".into()];
    }
    all_move(&mut bus);
    bus.run_until(30_000, "all are found by seeds", all_are_found);
}

#[test]
fn why_a_node_cannot_be_reached_is_told() {
    let mut bus = Bus::cluster(10, 1, &config(1000));
    assert!(!bus.at(0).describe_info().contains("unreachable"));
    bus.kill(5);
    bus.run_ms(3_000);
    let why = "10.0.0.6:7000@17000 Connection refused";
    assert!(bus.at(0).describe_info().contains(&format!("cluster_unreachable_node_0:{why}\r\n")));
    let line = "Cannot reach node 10.0.0.6:7000 on its bus port 17000: Connection refused";
    assert_eq!(bus.machines[0].log.iter().filter(|told| *told == line).count(), 1);
    bus.start(5);
    bus.run_ms(3_000);
    assert!(!bus.at(0).describe_info().contains("unreachable"));
    let mut bus = Bus::new(11, 1, &config(1000));
    bus.turn(0, |cluster, now, _| cluster.meet(now, "10.9.9.9", 7000, None)).unwrap().unwrap();
    bus.run_ms(2_000);
    let log = &bus.machines[0].log;
    assert!(log.iter().any(|line| line.starts_with("Cannot reach node 10.9.9.9:7000")), "{log:?}");
    assert!(log.iter().any(|line| line.starts_with("Giving up the handshake with 10.9.9.9:7000")));
}

/// Two clusters that both own all slots: each slot has one owner in the end.
#[test]
fn two_live_clusters_meet() {
    for_seeds(|seed| {
        let mut bus = Bus::new(seed, 6, &config(1000));
        bus.allow_two_writers();
        for first in [0, 3] {
            for (at, slots) in ["0-5460", "5461-10922", "10923-16383"].iter().enumerate() {
                bus.give(first + at, slots);
            }
            bus.meet(first, first + 1);
            bus.meet(first, first + 2);
        }
        bus.run_until(20_000, "both serve", |bus| bus.is_whole(3));
        bus.meet(0, 3);
        bus.run_until(60_000, "they are one", |bus| bus.is_whole(6) && bus.agrees());
        for slot in [0, 5461, 16383] {
            assert_eq!(bus.writers(slot).len(), 1);
        }
    });
}

/// A directory that was copied to another machine: two servers of one id.
#[test]
fn a_copied_directory_does_no_harm_to_others() {
    let mut bus = Bus::cluster(8, 1, &config(1000));
    let copy = bus.add(&config(1000));
    bus.allow_two_writers();
    let conf = bus.conf(1).to_owned();
    bus.set_conf(copy, &conf);
    bus.kill(copy);
    bus.start(copy);
    assert_eq!(bus.id(copy), bus.id(1));
    bus.run_ms(20_000);
    for index in [0, 2, 3, 4, 5] {
        assert_eq!(bus.at(index).nodes().count(), 6);
    }
    bus.kill(copy);
    bus.run_until(20_000, "the cluster is whole", |bus| bus.is_whole(6) && bus.agrees());
}

#[test]
fn a_slot_moves() {
    let mut bus = Bus::cluster(9, 1, &config(1000));
    let (from, to) = (bus.id(0), bus.id(1));
    bus.set_slot(1, 7, SetSlot::Importing(from.digits()));
    bus.set_slot(0, 7, SetSlot::Migrating(to.digits()));
    assert_eq!(bus.at(0).migrating_to(7).map(|node| *node.id()), Some(to));
    assert_eq!(bus.at(1).importing_from(7).map(|node| *node.id()), Some(from));
    bus.run_ms(2_000);
    assert!(bus.at(0).owns(7));
    bus.set_slot(1, 7, SetSlot::Node(to.digits()));
    bus.run_until(3_000, "all see it", |bus| {
        bus.agrees() && bus.at(5).owner(7).map(|node| *node.id()) == Some(to)
    });
    assert!(bus.at(0).migrating_to(7).is_none() && !bus.at(1).has_open_slots());
    assert!(bus.machines[0].dropped.contains(7));
}

#[test]
fn a_reset_node_is_alone_and_new() {
    let mut bus = Bus::cluster(10, 1, &config(1000));
    let before = bus.id(4);
    bus.turn(4, |cluster, now, facts| cluster.reset(now, facts, ResetMode::Hard)).unwrap().unwrap();
    assert_ne!(bus.id(4), before);
    assert!(bus.at(4).myself().is_primary() && bus.at(4).nodes().count() == 1);
    assert_eq!((bus.at(4).current_epoch(), bus.machines[4].following.clone()), (0, None));
    let conf = bus.conf(4).to_owned();
    assert_eq!(conf.lines().count(), 2, "{conf}");
}

#[test]
fn messages_reach_all_nodes_or_the_shard() {
    let mut bus = Bus::cluster(11, 1, &config(1000));
    bus.turn(0, |cluster, now, facts| cluster.publish(now, facts, b"news", b"to all", false));
    bus.turn(0, |cluster, now, facts| cluster.publish(now, facts, b"news", b"to a shard", true));
    bus.run_ms(10);
    for index in 1..6 {
        let expected: &[&str] = if index == 3 { &["to all", "to a shard"] } else { &["to all"] };
        assert_eq!(bus.machines[index].published, expected, "{index}");
    }
    assert!(bus.machines[0].published.is_empty());
}

#[test]
fn what_is_not_the_bus_is_closed_and_counted() {
    let mut bus = Bus::cluster(12, 1, &config(1000));
    for bytes in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), b"*1\r\n$4\r\nPING\r\n", &[0; 5000]] {
        bus.turn(0, |cluster, now, facts| {
            let link = cluster.accepted(now, "10.9.9.9", "10.0.0.1");
            cluster.received(now, facts, link, bytes);
        });
    }
    assert_eq!(bus.at(0).stats().refused[dunlin_cluster::bus::Refusal::NotTheBus as usize], 3);
    bus.run_ms(3_000);
    assert!(bus.is_whole(6));
}
