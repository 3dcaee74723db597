//! Guide 10: processes die, and somebody takes over.

use std::time::{Duration, Instant};

use dunlin_testkit::cluster::{Cluster, redis_cli};
use dunlin_testkit::{DEADLINE, Server, wait_for};
use nix::sys::signal::Signal;

/// Waits until a replica of a node that died is the primary of its slots in everybody's eyes.
#[track_caller]
pub(crate) fn wait_for_promotion(cluster: &Cluster, replica: usize) {
    wait_for(&format!("node {replica} to take over"), DEADLINE, || {
        cluster.myself(replica).has("master") && cluster.myself(replica).slot_count() > 0
    });
    cluster.wait_until_ok();
}

/// Guides 10.1 to 10.4: each original primary dies in turn, then one that has no replica left.
#[test]
fn one_primary_after_the_other() {
    let mut cluster = Cluster::builder().replicas(1).timeout_ms(1500).start();
    let mut client = cluster.routed();
    for n in 0..100 {
        assert_eq!(client.show(&format!("SET key:{n} {n}")), "OK");
    }
    wait_for_offsets(&cluster);
    for (primary, epoch) in [(1, 7), (0, 8)] {
        let slots = cluster.myself(primary).slots_text();
        cluster.kill(primary);
        wait_for_promotion(&cluster, primary + 3);
        let seen_by = 2;
        let line = cluster.line(seen_by, primary).expect("it is known");
        assert_eq!(
            (line.flags.as_slice(), line.is_connected),
            (&["master".into(), "fail".into()][..], false)
        );
        assert_eq!(line.slots_text(), "");
        let line = cluster.line(seen_by, primary + 3).expect("it is known");
        assert_eq!((line.flags, line.epoch), (vec!["master".to_owned()], epoch));
        assert_eq!(line.slots.len(), 1);
        assert_eq!(cluster.myself(primary + 3).slots_text(), slots);
        for (field, value) in [
            ("cluster_slots_ok", "16384"),
            ("cluster_known_nodes", "6"),
            ("cluster_size", "3"),
            ("cluster_current_epoch", &epoch.to_string()),
        ] {
            assert_eq!(cluster.info(seen_by, field), value, "{field}");
        }
        assert!(!cluster.info(primary + 3, "cluster_stats_messages_auth-req_sent").is_empty());
        assert!(!cluster.info(primary + 3, "cluster_stats_messages_auth-ack_received").is_empty());
        let mut client = cluster.routed();
        for n in 0..100 {
            assert_eq!(client.show(&format!("GET key:{n}")), n.to_string());
        }
    }
    without_a_replica(&mut cluster);
    back_again(&mut cluster);
}

/// Waits until the replicas of the first three nodes have acknowledged everything.
#[track_caller]
pub(crate) fn wait_for_offsets(cluster: &Cluster) {
    for primary in 0..3 {
        assert_eq!(cluster.client(primary).show("WAIT 1 0"), "1");
    }
}

/// Guide 10.3: nobody can take over; everything stops, or only what is lost.
#[track_caller]
fn without_a_replica(cluster: &mut Cluster) {
    let lost = cluster.myself(4).slots_text();
    cluster.kill(4);
    for index in [2, 3, 5] {
        cluster.wait_for_info(index, "cluster_state", "fail");
    }
    let epoch = cluster.info(2, "cluster_current_epoch");
    assert_eq!(epoch, "8");
    cluster.wait_for_info(2, "cluster_slots_fail", "5461");
    assert_eq!(cluster.info(2, "cluster_slots_ok"), "10923");
    let line = cluster.line(2, 4).expect("it is known");
    assert_eq!((line.flags.join(","), line.slots_text()), ("master,fail".to_owned(), lost));
    // {oo} is in slot 1629, which node 3 has now; {b} in 3300, {a} in 15495, which node 2 has.
    let down = "(error) CLUSTERDOWN The cluster is down";
    for command in ["GET {a}", "SET {a} v", "GET {oo}"] {
        assert_eq!(cluster.client(2).show(command), down, "{command}");
    }
    for index in [2, 3] {
        let command = "CONFIG SET cluster-require-full-coverage no";
        assert_eq!(cluster.client(index).show(command), "OK");
        cluster.wait_for_info(index, "cluster_state", "ok");
    }
    assert_eq!(cluster.client(2).show("SET {a} v"), "OK");
    assert_eq!(cluster.client(3).show("SET {oo} v"), "OK");
    // 741 is the slot of `age`; 8455 that of `school`, which is lost.
    let reply = cluster.client(2).show("GET school");
    assert_eq!(reply, format!("(error) MOVED 8455 {}", cluster.address(4)));
}

/// Guide 10.4: those that died come back, each where it belongs.
#[track_caller]
fn back_again(cluster: &mut Cluster) {
    for index in [4, 0, 1] {
        cluster.restart(index);
    }
    cluster.wait_until_ok();
    let primary_of = |index: usize| cluster.myself(index).primary;
    assert_eq!(primary_of(4), None);
    assert_eq!((primary_of(0), primary_of(1)), (Some(cluster.id(3)), Some(cluster.id(4))));
    wait_for("data at the replica", DEADLINE, || {
        cluster.client(0).show("DBSIZE") == cluster.client(3).show("DBSIZE")
    });
    assert_eq!(cluster.info(2, "cluster_slots_ok"), "16384");
    let mut client = cluster.routed();
    assert_eq!(client.show("GET {a}"), "v");
    assert_eq!(client.show("GET {oo}"), "v");
}

/// Guide 10.5: a primary that is shut down in order is missed like one that is killed.
#[test]
fn a_shutdown() {
    let mut cluster = Cluster::builder().replicas(1).timeout_ms(1500).start();
    let port = cluster.node(0).port().to_string();
    assert_eq!(redis_cli(&["-p", &port, "shutdown"], "").success(), "");
    assert_eq!(cluster.node_mut(0).wait_exit(), "exit 0");
    wait_for_promotion(&cluster, 3);
    let said = redis_cli(&["--cluster", "info", &cluster.address(1)], "").success();
    assert_eq!(said.matches(" | 1 slaves.").count(), 2, "{said}");
    assert_eq!(said.matches(" | 0 slaves.").count(), 1, "{said}");
    cluster.restart(0);
    cluster.wait_until_ok();
    let said = redis_cli(&["--cluster", "info", &cluster.address(1)], "").success();
    assert_eq!(said.matches(" | 1 slaves.").count(), 3, "{said}");
}

/// A replica that dies is marked; nothing else happens.
#[test]
fn a_replica_dies() {
    let mut cluster = Cluster::builder().replicas(1).timeout_ms(1000).start();
    let before = cluster.info(0, "cluster_current_epoch");
    cluster.kill(3);
    wait_for("the replica to be declared failed", DEADLINE, || {
        cluster.line(1, 3).is_some_and(|line| line.has("fail") && line.has("slave"))
    });
    assert_eq!(cluster.info(0, "cluster_state"), "ok");
    assert_eq!(cluster.info(0, "cluster_current_epoch"), before);
    cluster.restart(3);
    cluster.wait_until_ok();
    assert_eq!(cluster.myself(3).primary, Some(cluster.id(0)));
}

/// CLUSTER FAILOVER: nothing is lost, nobody has died.
#[test]
fn by_hand() {
    let cluster = Cluster::builder().replicas(1).start();
    let mut client = cluster.routed();
    for n in 0..100 {
        assert_eq!(client.show(&format!("SET key:{n} {n}")), "OK");
    }
    for (round, command) in
        ["CLUSTER FAILOVER", "CLUSTER FAILOVER FORCE", "CLUSTER FAILOVER TAKEOVER"]
            .into_iter()
            .enumerate()
    {
        wait_for_offsets(&cluster);
        let (primary, replica) = (round, round + 3);
        let slots = cluster.myself(primary).slots_text();
        assert_eq!(cluster.client(replica).show(command), "OK", "{command}");
        wait_for_promotion(&cluster, replica);
        wait_for("the old primary to follow", DEADLINE, || {
            cluster.myself(primary).primary == Some(cluster.id(replica))
        });
        assert_eq!(cluster.myself(replica).slots_text(), slots);
        assert_eq!(cluster.client(replica).show("CONFIG GET replicaof"), "[replicaof, ]");
        let followed = format!("[replicaof, 127.0.0.1 {}]", cluster.node(replica).port());
        wait_for("the link to follow", DEADLINE, || {
            cluster.client(primary).show("CONFIG GET replicaof") == followed
        });
        cluster.wait_until_ok();
        // Back again, so that every round begins with the same roles.
        assert_eq!(cluster.client(primary).show("CLUSTER FAILOVER"), "OK");
        wait_for_promotion(&cluster, primary);
        wait_for("the replica to follow", DEADLINE, || {
            cluster.myself(replica).primary == Some(cluster.id(primary))
        });
        cluster.wait_until_ok();
    }
    for n in 0..100 {
        assert_eq!(client.show(&format!("GET key:{n}")), n.to_string());
    }
}

/// A primary that stands still for longer than the timeout finds itself a replica.
#[test]
fn a_primary_that_was_stopped() {
    let cluster = Cluster::builder().replicas(1).timeout_ms(1000).start();
    let mut client = cluster.routed();
    assert_eq!(client.show("SET {oo}k v"), "OK");
    wait_for_offsets(&cluster);
    cluster.node(0).signal(Signal::SIGSTOP);
    wait_for("somebody to take over", DEADLINE, || cluster.myself(3).has("master"));
    assert_eq!(cluster.client(3).show("GET {oo}k"), "v");
    wait_for("writes", DEADLINE, || cluster.client(3).show("SET {oo}k w") == "OK");
    cluster.node(0).signal(Signal::SIGCONT);
    cluster.wait_until_ok();
    assert_eq!(cluster.myself(0).primary, Some(cluster.id(3)));
    assert_eq!(
        cluster.client(0).show("GET {oo}k"),
        format!("(error) MOVED 1629 {}", cluster.address(3))
    );
    let mut reader = cluster.client(0);
    assert_eq!(reader.show("READONLY"), "OK");
    wait_for("the data", DEADLINE, || reader.show("GET {oo}k") == "w");
}

/// A primary that loses its majority stops accepting writes within the timeout, and serves again
/// when the others are back.
#[test]
fn a_minority_stops() {
    let timeout = Duration::from_millis(1000);
    let mut cluster = Cluster::builder().timeout_ms(1000).start();
    assert_eq!(cluster.client(0).show("SET {oo}k v"), "OK");
    cluster.kill(1);
    cluster.kill(2);
    let start = Instant::now();
    let down = "(error) CLUSTERDOWN The cluster is down";
    let mut client = cluster.client(0);
    wait_for("writes to be refused", DEADLINE, || client.show("SET {oo}k w") == down);
    // Failures are looked for every 100 ms, and pings may have been sent up to half a timeout before.
    let took = start.elapsed();
    assert!(took < timeout * 3, "{took:?}");
    assert_eq!(client.show("GET {oo}k"), down);
    assert_eq!(client.show("CONFIG SET cluster-allow-reads-when-down yes"), "OK");
    assert_eq!(client.show("GET {oo}k"), "w");
    let only_reads = "(error) CLUSTERDOWN The cluster is down and only accepts read commands";
    assert_eq!(client.show("SET {oo}k x"), only_reads);
    cluster.restart(1);
    cluster.restart(2);
    cluster.wait_until_ok();
    assert_eq!(cluster.client(0).show("SET {oo}k y"), "OK");
}

/// A primary whose replica died gets one of another that has two.
#[test]
fn a_replica_migrates() {
    let mut cluster = Cluster::builder().primaries(3).replicas(1).timeout_ms(1000).start();
    let spare = cluster.start_node();
    let meet = dunlin_testkit::cluster::meet(cluster.node(0));
    assert_eq!(cluster.client(spare).show(&meet), "OK");
    cluster.wait_until_all_are_known();
    cluster.replicate(spare, 0);
    cluster.wait_until_ok();
    cluster.kill(4);
    wait_for("a replica for node 1", DEADLINE, || !cluster.replicas_of(1).is_empty());
    cluster.wait_until_ok();
    assert_eq!(cluster.replicas_of(0).len(), 1);
    // Now node 1 may die.
    cluster.kill(1);
    let migrated = if cluster.myself(3).primary == Some(cluster.id(0)) { spare } else { 3 };
    wait_for_promotion(&cluster, migrated);
}

/// All nodes end and start again, and are the cluster that they were.
#[test]
fn all_nodes_start_again() {
    let mut cluster = Cluster::builder().replicas(1).config("appendonly yes").start();
    let mut client = cluster.routed();
    for n in 0..100 {
        assert_eq!(client.show(&format!("SET key:{n} {n}")), "OK");
    }
    // A failover, so that epochs and roles are not those of the beginning.
    assert_eq!(cluster.client(3).show("CLUSTER FAILOVER"), "OK");
    wait_for_promotion(&cluster, 3);
    cluster.wait_until_ok();
    let before = view(&cluster, 1);
    for index in 0..6 {
        shut_down(cluster.node_mut(index));
    }
    for index in 0..6 {
        cluster.node_mut(index).start_again_unchecked();
    }
    for index in 0..6 {
        let server = cluster.node(index);
        wait_for("an answer", DEADLINE, || {
            dunlin_testkit::Client::try_connect(server.address())
                .and_then(|mut client| client.try_cmd("PING"))
                .is_ok_and(|reply| !reply.is_error())
        });
    }
    cluster.wait_until_ok();
    assert_eq!(view(&cluster, 1), before);
    let mut client = cluster.routed();
    for n in 0..100 {
        assert_eq!(client.show(&format!("GET key:{n}")), n.to_string());
    }
}

fn view(cluster: &Cluster, seen_by: usize) -> Vec<String> {
    let mut view: Vec<String> = cluster.lines(seen_by).iter().map(|line| line.agreed()).collect();
    view.sort();
    view
}

#[track_caller]
fn shut_down(server: &mut Server) {
    server.client().send(b"SHUTDOWN\r\n").expect("sent");
    assert_eq!(server.wait_exit(), "exit 0");
}
