//! What is found before anything is changed: nodes that do not reach each other's bus ports.

use dunlin_testkit::cluster::IN_ORDER;
use dunlin_testkit::port::free_port;
use dunlin_testkit::server::program;
use dunlin_testkit::{Cluster, DEADLINE, assert_in_order, wait_for};

use crate::run::{manage, real_server};

/// Makes a node say that its bus is on a port where nobody listens, as behind a wall that is shut.
fn shut(cluster: &Cluster, node: usize) -> u16 {
    let port = free_port();
    announce(cluster, node, port);
    port
}

fn announce(cluster: &Cluster, node: usize, port: u16) {
    let request = format!("CONFIG SET cluster-announce-bus-port {port}");
    assert_eq!(cluster.client(node).show(&request), "OK");
}

fn create<'a>(addresses: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["create"];
    words.extend(addresses.iter().map(String::as_str));
    words.extend(more);
    words
}

fn addresses(cluster: &Cluster) -> Vec<String> {
    (0..cluster.len()).map(|index| cluster.address(index)).collect()
}

/// The nodes are as new.
#[track_caller]
fn assert_untouched(cluster: &Cluster) {
    for node in 0..cluster.len() {
        for (field, value) in [
            ("cluster_known_nodes", "1"),
            ("cluster_slots_assigned", "0"),
            ("cluster_current_epoch", "0"),
            ("cluster_my_epoch", "0"),
        ] {
            assert_eq!(cluster.info(node, field), value, "{field} of node {node}");
        }
    }
}

#[test]
fn create_stops_before_anything_is_changed() {
    let cluster = Cluster::builder().start_apart();
    let all = addresses(&cluster);
    let port = shut(&cluster, 1);
    for more in [&["--cluster-yes"][..], &["--dry-run"]] {
        let said = manage(&create(&all, more), "").failure();
        let lines = [
            "   slots:[10923-16383] (5461 slots) master\n",
            "[ERR] Nodes do not reach other nodes' bus ports. Nothing was changed.\n",
            &format!(
                " - The bus port of node {} is not reached at 127.0.0.1:{port} from:\n",
                all[1]
            ),
            &format!("   {}: Connection refused\n   {}: Connection refused\n", all[0], all[2]),
            &format!("Open TCP port {port} of 127.0.0.1 for all nodes; if that is not where"),
        ];
        assert_in_order(&said, &lines);
        assert!(!said.contains("Can I set"), "{said}");
        assert_untouched(&cluster);
    }
    announce(&cluster, 1, 0);
    let said = manage(&create(&all, &[]), "yes\n").success();
    assert_in_order(&said, &IN_ORDER);
}

/// Ports of the bus that are not ten thousand above the ports for clients.
#[test]
fn create_with_bus_ports_of_ones_own() {
    let mut cluster = Cluster::builder().primaries(3).start_apart();
    for node in 0..3 {
        let file = cluster.node(node).config_file();
        let config = std::fs::read_to_string(&file).expect("a configuration");
        let line = format!("\ncluster-port {}\n", free_port());
        std::fs::write(&file, config + &line).expect("it is written");
        cluster.kill(node);
        cluster.restart(node);
    }
    let all = addresses(&cluster);
    let run = manage(&create(&all, &["--cluster-yes"]), "");
    assert_eq!(run.stderr, "");
    assert_in_order(&run.success(), &IN_ORDER);
    assert!(
        (0..3).all(|node| { cluster.myself(node).bus_port != cluster.node(node).port() + 10_000 })
    );
}

/// Nodes of Redis cannot be asked: nodes of ours are asked about them, and what nobody else answers is
/// tried from here.
#[test]
fn create_of_ours_and_redis() {
    let (own, real) = (program(), real_server());
    let cluster = Cluster::builder().programs(&[&own, &real, &real]).start_apart();
    let all = addresses(&cluster);
    let port = shut(&cluster, 2);
    let said = manage(&create(&all, &["--cluster-yes"]), "").failure();
    let text = format!("is not reached at 127.0.0.1:{port} from:\n   {}: Connection", all[0]);
    assert!(said.contains(&text), "{said}");
    assert_untouched(&cluster);
    announce(&cluster, 2, 0);
    // Only nodes of Redis are to reach this one: nobody is sure that they do not.
    let port = shut(&cluster, 0);
    let run = manage(&create(&all, &[]), "no\n");
    let warning = format!(
        "*** WARNING: the bus port {port} of node {} cannot be reached from here: Connection refused. \
         Every node must reach it.\n",
        all[0]
    );
    assert_eq!(run.stderr, warning);
    run.success();
    announce(&cluster, 0, 0);
    let run = manage(&create(&all, &["--cluster-yes"]), "");
    assert_eq!(run.stderr, "");
    assert_in_order(&run.success(), &IN_ORDER);
}

#[test]
fn add_node_stops_before_anything_is_changed() {
    let mut cluster = Cluster::builder().start();
    cluster.wait_until_agreed();
    let (added, known) = (cluster.start_node(), cluster.address(0));
    let new = cluster.address(added);
    let port = shut(&cluster, added);
    for more in [&[][..], &["--cluster-slave"]] {
        let said = manage(&[&["add-node", &new, &known], more].concat(), "").failure();
        let text = format!("The bus port of node {new} is not reached at 127.0.0.1:{port} from:\n");
        assert_in_order(&said, &["[OK] All 16384 slots covered.\n", &text]);
        for node in 0..3 {
            let from = format!("   {}: Connection refused\n", cluster.address(node));
            assert!(said.contains(&from), "{said}");
        }
        assert!(!said.contains("CLUSTER MEET"), "{said}");
        let known = |node| cluster.info(node, "cluster_known_nodes");
        assert_eq!([known(0), known(added)], ["3", "1"]);
    }
    announce(&cluster, added, 0);
    manage(&["add-node", &new, &known], "").success();
}

/// A check says why nodes do not see each other.
#[test]
fn check_of_nodes_that_do_not_see_each_other() {
    let cluster = Cluster::builder().timeout_ms(60_000).start();
    cluster.wait_until_agreed();
    let quiet = manage(&["check", &cluster.address(0)], "");
    assert_eq!(quiet.stderr, "");
    quiet.success();
    let port = shut(&cluster, 2);
    wait_for("a link to be lost", DEADLINE, || {
        cluster.line(0, 2).is_some_and(|line| !line.is_connected)
    });
    let run = manage(&["check", &cluster.address(0)], "");
    let text = format!(
        "*** {} cannot reach {} at 127.0.0.1:{port}: Connection refused\n",
        cluster.address(0),
        cluster.address(2)
    );
    assert!(run.stderr.contains(&text), "{run:?}");
    run.success();
}
