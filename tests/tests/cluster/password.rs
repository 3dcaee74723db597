//! Guide 9: a cluster that asks for a password.

use std::fs::OpenOptions;
use std::io::Write;

use dunlin_testkit::cluster::{Cluster, redis_cli};

use crate::failover::wait_for_promotion;

/// A password for a cluster that had none: appended to each file, all six started again.
#[test]
fn a_password_is_added() {
    let mut cluster =
        Cluster::builder().replicas(1).timeout_ms(1500).config("appendonly yes").start();
    assert_eq!(cluster.routed().show("SET foo bar"), "OK");
    for index in 0..6 {
        let node = cluster.node_mut(index);
        let mut file = OpenOptions::new().append(true).open(node.config_file()).expect("the file");
        file.write_all(b"masterauth \"123456\"\nrequirepass \"123456\"\n").expect("appended");
        node.client().send(b"SHUTDOWN\r\n").expect("sent");
        assert_eq!(node.wait_exit(), "exit 0");
    }
    for index in 0..6 {
        cluster.restart(index);
    }
    cluster.use_password("123456");
    cluster.wait_until_ok();
    let port = cluster.node(cluster.owner_of("foo")).port().to_string();
    let lines = "keys *\nauth 123456\nkeys *\n";
    let run = redis_cli(&["-p", &port, "-c"], lines);
    assert_eq!(run.success(), "NOAUTH Authentication required.\n\nOK\nfoo\n");
    let run = redis_cli(&["-a", "123456", "-c", "-p", &port, "get", "foo"], "");
    let warning = "Warning: Using a password with '-a' or '-u' option on the command line interface \
                   may not be safe.";
    assert!(run.stderr.contains(warning), "{run:?}");
    assert_eq!(run.success(), "bar\n");
    // Replicas have come back with the password of their primaries; one may take over.
    cluster.kill(0);
    wait_for_promotion(&cluster, 3);
    assert_eq!(cluster.routed().show("GET foo"), "bar");
}

/// Without the password redis-cli gets nowhere.
#[test]
fn create_without_the_password() {
    let cluster = Cluster::builder().password("123456").start_apart();
    let nodes: Vec<String> = (0..3).map(|index| cluster.address(index)).collect();
    let said = redis_cli(&["--cluster", "create", &nodes[0], &nodes[1], &nodes[2]], "").failure();
    let text = format!("[ERR] Node {} NOAUTH Authentication required.", nodes[0]);
    assert!(said.contains(&text), "{said}");
}
