//! Guide 6: a cluster by CLUSTER commands alone, and what it looks like.

use std::fs;

use dunlin_testkit::cluster::{Cluster, NodeLine};
use dunlin_testkit::{DEADLINE, wait_for};

/// Guides 6.1, 6.2: a node that knows nobody.
#[test]
fn a_fresh_node() {
    let cluster = Cluster::builder().primaries(1).start_apart();
    let (port, id) = (cluster.node(0).port(), cluster.id(0));
    let bus_port = port + 10_000;
    assert_eq!(
        cluster.client(0).show("CLUSTER NODES"),
        format!("{id} :{port}@{bus_port} myself,master - 0 0 0 connected\\n")
    );
    let info = cluster.client(0).cmd("CLUSTER INFO").text();
    // A node that has just started counts itself until it looks for the first time.
    let info = info.replace("cluster_size:1", "cluster_size:0");
    assert_eq!(
        info.lines().collect::<Vec<_>>(),
        [
            "cluster_state:fail",
            "cluster_slots_assigned:0",
            "cluster_slots_ok:0",
            "cluster_slots_pfail:0",
            "cluster_slots_fail:0",
            "cluster_known_nodes:1",
            "cluster_size:0",
            "cluster_current_epoch:0",
            "cluster_my_epoch:0",
            "cluster_stats_messages_sent:0",
            "cluster_stats_messages_received:0",
            "total_cluster_links_buffer_limit_exceeded:0",
        ]
    );
    let file = fs::read_to_string(cluster.node(0).dir().join("nodes.conf")).expect("nodes.conf");
    let (line, vars) = file.split_once('\n').expect("two lines");
    // Redis does not know its own port yet when it writes its first file.
    assert!(line.starts_with(&format!("{id} :")), "{file}");
    assert!(line.ends_with(" myself,master - 0 0 0 connected"), "{file}");
    assert_eq!(vars, "vars currentEpoch 0 lastVoteEpoch 0\n");
    assert_eq!(cluster.client(0).show("GET k"), "(error) CLUSTERDOWN Hash slot not served");
    assert_eq!(cluster.client(0).show("PING"), "PONG");
}

/// Guides 6.2 to 6.7, with three primaries and a replica each.
#[test]
fn a_cluster_by_hand() {
    let cluster = Cluster::builder().replicas(1).start();
    let info = |field: &str| cluster.info(0, field);
    for (field, value) in [
        ("cluster_state", "ok"),
        ("cluster_slots_assigned", "16384"),
        ("cluster_slots_ok", "16384"),
        ("cluster_slots_pfail", "0"),
        ("cluster_slots_fail", "0"),
        ("cluster_known_nodes", "6"),
        ("cluster_size", "3"),
        ("cluster_current_epoch", "6"),
        ("cluster_my_epoch", "1"),
        ("total_cluster_links_buffer_limit_exceeded", "0"),
    ] {
        assert_eq!(info(field), value, "{field}");
    }
    for field in ["ping_sent", "pong_sent", "sent", "ping_received", "pong_received", "received"] {
        let count = info(&format!("cluster_stats_messages_{field}"));
        assert!(count.parse::<u64>().expect(field) > 0, "{field}");
    }
    assert_eq!(info("cluster_stats_messages_fail_sent"), "");
    assert_eq!(cluster.info(4, "cluster_my_epoch"), "2");
    for index in 0..6 {
        assert_lines(&cluster, index);
        assert_file(&cluster, index);
    }
    assert_slots(&cluster);
}

#[track_caller]
fn assert_lines(cluster: &Cluster, seen_by: usize) {
    for index in 0..6 {
        let line = cluster.line(seen_by, index).expect("it is known");
        let port = cluster.node(index).port();
        assert_eq!(line.address, format!("127.0.0.1:{port}@{}", port + 10_000), "{line}");
        assert_eq!((&line.id, line.is_connected), (&cluster.id(index), true), "{line}");
        let role = if index < 3 { "master" } else { "slave" };
        let flags = if index == seen_by { vec!["myself", role] } else { vec![role] };
        assert_eq!(line.flags, flags);
        let primary = (index >= 3).then(|| cluster.id(index - 3));
        assert_eq!(line.primary, primary);
        assert_eq!(line.epoch, index as u64 % 3 + 1, "{line}");
        let slots = ["0-5460", "5461-10921", "10922-16383", "", "", ""];
        assert_eq!(line.slots_text(), slots[index]);
    }
}

/// The file holds what the node knows.
#[track_caller]
fn assert_file(cluster: &Cluster, index: usize) {
    let path = cluster.node(index).dir().join("nodes.conf");
    wait_for("nodes.conf to hold it all", DEADLINE, || {
        let file = fs::read_to_string(&path).expect("nodes.conf");
        let mut found: Vec<String> = NodeLine::read_all(&file).iter().map(agreed).collect();
        let mut expected: Vec<String> = cluster.lines(index).iter().map(agreed).collect();
        found.sort();
        expected.sort();
        let vars = file.lines().last().expect("a line");
        found == expected && vars == "vars currentEpoch 6 lastVoteEpoch 0"
    });
}

fn agreed(line: &NodeLine) -> String {
    format!("{} {}", line.agreed(), line.has("myself"))
}

#[track_caller]
fn assert_slots(cluster: &Cluster) {
    let node = |index: usize| {
        format!("[127.0.0.1, {}, {}, []]", cluster.node(index).port(), cluster.id(index))
    };
    let range =
        |first, last, index| format!("[{first}, {last}, {}, {}]", node(index), node(index + 3));
    let expected =
        format!("[{}, {}, {}]", range(0, 5460, 0), range(5461, 10921, 1), range(10922, 16383, 2));
    // Replicas appear once their offset is known.
    wait_for("CLUSTER SLOTS with all replicas", DEADLINE, || {
        (0..6).all(|index| cluster.client(index).show("CLUSTER SLOTS") == expected)
    });
    let mut client = cluster.client(0);
    let replicas = client.cmd(&format!("CLUSTER REPLICAS {}", cluster.id(1))).items();
    assert_eq!(replicas.len(), 1);
    assert!(replicas[0].text().starts_with(&cluster.id(4)), "{}", replicas[0]);
    let shards = client.cmd("CLUSTER SHARDS").items();
    assert_eq!(shards.len(), 3);
    for shard in shards {
        let parts = shard.items();
        assert_eq!((parts[0].text(), parts[2].text()), ("slots".to_owned(), "nodes".to_owned()));
        assert_eq!((parts[1].items().len(), parts[3].items().len()), (2, 2), "{shard}");
    }
    // One link in each direction with each of the others.
    let links = client.cmd("CLUSTER LINKS").items();
    assert_eq!(links.len(), 10);
}

/// What a command is refused with.
#[test]
fn refusals() {
    let cluster = Cluster::builder().primaries(1).start_apart();
    let mut client = cluster.client(0);
    let unknown = "0123456789012345678901234567890123456789";
    for (command, reply) in [
        ("CLUSTER ADDSLOTS 16384", "ERR Invalid or out of range slot"),
        ("CLUSTER ADDSLOTS 1 1", "ERR Slot 1 specified multiple times"),
        ("CLUSTER DELSLOTS 1", "ERR Slot 1 is already unassigned"),
        ("CLUSTER ADDSLOTSRANGE 5 4", "ERR start slot number 5 is greater than end slot number 4"),
        ("CLUSTER SETSLOT 1 MIGRATING x", "ERR I'm not the owner of hash slot 1"),
        ("CLUSTER SETSLOT 1 IMPORTING x", "ERR I don't know about node x"),
        ("CLUSTER REPLICATE x", "ERR Unknown node x"),
        ("CLUSTER FORGET x", "ERR Unknown node x"),
        ("CLUSTER COUNT-FAILURE-REPORTS x", "ERR Unknown node x"),
        ("CLUSTER FAILOVER", "ERR You should send CLUSTER FAILOVER to a replica"),
        ("CLUSTER MEET 127.0.0.1 0", "ERR Invalid node address specified: 127.0.0.1:0"),
        ("CLUSTER MEET host.name 7000", "ERR Invalid node address specified: host.name:7000"),
        ("CLUSTER COUNTKEYSINSLOT 16384", "ERR Invalid slot"),
        ("CLUSTER SET-CONFIG-EPOCH -1", "ERR Invalid config epoch specified: -1"),
        ("SELECT 1", "ERR SELECT is not allowed in cluster mode"),
        ("REPLICAOF NO ONE", "ERR REPLICAOF not allowed in cluster mode."),
    ] {
        assert_eq!(client.show(command), format!("(error) {reply}"), "{command}");
    }
    let command = format!("CLUSTER REPLICAS {unknown}");
    assert_eq!(client.show(&command), format!("(error) ERR Unknown node {unknown}"));
    let command = format!("CLUSTER REPLICATE {}", cluster.id(0));
    assert_eq!(client.show(&command), "(error) ERR Can't replicate myself");
    let command = format!("CLUSTER FORGET {}", cluster.id(0));
    let reply = "(error) ERR I tried hard but I can't forget myself...";
    assert_eq!(client.show(&command), reply);
}
