//! Guides 7 and 11: clusters that the real redis-cli makes, grows, moves and shrinks.

use dunlin_testkit::cluster::{CliRun, Cluster, IN_ORDER, redis_cli};
use dunlin_testkit::{DEADLINE, assert_in_order, wait_for};

/// Runs `redis-cli --cluster <command> <address of node 0> ...`.
#[track_caller]
fn manage(cluster: &Cluster, command: &str, arguments: &[&str], input: &str) -> String {
    let address = cluster.address(0);
    let words = [&["--cluster", command, &address], arguments].concat();
    redis_cli(&words, input).success()
}

#[track_caller]
fn assert_in_good_order(cluster: &Cluster) {
    // Gossip takes a moment to tell everybody.
    cluster.wait_until_agreed();
    assert_in_order(&manage(cluster, "check", &[], ""), &IN_ORDER);
}

/// Guide 7.1.
#[test]
fn create_check_info() {
    let (cluster, said) = Cluster::builder().replicas(1).start_with_cli();
    let addresses: Vec<String> = (0..6).map(|index| cluster.address(index)).collect();
    let adding = |replica: usize, primary: usize| {
        format!("Adding replica {} to {}", addresses[replica], addresses[primary])
    };
    let (first, second, third) = (adding(4, 0), adding(5, 1), adding(3, 2));
    let expected = [
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
        ">>> Nodes configuration updated",
        ">>> Assign a different config epoch to each node",
        ">>> Sending CLUSTER MEET messages to join the cluster",
        "Waiting for the cluster to join",
        ">>> Performing Cluster Check (using node ",
        "   slots:[0-5460] (5461 slots) master",
        "   1 additional replica(s)",
    ];
    assert_in_order(&said, &expected);
    assert_in_order(&said, &IN_ORDER);
    for index in 0..3 {
        assert_eq!(cluster.replicas_of(index).len(), 1, "node {index}");
    }
    let said = manage(&cluster, "info", &[], "");
    for (index, slots) in [5461, 5462, 5461].into_iter().enumerate() {
        let id = &cluster.id(index)[..8];
        let line =
            format!("{} ({id}...) -> 0 keys | {slots} slots | 1 slaves.\n", addresses[index]);
        assert!(said.contains(&line), "no '{line}' in:\n{said}");
    }
    assert_in_order(&said, &["[OK] 0 keys in 3 masters.\n", "0.00 keys per slot on average.\n"]);
    let said = manage(&cluster, "check", &[], "");
    assert_in_order(&said, &["[OK] 0 keys in 3 masters.", ">>> Performing Cluster Check"]);
    assert_in_order(&said, &IN_ORDER);
    let said = redis_cli(&["--cluster", "call", &addresses[0], "PING"], "").success();
    assert_eq!(said.matches(": PONG").count(), 6, "{said}");
    // Guide 7.2: nodes that are in use.
    let words = ["--cluster", "create", &addresses[0], &addresses[1], &addresses[2]];
    let said = redis_cli(&words, "").failure();
    let text = format!(
        "[ERR] Node {} is not empty. Either the node already knows other nodes (check with CLUSTER \
         NODES) or contains some key in database 0.",
        addresses[0]
    );
    assert!(said.contains(&text), "{said}");
}

/// Guides 7.2, 7.4: what cannot be made.
#[test]
fn create_is_refused() {
    let cluster = Cluster::builder().primaries(3).start_apart();
    let nodes: Vec<String> = (0..3).map(|index| cluster.address(index)).collect();
    let mut words = vec!["--cluster", "create", &nodes[0], &nodes[1], &nodes[2]];
    words.extend(["--cluster-replicas", "1"]);
    let lines = [
        "*** ERROR: Invalid configuration for cluster creation.",
        "*** Redis Cluster requires at least 3 master nodes.",
        "*** This is not possible with 3 nodes and 1 replicas per node.",
        "*** At least 6 nodes are required.",
    ];
    assert_in_order(&redis_cli(&words, "").failure(), &lines);
    let absent = format!("127.0.0.1:{}", dunlin_testkit::port::free_port());
    let said = redis_cli(&["--cluster", "check", &absent], "").failure();
    let text = format!("Could not connect to Redis at {absent}: Connection refused");
    assert!(said.contains(&text), "{said}");
}

/// Guide 7.3: slots with keys move while the answers come from a pipe.
#[test]
fn reshard_with_piped_answers() {
    let cluster = Cluster::builder().start();
    let mut client = cluster.routed();
    for n in 0..300 {
        assert_eq!(client.show(&format!("SET key:{n} {n}")), "OK");
    }
    let (source, target) = (cluster.id(0), cluster.id(1));
    let answers = format!("2000\n{target}\n{source}\ndone\nyes\n");
    let said = manage(&cluster, "reshard", &[], &answers);
    let lines = [
        "How many slots do you want to move (from 1 to 16384)? ",
        "What is the receiving node ID? ",
        "Please enter all the source node IDs.",
        "Source node #1: ",
        "Source node #2: ",
        "Ready to move 2000 slots.",
        "  Resharding plan:",
        &format!("    Moving slot 0 from {source}"),
        "Do you want to proceed with the proposed reshard plan (yes/no)? ",
        &format!("Moving slot 1999 from {} to {}: ", cluster.address(0), cluster.address(1)),
    ];
    assert_in_order(&said, &lines);
    assert_in_good_order(&cluster);
    let slots = ["2000-5460", "0-1999 5461-10921", "10922-16383"];
    for (index, slots) in slots.iter().enumerate() {
        assert_eq!(cluster.myself(index).slots_text(), *slots);
    }
    for n in 0..300 {
        assert_eq!(client.show(&format!("GET key:{n}")), n.to_string());
    }
    assert_eq!(keys(&cluster), 300);
    let said = manage(&cluster, "info", &[], "");
    assert!(said.contains(" keys | 3461 slots | 0 slaves."), "{said}");
    assert!(said.contains("[OK] 300 keys in 3 masters."), "{said}");
}

/// How many keys all primaries hold.
#[track_caller]
pub(crate) fn keys(cluster: &Cluster) -> i64 {
    let primaries =
        cluster.running().into_iter().filter(|&index| cluster.myself(index).has("master"));
    primaries.map(|index| cluster.client(index).cmd("DBSIZE").integer()).sum()
}

/// Guides 11.1 to 11.4: a primary and a replica join, get slots, lose them and go; with a password.
#[test]
fn grow_and_shrink_with_a_password() {
    let mut cluster = Cluster::builder().password("123456").start();
    let mut client = cluster.routed();
    for n in 0..300 {
        assert_eq!(client.show(&format!("SET key:{n} {n}")), "OK");
    }
    let (known, primary) = (cluster.address(0), cluster.start_node());
    let said = guarded(&["add-node", &cluster.address(primary), &known]).success();
    let adding = format!(">>> Adding node {} to cluster {known}", cluster.address(primary));
    let lines = [
        adding.as_str(),
        ">>> Getting functions from cluster",
        ">>> Send CLUSTER MEET to node ",
        "[OK] New node added correctly.",
    ];
    assert_in_order(&said, &lines);
    cluster.wait_until_all_are_known();
    cluster.wait_until_ok();
    // From all, as the guide answers (with more of them); the plan takes them in proportion.
    let id = cluster.id(primary);
    let done = redis_cli(
        &["-a", "123456", "--cluster", "reshard", &known],
        &format!("300\n{id}\nall\nyes\n"),
    );
    assert!(done.stderr.contains("Warning: Using a password with '-a' or '-u' option on the"));
    assert_in_order(&done.success(), &["Source node #1: ", "Ready to move 300 slots."]);
    cluster.wait_until_agreed();
    // redis-cli rounds the shares.
    let moved = cluster.myself(primary).slot_count();
    assert!((298..=300).contains(&moved), "{moved}");
    assert!((0..3).all(|index| (5360..=5363).contains(&cluster.myself(index).slot_count())));
    let replica = cluster.start_node();
    let address = cluster.address(replica);
    let words = ["add-node", &address, &known, "--cluster-slave", "--cluster-master-id", &id];
    let said = guarded(&words).success();
    let configure = format!(">>> Configure node as replica of {}.", cluster.address(primary));
    assert_in_order(&said, &[configure.as_str(), "[OK] New node added correctly."]);
    cluster.wait_until_ok();
    assert_eq!(cluster.myself(replica).primary, Some(id.clone()));
    for n in 0..300 {
        assert_eq!(client.show(&format!("GET key:{n}")), n.to_string());
    }
    shrink(&cluster, primary, replica);
    let mut client = cluster.routed();
    for n in 0..300 {
        assert_eq!(client.show(&format!("GET key:{n}")), n.to_string());
    }
}

/// Runs `redis-cli --cluster ...` with the password.
#[track_caller]
fn guarded(words: &[&str]) -> CliRun {
    redis_cli(&[&["-a", "123456", "--cluster"], words].concat(), "")
}

/// What of the cluster is left when the fifth node and the fourth are taken out again.
#[track_caller]
fn shrink(cluster: &Cluster, primary: usize, replica: usize) {
    let (known, id, replica_id) = (cluster.address(0), cluster.id(primary), cluster.id(replica));
    let said = guarded(&["del-node", &known, &id]).failure();
    let text = format!(
        "[ERR] Node {} is not empty! Reshard data away and try again.",
        cluster.address(primary)
    );
    assert!(said.contains(&text), "{said}");
    let target = cluster.id(0);
    let words = ["reshard", &known, "--cluster-from", &id, "--cluster-to", &target];
    let count = cluster.myself(primary).slot_count().to_string();
    let more = ["--cluster-slots", &count, "--cluster-yes"];
    guarded(&[words.as_slice(), &more].concat()).success();
    // The emptied primary and its replica follow the receiver, and can go.
    wait_for("the emptied primary to be empty", DEADLINE, || {
        (0..5).all(|seen_by| {
            cluster.line(seen_by, primary).is_some_and(|line| line.slot_count() == 0)
        })
    });
    for gone in [&replica_id, &id] {
        let said = guarded(&["del-node", &known, gone]).success();
        let lines = [
            format!(">>> Removing node {gone} from cluster {known}"),
            ">>> Sending CLUSTER FORGET messages to the cluster...".to_owned(),
            ">>> Sending CLUSTER RESET SOFT to the deleted node.".to_owned(),
        ];
        assert_in_order(&said, &lines.each_ref().map(String::as_str));
    }
    for index in 0..3 {
        wait_for("three nodes", DEADLINE, || cluster.lines(index).len() == 3);
    }
    // They still run, and stand alone.
    for index in [primary, replica] {
        wait_for("a lone node", DEADLINE, || cluster.lines(index).len() == 1);
    }
    let said = guarded(&["del-node", &known, &id]).failure();
    assert!(said.contains(&format!("[ERR] No such node ID {id}")), "{said}");
    assert_in_order(&guarded(&["check", &known]).success(), &IN_ORDER);
}

/// Slots are spread by weight, so that a primary without any gets some.
#[test]
fn rebalance() {
    let mut cluster = Cluster::builder().start();
    let mut client = cluster.routed();
    for n in 0..100 {
        assert_eq!(client.show(&format!("SET key:{n} {n}")), "OK");
    }
    let added = cluster.start_node();
    let (address, known) = (cluster.address(added), cluster.address(0));
    redis_cli(&["--cluster", "add-node", &address, &known], "").success();
    cluster.wait_until_all_are_known();
    cluster.wait_until_ok();
    // A small share, because slots take their time to move.
    let weight = format!("{}=0.1", cluster.id(added));
    let words = ["--cluster-use-empty-masters", "--cluster-weight", &weight];
    let said = manage(&cluster, "rebalance", &words, "");
    assert_in_order(&said, &[">>> Rebalancing across 4 nodes. Total weight = 3.10", "Moving "]);
    assert_in_good_order(&cluster);
    let counts: Vec<usize> = (0..4).map(|index| cluster.myself(index).slot_count()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 16_384);
    assert!((525..=531).contains(&counts[3]), "{counts:?}");
    for n in 0..100 {
        assert_eq!(client.show(&format!("GET key:{n}")), n.to_string());
    }
    assert_eq!(keys(&cluster), 100);
}

/// A reshard that was broken off is mended by `fix`.
#[test]
fn fix_closes_open_slots() {
    let cluster = Cluster::builder().start();
    let mut client = cluster.routed();
    assert_eq!(client.show("SET {oo}k1 v"), "OK");
    assert_eq!(client.show("SET {oo}k2 v"), "OK");
    let (source, target) = (cluster.id(0), cluster.id(1));
    let importing = format!("CLUSTER SETSLOT 1629 IMPORTING {source}");
    assert_eq!(cluster.client(1).show(&importing), "OK");
    let migrating = format!("CLUSTER SETSLOT 1629 MIGRATING {target}");
    assert_eq!(cluster.client(0).show(&migrating), "OK");
    let open = cluster.myself(0).open_slots;
    assert_eq!(open, [format!("[1629->-{target}]")]);
    let said = redis_cli(&["--cluster", "check", &cluster.address(0)], "").failure();
    assert!(said.contains("[WARNING] The following slots are open: 1629"), "{said}");
    let said = manage(&cluster, "fix", &[], "");
    assert_in_order(&said, &[">>> Fixing open slot 1629", "Moving slot 1629 from "]);
    assert_in_good_order(&cluster);
    assert_eq!(client.show("GET {oo}k1"), "v");
    assert_eq!(cluster.client(1).show("CLUSTER COUNTKEYSINSLOT 1629"), "2");
}
