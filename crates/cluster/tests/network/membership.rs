//! Who is in the cluster: meeting, forgetting, restarts, copies.

use dunlin_cluster::{ClusterConfig, ClusterError, ResetMode, SetSlot};

use crate::net::Net;
use crate::{config, for_seeds};

#[test]
fn six_meet_and_serve_with_unique_epochs() {
    for_seeds(|seed| {
        let mut net = Net::new(seed, 6, &config(5000));
        for (index, slots) in ["0-5460", "5461-10922", "10923-16383"].iter().enumerate() {
            net.give(index, slots);
        }
        (1..6).for_each(|index| net.meet(index, 0));
        net.run_until(20_000, "all serve", |net| net.is_whole(6) && net.agrees());
        net.run_until(20_000, "epochs differ", |net| {
            let mut epochs: Vec<u64> = net.at(0).nodes().map(|node| node.config_epoch()).collect();
            epochs.sort_unstable();
            epochs.dedup();
            epochs.len() == 6
        });
        net.run_ms(10_000);
        assert!(net.is_whole(6));
        assert_eq!(net.at(3).myself().address().ip, "10.0.0.4");
    });
}

#[test]
fn all_restart_from_their_files() {
    for_seeds(|seed| {
        let mut net = Net::cluster(seed, 1, &config(1000));
        let ids: Vec<_> = (0..6).map(|index| net.id(index)).collect();
        (0..6).for_each(|index| net.kill(index));
        net.run_ms(5_000);
        (0..6).for_each(|index| net.start(index));
        net.run_until(10_000, "all serve", |net| net.is_whole(6) && net.agrees());
        assert_eq!((0..6).map(|index| net.id(index)).collect::<Vec<_>>(), ids);
        assert_eq!(net.servers[4].following, Some(net.address(1)));
        assert_eq!(net.at(0).current_epoch(), net.at(1).current_epoch());
    });
}

#[test]
fn a_node_that_is_forgotten_stays_forgotten() {
    let mut net = Net::cluster(5, 1, &config(1000));
    let id = net.id(5);
    net.kill(5);
    net.turn(0, |cluster, now, _| cluster.forget(now, id.digits())).unwrap().unwrap();
    // The others hear of it.
    net.run_ms(5_000);
    for index in 0..5 {
        assert!(net.at(index).node(&id).is_none(), "{index}");
    }
    assert_eq!(net.turn(0, |cluster, now, _| cluster.forget(now, id.digits())), Some(Ok(())));
    let primary = net.id(1);
    let refused = net.turn(4, |cluster, now, _| cluster.forget(now, primary.digits()));
    assert_eq!(refused, Some(Err(ClusterError::ForgetsMyPrimary)));
    net.run_ms(60_000);
    let unknown = net.turn(0, |cluster, now, _| cluster.forget(now, id.digits()));
    assert_eq!(unknown, Some(Err(ClusterError::UnknownNode(id.to_string()))));
}

#[test]
fn meeting_oneself_changes_nothing() {
    let mut net = Net::cluster(6, 1, &config(1000));
    net.meet(0, 0);
    net.run_ms(5_000);
    assert!(net.is_whole(6));
    let mut alone = Net::new(6, 1, &config(1000));
    alone.meet(0, 0);
    alone.run_ms(5_000);
    assert_eq!(alone.at(0).nodes().count(), 1);
}

#[test]
fn meeting_nobody_is_given_up() {
    let mut net = Net::new(7, 1, &config(1000));
    net.turn(0, |cluster, now, _| cluster.meet(now, "10.9.9.9", 7000, None)).unwrap().unwrap();
    assert_eq!(net.at(0).nodes().count(), 2);
    net.run_ms(2_000);
    assert_eq!(net.at(0).nodes().count(), 1);
    for (ip, port) in [("localhost", 7000), ("10.0.0.1", 0), ("10.0.0.1", 60_000), ("", 7000)] {
        let refused = net.turn(0, |cluster, now, _| cluster.meet(now, ip, port, None)).unwrap();
        assert!(matches!(refused, Err(ClusterError::InvalidAddress(..))), "{ip}:{port}");
    }
}

/// All machines come back with other addresses.
fn all_move(net: &mut Net) {
    (0..6).for_each(|index| net.kill(index));
    for index in 0..6 {
        net.move_to(index, &format!("10.7.7.{index}"));
        net.start(index);
    }
}

/// Whether everybody knows where everybody is.
fn all_are_found(net: &Net) -> bool {
    (0..6).all(|index| {
        net.at(index).nodes().all(|node| node.address().ip.starts_with("10.7.7."))
            && net.is_whole(6)
    })
}

#[test]
fn nodes_with_names_find_each_other_when_all_addresses_change() {
    let mut net = Net::cluster(8, 1, &config(1000));
    for index in 0..6 {
        let name = format!("node-{index}.example");
        let config = ClusterConfig { announce_hostname: Some(name), ..config(1000) };
        net.servers[index].config = config.clone();
        net.turn(index, |cluster, now, _| cluster.set_config(now, config)).unwrap();
    }
    net.run_ms(5_000);
    all_move(&mut net);
    net.run_until(20_000, "all are found by name", all_are_found);
}

#[test]
fn seeds_bring_nodes_together_when_all_addresses_change() {
    let mut net = Net::cluster(9, 1, &config(1000));
    for index in 0..6 {
        net.servers[index].config.seeds = vec!["10.7.7.0:7000".into(), "10.7.7.1:7000".into()];
    }
    all_move(&mut net);
    net.run_until(30_000, "all are found by seeds", all_are_found);
}

#[test]
fn why_a_node_cannot_be_reached_is_told() {
    let mut net = Net::cluster(10, 1, &config(1000));
    assert!(!net.at(0).describe_info().contains("unreachable"));
    net.kill(5);
    net.run_ms(3_000);
    let why = "10.0.0.6:7000@17000 Connection refused";
    assert!(net.at(0).describe_info().contains(&format!("cluster_unreachable_node_0:{why}\r\n")));
    let line = "Cannot reach node 10.0.0.6:7000 on its bus port 17000: Connection refused";
    assert_eq!(net.servers[0].log.iter().filter(|told| *told == line).count(), 1);
    net.start(5);
    net.run_ms(3_000);
    assert!(!net.at(0).describe_info().contains("unreachable"));
    let mut net = Net::new(11, 1, &config(1000));
    net.turn(0, |cluster, now, _| cluster.meet(now, "10.9.9.9", 7000, None)).unwrap().unwrap();
    net.run_ms(2_000);
    let log = &net.servers[0].log;
    assert!(log.iter().any(|line| line.starts_with("Cannot reach node 10.9.9.9:7000")), "{log:?}");
    assert!(log.iter().any(|line| line.starts_with("Giving up the handshake with 10.9.9.9:7000")));
}

/// Two clusters that both own all slots: each slot has one owner in the end.
#[test]
fn two_live_clusters_meet() {
    for_seeds(|seed| {
        let mut net = Net::new(seed, 6, &config(1000));
        net.checks_owners = false;
        for first in [0, 3] {
            for (at, slots) in ["0-5460", "5461-10922", "10923-16383"].iter().enumerate() {
                net.give(first + at, slots);
            }
            net.meet(first, first + 1);
            net.meet(first, first + 2);
        }
        net.run_until(20_000, "both serve", |net| net.is_whole(3));
        net.meet(0, 3);
        net.run_until(60_000, "they are one", |net| net.is_whole(6) && net.agrees());
        for slot in [0, 5461, 16383] {
            assert_eq!(net.writers(slot).len(), 1);
        }
    });
}

/// A directory that was copied to another machine: two servers of one id.
#[test]
fn a_copied_directory_does_no_harm_to_others() {
    let mut net = Net::cluster(8, 1, &config(1000));
    let copy = net.add(&config(1000));
    net.checks_owners = false;
    net.servers[copy].conf = net.servers[1].conf.clone();
    net.kill(copy);
    net.start(copy);
    assert_eq!(net.id(copy), net.id(1));
    net.run_ms(20_000);
    for index in [0, 2, 3, 4, 5] {
        assert_eq!(net.at(index).nodes().count(), 6);
    }
    net.kill(copy);
    net.run_until(20_000, "the cluster is whole", |net| net.is_whole(6) && net.agrees());
}

#[test]
fn a_slot_moves() {
    let mut net = Net::cluster(9, 1, &config(1000));
    let (from, to) = (net.id(0), net.id(1));
    net.set_slot(1, 7, SetSlot::Importing(from.digits()));
    net.set_slot(0, 7, SetSlot::Migrating(to.digits()));
    assert_eq!(net.at(0).migrating_to(7).map(|node| *node.id()), Some(to));
    assert_eq!(net.at(1).importing_from(7).map(|node| *node.id()), Some(from));
    net.run_ms(2_000);
    assert!(net.at(0).owns(7));
    net.set_slot(1, 7, SetSlot::Node(to.digits()));
    net.run_until(3_000, "all see it", |net| {
        net.agrees() && net.at(5).owner(7).map(|node| *node.id()) == Some(to)
    });
    assert!(net.at(0).migrating_to(7).is_none() && !net.at(1).has_open_slots());
    assert!(net.servers[0].dropped.contains(7));
}

#[test]
fn a_reset_node_is_alone_and_new() {
    let mut net = Net::cluster(10, 1, &config(1000));
    let before = net.id(4);
    net.turn(4, |cluster, now, facts| cluster.reset(now, facts, ResetMode::Hard)).unwrap().unwrap();
    assert_ne!(net.id(4), before);
    assert!(net.at(4).myself().is_primary() && net.at(4).nodes().count() == 1);
    assert_eq!((net.at(4).current_epoch(), net.servers[4].following.clone()), (0, None));
    let conf = net.servers[4].conf.clone();
    assert_eq!(conf.lines().count(), 2, "{conf}");
}

#[test]
fn messages_reach_all_nodes_or_the_shard() {
    let mut net = Net::cluster(11, 1, &config(1000));
    net.turn(0, |cluster, now, facts| cluster.publish(now, facts, b"news", b"to all", false));
    net.turn(0, |cluster, now, facts| cluster.publish(now, facts, b"news", b"to a shard", true));
    net.run_ms(10);
    for index in 1..6 {
        let expected: &[&str] = if index == 3 { &["to all", "to a shard"] } else { &["to all"] };
        assert_eq!(net.servers[index].published, expected, "{index}");
    }
    assert!(net.servers[0].published.is_empty());
}

#[test]
fn what_is_not_the_bus_is_closed_and_counted() {
    let mut net = Net::cluster(12, 1, &config(1000));
    for bytes in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), b"*1\r\n$4\r\nPING\r\n", &[0; 5000]] {
        net.turn(0, |cluster, now, facts| {
            let link = cluster.accepted(now, "10.9.9.9", "10.0.0.1");
            cluster.received(now, facts, link, bytes);
        });
    }
    assert_eq!(net.at(0).stats().refused[dunlin_cluster::bus::Refusal::NotTheBus as usize], 3);
    net.run_ms(3_000);
    assert!(net.is_whole(6));
}
