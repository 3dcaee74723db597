//! Guide 5: `redis-trib.rb`.

use dunlin_testkit::cluster::{CliRun, IN_ORDER};
use dunlin_testkit::server::program;
use dunlin_testkit::{Cluster, DEADLINE, Server, assert_in_order, wait_for};

use crate::run::{assert_filled, fill, ours, run};

fn trib(words: &[&str], input: &str) -> CliRun {
    run(ours("redis-trib.rb"), words, input)
}

/// Guides 5.1 to 5.6: a copy of the file alone is enough.
#[test]
fn help_create_info_check() {
    let directory = tempfile::tempdir().expect("a directory");
    let copy = directory.path().join("redis-trib.rb");
    std::fs::copy(program(), &copy).expect("a copy");
    let copied = |words: &[&str]| run(std::process::Command::new(&copy), words, "");
    let nothing = copied(&[]).failure();
    let help = copied(&["help"]).success();
    assert_eq!(nothing, help);
    assert!(help.starts_with("Usage: redis-trib <command> <options> <arguments ...>\n\n  create "));
    let cluster = Cluster::builder().replicas(1).start_apart();
    let address = |index: usize| cluster.address(index);
    let addresses: Vec<String> = (0..6).map(address).collect();
    let all: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let words = [&["create", "--replicas", "1"], all.as_slice()].concat();
    let said = trib(&words, "no\n").failure();
    assert!(said.ends_with("(type 'yes' to accept): *** Aborting...\n"), "{said}");
    let said = trib(&words, "yes\n").success();
    let masters = format!("Using 3 masters:\n{}\n{}\n{}\n", address(0), address(1), address(2));
    let using = format!(">>> Performing Cluster Check (using node {})\n", address(0));
    let mut lines = vec![
        ">>> Creating cluster\n>>> Performing hash slots allocation on 6 nodes...\n",
        &masters,
        "Adding replica ",
        "   slots:0-5460 (5461 slots) master\n",
        ">>> Nodes configuration updated\n>>> Assign a different config epoch to each node\n\
         >>> Sending CLUSTER MEET messages to join the cluster\nWaiting for the cluster to join",
        &using,
        "   slots:0-5460 (5461 slots) master\n   1 additional replica(s)\n",
    ];
    lines.extend(IN_ORDER);
    assert_in_order(&said, &lines);
    let said = trib(&["info", &address(1)], "").success();
    let first =
        format!("{} ({}...) -> 0 keys | 5462 slots | 1 slaves.\n", address(1), &cluster.id(1)[..8]);
    assert!(said.starts_with(&first), "{said}");
    assert!(said.ends_with("[OK] 0 keys in 3 masters.\n0.00 keys per slot on average.\n"));
    let said = trib(&["check", &address(0)], "").success();
    assert!(said.starts_with(">>> Performing Cluster Check"), "{said}");
    for (words, text) in [
        (&["info", "127.0.0.1:1"][..], "[ERR] Sorry, can't connect to node 127.0.0.1:1\n"),
        (&["nope"], "Unknown redis-trib subcommand 'nope'\n"),
        (&["check", "--x", "a"], "Unknown option 'x' for command 'check'\n"),
        (&["check"], "[ERR] Wrong number of arguments for specified sub command\n"),
        (&["check", "host"], "Invalid IP or Port (given as host) - use IP:Port format\n"),
    ] {
        let run = trib(words, "");
        assert_eq!((run.stderr.as_str(), run.stdout.as_str()), ("", text));
        assert_eq!(run.end, "exit 1");
    }
}

/// Guides 5.7 to 5.11.
#[test]
fn grow_and_shrink() {
    let mut cluster = Cluster::builder().replicas(1).start();
    fill(&cluster, 200);
    let (added, known) = (cluster.start_node(), cluster.address(0));
    let said = trib(&["add-node", &cluster.address(added), &known], "").success();
    let meet = format!(
        ">>> Send CLUSTER MEET to node {} to make it join the cluster.\n[OK] New node added correctly.\n",
        cluster.address(added)
    );
    assert!(said.ends_with(&meet), "{said}");
    let id = cluster.id(added);
    let said = trib(&["reshard", &known], &format!("4096\n{}\nall\nyes\n", id.to_uppercase()));
    let said = said.success();
    assert_in_order(
        &said,
        &[
            "How many slots do you want to move (from 1 to 16384)? What is the receiving node ID? ",
            "Source node #1:\nReady to move 4096 slots.\n  Source nodes:\n    M: ",
            "\n   slots:",
            "  Destination node:\n    M: ",
            "\n   slots: (0 slots) master\n   0 additional replica(s)\n",
            "  Resharding plan:\n    Moving slot ",
            "Do you want to proceed with the proposed reshard plan (yes/no)? Moving slot ",
        ],
    );
    assert_eq!(cluster.myself(added).slot_count(), 4096);
    assert_filled(&cluster, 200);
    // Some names are asked for again.
    let answers = format!("5\nnobody\n{id}\nnobody\n{id}\ndone\n");
    let said = trib(&["reshard", &known], &answers).failure();
    assert_in_order(
        &said,
        &[
            "*** The specified node is not known or not a master, please retry.\n",
            "*** The specified node is not known or is not a master, please retry.\n",
            "*** It is not possible to use the target node as source node.\n",
            "*** No source nodes given, operation aborted\n",
        ],
    );
    let replica = cluster.start_node();
    let said = trib(&["add-node", "--slave", &cluster.address(replica), &known], "").success();
    let chosen = format!("Automatically selected master {}\n", cluster.address(added));
    let configure = format!(">>> Configure node as replica of {}.\n", cluster.address(added));
    let lines =
        [chosen.as_str(), ">>> Send CLUSTER MEET", "Waiting for the cluster to join", &configure];
    assert_in_order(&said, &lines);
    cluster.wait_until_ok();
    let replica_id = cluster.id(replica);
    let said = trib(&["del-node", &known, &replica_id], "").success();
    let expected = format!(
        ">>> Removing node {replica_id} from cluster {known}\n\
         >>> Sending CLUSTER FORGET messages to the cluster...\n>>> SHUTDOWN the node.\n"
    );
    assert_eq!(said, expected);
    wait_for("the node to end", DEADLINE, || cluster.node_mut(replica).try_exit().is_some());
    let said = trib(&["del-node", &known, &replica_id], "").failure();
    assert!(said.ends_with(&format!("[ERR] No such node ID {replica_id}\n")), "{said}");
}

/// What redis-trib 4.0 says in other words than redis-cli, and where it does not fail.
#[test]
fn rarer_words() {
    let cluster = Cluster::builder().start();
    cluster.wait_until_agreed();
    fill(&cluster, 100);
    let (known, a, b) = (cluster.address(0), cluster.id(0), cluster.id(1));
    let said = trib(&["call", &known, "config", "get", "appendonly"], "").success();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], ">>> Calling CONFIG get appendonly");
    assert_eq!(lines[1], format!("{known}: [\"appendonly\", \"no\"]"));
    assert_eq!(lines.len(), 4, "{said}");
    let said = trib(&["call", &known, "incr"], "").success();
    let refused = format!("{known}: ERR wrong number of arguments for 'incr' command\n");
    assert!(said.contains(&refused), "{said}");
    let weights = ["rebalance", "--simulate", "--weight", &format!("{a}=2"), &known];
    let said = trib(&weights, "").success();
    assert!(said.contains(">>> Rebalancing across 3 nodes. Total weight = 4.0\n"), "{said}");
    let said = trib(&["rebalance", &known], "").success();
    assert!(said.ends_with("All nodes are within the 2.0% threshold.\n"), "{said}");
    let said = trib(&["rebalance", "--weight", "=2", &known], "").failure();
    assert_eq!(said, "*** No such master node \n");
    let said = trib(&["reshard", "--from", &b, "--to", &b, "--slots", "7", &known], "").failure();
    assert!(said.ends_with("*** Target node is also listed among the source nodes!\n"), "{said}");
    let said = trib(&["del-node", &known, &"A".repeat(40)], "").failure();
    let nobody = "a".repeat(40);
    let expected = format!(
        ">>> Removing node {nobody} from cluster {known}\n[ERR] No such node ID {nobody}\n"
    );
    assert_eq!(said, expected);
}

/// Slots of nobody and slots that stand open; a check tells of them and does not fail.
#[test]
fn mending() {
    let cluster = Cluster::builder().start();
    cluster.wait_until_agreed();
    let (known, a) = (cluster.address(0), cluster.id(0));
    assert_eq!(cluster.client(0).show("SET {oo}k v"), "OK");
    // The next owner has a key as well.
    let mut other = cluster.client(1);
    assert_eq!(other.show(&format!("CLUSTER SETSLOT 1629 IMPORTING {a}")), "OK");
    for (command, reply) in [("ASKING", "OK"), ("SET {oo}l v", "OK"), ("ASKING", "OK")] {
        assert_eq!(other.show(command), reply);
    }
    assert_eq!(other.show("SET {oo}m v"), "OK");
    let said = trib(&["check", &known], "").success();
    let warned =
        format!("[WARNING] Node {} has slots in importing state (1629).\n", cluster.address(1));
    assert_in_order(&said, &[&warned, "[WARNING] The following slots are open: 1629\n"]);
    let said = trib(&["fix", &known], "").success();
    let lines = [
        ">>> Fixing open slot 1629\nSet as migrating in: \nSet as importing in: ",
        &format!(
            "\n>>> Moving all the 1629 slot keys to its owner {known}\nMoving slot 1629 from "
        ),
        ": ..\n>>> Setting 1629 as STABLE in ",
    ];
    assert_in_order(&said, &lines);
    assert_eq!(cluster.client(0).show("EXISTS {oo}k {oo}l {oo}m"), "3");
    for node in 0..3 {
        assert_eq!(cluster.client(node).show("CLUSTER DELSLOTS 5"), "OK");
    }
    let said = trib(&["check", &known], "").success();
    assert!(said.ends_with("[ERR] Not all 16384 slots are covered by nodes.\n"), "{said}");
    let said = trib(&["fix", &known], "yes\n").success();
    let lines = [
        ">>> Fixing slots coverage...\nList of not covered slots: 5\nSlot 5 has keys in 0 nodes: \n",
        "The folowing uncovered slots have no keys across the cluster:\n5\n",
        "Fix these slots by covering with a random node? (type 'yes' to accept): >>> Covering slot 5 ",
    ];
    assert_in_order(&said, &lines);
    assert_in_order(&trib(&["check", &known], "").success(), &IN_ORDER);
}

/// Keys of a lone server; one that cannot be moved does not stop the others.
#[test]
fn import() {
    let (cluster, lone) = (Cluster::builder().start(), Server::start());
    let (known, from) = (cluster.address(0), lone.address().to_string());
    assert_eq!(lone.client().show("MSET a 1 b 2"), "OK");
    assert_eq!(cluster.routed().show("SET a there"), "OK");
    let said = trib(&["import", "--from", &from, &known], "").success();
    let lines = [
        &format!(">>> Importing data from {from} to cluster \n"),
        ">>> Connecting to the source Redis instance\n*** Importing 2 keys from DB 0\n",
        "BUSYKEY Target key name already exists",
    ];
    assert_in_order(&said, &lines);
    assert!(said.contains("Migrating b to ") && said.contains(": OK\n"), "{said}");
    assert_eq!(
        (lone.client().show("DBSIZE"), cluster.routed().show("GET b")),
        ("1".to_owned(), "2".to_owned())
    );
}
