//! Our words are the real redis-cli's.

use dunlin_testkit::Cluster;
use dunlin_testkit::cluster::CliRun;

use crate::run::{fill, ours, real_server, run, theirs};

/// Runs both programs with the same words.
#[track_caller]
fn assert_same(words: &[&str], input: &str) -> CliRun {
    // The real one loses piped answers but the first, so there is at most one question.
    let expected = run(theirs(), words, input);
    let said = run(ours("redis-cli"), words, input);
    assert_eq!(said, expected, "{words:?}");
    said
}

/// Everything that changes nothing, and everything that is refused.
#[track_caller]
fn same_words(cluster: &Cluster) {
    fill(cluster, 100);
    let (first, replica) = (cluster.address(0), cluster.address(4));
    let (host, port) = first.split_once(':').expect("a port");
    let (a, b, r) = (cluster.id(0), cluster.id(1), cluster.id(4));
    let weight = format!("{a}=2");
    let none = format!("{}=0", &b[..10]);
    let lone = "127.0.0.1:1";
    let lines: Vec<Vec<&str>> = vec![
        vec!["check", &first],
        vec!["check", host, port],
        vec!["check", &replica],
        vec!["check", &first, "--cluster-search-multiple-owners"],
        vec!["info", &first],
        vec!["fix", &first],
        vec!["rebalance", &first],
        vec!["rebalance", &first, "--cluster-simulate", "--cluster-weight", &weight],
        vec!["rebalance", &first, "--cluster-simulate", "--verbose", "--cluster-weight", &none],
        vec!["rebalance", &first, "--cluster-weight", "nobody=2"],
        vec!["rebalance", &first, "--cluster-weight", "nobody"],
        vec!["call", &first, "dbsize"],
        vec!["call", &first, "ping", "--cluster-only-masters"],
        vec!["call", &first, "config", "get", "port", "--cluster-only-replicas"],
        vec!["call", &first, "no-such-command"],
        vec!["del-node", &first, "nobody"],
        vec!["del-node", &first, &a],
        vec!["add-node", lone, &first],
        vec!["add-node", "x", &first],
        vec!["add-node", lone, &first, "--cluster-slave"],
        vec!["add-node", lone, &first, "--cluster-slave", "--cluster-master-id", "nobody"],
        vec!["set-timeout", &first, "99"],
        vec!["set-timeout", &first, "2000"],
        vec!["import", &first],
        vec!["import", &first, "--cluster-from", "x"],
        vec!["import", &first, "--cluster-from", &replica],
        vec!["create", &first],
        vec!["create", "x", "y"],
        vec!["check"],
        vec!["check", "x"],
        vec!["check", lone],
        vec!["nothing", &first],
        vec!["help"],
        vec!["reshard", &first, "--cluster-from", &a, "--cluster-to", &b, "--cluster-slots", "7"],
        vec![
            "reshard",
            &first,
            "--cluster-from",
            "all",
            "--cluster-to",
            &b,
            "--cluster-slots",
            "99",
        ],
        vec!["reshard", &first, "--cluster-from", "x", "--cluster-to", &b, "--cluster-slots", "7"],
        vec!["reshard", &first, "--cluster-from", &a, "--cluster-to", &r, "--cluster-slots", "7"],
        vec!["reshard", &first, "--cluster-from", &b, "--cluster-to", &b, "--cluster-slots", "7"],
    ];
    for words in lines {
        assert_same(&[&["--cluster"], words.as_slice()].concat(), "no\n");
    }
    assert_same(&["--cluster-simulate", "--cluster", "rebalance", &first], "");
    assert_same(&["-a", "wrong", "--cluster", "check", &first], "");
}

#[test]
fn on_a_cluster_of_ours() {
    let cluster = Cluster::builder().replicas(1).start();
    cluster.wait_until_agreed();
    same_words(&cluster);
}

#[test]
fn on_a_cluster_of_redis() {
    let cluster = Cluster::builder().programs(&[&real_server()]).replicas(1).start();
    cluster.wait_until_agreed();
    same_words(&cluster);
}

/// Slots that stand open, and with colours.
#[test]
fn what_is_wrong() {
    let cluster = Cluster::builder().start();
    cluster.wait_until_agreed();
    let (a, b) = (cluster.id(0), cluster.id(1));
    for (node, command) in [
        (0, format!("CLUSTER SETSLOT 5 MIGRATING {b}")),
        (0, format!("CLUSTER SETSLOT 7 MIGRATING {b}")),
        (1, format!("CLUSTER SETSLOT 5 IMPORTING {a}")),
    ] {
        assert_eq!(cluster.client(node).show(&command), "OK");
    }
    let first = cluster.address(0);
    let words = ["--cluster", "check", &first];
    for term in ["dumb", "xterm-256color"] {
        let (mut real, mut own) = (theirs(), ours("redis-cli"));
        real.env("TERM", term);
        own.env("TERM", term);
        // The real one lists open slots in the order of a hash table.
        let sorted = |text: String| text.replace("open: 7,5", "open: 5,7");
        let expected = run(real, &words, "");
        let said = run(own, &words, "");
        assert_eq!(sorted(said.stdout), sorted(expected.stdout));
        assert_eq!((said.end, said.stderr), (expected.end, expected.stderr));
    }
    for command in ["reshard", "rebalance"] {
        let (expected, said) = (
            run(theirs(), &["--cluster", command, &first], ""),
            run(ours("redis-cli"), &["--cluster", command, &first], ""),
        );
        assert_eq!((said.end, said.stderr), (expected.end, expected.stderr), "{command}");
    }
    // A password that nobody has asked for, or that is wrong.
    let guarded = Cluster::builder().password("right").start();
    let address = guarded.address(0);
    for words in [
        vec!["--cluster", "check", &address],
        vec!["-a", "wrong", "--no-auth-warning", "--cluster", "check", &address],
        vec!["--cluster", "create", &address, &address, &address],
        vec!["-a", "right", "--cluster", "info", &address],
    ] {
        assert_same(&words, "");
    }
}

/// A key that both nodes hold with different values stops a reshard, in the real one's words; the same
/// value does not.
#[test]
fn keys_that_are_in_the_way() {
    for (value, end) in [("same", "exit 0"), ("other", "exit 1")] {
        let said = [theirs(), ours("redis-cli")].map(|program| {
            let cluster = Cluster::builder().start();
            cluster.wait_until_agreed();
            let (a, b, known) = (cluster.id(0), cluster.id(1), cluster.address(0));
            // Its slot, 2, is among the first.
            let key = "{48756}";
            assert_eq!(cluster.client(0).show(&format!("CLUSTER KEYSLOT {key}")), "2");
            assert_eq!(cluster.client(0).show(&format!("SET {key} same")), "OK");
            let mut target = cluster.client(1);
            for request in [
                &format!("CLUSTER SETSLOT 2 IMPORTING {a}"),
                "ASKING",
                &format!("SET {key} {value}"),
                "CLUSTER SETSLOT 2 STABLE",
            ] {
                assert_eq!(target.show(request), "OK", "{request}");
            }
            let words = ["--cluster", "reshard", &known, "--cluster-from", &a, "--cluster-to", &b];
            let more = ["--cluster-slots", "3", "--cluster-yes"];
            let run = run(program, &[words.as_slice(), &more].concat(), "");
            assert_eq!(run.end, end, "{run:?}");
            let (_, moves) = run.stdout.split_once("\nMoving slot 0 ").expect("moves");
            moves.replace(&cluster.address(0), "A").replace(&cluster.address(1), "B")
        });
        let [expected, said] = said;
        assert_eq!(said, expected);
        assert!(said.contains("*** Target key exists\n"), "{said}");
    }
}
