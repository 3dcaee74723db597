//! Servers that follow each other.

use std::time::Instant;

use dunlin_testkit::{Client, DEADLINE, Server, ServerBuilder, wait_for, wait_some};

use crate::dataset::{assert_same, picture};

/// A server whose full synchronisations do not wait for more replicas.
pub(crate) fn node() -> ServerBuilder {
    Server::builder().config("repl-diskless-sync-delay 0")
}

/// A real Redis, likewise.
///
/// # Panics
/// When there is none on this machine.
pub(crate) fn reference() -> ServerBuilder {
    let reference = Server::reference().expect("redis-server is needed: ./test installs it");
    reference.config("repl-diskless-sync-delay 0")
}

/// One field of INFO; `None` where there is no such line.
pub(crate) fn field_of(client: &mut Client, field: &str) -> Option<String> {
    let text = client.cmd("INFO everything").text();
    let prefix = format!("{field}:");
    text.lines().find_map(|line| line.strip_prefix(&prefix)).map(str::to_owned)
}

/// One field of INFO.
///
/// # Panics
/// When there is no such line.
#[track_caller]
pub(crate) fn field(server: &Server, field: &str) -> String {
    let found = field_of(&mut server.client(), field);
    found.unwrap_or_else(|| panic!("no {field} in INFO"))
}

/// A field of INFO that is a number.
#[track_caller]
pub(crate) fn number(server: &Server, name: &str) -> i64 {
    field(server, name).parse().expect("a number")
}

/// Waits until a field of INFO has a value.
#[track_caller]
pub(crate) fn wait_for_field(server: &Server, name: &str, value: &str) {
    let mut client = server.client();
    wait_for(&format!("{name}:{value}\n{}", server.log()), DEADLINE, || {
        field_of(&mut client, name).as_deref() == Some(value)
    });
}

/// Waits until the link of a replica is up.
#[track_caller]
pub(crate) fn wait_until_up(replica: &Server) {
    wait_for_field(replica, "master_link_status", "up");
}

/// Makes a server the replica of another and waits until the link is up.
#[track_caller]
pub(crate) fn follow(replica: &Server, primary: &Server) {
    let command = format!("REPLICAOF 127.0.0.1 {}", primary.port());
    assert_eq!(replica.client().show(&command), "OK");
    wait_until_up(replica);
}

/// The words that make a server a replica, for its command line.
pub(crate) fn replicaof(primary: &Server) -> [String; 3] {
    ["--replicaof".to_owned(), "127.0.0.1".to_owned(), primary.port().to_string()]
}

/// A running replica of `primary`, whose link is up.
#[track_caller]
pub(crate) fn replica_of(primary: &Server, builder: ServerBuilder) -> Server {
    let line = format!("replicaof 127.0.0.1 {}", primary.port());
    let replica = builder.config(&line).start();
    wait_until_up(&replica);
    replica
}

/// Waits until a replica has applied all that the primary's stream held when this was called.
#[track_caller]
pub(crate) fn wait_in_sync(primary: &Server, replica: &Server) {
    let wanted = number(primary, "master_repl_offset");
    let mut client = replica.client();
    let in_reach = || {
        let found = field_of(&mut client, "master_repl_offset")?.parse::<i64>().ok()?;
        let is_up = field_of(&mut client, "master_link_status").as_deref() == Some("up");
        (is_up && found >= wanted).then_some(())
    };
    wait_some(&format!("offset {wanted} at the replica"), DEADLINE, in_reach);
}

/// Both servers hold the same, now that the replica has caught up.
#[track_caller]
pub(crate) fn assert_replicated(primary: &Server, replica: &Server, what: &str) {
    wait_in_sync(primary, replica);
    // Keys whose deadline comes just now are gone at one end first.
    let (mut one, mut other, start) = (primary.client(), replica.client(), Instant::now());
    wait_for("equal digests", DEADLINE, || {
        let is_equal = one.show("DEBUG DIGEST") == other.show("DEBUG DIGEST");
        is_equal || start.elapsed() > DEADLINE / 4
    });
    let expected = picture(&mut primary.client());
    assert_same(&picture(&mut replica.client()), &expected, what);
}

/// Ends a server in order.
#[track_caller]
pub(crate) fn shut_down(server: &mut Server) {
    server.client().send(b"SHUTDOWN\r\n").expect("sent");
    assert_eq!(server.wait_exit(), "exit 0", "{}", server.log());
}

/// The part of the log behind the last line that holds `text`.
pub(crate) fn log_after(server: &Server, text: &str) -> String {
    let log = server.log();
    log.rfind(text).map_or_else(String::new, |at| log[at..].to_owned())
}
