//! Primaries that answer wrongly, break off, send damaged data, or fall silent: a line in the log, a
//! new attempt after a while, and the old data is kept.

use dunlin_testkit::{DEADLINE, Server, wait_for};

use crate::nodes::{assert_replicated, field, follow, node, number, wait_for_field, wait_until_up};
use crate::peers::{FakePrimary, REPLID, snapshot_of};

/// A server with data of its own.
fn replica_with_data(config: &str) -> Server {
    let replica = node().config(config).start();
    assert_eq!(replica.client().show("SET own data"), "OK");
    replica
}

/// The old data is there, and a good primary is taken.
#[track_caller]
fn assert_unharmed(replica: &Server, what: &str) {
    assert_eq!(replica.client().show("GET own"), "data", "{what}\n{}", replica.log());
    let attempts = replica.log().matches("MASTER <-> REPLICA sync started").count();
    assert!(attempts < 40, "{what}: {attempts} attempts");
    let good = node().start();
    assert_eq!(good.client().show("SET k v"), "OK");
    follow(replica, &good);
    assert_replicated(&good, replica, what);
}

#[test]
fn a_wrong_password() {
    let primary = node().config("requirepass secret").start();
    let port = primary.port();
    for (config, lines) in [
        ("masterauth wrong", &["Unable to AUTH to MASTER: -WRONGPASS"][..]),
        (
            "",
            &[
                "(Non critical) Master does not understand REPLCONF listening-port: -NOAUTH",
                "Unexpected reply to PSYNC from master: -NOAUTH",
                "MASTER aborted replication with an error: NOAUTH",
            ],
        ),
    ] {
        let replica = replica_with_data(config);
        assert_eq!(replica.client().show(&format!("REPLICAOF 127.0.0.1 {port}")), "OK");
        lines.iter().for_each(|line| replica.wait_for_log(line));
        let last = lines.last().expect("a line");
        wait_for("another attempt", DEADLINE, || replica.log().matches(last).count() >= 2);
        assert_eq!(replica.client().show("GET own"), "data");
        // The right one is taken while it runs.
        assert_eq!(replica.client().show("CONFIG SET masterauth secret"), "OK");
        wait_until_up(&replica);
    }
}

#[test]
fn garbage_in_the_handshake() {
    let replica = replica_with_data("");
    let primary = FakePrimary::new();
    primary.attract(&replica);
    let mut peer = primary.accept();
    assert_eq!(peer.request(), ["ping"]);
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    replica.wait_for_log("Error reply to PING from master: 'HTTP/1.1 400 Bad Request'");
    peer.wait_closed();
    let mut peer = primary.accept();
    assert_eq!(peer.request(), ["ping"]);
    peer.send(&[b'x'; 5000]);
    peer.wait_closed();
    for (answer, line) in [
        (format!("+FULLRESYNC {REPLID}\r\n"), "Master replied with wrong +FULLRESYNC syntax"),
        ("+FULLRESYNC short 1\r\n".to_owned(), "Master replied with wrong +FULLRESYNC syntax"),
        (format!("+FULLRESYNC {REPLID} 1\r\nbytes\r\n"), "Bad protocol from MASTER"),
        (
            format!("+FULLRESYNC {REPLID} 1\r\n$99999999999999999999\r\n"),
            "Bad protocol from MASTER",
        ),
        (format!("+FULLRESYNC {REPLID} 1\r\n$EOF:short\r\n"), "Bad protocol from MASTER"),
    ] {
        let before = replica.log().matches(line).count();
        let (mut peer, _) = primary.accept_replica();
        peer.send(answer.as_bytes());
        wait_for(line, DEADLINE, || replica.log().matches(line).count() > before);
        peer.wait_closed();
    }
    assert_unharmed(&replica, "garbage");
}

/// Where a data set is taken to.
const LOADS: [&str; 2] = ["repl-diskless-load disabled", "repl-diskless-load swapdb"];

/// Header, bytes and what follows for a snapshot, in both framings.
fn framed(snapshot: &[u8]) -> [(String, Vec<u8>); 2] {
    let mark = "m".repeat(40);
    [
        (format!("${}", snapshot.len()), snapshot.to_vec()),
        (format!("$EOF:{mark}"), [snapshot, mark.as_bytes()].concat()),
    ]
}

#[test]
fn a_snapshot_that_breaks_off() {
    let snapshot = snapshot_of(&["SET k v", "RPUSH list a b c"]);
    for config in LOADS {
        let replica = replica_with_data(config);
        let primary = FakePrimary::new();
        for (header, bytes) in framed(&snapshot) {
            for len in [0, 5, bytes.len() / 2, bytes.len() - 1] {
                let line = "I/O error trying to sync with MASTER: connection lost";
                let before = replica.log().matches(line).count();
                primary.attract_anew(&replica);
                drop(primary.begin_full_sync(&header, &bytes[..len]));
                wait_for(line, DEADLINE, || replica.log().matches(line).count() > before);
            }
        }
        assert_unharmed(&replica, config);
    }
}

#[test]
fn a_snapshot_that_is_damaged() {
    let good = snapshot_of(&["SET k v", "RPUSH list a b c", "HSET hash f v"]);
    for config in LOADS {
        let replica = replica_with_data(config);
        let primary = FakePrimary::new();
        // A byte that is another one, a tail that is missing though the length says it is all.
        let mut damaged: Vec<Vec<u8>> = [0, good.len() / 2, good.len() - 12, good.len() - 1]
            .iter()
            .map(|&at| {
                let mut bytes = good.clone();
                bytes[at] ^= 0x20;
                bytes
            })
            .collect();
        damaged.extend([4, good.len() / 2, good.len() - 3].map(|len| good[..len].to_vec()));
        for bytes in damaged {
            for (header, bytes) in framed(&bytes) {
                primary.attract_anew(&replica);
                let mut peer = primary.begin_full_sync(&header, &bytes);
                peer.wait_closed();
                assert_eq!(replica.client().show("GET own"), "data", "{config}, {header}");
            }
        }
        // By itself it comes back, too.
        drop(primary.accept_replica());
        assert_unharmed(&replica, config);
        // That one was good, and nothing is left of the bad ones.
        let left = std::fs::read_dir(replica.dir()).expect("a directory");
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.expect("an entry").file_name().to_string_lossy().into_owned()
        };
        let left: Vec<String> = left.map(name).filter(|name| name.starts_with("temp-")).collect();
        assert_eq!(left, [""; 0], "{config}");
    }
}

/// A replica in the middle of the stream of a primary that the test plays.
fn in_the_stream(config: &str) -> (FakePrimary, crate::peers::Peer, Server) {
    let replica = replica_with_data(config);
    let primary = FakePrimary::new();
    primary.attract(&replica);
    let snapshot = snapshot_of(&["SET k v"]);
    let peer = primary.begin_full_sync(&format!("${}", snapshot.len()), &snapshot);
    wait_until_up(&replica);
    (primary, peer, replica)
}

#[test]
fn garbage_in_the_stream() {
    for garbage in
        ["SET inline v\r\n", "*1\r\n:5\r\n", "*-5\r\n$1\r\n", "\u{1}\u{2}\r\n", "*2\r\n$-7\r\n"]
    {
        let (primary, mut peer, replica) = in_the_stream("");
        peer.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nw\r\n");
        peer.send(garbage.as_bytes());
        wait_for(&format!("a protocol error after {garbage:?}"), DEADLINE, || {
            replica.log().contains("Protocol error from master")
        });
        peer.wait_closed();
        assert_eq!(replica.client().show("GET k"), "w", "{garbage:?}");
        assert_eq!(replica.client().show("DBSIZE"), "1", "{garbage:?}");
        // What it has cannot be trusted to be the primary's: a copy is asked for.
        let (_, psync) = primary.accept_replica();
        assert_eq!(psync[1..], ["?", "-1"], "{garbage:?}");
    }
}

/// Commands that fail are told of and passed over.
#[test]
fn commands_that_fail_in_the_stream() {
    let (_primary, mut peer, replica) = in_the_stream("");
    peer.send(b"*3\r\n$5\r\nLPUSH\r\n$1\r\nk\r\n$1\r\na\r\n");
    peer.send(b"*1\r\n$7\r\nNONSUCH\r\n*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
    replica.wait_for_log("== CRITICAL == This replica is sending an error to its master: ");
    wait_for_field(&replica, "slave_repl_offset", &(1000 + 29 + 17 + 21).to_string());
    assert_eq!(replica.client().show("GET n"), "1");
    assert_eq!(field(&replica, "master_link_status"), "up");
}

/// Half a transaction and half a command are not applied, and are asked for again.
#[test]
fn a_stream_that_breaks_off() {
    let (primary, mut peer, replica) = in_the_stream("");
    peer.send(b"*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
    peer.send(b"*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n*2\r\n$4\r\nIN");
    wait_for_field(&replica, "slave_repl_offset", "1021");
    drop(peer);
    let (mut peer, psync) = primary.accept_replica();
    assert_eq!(psync, ["psync", REPLID, "1022"]);
    assert_eq!(replica.client().show("GET n"), "1");
    peer.send(
        b"+CONTINUE\r\n*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n*1\r\n$4\r\nEXEC\r\n",
    );
    wait_for("the transaction", DEADLINE, || replica.client().show("GET n") == "2");
    replica.wait_for_log("Successful partial resynchronization with master.");
}

/// A primary that stops sending: before the stream, in the snapshot, in the stream.
#[test]
fn silence() {
    let replica = replica_with_data("repl-timeout 1");
    let primary = FakePrimary::new();
    primary.attract(&replica);
    let mut peer = primary.accept();
    assert_eq!(peer.request(), ["ping"]);
    replica.wait_for_log("Timeout connecting to the MASTER...");
    peer.wait_closed();
    let mut peer = primary.begin_full_sync("$1000", b"REDIS0011");
    replica.wait_for_log("Timeout receiving bulk data from MASTER...");
    peer.wait_closed();
    assert_eq!(replica.client().show("GET own"), "data");
    let snapshot = snapshot_of(&["SET k v"]);
    let mut peer = primary.begin_full_sync(&format!("${}", snapshot.len()), &snapshot);
    wait_until_up(&replica);
    replica.wait_for_log("MASTER timeout: no data nor PING received...");
    peer.wait_closed();
    let (_, psync) = primary.accept_replica();
    assert_eq!(psync, ["psync", REPLID, "1001"], "it goes on where it was");
    assert_eq!(replica.client().show("GET k"), "v");
}

/// Another primary is named while the data set of the first one is on its way.
#[test]
fn the_primary_is_switched_in_the_middle_of_a_snapshot() {
    let snapshot = snapshot_of(&["SET of the-first", "RPUSH list a b c"]);
    for config in LOADS {
        let replica = replica_with_data(config);
        let primary = FakePrimary::new();
        primary.attract(&replica);
        let half = &snapshot[..snapshot.len() / 2];
        let mut peer = primary.begin_full_sync(&format!("${}", snapshot.len()), half);
        wait_for_field(&replica, "master_sync_in_progress", "1");
        if config.ends_with("swapdb") {
            // As in Redis: while the old data is served nobody may name another primary.
            let refused = replica.client().show("REPLICAOF 127.0.0.1 1");
            assert!(refused.starts_with("(error) LOADING "), "{refused}");
            drop(peer);
            wait_for_field(&replica, "async_loading", "0");
            assert_unharmed(&replica, config);
            continue;
        }
        assert_unharmed(&replica, config);
        peer.wait_closed();
        assert_eq!(replica.client().show("EXISTS of"), "0");
        assert_eq!(number(&replica, "loading"), 0);
        assert_eq!(number(&replica, "async_loading"), 0);
    }
}

/// With swapdb the old data is served until the new one is complete.
#[test]
fn the_old_data_is_served_while_the_new_one_comes() {
    let snapshot = snapshot_of(&["SET new data", "RPUSH list a b c"]);
    let replica = replica_with_data("repl-diskless-load swapdb");
    let primary = FakePrimary::new();
    primary.attract(&replica);
    let (first, second) = snapshot.split_at(snapshot.len() / 2);
    let mut peer = primary.begin_full_sync(&format!("${}", snapshot.len()), first);
    wait_for_field(&replica, "async_loading", "1");
    assert_eq!(replica.client().show("MGET own new"), "[data, (nil)]");
    assert_eq!(number(&replica, "loading"), 0);
    peer.send(second);
    wait_until_up(&replica);
    assert_eq!(replica.client().show("MGET own new"), "[(nil), data]");
    assert_eq!(number(&replica, "async_loading"), 0);
    replica.wait_for_log("MASTER <-> REPLICA sync: Swapping active DB with loaded DB");
}
