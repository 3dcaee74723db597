//! dunlin and redis-server 7.0 in one cluster.

use std::path::PathBuf;

use dunlin_testkit::cluster::{Cluster, ClusterBuilder, redis_cli};
use dunlin_testkit::server::{program, reference_program};
use dunlin_testkit::{DEADLINE, assert_in_order, wait_for};

use crate::cli::keys;
use crate::failover::{wait_for_offsets, wait_for_promotion};

/// A real Redis.
fn theirs() -> PathBuf {
    reference_program().expect("redis-server is needed: ./test installs it")
}

/// Nodes of both kinds in turn: with three primaries, 0, 2 and 4 are ours, 1, 3 and 5 are theirs, so
/// that every primary has a replica of the other kind.
fn mixed() -> ClusterBuilder {
    Cluster::builder().programs(&[&program(), &theirs()]).replicas(1)
}

/// Commands that make keys of every type in slot 9, which the first node has.
fn every_type() -> Vec<String> {
    let mut commands: Vec<String> = [
        "SET {ru}string text",
        "SET {ru}integer -9223372036854775808",
        "SET {ru}binary \"\\x00\\xff\\r\\n\"",
        "SET {ru}with-deadline v PXAT 4102444800000",
        "SETRANGE {ru}bits 1000 \\x01",
        "PFADD {ru}log-log a b c d",
        "RPUSH {ru}list a b 3",
        "SADD {ru}integers 1 2 -70000",
        "SADD {ru}words a b 3",
        "HSET {ru}hash field value number 12",
        "ZADD {ru}zset 1 a 2.5 b -inf c inf d 3 3",
        "GEOADD {ru}geo 13.361389 38.115556 Palermo",
        "XADD {ru}stream 1-1 f v",
        "XGROUP CREATE {ru}stream readers 0",
        "XREADGROUP GROUP readers alice COUNT 1 STREAMS {ru}stream >",
    ]
    .map(str::to_owned)
    .to_vec();
    for first in (0..1000).step_by(100) {
        let numbers = first..first + 100;
        let words =
            |form: &dyn Fn(i32) -> String| numbers.clone().map(form).collect::<Vec<_>>().join(" ");
        commands.push(format!("RPUSH {{ru}}big-list {}", words(&|i| format!("element:{i}"))));
        commands.push(format!("SADD {{ru}}big-set {}", words(&|i| format!("member:{i}"))));
        commands
            .push(format!("HSET {{ru}}big-hash {}", words(&|i| format!("field:{i} value:{i}"))));
        commands.push(format!("ZADD {{ru}}big-zset {}", words(&|i| format!("{i}.25 member:{i}"))));
        commands.extend(numbers.map(|i| format!("XADD {{ru}}big-stream {}-0 n {i}", i + 1)));
    }
    commands.push(format!("SET {{ru}}large {}", "abcd".repeat(50_000)));
    commands
}

/// The digests and deadlines of all keys of the slot, where they are.
#[track_caller]
fn picture(cluster: &Cluster, index: usize) -> Vec<String> {
    let mut client = cluster.client(index);
    let keys = client.cmd("CLUSTER GETKEYSINSLOT 9 1000").items();
    let mut keys: Vec<String> = keys.iter().map(|key| key.text()).collect();
    keys.sort();
    let mut describe = |key: &String| {
        let digest = client.show(&format!("DEBUG DIGEST-VALUE {key}"));
        let deadline_ms = client.cmd(&format!("PEXPIRETIME {key}")).integer();
        // MIGRATE says how long a key has to live, not until when, so some milliseconds are added.
        format!("{key} {digest} {}", (deadline_ms + 5000) / 10_000)
    };
    keys.iter().map(&mut describe).collect()
}

/// Moves slots 0 to 9 with redis-cli, which takes the lowest and uses MIGRATE at the source.
#[track_caller]
fn reshard(cluster: &Cluster, source: usize, target: usize) {
    let (from, to) = (cluster.id(source), cluster.id(target));
    let address = cluster.address(0);
    let words = ["--cluster", "reshard", &address, "--cluster-from", &from, "--cluster-to", &to];
    let more = ["--cluster-slots", "10", "--cluster-yes"];
    let said = redis_cli(&[&words[..], &more].concat(), "").success();
    let (from, to) = (cluster.address(source), cluster.address(target));
    assert_in_order(&said, &[&format!("Moving slot 9 from {from} to {to}: ")]);
}

/// Moves slot 9 as redis-cli does.
#[track_caller]
fn move_slot(cluster: &Cluster, source: usize, target: usize) {
    let mut client = cluster.client(source);
    let importing = format!("CLUSTER SETSLOT 9 IMPORTING {}", cluster.id(source));
    assert_eq!(cluster.client(target).show(&importing), "OK");
    let migrating = format!("CLUSTER SETSLOT 9 MIGRATING {}", cluster.id(target));
    assert_eq!(client.show(&migrating), "OK");
    let port = cluster.node(target).port();
    loop {
        let keys = client.cmd("CLUSTER GETKEYSINSLOT 9 4").items();
        if keys.is_empty() {
            break;
        }
        let keys: Vec<String> = keys.iter().map(|key| key.text()).collect();
        let migrate = format!("MIGRATE 127.0.0.1 {port} \"\" 0 20000 KEYS {}", keys.join(" "));
        assert_eq!(client.show(&migrate), "OK", "{migrate}");
    }
    let node = format!("CLUSTER SETSLOT 9 NODE {}", cluster.id(target));
    let others = (0..cluster.len()).filter(|index| ![source, target].contains(index));
    for index in [target, source].into_iter().chain(others) {
        assert_eq!(cluster.client(index).show(&node), "OK");
    }
}

/// redis-cli makes the cluster; all nodes tell the same, gossip goes both ways.
#[test]
fn created_by_redis_cli() {
    let (cluster, said) = mixed().start_with_cli();
    assert_in_order(&said, &["[OK] All 16384 slots covered."]);
    let said = redis_cli(&["--cluster", "check", &cluster.address(1)], "").success();
    assert_in_order(&said, &["[OK] All nodes agree about slots configuration."]);
    let mut client = cluster.routed();
    for n in 0..200 {
        assert_eq!(client.show(&format!("SET key:{n} {n}")), "OK");
    }
    assert_eq!(keys(&cluster), 200);
    for index in 0..6 {
        assert_eq!(cluster.info(index, "cluster_state"), "ok");
        let received = cluster.info(index, "cluster_stats_messages_ping_received");
        assert!(received.parse::<u64>().expect("a number") > 0);
    }
    // Nobody met the last node but the first one did; the others know it by gossip.
    let mut listeners: Vec<_> = (0..6).map(|index| cluster.client(index)).collect();
    for listener in &mut listeners {
        listener.cmd("SUBSCRIBE news");
    }
    for index in 0..6 {
        cluster.client(index).cmd(&format!("PUBLISH news {index}"));
        for listener in &mut listeners {
            assert_eq!(listener.read().to_string(), format!("[message, news, {index}]"));
        }
    }
}

/// Replicas of each other take over for each other, and the one that died comes back as a replica.
#[test]
fn elections_both_ways() {
    let mut cluster = mixed().timeout_ms(1500).start();
    let mut client = cluster.routed();
    for n in 0..200 {
        assert_eq!(client.show(&format!("SET key:{n} {n}")), "OK");
    }
    wait_for_offsets(&cluster);
    // A real replica (3) for one of ours (0), then one of ours (4) for a real primary (1).
    for (primary, replica) in [(0, 3), (1, 4)] {
        cluster.kill(primary);
        wait_for_promotion(&cluster, replica);
        let mut client = cluster.routed();
        for n in 0..200 {
            assert_eq!(client.show(&format!("GET key:{n}")), n.to_string());
        }
        cluster.restart(primary);
        wait_for("the old primary to follow", DEADLINE, || {
            cluster.myself(primary).primary == Some(cluster.id(replica))
        });
        cluster.wait_until_ok();
        wait_for("its data", DEADLINE, || {
            cluster.client(primary).show("DBSIZE") == cluster.client(replica).show("DBSIZE")
        });
    }
    // And back by hand, which pauses one kind while the other one catches up.
    for (replica, primary) in [(0, 3), (1, 4)] {
        assert_eq!(cluster.client(replica).show("CLUSTER FAILOVER"), "OK");
        wait_for_promotion(&cluster, replica);
        wait_for("the other one to follow", DEADLINE, || {
            cluster.myself(primary).primary == Some(cluster.id(replica))
        });
    }
    cluster.wait_until_ok();
    let mut client = cluster.routed();
    for n in 0..200 {
        assert_eq!(client.show(&format!("GET key:{n}")), n.to_string());
    }
}

/// A slot with keys of every type goes from one kind to the other and back.
#[test]
fn slots_move_both_ways() {
    // Nodes 0 and 2 are ours, node 1 is theirs.
    let cluster = Cluster::builder().programs(&[&program(), &theirs()]).start();
    let mut client = cluster.client(0);
    for command in every_type() {
        let reply = client.cmd(&command);
        assert!(!reply.is_error(), "{command:.60}: {reply}");
    }
    let before = picture(&cluster, 0);
    assert_eq!(before.len(), 19);
    for (source, target) in [(0, 1), (1, 0)] {
        reshard(&cluster, source, target);
        assert_eq!(picture(&cluster, target), before, "at node {target}");
        cluster.wait_until_agreed();
    }
    for (source, target) in [(0, 1), (1, 2), (2, 0)] {
        move_slot(&cluster, source, target);
        assert_eq!(picture(&cluster, target), before, "at node {target}");
        assert_eq!(cluster.client(source).show("CLUSTER COUNTKEYSINSLOT 9"), "0");
        cluster.wait_until_agreed();
    }
}

/// Every node starts again, one after the other, while the others serve.
#[test]
fn restarts_in_turn() {
    let mut cluster = mixed().timeout_ms(2000).config("appendonly yes").start();
    let mut client = cluster.routed();
    for n in 0..200 {
        assert_eq!(client.show(&format!("SET key:{n} {n}")), "OK");
    }
    wait_for_offsets(&cluster);
    for index in 0..6 {
        cluster.kill(index);
        cluster.restart(index);
        cluster.wait_until_ok();
    }
    let mut client = cluster.routed();
    for n in 0..200 {
        assert_eq!(client.show(&format!("GET key:{n}")), n.to_string());
    }
}
