//! RESTORE of a value that takes long to decode: its client waits, nobody else does.

use dunlin_testkit::client::request;
use dunlin_testkit::{Client, DEADLINE, Server, wait_for};

/// A payload of this many fields, which takes a tenth of a second and more to decode.
fn payload(fields: usize) -> Vec<u8> {
    let server = Server::builder().start();
    let mut client = server.client();
    for first in (0..fields).step_by(1000) {
        let words = (first..first + 1000).map(|number| format!("field:{number} value:{number}"));
        client.cmd(&format!("HSET hash {}", words.collect::<Vec<_>>().join(" ")));
    }
    client.cmd("DUMP hash").bytes().to_vec()
}

fn restore(client: &mut Client, words: &[&[u8]], payload: &[u8]) {
    let mut all: Vec<&[u8]> = vec![b"RESTORE", words[0], words[1], payload];
    all.extend(&words[2..]);
    client.send(&request(&all)).expect("sent");
}

#[test]
fn others_are_served_while_a_payload_is_decoded() {
    let payload = payload(400_000);
    let server = Server::builder().start();
    let (mut client, mut other) = (server.client(), server.client());
    restore(&mut client, &[b"hash", b"0"], &payload);
    wait_for("the wait to begin", DEADLINE, || {
        other.show("INFO clients").contains("blocked_clients:1")
    });
    // The client is told nothing before the key is there, and all of these before that.
    let mut served = 0;
    while other.show("EXISTS hash") == "0" {
        served += 1;
    }
    assert!(served > 10, "{served} requests were served meanwhile");
    assert_eq!(client.read().to_string(), "OK");
    assert_eq!(other.show("HLEN hash"), "400000");
}

#[test]
fn what_follows_on_the_connection_comes_after_the_key() {
    let payload = payload(20_000);
    let server = Server::builder().start();
    let replica =
        Server::builder().config(&format!("replicaof 127.0.0.1 {}", server.port())).start();
    let mut client = server.client();
    restore(&mut client, &[b"hash", b"0"], &payload);
    restore(&mut client, &[b"hash", b"0"], &payload);
    restore(&mut client, &[b"hash", b"50000", b"REPLACE"], &payload);
    let mut damaged = payload.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    restore(&mut client, &[b"other", b"0"], &damaged);
    client.send(&request(&["EXISTS", "hash", "other"])).expect("sent");
    client.send(&request(&["PTTL", "hash"])).expect("sent");
    client.send(&request(&["MULTI"])).expect("sent");
    restore(&mut client, &[b"within", b"0"], &payload);
    client.send(&request(&["EXEC"])).expect("sent");
    let replies: Vec<String> = (0..5).map(|_| client.read().to_string()).collect();
    assert_eq!(
        replies,
        [
            "OK",
            "(error) BUSYKEY Target key name already exists.",
            "OK",
            "(error) ERR DUMP payload version or checksum are wrong",
            "1",
        ]
    );
    let ttl: i64 = client.read().to_string().parse().expect("a number");
    assert!((1..=50_000).contains(&ttl), "{ttl}");
    let replies: Vec<String> = (0..3).map(|_| client.read().to_string()).collect();
    assert_eq!(replies, ["OK", "QUEUED", "[OK]"]);
    let mut there = replica.client();
    wait_for("the replica to have it", DEADLINE, || there.show("EXISTS within") == "1");
    assert_eq!(there.show("DEBUG DIGEST"), client.show("DEBUG DIGEST"));
}

#[test]
fn a_client_that_leaves_takes_its_payload_with_it() {
    let payload = payload(100_000);
    let server = Server::builder().start();
    let mut other = server.client();
    {
        let mut client = server.client();
        restore(&mut client, &[b"hash", b"0"], &payload);
        let id = client_id(&mut other);
        assert_eq!(other.show(&format!("CLIENT UNBLOCK {id}")), "0");
    }
    wait_for("the wait to end", DEADLINE, || {
        other.show("INFO clients").contains("blocked_clients:0")
    });
    let mut client = server.client();
    restore(&mut client, &[b"hash", b"0"], &payload);
    assert_eq!(client.read().to_string(), "OK");
}

/// The id of the client that waits.
fn client_id(other: &mut Client) -> String {
    let mut id = None;
    wait_for("a client that waits", DEADLINE, || {
        let list = other.cmd("CLIENT LIST").bytes().to_vec();
        let list = String::from_utf8_lossy(&list).into_owned();
        let line = list.lines().find(|line| line.contains("cmd=restore"));
        id = line.and_then(|line| line.strip_prefix("id=")?.split(' ').next().map(str::to_owned));
        id.is_some()
    });
    id.expect("found")
}
