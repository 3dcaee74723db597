//! While the data set is loaded: clients are answered, and `key-load-delay` is kept.

use std::time::{Duration, Instant};

use dunlin_testkit::{Client, DEADLINE, Server, wait_for, wait_some};

use crate::files::{persistence, rewrite, wait_for_field};

/// So long that not even one key passes within a test.
const FOREVER: &str = "CONFIG SET key-load-delay 2000000000";

/// A connection to a server that has just been started, and may be loading.
fn connect(server: &Server) -> Client {
    wait_some("a connection", DEADLINE, || {
        let mut client = Client::try_connect(server.address()).ok()?;
        client.try_cmd("PING").ok().map(|_| client)
    })
}

/// Kills the server, and starts it with another delay.
fn restart(server: &mut Server, delay: &str) -> Client {
    let mut client = server.client();
    assert_eq!(client.show(&format!("CONFIG SET key-load-delay {delay}")), "OK");
    assert_eq!(client.show("CONFIG REWRITE"), "OK");
    server.kill();
    server.start_again_unchecked();
    connect(server)
}

#[test]
fn clients_are_answered_while_keys_wait() {
    let mut server = Server::builder().config("save \"\"").start();
    let mut client = server.client();
    client.cmd("DEBUG POPULATE 2000");
    assert_eq!(client.show("SAVE"), "OK");
    let mut client = restart(&mut server, "2000000000");
    assert_eq!(persistence(&mut client, "loading"), "1");
    let refusal = "LOADING Redis is loading the dataset in memory";
    assert!(client.show("GET key:1").contains(refusal), "{}", client.show("GET key:1"));
    for parameter in ["appendonly yes", "repl-diskless-load swapdb"] {
        let reply = client.show(&format!("CONFIG SET {parameter}"));
        assert!(reply.contains(refusal), "{parameter}: {reply}");
    }
    assert_eq!(client.show("CONFIG SET key-load-delay 0"), "OK");
    wait_for_field(&mut client, "loading", "0");
    assert_eq!(client.cmd("DBSIZE").integer(), 2000);
}

#[test]
fn each_loaded_key_and_command_takes_its_time() {
    const KEYS: u32 = 40;
    const DELAY: Duration = Duration::from_millis(10);
    let mut server = Server::builder().config("appendonly yes").start();
    let mut client = server.client();
    client.cmd(&format!("DEBUG POPULATE {KEYS}"));
    rewrite(&mut client);
    for key in 0..KEYS {
        assert_eq!(client.show(&format!("SET later:{key} {key}")), "OK");
    }
    assert_eq!(client.show("SAVE"), "OK");
    let delay = DELAY.as_micros().to_string();
    let began = Instant::now();
    let mut client = restart(&mut server, &delay);
    wait_for("the log", DEADLINE, || persistence(&mut client, "loading") == "0");
    assert!(began.elapsed() >= DELAY * 2 * KEYS, "{:?}", began.elapsed());
    assert_eq!(client.cmd("DBSIZE").integer(), i64::from(2 * KEYS));
    for command in ["DEBUG RELOAD", "DEBUG LOADAOF"] {
        let began = Instant::now();
        assert_eq!(client.show(command), "OK");
        assert!(began.elapsed() >= DELAY * 2 * KEYS, "{command}: {:?}", began.elapsed());
        assert_eq!(client.cmd("DBSIZE").integer(), i64::from(2 * KEYS));
    }
}

/// A replica that lets keys wait answers meanwhile, and goes on when it need not wait any more, however
/// the data set comes.
#[test]
fn a_replica_lets_keys_wait_too() {
    let primary = Server::builder().config("repl-diskless-sync-delay 0").start();
    let mut client = primary.client();
    client.cmd("DEBUG POPULATE 3000 key 500");
    for way in ["disabled", "swapdb", "on-empty-db"] {
        let replica = Server::builder().config(&format!("repl-diskless-load {way}")).start();
        let mut client = replica.client();
        assert_eq!(client.show(FOREVER), "OK");
        client.cmd(&format!("REPLICAOF 127.0.0.1 {}", primary.port()));
        wait_for_field(&mut client, "loading", "1");
        assert_eq!(client.show("CONFIG SET key-load-delay 0"), "OK");
        wait_for("the link", DEADLINE, || {
            client.cmd("INFO replication").text().contains("master_link_status:up")
        });
        assert_eq!(client.cmd("DBSIZE").integer(), 3000, "{way}");
    }
}
