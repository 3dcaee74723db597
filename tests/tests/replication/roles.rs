//! Who follows whom: itself, in a ring, another one; hand-over; ends that wait for replicas.

use dunlin_testkit::{Client, DEADLINE, Server, wait_for};
use nix::sys::signal::Signal;

use crate::load::Load;
use crate::nodes::{
    assert_replicated, field, follow, node, number, reference, replica_of, wait_for_field,
    wait_in_sync, wait_until_up,
};

fn replicaof(port: u16) -> String {
    format!("REPLICAOF 127.0.0.1 {port}")
}

/// A server that is told to follow itself says why it does not, once a second, and keeps its data.
#[test]
fn a_server_does_not_follow_itself() {
    let server = node().start();
    let mut client = server.client();
    assert_eq!(client.show("SET k v"), "OK");
    assert_eq!(client.show(&replicaof(server.port())), "OK");
    let why = "Master is currently unable to PSYNC but should be in the future: -NOMASTERLINK";
    wait_for("two attempts", DEADLINE, || server.log().matches(why).count() >= 2);
    assert!(server.log().matches(why).count() < 10, "it tries without a pause");
    assert_eq!(client.show("GET k"), "v");
    assert_eq!(client.show("REPLICAOF NO ONE"), "OK");
    assert_eq!(client.show("SET k w"), "OK");
}

/// A follows B, which follows A: nothing is sent round and round, and a promotion heals it.
#[test]
fn a_ring_of_two_is_quiet() {
    let (a, b) = (node().config("repl-timeout 2").start(), node().config("repl-timeout 2").start());
    assert_eq!(a.client().show("SET k v"), "OK");
    follow(&b, &a);
    wait_in_sync(&a, &b);
    assert_eq!(a.client().show(&replicaof(b.port())), "OK");
    a.wait_for_log("Master accepted a Partial Resynchronization.");
    let offset = number(&a, "master_repl_offset");
    // Nobody produces anything, not even a PING: the links end, and are made anew.
    wait_for("the silence to be noticed", DEADLINE, || {
        let silent = "MASTER timeout: no data nor PING received...";
        a.log().contains(silent) || b.log().contains(silent)
    });
    assert_eq!(number(&a, "master_repl_offset"), offset);
    assert_eq!(number(&b, "master_repl_offset"), offset);
    assert_eq!(a.client().show("GET k"), "v");
    assert_eq!(b.client().show("GET k"), "v");
    assert_eq!(a.client().show("REPLICAOF NO ONE"), "OK");
    assert_eq!(a.client().show("SET k healed"), "OK");
    wait_until_up(&b);
    assert_replicated(&a, &b, "afterwards");
}

/// A replica has less memory than its primary needs: by default it keeps everything.
#[test]
fn a_replica_with_a_smaller_maxmemory() {
    let primary = node().start();
    let mut client = primary.client();
    let value = "x".repeat(10_000);
    let set =
        |client: &mut Client, n: u32| assert_eq!(client.show(&format!("SET {n} {value}")), "OK");
    (0..500).for_each(|n| set(&mut client, n));
    let small = "maxmemory 3mb\nmaxmemory-policy allkeys-lru";
    let ignores = replica_of(&primary, node().config(small));
    let evicts = replica_of(&primary, node().config(small).config("replica-ignore-maxmemory no"));
    let refuses = replica_of(&primary, node().config("maxmemory 3mb\nreplica-ignore-maxmemory no"));
    (500..1000).for_each(|n| set(&mut client, n));
    assert_replicated(&primary, &ignores, "it ignores maxmemory");
    assert_eq!(number(&ignores, "evicted_keys"), 0);
    // Without a policy there is nothing to evict, and the primary is not contradicted.
    assert_replicated(&primary, &refuses, "noeviction");
    // Looking at what is configured changes nothing.
    assert_eq!(
        ignores.client().show("CONFIG GET replica-ignore-maxmemory"),
        "[replica-ignore-maxmemory, yes]"
    );
    wait_in_sync(&primary, &evicts);
    wait_for("eviction", DEADLINE, || number(&evicts, "evicted_keys") > 0);
    assert!(evicts.client().cmd("DBSIZE").integer() < 1000);
    assert_eq!(ignores.client().cmd("DBSIZE").integer(), 1000);
    assert_eq!(number(&primary, "sync_full"), 3, "{}", primary.log());
}

/// WAIT and WAITAOF count who has it, min-replicas-to-write who is in reach.
#[test]
fn acknowledgements() {
    let primary = node().config("min-replicas-max-lag 1").start();
    let first = replica_of(&primary, node().config("appendonly yes"));
    let second = replica_of(&primary, node());
    let mut client = primary.client();
    assert_eq!(client.show("SET k v"), "OK");
    assert_eq!(client.show("WAIT 2 0"), "2");
    assert_eq!(second.client().show("GET k"), "v");
    assert_eq!(client.show("WAIT 3 50"), "2");
    assert_eq!(client.show("WAITAOF 0 1 0"), "[0, 1]");
    assert_eq!(client.show("WAITAOF 0 2 50"), "[0, 1]");
    let local =
        "(error) ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
    assert_eq!(client.show("WAITAOF 1 0 0"), local);
    assert_eq!(client.show("CONFIG SET appendonly yes"), "OK");
    assert_eq!(client.show("SET k w"), "OK");
    assert_eq!(client.show("WAITAOF 1 1 0"), "[1, 1]");
    second.signal(Signal::SIGSTOP);
    assert_eq!(client.show("SET k x"), "OK");
    assert_eq!(client.show("WAIT 2 100"), "1");
    assert_eq!(client.show("CONFIG SET min-replicas-to-write 2"), "OK");
    let refused = "(error) NOREPLICAS Not enough good replicas to write.";
    wait_for("the lag to count", DEADLINE, || client.show("SET k y") == refused);
    second.signal(Signal::SIGCONT);
    wait_for("the lag to be over", DEADLINE, || client.show("SET k z") == "OK");
    assert_eq!(client.show("WAIT 2 0"), "2");
    assert!(first.client().show("WAIT 1 0").starts_with("(error) ERR WAIT cannot be used with"));
}

/// A primary whose one replica is stopped and lacks something.
fn with_lagging_replica() -> (Server, Server) {
    let primary = node().start();
    let replica = replica_of(&primary, node());
    wait_for("a replica that is online", DEADLINE, || {
        field(&primary, "slave0").contains("state=online")
    });
    replica.signal(Signal::SIGSTOP);
    assert_eq!(primary.client().show("SET k v"), "OK");
    (primary, replica)
}

fn failover_to(replica: &Server, more: &str) -> String {
    format!("FAILOVER TO 127.0.0.1 {} {more}", replica.port())
}

/// A client that waits because writes are paused.
fn paused_write(primary: &Server) -> Client {
    let mut client = primary.client();
    client.send(b"SET paused write\r\n").expect("sent");
    wait_for("the write to wait", DEADLINE, || number(primary, "blocked_clients") > 0);
    client
}

#[test]
fn a_hand_over_that_is_given_up() {
    let (primary, replica) = with_lagging_replica();
    let mut client = primary.client();
    assert_eq!(client.show("FAILOVER ABORT"), "(error) ERR No failover in progress.");
    assert_eq!(client.show(&failover_to(&replica, "TIMEOUT 100000")), "OK");
    assert_eq!(field(&primary, "master_failover_state"), "waiting-for-sync");
    let again = client.show("FAILOVER");
    assert_eq!(again, "(error) ERR FAILOVER already in progress.");
    let mut writer = paused_write(&primary);
    assert_eq!(client.show("FAILOVER ABORT"), "OK");
    assert_eq!(writer.read().to_string(), "OK");
    // By the clock, too.
    assert_eq!(client.show(&failover_to(&replica, "TIMEOUT 50")), "OK");
    primary.wait_for_log("aborted: Replica never caught up before timeout");
    assert_eq!(field(&primary, "master_failover_state"), "no-failover");
    assert_eq!(client.show("SET k w"), "OK");
    replica.signal(Signal::SIGCONT);
    assert_replicated(&primary, &replica, "afterwards");
    assert_eq!(number(&primary, "sync_full"), 1);
}

#[test]
fn a_hand_over_by_force() {
    let (primary, replica) = with_lagging_replica();
    assert_eq!(primary.client().show(&failover_to(&replica, "FORCE TIMEOUT 500")), "OK");
    let mut writer = paused_write(&primary);
    wait_for_field(&primary, "master_failover_state", "failover-in-progress");
    replica.signal(Signal::SIGCONT);
    wait_for_field(&replica, "role", "master");
    wait_until_up(&primary);
    assert_eq!(field(&primary, "master_failover_state"), "no-failover");
    assert!(writer.read().to_string().starts_with("(error) READONLY"));
    assert_eq!(replica.client().show("SET k forced"), "OK");
    assert_replicated(&replica, &primary, "afterwards");
}

/// FAILOVER ABORT behind the point where the primary has become a replica: it is a primary again, and
/// writes that waited are made.
#[test]
fn a_hand_over_is_given_up_while_it_is_in_progress() {
    let (primary, replica) = with_lagging_replica();
    let mut client = primary.client();
    assert_eq!(client.show(&failover_to(&replica, "FORCE TIMEOUT 300")), "OK");
    let mut writer = paused_write(&primary);
    wait_for_field(&primary, "master_failover_state", "failover-in-progress");
    assert_eq!(field(&primary, "role"), "slave");
    let refused = client.show("REPLICAOF NO ONE");
    assert_eq!(refused, "(error) ERR REPLICAOF not allowed while failing over.");
    assert_eq!(client.show("FAILOVER ABORT"), "OK");
    assert_eq!(field(&primary, "master_failover_state"), "no-failover");
    assert_eq!(field(&primary, "role"), "master");
    assert_eq!(writer.read().to_string(), "OK");
    assert_eq!(client.show("SET k w"), "OK");
    replica.signal(Signal::SIGCONT);
    assert_replicated(&primary, &replica, "afterwards");
    assert_eq!(field(&replica, "role"), "slave");
    assert_eq!(number(&primary, "sync_full"), 1, "{}", primary.log());
}

/// The role goes to a replica and back under load, without a copy; also to and from a real Redis.
#[test]
fn a_hand_over_under_load() {
    for (what, first, second) in [
        ("ours to ours", node(), node()),
        ("ours to theirs", node(), reference()),
        ("theirs to ours", reference(), node()),
    ] {
        let first = first.start();
        let second = replica_of(&first, second);
        let load = Load::start(&first);
        load.wait_for_more(500);
        load.stop();
        wait_in_sync(&first, &second);
        for (from, to) in [(&first, &second), (&second, &first)] {
            wait_for("a replica that is online", DEADLINE, || {
                field(from, "connected_slaves") == "1" && field(from, "slave0").contains("online")
            });
            let full = number(to, "sync_full");
            assert_eq!(from.client().show("SET moment before"), "OK", "{what}");
            assert_eq!(from.client().show("FAILOVER"), "OK", "{what}");
            wait_for_field(to, "role", "master");
            wait_for_field(from, "role", "slave");
            wait_until_up(from);
            assert_eq!(field(from, "master_failover_state"), "no-failover", "{what}");
            assert_eq!(to.client().show("SET moment after"), "OK", "{what}");
            assert_replicated(to, from, what);
            assert_eq!(number(to, "sync_full"), full, "{what}\n{}", to.log());
        }
    }
}

/// SHUTDOWN gives replicas time, until it is taken back, and until they have everything.
#[test]
fn an_end_that_waits_for_replicas() {
    let (mut primary, replica) = with_lagging_replica();
    let shut_down = || {
        let mut client = primary.client();
        client.send(b"SHUTDOWN\r\n").expect("sent");
        client
    };
    let waits = "Waiting for replicas before shutting down.";
    let mut first = [shut_down(), shut_down()];
    wait_for("both to wait", DEADLINE, || field(&primary, "blocked_clients") == "2");
    primary.signal(Signal::SIGTERM);
    let left_ms = number(&primary, "shutdown_in_milliseconds");
    assert!((1..=10_000).contains(&left_ms), "{left_ms}");
    assert_eq!(primary.log().matches(waits).count(), 1);
    assert_eq!(primary.client().show("SHUTDOWN ABORT"), "OK");
    for client in &mut first {
        assert!(client.read().to_string().starts_with("(error) ERR Errors trying to SHUTDOWN"));
    }
    assert!(!primary.client().cmd("INFO server").text().contains("shutdown_in"));
    assert_eq!(primary.client().show("SET k w"), "OK");
    let _second = shut_down();
    wait_for("the second wait", DEADLINE, || primary.log().matches(waits).count() == 2);
    replica.signal(Signal::SIGCONT);
    assert_eq!(primary.wait_exit(), "exit 0");
    primary.wait_for_log("1 of 1 replicas are in sync when shutting down.");
    assert_eq!(replica.client().show("GET k"), "w");
}

/// Who ends a pause of clients does not end that of a hand-over: writes go on waiting.
#[test]
fn a_hand_over_goes_on_whatever_clients_pause() {
    let (primary, replica) = with_lagging_replica();
    let mut client = primary.client();
    assert_eq!(client.show(&failover_to(&replica, "TIMEOUT 100000")), "OK");
    let mut writer = paused_write(&primary);
    assert_eq!(client.show("CLIENT PAUSE 1 ALL"), "OK");
    assert_eq!(client.show("CLIENT UNPAUSE"), "OK");
    // Two rounds of periodic work: whoever may go on has gone on.
    let before = number(&primary, "total_commands_processed");
    wait_for("some turns", DEADLINE, || number(&primary, "total_commands_processed") > before + 50);
    assert_eq!(client.show("GET paused"), "(nil)");
    assert_eq!(field(&primary, "blocked_clients"), "1");
    assert_eq!(client.show("FAILOVER ABORT"), "OK");
    assert_eq!(writer.read().to_string(), "OK");
    replica.signal(Signal::SIGCONT);
}

/// On a writable replica a key whose time has come is gone for those who write, in a transaction, too.
#[test]
fn writes_to_a_replica_see_expired_keys_as_gone() {
    let primary = node().config("enable-debug-command yes").start();
    let replica = replica_of(&primary, node().config("replica-read-only no"));
    let mut client = primary.client();
    // The primary removes nothing by itself: the key stays, and is only hidden on the replica.
    assert_eq!(client.show("DEBUG SET-ACTIVE-EXPIRE 0"), "OK");
    assert_eq!(client.show("SET plain 5 PX 1"), "OK");
    assert_eq!(client.show("SET queued 5 PX 1"), "OK");
    wait_in_sync(&primary, &replica);
    let mut writer = replica.client();
    wait_for("both to expire", DEADLINE, || writer.show("EXISTS plain queued") == "0");
    assert_eq!(writer.show("DBSIZE"), "2");
    assert_eq!(writer.show("INCR plain"), "1");
    assert_eq!(writer.show("MULTI"), "OK");
    assert_eq!(writer.show("INCR queued"), "QUEUED");
    assert_eq!(writer.show("EXEC"), "[1]");
}

/// What a replica has on disk of one history says nothing of the next one.
#[test]
fn acknowledgements_of_the_disk_belong_to_a_history() {
    let (long, short) = (node().start(), node().start());
    let log = "appendonly yes\nappendfsync always\nauto-aof-rewrite-percentage 0";
    let replica = replica_of(&long, node().config(log));
    let mut client = long.client();
    let value = "x".repeat(50_000);
    (0..10).for_each(|n| assert_eq!(client.show(&format!("SET {n} {value}")), "OK"));
    assert_eq!(client.show("WAITAOF 0 1 0"), "[0, 1]");
    // From here on nothing is synced.
    assert_eq!(replica.client().show("CONFIG SET appendfsync no"), "OK");
    follow(&replica, &short);
    replica.wait_for_log("Background AOF rewrite finished successfully");
    let mut client = short.client();
    assert_eq!(client.show("SET k v"), "OK");
    assert_eq!(client.show("WAIT 1 0"), "1");
    assert_eq!(client.show("WAITAOF 0 1 300"), "[0, 0]");
}
