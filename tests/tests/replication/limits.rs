//! Replicas that do not read: the stream is kept for them, in memory and then on disk, up to a limit.

use std::time::Duration;

use dunlin_testkit::client::request;
use dunlin_testkit::{Client, DEADLINE, Server, ServerBuilder, wait_for};
use nix::sys::signal::Signal;

use crate::nodes::{assert_replicated, field, node, number, replica_of};
use crate::peers::Peer;

const VALUE_BYTES: usize = 100_000;

/// A primary that keeps little of the stream in memory.
fn primary_with(limits: &str) -> ServerBuilder {
    node().config("repl-diskless-sync no\nrepl-backlog-size 1mb").config(limits)
}

/// Changes one key so many times.
#[track_caller]
fn write(client: &mut Client, first: usize, count: usize) {
    let value = "x".repeat(VALUE_BYTES);
    for number in first..first + count {
        let words = ["SET".to_owned(), format!("k{}", number % 10), format!("{number}{value}")];
        assert_eq!(client.call(&words).to_string(), "OK");
    }
}

/// A replica that has its snapshot and reads nothing more.
fn deaf_replica(primary: &Server) -> Peer {
    let mut peer = Peer::replica_of(primary.address());
    assert!(peer.take_snapshot().starts_with(b"REDIS"));
    peer.send(&request(&["REPLCONF", "ACK", "0"]));
    wait_for("a replica that is online", DEADLINE, || {
        field(primary, "slave0").contains("state=online")
    });
    peer
}

/// A replica that stops reading gets everything, in order, when it reads again.
#[test]
fn the_stream_goes_to_disk_for_a_slow_replica() {
    let primary = primary_with("repl-backlog-max-size 4mb").start();
    let mut replica = deaf_replica(&primary);
    let mut client = primary.client();
    let before = primary.process().resident_bytes();
    write(&mut client, 0, 500);
    primary.wait_for_log("(repl-backlog-max-size): the oldest part goes to a temporary file");
    let grown = primary.process().resident_bytes().saturating_sub(before);
    assert!(grown < 40 << 20, "50 MB of stream take {grown} bytes of memory");
    replica.wait_at_most(Duration::from_secs(20));
    let mut next = 0;
    while next < 500 {
        let words = replica.request();
        if words[0] == "set" {
            assert_eq!(words[1], format!("k{}", next % 10));
            assert!(words[2].starts_with(&format!("{next}x")), "{next}: {:.20}", words[2]);
            assert_eq!(words[2].len(), VALUE_BYTES + next.to_string().len());
            next += 1;
        }
    }
    // And it goes on as usual.
    write(&mut client, 500, 1);
    while !replica.request().get(2).is_some_and(|value| value.starts_with("500x")) {}
    assert_eq!(number(&primary, "sync_full"), 1);
}

/// A replica that follows needs no file, however closely the limit of memory fits what is kept anyway.
#[test]
fn what_is_kept_in_any_case_stays_in_memory() {
    let primary = primary_with("repl-backlog-max-size 1mb").start();
    let replica = replica_of(&primary, node());
    let mut client = primary.client();
    for round in 0..40 {
        write(&mut client, round * 5, 5);
        assert_replicated(&primary, &replica, "it follows");
    }
    assert!(!primary.log().contains("temporary file"), "{}", primary.log());
}

/// The same with a process that stands still for a while. It is behind by more than Redis's default of
/// `client-output-buffer-limit` for replicas, which is no limit here.
#[test]
fn a_stopped_replica_catches_up_without_a_copy() {
    let primary = primary_with("repl-backlog-max-size 4mb").start();
    let replica = replica_of(&primary, node());
    let mut client = primary.client();
    replica.signal(Signal::SIGSTOP);
    write(&mut client, 0, 2700);
    primary.wait_for_log("(repl-backlog-max-size): the oldest part goes to a temporary file");
    replica.signal(Signal::SIGCONT);
    write(&mut client, 2700, 100);
    assert_replicated(&primary, &replica, "caught up");
    assert_eq!(number(&primary, "sync_full"), 1, "{}", primary.log());
    assert_eq!(number(&primary, "sync_partial_ok"), 0);
}

/// Beyond the limit of what is kept on disk the replica is given up, and the log says by how much.
#[test]
fn the_slowest_replica_is_dropped_at_the_limit() {
    let primary = primary_with("repl-backlog-max-size 4mb\nrepl-spill-limit 10mb").start();
    let good = replica_of(&primary, node());
    let mut deaf = deaf_replica(&primary);
    let mut client = primary.client();
    write(&mut client, 0, 400);
    primary.wait_for_log("Disconnecting replica 127.0.0.1:1: it is ");
    let log = primary.log();
    let line = log.lines().find(|line| line.contains("Disconnecting replica")).expect("the line");
    assert!(line.contains("in memory up to 4194304 bytes (repl-backlog-max-size)"), "{line}");
    assert!(line.contains("on disk up to 10485760 bytes (repl-spill-limit"), "{line}");
    deaf.wait_closed();
    assert_replicated(&primary, &good, "the good one");
    assert_eq!(field(&primary, "connected_slaves"), "1");
}

/// When the stream cannot be kept, all who need what is not in memory are given up, not only one.
#[test]
fn all_who_need_what_is_gone_are_dropped() {
    let primary = primary_with("repl-backlog-max-size 4mb\nrepl-spill-limit 10mb").start();
    let good = replica_of(&primary, node());
    let mut deaf = [deaf_replica(&primary), deaf_replica(&primary)];
    let mut client = primary.client();
    write(&mut client, 0, 400);
    wait_for("both to be dropped", DEADLINE, || field(&primary, "connected_slaves") == "1");
    deaf.iter_mut().for_each(Peer::wait_closed);
    assert_replicated(&primary, &good, "the good one");
}

/// An operator's own limit for replicas is kept to.
#[test]
fn an_output_limit_that_was_set_holds() {
    let limit = "client-output-buffer-limit replica 8mb 0 0";
    let primary = primary_with(limit).start();
    let mut deaf = deaf_replica(&primary);
    let mut client = primary.client();
    write(&mut client, 0, 300);
    primary.wait_for_log("scheduled to be closed ASAP for overcoming of output buffer limits.");
    deaf.wait_closed();
    assert_eq!(client.show("GET nothing"), "(nil)");
}
