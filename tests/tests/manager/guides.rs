//! Guides 7, 9, 11 and 12.1 with our manager, on clusters of ours and of Redis.

use std::path::Path;

use dunlin_testkit::cluster::{CliRun, ClusterBuilder, IN_ORDER};
use dunlin_testkit::server::program;
use dunlin_testkit::{Cluster, DEADLINE, Server, assert_in_order, wait_for};

use crate::run::{assert_filled, fill, manage, ours, real_server, run};

/// Makes a cluster of six nodes with our manager.
#[track_caller]
fn create(builder: ClusterBuilder) -> (Cluster, String) {
    let cluster = builder.replicas(1).start_apart();
    let addresses: Vec<String> = (0..6).map(|index| cluster.address(index)).collect();
    let mut words = vec!["create"];
    words.extend(addresses.iter().map(String::as_str));
    words.extend(["--cluster-replicas", "1"]);
    let said = manage(&words, "yes\n").success();
    cluster.wait_until_ok();
    (cluster, said)
}

/// Guides 7.1, 7.3 and 12.1.
#[track_caller]
fn create_and_reshard(program: &Path) {
    let (cluster, said) = create(Cluster::builder().programs(&[program]));
    let address = |index: usize| cluster.address(index);
    let adding =
        |replica, primary| format!("Adding replica {} to {}", address(replica), address(primary));
    let (first, second, third) = (adding(4, 0), adding(5, 1), adding(3, 2));
    let performing = format!(">>> Performing Cluster Check (using node {})", address(0));
    let mut lines = vec![
        ">>> Performing hash slots allocation on 6 nodes...",
        "Master[0] -> Slots 0 - 5460",
        "Master[1] -> Slots 5461 - 10922",
        "Master[2] -> Slots 10923 - 16383",
        &first,
        &second,
        &third,
        ">>> Trying to optimize slaves allocation for anti-affinity",
        "[WARNING] Some slaves are in the same host as their master",
        "   slots:[0-5460] (5461 slots) master",
        "Can I set the above configuration? (type 'yes' to accept): ",
        ">>> Nodes configuration updated",
        ">>> Assign a different config epoch to each node",
        ">>> Sending CLUSTER MEET messages to join the cluster",
        "Waiting for the cluster to join\n",
        &performing,
    ];
    lines.extend(IN_ORDER);
    assert_in_order(&said, &lines);
    fill(&cluster, 200);
    // All answers at once, by a pipe.
    let answers = format!("2000\n{}\n{}\ndone\nyes\n", cluster.id(1), cluster.id(0));
    let said = manage(&["reshard", &address(0)], &answers).success();
    let head = format!("Moving slot 0 from {} to {}: ", address(0), address(1));
    let tail = format!("Moving slot 1999 from {} to {}: ", address(0), address(1));
    let lines = ["Source node #1: Source node #2: \nReady to move 2000 slots.", &head, &tail];
    assert_in_order(&said, &lines);
    // It ends when all agree.
    let said = manage(&["check", &address(0)], "").success();
    let block = "   slots:[0-1999],[5461-10922] (7462 slots) master\n   1 additional replica(s)";
    assert!(said.contains(block), "{said}");
    assert!(said.contains("   slots:[2000-5460] (3461 slots) master"), "{said}");
    assert_in_order(
        &said,
        &["-> ", "keys | 3461 slots | 1 slaves.", "[OK] 200 keys in 3 masters."],
    );
    assert_filled(&cluster, 200);
    let said = manage(&["info", &address(0)], "").success();
    assert!(
        said.ends_with("[OK] 200 keys in 3 masters.\n0.01 keys per slot on average.\n"),
        "{said}"
    );
}

#[test]
fn create_and_reshard_ours() {
    create_and_reshard(&program());
}

#[test]
fn create_and_reshard_redis() {
    create_and_reshard(&real_server());
}

/// Guides 7.2, 7.4, and what is not empty for which reason.
#[test]
fn what_is_no_cluster() {
    let cluster = Cluster::builder().start_apart();
    let addresses: Vec<String> = (0..3).map(|index| cluster.address(index)).collect();
    let all: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let said = manage(&[&["create"], all.as_slice(), &["--cluster-replicas", "1"]].concat(), "");
    assert_in_order(
        &said.failure(),
        &["*** ERROR: Invalid configuration for cluster creation.\n\
             *** Redis Cluster requires at least 3 master nodes.\n\
             *** This is not possible with 3 nodes and 1 replicas per node.\n\
             *** At least 6 nodes are required.\n"],
    );
    // No is no, and not an error.
    let said = manage(&[&["create"], all.as_slice()].concat(), "no\n").success();
    assert!(said.ends_with("(type 'yes' to accept): "), "{said}");
    let said = manage(&[&["create", "--dry-run"], all.as_slice()].concat(), "").success();
    assert!(said.ends_with("   slots:[10923-16383] (5461 slots) master\n"), "{said}");
    assert_eq!(cluster.info(0, "cluster_known_nodes"), "1");
    let twice = [all[0], all[1], all[2], all[0]];
    let said = manage(&[&["create"], twice.as_slice()].concat(), "").failure();
    assert!(said.contains(&format!("[ERR] Node {} was named twice.", all[0])), "{said}");
    // A key is in the way.
    let mut client = cluster.client(1);
    let slot = client.show("CLUSTER KEYSLOT k");
    assert_eq!(client.show(&format!("CLUSTER ADDSLOTS {slot}")), "OK");
    assert_eq!(client.show("CONFIG SET cluster-require-full-coverage no"), "OK");
    wait_for("the key to be taken", DEADLINE, || client.show("SET k v") == "OK");
    let said = manage(&[&["create"], all.as_slice()].concat(), "").failure();
    let refusal = format!(
        "[ERR] Node {} is not empty. Either the node already knows other nodes (check with CLUSTER \
         NODES) or contains some key in database 0.\n{}: it holds 1 key(s)\n",
        all[1], all[1]
    );
    assert!(said.contains(&refusal), "{said}");
    let lone = Server::start();
    let said = manage(&["check", &lone.address().to_string()], "").failure();
    let text = format!("[ERR] Node {} is not configured as a cluster node.\n", lone.address());
    assert_eq!(said, text);
}

/// Runs our manager with the password of guide 11.
fn guarded(words: &[&str], input: &str) -> CliRun {
    run(ours("redis-cli"), &[&["-a", "123456", "--cluster"], words].concat(), input)
}

/// Guides 9.3 and 11.
#[track_caller]
fn grow_and_shrink(program: &Path) {
    let mut cluster = Cluster::builder().programs(&[program]).password("123456").start();
    fill(&cluster, 300);
    let (known, primary) = (cluster.address(0), cluster.start_node());
    let said = manage(&["check", &known], "").failure();
    assert_eq!(said, format!("[ERR] Node {known} NOAUTH Authentication required.\n"));
    let said = guarded(&["add-node", &cluster.address(primary), &known], "").success();
    let added = [
        ">>> Adding node ",
        ">>> Getting functions from cluster",
        ">>> Send CLUSTER MEET to node ",
        "[OK] New node added correctly.",
    ];
    assert_in_order(&said, &added);
    // When it has ended, every node knows the new one: no waiting here.
    let id = cluster.id(primary);
    for index in 0..4 {
        let lines = cluster.lines(index);
        assert_eq!(lines.len(), 4, "node {index}");
        assert!(lines.iter().all(|line| !line.has("handshake")), "node {index}");
    }
    cluster.wait_until_ok();
    let done = guarded(&["reshard", &known], &format!("4096\n{id}\nall\nyes\n"));
    assert!(done.stderr.contains("Warning: Using a password with '-a' or '-u' option on the"));
    let said = done.success();
    assert_eq!(said.matches(&format!(" to {}: ", cluster.address(primary))).count(), 4096);
    assert_eq!(cluster.myself(primary).slot_count(), 4096);
    assert_in_order(&guarded(&["check", &known], "").success(), &IN_ORDER);
    assert_filled(&cluster, 300);
    let replica = cluster.start_node();
    let address = cluster.address(replica);
    let words = ["add-node", &address, &known, "--cluster-slave", "--cluster-master-id", &id];
    let said = guarded(&words, "").success();
    let configure = format!(">>> Configure node as replica of {}.", cluster.address(primary));
    assert_in_order(&said, &["Waiting for the cluster to join\n", &configure, "[OK] New node"]);
    cluster.wait_until_ok();
    shrink(&cluster, primary, replica);
    assert_filled(&cluster, 300);
}

/// What of the cluster is left when the fifth node and the fourth are taken out again.
#[track_caller]
fn shrink(cluster: &Cluster, primary: usize, replica: usize) {
    let (known, id, replica_id) = (cluster.address(0), cluster.id(primary), cluster.id(replica));
    let said = guarded(&["del-node", &known, &id], "").failure();
    let text = format!("[ERR] Node {} is not empty! Reshard data away", cluster.address(primary));
    assert!(said.contains(&text), "{said}");
    let (target, count) = (cluster.id(0), cluster.myself(primary).slot_count().to_string());
    let words = ["reshard", &known, "--cluster-from", &id, "--cluster-to", &target];
    let more = ["--cluster-slots", &count, "--cluster-yes"];
    guarded(&[words.as_slice(), &more].concat(), "").success();
    for gone in [&replica_id, &id] {
        let said = guarded(&["del-node", &known, gone], "").success();
        let lines = [
            ">>> Removing node ",
            ">>> Sending CLUSTER FORGET messages to the cluster...",
            ">>> Sending CLUSTER RESET SOFT to the deleted node.",
        ];
        assert_in_order(&said, &lines);
    }
    for index in [primary, replica] {
        wait_for("a lone node", DEADLINE, || cluster.lines(index).len() == 1);
    }
    let said = guarded(&["del-node", &known, &id], "").failure();
    assert!(said.contains(&format!("[ERR] No such node ID {id}")), "{said}");
    assert_in_order(&guarded(&["check", &known], "").success(), &IN_ORDER);
}

#[test]
fn grow_and_shrink_ours() {
    grow_and_shrink(&program());
}

#[test]
fn grow_and_shrink_redis() {
    grow_and_shrink(&real_server());
}

/// Slots are spread by weight between several pairs at once.
#[test]
fn rebalance() {
    let mut cluster = Cluster::builder().start();
    fill(&cluster, 300);
    let (added, known) = (cluster.start_node(), cluster.address(0));
    manage(&["add-node", &cluster.address(added), &known], "").success();
    let said = manage(&["rebalance", &known, "--cluster-use-empty-masters"], "").success();
    let marks = said.matches('#').count();
    assert_in_order(&said, &[">>> Rebalancing across 4 nodes. Total weight = 4.00", "Moving "]);
    assert!((4090..4102).contains(&marks), "{marks}");
    let counts: Vec<usize> = (0..4).map(|index| cluster.myself(index).slot_count()).collect();
    assert!(counts.iter().all(|count| (4090..4102).contains(count)), "{counts:?}");
    let again = manage(&["rebalance", &known], "").success();
    assert!(again.contains("*** No rebalancing needed! All nodes are within the 2.00% threshold."));
    assert_filled(&cluster, 300);
}

/// Guide 5.2: two hosts, whose primaries' replicas are on the other one.
#[test]
fn two_hosts() {
    let cluster = Cluster::builder().replicas(1).config("bind 127.0.0.1 127.0.0.2").start_apart();
    let port = |index: usize| cluster.node(index).port();
    let address = |index: usize| format!("127.0.0.{}:{}", 1 + index / 3, port(index));
    let addresses: Vec<String> = (0..6).map(address).collect();
    let mut words = vec!["create"];
    words.extend(addresses.iter().map(String::as_str));
    words.extend(["--cluster-replicas", "1", "--cluster-yes"]);
    let said = manage(&words, "").success();
    let adding =
        |replica, primary| format!("Adding replica {} to {}\n", address(replica), address(primary));
    let lines = [adding(5, 0), adding(2, 3), adding(4, 1)].concat();
    assert!(said.contains(&lines), "{said}");
    assert!(!said.contains("anti-affinity"), "{said}");
    // Nodes on one machine may announce another of its addresses than they were named by.
    assert!(said.contains("   slots:[5461-10922] (5462 slots) master\n   1 additional"), "{said}");
    assert_in_order(&said, &IN_ORDER);
}

/// The slots of a node that is gone for good are given to others, if somebody says so.
#[test]
fn slots_of_a_dead_node() {
    let mut cluster = Cluster::builder().start();
    fill(&cluster, 50);
    let known = cluster.address(0);
    cluster.kill(2);
    wait_for("the death to be known", DEADLINE, || {
        cluster.lines(0).iter().any(|line| line.has("fail"))
    });
    let said = manage(&["fix", &known], "yes\n").failure();
    let danger = "*** Fixing slots coverage with 1 unreachable masters is dangerous: ";
    assert!(said.contains(danger), "{said}");
    let forced = ["fix", &known, "--cluster-fix-with-unreachable-masters"];
    let said = manage(&[forced.as_slice(), &["--cluster-yes"]].concat(), "no\n").failure();
    let question = "Fix these slots by covering with a random node? (type 'yes' to accept): ";
    assert_in_order(
        &said,
        &["The following uncovered slots have no keys", "[10922-16383]\n", question],
    );
    manage(&forced, "yes\n").success();
    assert_in_order(&manage(&["check", &known], "").success(), &IN_ORDER);
    let counts: Vec<usize> = (0..2).map(|index| cluster.myself(index).slot_count()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 16384);
}

/// `--json`: standard output is for a program, standard error has the words; `--dry-run` changes
/// nothing.
#[test]
fn for_programs() {
    let cluster = Cluster::builder().start();
    cluster.wait_until_agreed();
    let (known, a, b) = (cluster.address(0), cluster.id(0), cluster.id(1));
    let run_json = |words: &[&str]| {
        let run = run(ours("redis-cli"), &[&["--json", "--cluster"], words].concat(), "");
        assert_eq!(run.end, "exit 0", "{run:?}");
        assert_eq!(run.stdout.lines().count(), 1, "{run:?}");
        (run.stdout, run.stderr)
    };
    let (json, words) = run_json(&["check", &known]);
    assert!(json.starts_with("{\"ok\":true,\"problems\":[],\"open_slots\":[],"), "{json}");
    assert_in_order(&words, &IN_ORDER);
    let (json, _) = run_json(&["info", &known]);
    let node = format!("{{\"keys\":0,\"primaries\":[{{\"id\":\"{a}\",\"address\":\"{known}\",");
    assert!(json.starts_with(&node), "{json}");
    let words = ["reshard", &known, "--cluster-from", &a, "--cluster-to", &b, "--cluster-slots"];
    let (json, _) = run_json(&[words.as_slice(), &["3", "--dry-run"]].concat());
    let moves = format!(
        "\"moves\":[{{\"source\":\"{a}\",\"target\":\"{b}\",\"slots\":\"0-2\",\"slot_count\":3}}]}}\n"
    );
    assert_eq!(json, format!("{{\"moved_slots\":0,{moves}"));
    assert_eq!(cluster.owner(0, 0), Some(0));
    let (json, _) = run_json(&[words.as_slice(), &["3", "--cluster-yes"]].concat());
    assert_eq!(json, format!("{{\"moved_slots\":3,{moves}"));
    assert_eq!(cluster.owner(0, 0), Some(1));
}

/// A lone server's keys go to a cluster; a cluster's snapshots can be loaded.
#[test]
fn import_and_backup() {
    let cluster = Cluster::builder().start();
    let known = cluster.address(0);
    let lone = Server::start();
    let mut client = lone.client();
    for n in 0..150 {
        assert_eq!(client.show(&format!("SET key:{n} {n}")), "OK");
    }
    let from = lone.address().to_string();
    let said = manage(&["import", &known, "--cluster-from", &from, "--cluster-copy"], "").success();
    assert_in_order(&said, &["*** Importing 150 keys from DB 0", "Migrating key:", ": OK\n"]);
    assert_filled(&cluster, 150);
    assert_eq!(client.show("DBSIZE"), "150");
    let said = manage(&["import", &known, "--cluster-from", &from], "").failure();
    assert!(said.contains("BUSYKEY"), "{said}");
    manage(&["import", &known, "--cluster-from", &from, "--cluster-replace"], "").success();
    assert_eq!(client.show("DBSIZE"), "0");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("a path");
    let said = manage(&["backup", &known, path], "").success();
    assert!(said.ends_with(&format!("[OK] Backup created into: {path}\n")), "{said}");
    let json = std::fs::read_to_string(directory.path().join("nodes.json")).expect("nodes.json");
    assert!(json.contains("\"slots_count\": 5461,"), "{json}");
    let mut keys = 0;
    for index in 0..3 {
        let name = format!(
            "redis-node-127.0.0.1-{}-{}.rdb",
            cluster.node(index).port(),
            cluster.id(index)
        );
        let server = Server::builder();
        std::fs::copy(directory.path().join(name), server.dir().join("dump.rdb")).expect("a copy");
        let count = server.start().client().show("DBSIZE");
        keys += count.parse::<usize>().expect("a number");
    }
    assert_eq!(keys, 150);
}

/// What stands in a slot of the target already is compared.
#[test]
fn keys_that_are_on_both_nodes() {
    for (value, replaces, ends_well) in
        [("same", false, true), ("other", false, false), ("other", true, true)]
    {
        let cluster = Cluster::builder().start();
        let (a, b, known) = (cluster.id(0), cluster.id(1), cluster.address(0));
        assert_eq!(cluster.client(0).show("SET {oo}k same"), "OK");
        let mut target = cluster.client(1);
        assert_eq!(target.show(&format!("CLUSTER SETSLOT 1629 IMPORTING {a}")), "OK");
        assert_eq!(target.show("ASKING"), "OK");
        assert_eq!(target.show(&format!("SET {{oo}}k {value}")), "OK");
        let migrating = format!("CLUSTER SETSLOT 1629 MIGRATING {b}");
        assert_eq!(cluster.client(0).show(&migrating), "OK");
        let mut words = vec!["fix", known.as_str()];
        words.extend(replaces.then_some("--cluster-replace"));
        let run = manage(&words, "");
        assert!(run.stdout.contains("\n*** Target key exists\n"), "{run:?}");
        if ends_well {
            run.success();
            assert_in_order(&manage(&["check", &known], "").success(), &IN_ORDER);
            assert_eq!(cluster.client(1).show("GET {oo}k"), "same");
        } else {
            let said = run.failure();
            let text =
                "*** Found 1 key(s) in both source node and target node having different values.";
            assert_in_order(
                &said,
                &[text, "    - {oo}k\n", "Please fix the above key(s) manually"],
            );
            // Nothing is lost: each has its own.
            assert_eq!(cluster.client(0).show("GET {oo}k"), "same");
        }
    }
}
