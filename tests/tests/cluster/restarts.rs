//! What nodes find in their directories when they start.

use std::fs;

use dunlin_testkit::cluster::{Cluster, NodeLine};
use dunlin_testkit::server::is_dunlin;
use dunlin_testkit::{Client, DEADLINE, Server, wait_for};

/// A nodes.conf that was cut anywhere is refused; one that is empty is that of a new node.
#[test]
fn nodes_conf_cut_at_every_byte() {
    if !is_dunlin() {
        // Redis takes some of them, with fewer slots than the node had.
        return;
    }
    let text = {
        let cluster = Cluster::builder().timeout_ms(1000).start();
        let path = cluster.node(0).dir().join("nodes.conf");
        wait_for("all nodes in the file", DEADLINE, || {
            let text = fs::read_to_string(&path).expect("nodes.conf");
            let lines = NodeLine::read_all(&text);
            lines.len() == 3 && lines.iter().map(NodeLine::slot_count).sum::<usize>() == 16_384
        });
        fs::read(&path).expect("nodes.conf")
    };
    // Every byte is done in crates/cluster; here it is about what the process says.
    let cuts = (1..text.len()).filter(|cut| cut % 11 == 0 || text.len() - cut < 4);
    for cut in cuts {
        let node = Server::builder().config("cluster-enabled yes");
        let path = node.dir().join("nodes.conf");
        fs::write(&path, &text[..cut]).expect("written");
        let done = node.run();
        assert_eq!(done.end, "exit 1", "cut at {cut}: {}", done.stdout);
        let refusal = "Unrecoverable error: corrupted cluster config file \"nodes.conf\"";
        assert!(done.stdout.contains(refusal), "cut at {cut}: {}", done.stdout);
    }
    let node = Server::builder().config("cluster-enabled yes");
    fs::write(node.dir().join("nodes.conf"), "").expect("written");
    let node = node.start();
    assert_eq!(NodeLine::read_all(&node.client().cmd("CLUSTER NODES").text()).len(), 1);
}

/// A node that finds keys in slots that nobody has takes these slots, as after a lost nodes.conf.
#[test]
fn keys_without_slots() {
    let mut cluster = Cluster::builder().primaries(1).config("appendonly yes").start();
    assert_eq!(cluster.client(0).show("SET {oo}k v"), "OK");
    let node = cluster.node_mut(0);
    node.client().send(b"SHUTDOWN\r\n").expect("sent");
    assert_eq!(node.wait_exit(), "exit 0");
    fs::remove_file(node.dir().join("nodes.conf")).expect("removed");
    node.start_again();
    assert_eq!(cluster.myself(0).slots_text(), "1629");
}

/// Slots are given away and thrown away while a snapshot is written: it holds what was there when it
/// began, and loads.
#[test]
fn slots_go_during_a_snapshot() {
    let cluster = Cluster::builder().primaries(2).start();
    let mut client = cluster.client(0);
    fill(&mut client);
    let keys = client.cmd("DBSIZE").integer();
    assert_eq!(client.show("CONFIG SET rdb-key-save-delay 50"), "OK");
    let before = client.show("DEBUG DIGEST");
    assert_eq!(client.show("BGSAVE"), "Background saving started");
    // Half of the slots are taken from the node, with the keys in them.
    let node = format!("CLUSTER SETSLOT 1629 NODE {}", cluster.id(1));
    let refused = "(error) ERR Can't assign hashslot 1629 to a different node while I still hold keys \
                   for this hash slot.";
    assert_eq!(client.show(&node), refused);
    assert_eq!(cluster.client(1).show(&node), "OK");
    wait_for("the keys of the slot to go", DEADLINE, || {
        client.show("CLUSTER COUNTKEYSINSLOT 1629") == "0"
    });
    assert_eq!(client.show("FLUSHALL"), "OK");
    wait_for("the snapshot", DEADLINE, || {
        client.cmd("INFO persistence").text().contains("rdb_bgsave_in_progress:0")
    });
    let text = client.cmd("INFO persistence").text();
    assert!(text.contains("rdb_last_bgsave_status:ok"), "{text}");
    let loads = Server::builder();
    let from = cluster.node(0).dir().join("dump.rdb");
    fs::copy(from, loads.dir().join("dump.rdb")).expect("copied");
    let loads = loads.start();
    assert_eq!(loads.client().cmd("DBSIZE").integer(), keys);
    assert_eq!(loads.client().show("DEBUG DIGEST"), before);
}

/// Keys in slot 1629 and in others of the first half.
fn fill(client: &mut Client) {
    for n in 0..2000 {
        assert_eq!(client.show(&format!("SET {{oo}}:{n} {n}")), "OK");
        // `age` is in slot 741.
        assert_eq!(client.show(&format!("RPUSH {{age}}:{n} a b {n}")), "3");
    }
}
