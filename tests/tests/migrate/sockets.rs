//! Connections that are kept.

use std::time::{Duration, Instant};

use dunlin_testkit::{Client, Server, wait_for};

use crate::moving::{migrate, reference};

/// How many connections a server keeps.
fn kept(client: &mut Client) -> usize {
    let text = client.cmd("INFO stats").text();
    let line = text.lines().find_map(|line| line.strip_prefix("migrate_cached_sockets:"));
    line.expect("a field").parse().expect("a number")
}

#[test]
fn sixty_four_are_kept_for_ten_seconds() {
    let source = Server::start();
    // A host has many addresses.
    let target = reference().config("bind 0.0.0.0\nprotected-mode no").start();
    let (mut client, port) = (source.client(), target.port());
    let begun = Instant::now();
    for host in 1..=70 {
        client.cmd("SET k v");
        let command = format!("MIGRATE 127.0.0.{host} {port} k 0 5000 REPLACE");
        assert_eq!(client.show(&command), "OK");
        assert_eq!(kept(&mut client), host.min(64));
    }
    let at_target = target.client().cmd("INFO clients").text();
    assert!(at_target.contains("connected_clients:65\r\n"), "{at_target}");
    wait_for("the connections to end", Duration::from_secs(20), || kept(&mut client) == 0);
    assert!(begun.elapsed() >= Duration::from_secs(10));
}

#[test]
fn a_connection_is_used_again_and_selects_only_when_it_must() {
    let (source, target) = (Server::start(), reference().start());
    let (mut here, mut there) = (source.client(), target.client());
    for (db, selects) in [(0, 1), (0, 1), (5, 2), (5, 2), (0, 3)] {
        here.cmd("SET k v");
        assert_eq!(here.show(&format!("{} REPLACE", migrate(&target, "k", db))), "OK");
        let calls = there.cmd("INFO commandstats").text();
        let expected = format!("cmdstat_select:calls={selects},");
        assert!(calls.contains(&expected), "{calls}");
    }
    assert_eq!(kept(&mut here), 1);
    let received = there.cmd("INFO stats").text();
    assert!(received.contains("total_connections_received:"), "{received}");
}

/// One that its server has closed meanwhile is replaced without a word.
#[test]
fn a_connection_that_has_died_is_replaced() {
    let (source, mut target) = (Server::start(), reference().start());
    let mut client = source.client();
    for _ in 0..5 {
        client.cmd("SET k v");
        assert_eq!(client.show(&format!("{} REPLACE", migrate(&target, "k", 0))), "OK");
        target.kill();
        target.start_again();
    }
    client.cmd("SET k v");
    assert_eq!(client.show(&migrate(&target, "k", 0)), "OK");
    target.client().cmd("CLIENT KILL TYPE normal SKIPME yes");
    client.cmd("SET l v");
    assert_eq!(client.show(&migrate(&target, "l", 0)), "OK");
}

/// Clients that migrate at the same time have connections of their own, of which one is kept.
#[test]
fn several_at_once() {
    let (source, target) = (Server::start(), reference().start());
    let mut clients: Vec<Client> = (0..8).map(|_| source.client()).collect();
    for round in 0..20 {
        for (number, client) in clients.iter_mut().enumerate() {
            let key = format!("key:{round}:{number}");
            let words = format!("SET {key} v\r\n{}\r\n", migrate(&target, &key, 0));
            client.send(words.as_bytes()).expect("it is sent");
        }
        for client in &mut clients {
            assert_eq!(client.read().to_string(), "OK");
            assert_eq!(client.read().to_string(), "OK");
        }
    }
    assert_eq!(kept(&mut clients[0]), 1);
    assert_eq!(target.client().show("DBSIZE"), "160");
    assert_eq!(clients[0].show("DBSIZE"), "0");
}
