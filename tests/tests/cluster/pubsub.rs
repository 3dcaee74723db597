//! Messages in a cluster.

use dunlin_testkit::cluster::Cluster;
use dunlin_testkit::{Client, DEADLINE, wait_for};

/// A subscriber of a channel at a node.
#[track_caller]
fn subscriber(cluster: &Cluster, index: usize, command: &str) -> Client {
    let mut client = cluster.client(index);
    let reply = client.show(command);
    assert!(reply.ends_with(", 1]"), "{command}: {reply}");
    client
}

/// A message that is published at any node reaches the subscribers of all, and each of them once.
#[test]
fn everybody_hears() {
    let cluster = Cluster::builder().replicas(1).start();
    let mut listeners: Vec<Client> =
        (0..6).map(|index| subscriber(&cluster, index, "SUBSCRIBE news")).collect();
    let mut patterns: Vec<Client> =
        [0, 4].into_iter().map(|index| subscriber(&cluster, index, "PSUBSCRIBE n*")).collect();
    for index in 0..6 {
        let text = format!("from {index}");
        let receivers = if [0, 4].contains(&index) { "2" } else { "1" };
        assert_eq!(cluster.client(index).show(&format!("PUBLISH news \"{text}\"")), receivers);
        for listener in &mut listeners {
            assert_eq!(listener.read().to_string(), format!("[message, news, {text}]"));
        }
        for pattern in &mut patterns {
            assert_eq!(pattern.read().to_string(), format!("[pmessage, n*, news, {text}]"));
        }
    }
    // In a transaction as well, with bytes of any kind.
    let mut client = cluster.client(1);
    for (command, reply) in
        [("MULTI", "OK"), ("PUBLISH news \"\\x00\\r\\n\"", "QUEUED"), ("EXEC", "[1]")]
    {
        assert_eq!(client.show(command), reply);
    }
    for listener in &mut listeners {
        assert_eq!(listener.read().to_string(), "[message, news, \\x00\\r\\n]");
    }
}

/// A sharded channel lives where its slot does: at the primary and its replicas.
#[test]
fn sharded_channels() {
    let cluster = Cluster::builder().replicas(1).start();
    // {oo} is in slot 1629: node 0 and its replica 3.
    let moved = format!("(error) MOVED 1629 {}", cluster.address(0));
    assert_eq!(cluster.client(1).show("SSUBSCRIBE {oo}news"), moved);
    assert_eq!(cluster.client(1).show("SPUBLISH {oo}news hello"), moved);
    let cross = "(error) CROSSSLOT Keys in request don't hash to the same slot";
    assert_eq!(cluster.client(0).show("SSUBSCRIBE {oo}news other"), cross);
    let mut listeners = [0, 3].map(|index| subscriber(&cluster, index, "SSUBSCRIBE {oo}news"));
    assert_eq!(cluster.client(0).show("SPUBLISH {oo}news hello"), "1");
    for listener in &mut listeners {
        assert_eq!(listener.read().to_string(), "[smessage, {oo}news, hello]");
    }
    assert_eq!(cluster.client(0).show("PUBSUB SHARDCHANNELS"), "[{oo}news]");
    assert_eq!(cluster.client(0).show("PUBSUB SHARDNUMSUB {oo}news"), "[{oo}news, 1]");
    assert_eq!(cluster.client(0).show("PUBSUB CHANNELS"), "[]");
}

/// When the slot goes to another node, subscribers are told and can follow.
#[test]
fn a_channel_whose_slot_moves() {
    let cluster = Cluster::builder().replicas(1).start();
    let mut listeners = [0, 3].map(|index| subscriber(&cluster, index, "SSUBSCRIBE {oo}news"));
    let node = format!("CLUSTER SETSLOT 1629 NODE {}", cluster.id(1));
    for index in [1, 0] {
        assert_eq!(cluster.client(index).show(&node), "OK");
    }
    for listener in &mut listeners {
        assert_eq!(listener.read().to_string(), "[sunsubscribe, {oo}news, 0]");
    }
    let moved = format!("(error) MOVED 1629 {}", cluster.address(1));
    assert_eq!(cluster.client(0).show("SSUBSCRIBE {oo}news"), moved);
    wait_for("the new owner's replica to know", DEADLINE, || {
        cluster.client(4).show("GET {oo}k") == moved
    });
    let mut listeners = [1, 4].map(|index| subscriber(&cluster, index, "SSUBSCRIBE {oo}news"));
    wait_for("the message at the new place", DEADLINE, || {
        cluster.client(1).show("SPUBLISH {oo}news hello") == "1"
    });
    for listener in &mut listeners {
        assert_eq!(listener.read().to_string(), "[smessage, {oo}news, hello]");
    }
}
