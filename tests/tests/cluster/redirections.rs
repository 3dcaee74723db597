//! Guide 8: what clients are told, with redis-cli and by hand.

use dunlin_testkit::cluster::{Cluster, redis_cli};
use dunlin_testkit::{DEADLINE, wait_for};

/// Guides 8.1, 8.2: with `-c` redis-cli goes where it is sent, without it says so.
#[test]
fn redis_cli_follows() {
    let cluster = Cluster::builder().replicas(1).start();
    let ports: Vec<String> = (0..6).map(|index| cluster.node(index).port().to_string()).collect();
    let cli = |words: &[&str], input: &str| redis_cli(words, input).success();
    // num is in slot 2765, a in 15495, k1 in 12706.
    assert_eq!(cli(&["-p", &ports[0], "set", "num", "123"], ""), "OK\n");
    assert_eq!(cli(&["-p", &ports[0], "get", "num"], ""), "123\n");
    let moved = format!("MOVED 15495 {}", cluster.address(2));
    let run = redis_cli(&["-p", &ports[0], "set", "a", "1"], "");
    assert!(run.stdout.contains(&moved), "{run:?}");
    let said = cli(&["-c", "-p", &ports[0], "set", "a", "1"], "");
    assert_eq!(said, "OK\n");
    assert_eq!(cli(&["-c", "-p", &ports[1], "get", "num"], ""), "123\n");
    // A replica sends readers to its primary, unless they say that they know.
    wait_for("the replica to have it", DEADLINE, || cluster.client(3).show("DBSIZE") == "1");
    assert_eq!(cli(&["-c", "-p", &ports[3], "get", "num"], ""), "123\n");
    let moved = format!("(error) MOVED 2765 {}", cluster.address(0));
    let mut reader = cluster.client(3);
    assert_eq!(reader.show("GET num"), moved);
    assert_eq!(reader.show("KEYS *"), "[num]");
    assert_eq!(reader.show("READONLY"), "OK");
    assert_eq!(reader.show("GET num"), "123");
    assert_eq!(reader.show("SET num 1"), moved);
    assert_eq!(reader.show("GET a"), format!("(error) MOVED 15495 {}", cluster.address(2)));
    assert_eq!(reader.show("READWRITE"), "OK");
    assert_eq!(reader.show("GET num"), moved);
}

/// Guides 8.3, 8.4: transactions stay in one slot.
#[test]
fn transactions() {
    let cluster = Cluster::builder().start();
    let port = cluster.node(0).port().to_string();
    // Across nodes redis-cli leaves its MULTI behind.
    let lines = "WATCH k2\nMULTI\nset k1 v\nexec\n";
    let said = redis_cli(&["-c", "-p", &port], lines).success();
    assert!(said.contains("EXEC without MULTI"), "{said}");
    let lines = "WATCH {oo}k1\nMULTI\nset {oo}k2 sdfsdf\nget {oo}k2\nexec\n";
    let said = redis_cli(&["-c", "-p", &port], lines).success();
    assert!(said.ends_with("OK\nOK\nQUEUED\nQUEUED\nOK\nsdfsdf\n"), "{said}");
    // By hand: one key of another node spoils the transaction.
    let mut client = cluster.client(0);
    let moved = format!("(error) MOVED 12706 {}", cluster.address(2));
    assert_eq!(client.show("MULTI"), "OK");
    assert_eq!(client.show("SET {oo}a 1"), "QUEUED");
    assert_eq!(client.show("SET k1 v"), moved);
    let aborted = "(error) EXECABORT Transaction discarded because of previous errors.";
    assert_eq!(client.show("EXEC"), aborted);
    let cross = "(error) CROSSSLOT Keys in request don't hash to the same slot";
    assert_eq!(client.show("MSET {oo}a 1 {oo}b 2"), "OK");
    assert_eq!(client.show("MSET {oo}a 1 b 2"), cross);
    assert_eq!(client.show("MGET {oo}a {oo}b"), "[1, 2]");
}

/// A slot on its way: MOVED, ASK, TRYAGAIN and ASKING.
#[test]
fn a_slot_that_moves() {
    let cluster = Cluster::builder().start();
    let (mut source, mut target) = (cluster.client(0), cluster.client(1));
    for key in ["{oo}a", "{oo}b", "{oo}c"] {
        assert_eq!(source.show(&format!("SET {key} v")), "OK");
    }
    let importing = format!("CLUSTER SETSLOT 1629 IMPORTING {}", cluster.id(0));
    assert_eq!(target.show(&importing), "OK");
    let migrating = format!("CLUSTER SETSLOT 1629 MIGRATING {}", cluster.id(1));
    assert_eq!(source.show(&migrating), "OK");
    let moved = format!("(error) MOVED 1629 {}", cluster.address(0));
    let ask = format!("(error) ASK 1629 {}", cluster.address(1));
    let again = "(error) TRYAGAIN Multiple keys request during rehashing of slot";
    let migrate = |keys: &str| {
        format!("MIGRATE 127.0.0.1 {} \"\" 0 5000 KEYS {keys}", cluster.node(1).port())
    };
    assert_eq!(source.show("GET {oo}a"), "v");
    assert_eq!(source.show("GET {oo}new"), ask);
    assert_eq!(target.show("GET {oo}a"), moved);
    assert_eq!(source.show(&migrate("{oo}a")), "OK");
    assert_eq!(source.show("GET {oo}a"), ask);
    assert_eq!(source.show("MGET {oo}a {oo}b"), again);
    assert_eq!(source.show("MGET {oo}b {oo}c"), "[v, v]");
    let asked = |client: &mut dunlin_testkit::Client, command: &str| {
        assert_eq!(client.show("ASKING"), "OK");
        client.show(command)
    };
    assert_eq!(asked(&mut target, "GET {oo}a"), "v");
    assert_eq!(target.show("GET {oo}a"), moved, "ASKING holds for one command");
    assert_eq!(asked(&mut target, "MGET {oo}a {oo}b"), again);
    assert_eq!(asked(&mut target, "SET {oo}new w"), "OK");
    assert_eq!(source.show(&migrate("{oo}b {oo}c {oo}d")), "OK");
    assert_eq!(source.show(&migrate("{oo}b")), "NOKEY");
    assert_eq!(source.show("CLUSTER COUNTKEYSINSLOT 1629"), "0");
    let keys = target.cmd("CLUSTER GETKEYSINSLOT 1629 10").items();
    assert_eq!(keys.len(), 4);
    let node = format!("CLUSTER SETSLOT 1629 NODE {}", cluster.id(1));
    for client in [&mut target, &mut source, &mut cluster.client(2)] {
        assert_eq!(client.show(&node), "OK");
    }
    let moved = format!("(error) MOVED 1629 {}", cluster.address(1));
    assert_eq!(source.show("GET {oo}a"), moved);
    assert_eq!(target.show("MGET {oo}a {oo}b {oo}c {oo}new"), "[v, v, v, w]");
    cluster.wait_until_ok();
    assert_eq!(cluster.myself(1).slots_text(), "1629 5461-10921");
}

/// A client that waits for a key is sent on when the slot goes, and when the cluster goes down.
#[test]
fn clients_that_wait() {
    let mut cluster = Cluster::builder().timeout_ms(1000).start();
    let mut waiting = cluster.client(0);
    waiting.send(b"BLPOP {oo}list 0\r\n").expect("sent");
    wait_for("it to wait", DEADLINE, || {
        cluster.client(0).cmd("INFO clients").text().contains("blocked_clients:1")
    });
    let node = format!("CLUSTER SETSLOT 1629 NODE {}", cluster.id(1));
    for index in [1, 0, 2] {
        assert_eq!(cluster.client(index).show(&node), "OK");
    }
    let moved = format!("(error) MOVED 1629 {}", cluster.address(1));
    assert_eq!(waiting.read().to_string(), moved);
    let mut waiting = cluster.client(1);
    waiting.send(b"BLPOP {oo}list 0\r\n").expect("sent");
    wait_for("it to wait", DEADLINE, || {
        cluster.client(1).cmd("INFO clients").text().contains("blocked_clients:1")
    });
    cluster.wait_until_ok();
    cluster.kill(2);
    assert_eq!(waiting.read().to_string(), "(error) CLUSTERDOWN The cluster is down");
}
