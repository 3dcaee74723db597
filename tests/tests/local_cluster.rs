//! `dunlin cluster up` and `down`: a cluster on this machine by one command.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Output};

use dunlin_testkit::cluster::RoutedClient;
use dunlin_testkit::port::free_ports;
use dunlin_testkit::server::{is_dunlin, program};
use dunlin_testkit::{Client, DEADLINE, wait_for};

/// Runs `dunlin cluster ...` in a directory.
fn dunlin(dir: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.arg("cluster").args(words).current_dir(dir).output().expect("dunlin runs")
}

#[track_caller]
fn succeeds(dir: &Path, words: &[&str]) -> String {
    let done = dunlin(dir, words);
    assert!(done.status.success(), "{words:?}: {done:?}");
    String::from_utf8(done.stdout).expect("text")
}

/// What the command says on standard error when it fails with this code.
#[track_caller]
fn fails(dir: &Path, words: &[&str], code: i32) -> String {
    let done = dunlin(dir, words);
    assert_eq!(done.status.code(), Some(code), "{words:?}: {done:?}");
    assert!(done.stdout.is_empty(), "{done:?}");
    String::from_utf8(done.stderr).expect("text")
}

/// A directory whose cluster is stopped when the test ends, however it ends.
struct Place(tempfile::TempDir);

impl Drop for Place {
    fn drop(&mut self) {
        dunlin(self.0.path(), &["down"]);
    }
}

fn place() -> Place {
    Place(tempfile::tempdir().expect("a directory"))
}

fn client(port: u16) -> Client {
    Client::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// Up, down, and up again with the same data; what is refused in between.
#[test]
fn up_and_down() {
    if !is_dunlin() {
        return;
    }
    let place = place();
    let dir = place.0.path();
    let first = free_ports(6);
    let port = first.to_string();
    let said = succeeds(dir, &["up", "--port", &port]);
    assert!(said.starts_with("6 nodes serve after "), "{said}");
    assert!(said.contains(&format!("\n  127.0.0.1:{port}  primary of slots 0-5460\n")), "{said}");
    let last = first + 5;
    assert!(said.contains(&format!("\n  127.0.0.1:{last}  replica of {}\n", first + 2)), "{said}");
    assert!(said.contains(&format!("redis-cli -c -p {port}\n")), "{said}");
    assert!(said.contains("dunlin cluster down --dir dunlin-cluster\n"), "{said}");
    for port in first..first + 6 {
        let info = client(port).cmd("CLUSTER INFO").text();
        assert!(info.contains("cluster_state:ok\r\n"), "{info}");
        assert!(info.contains("cluster_known_nodes:6\r\n"), "{info}");
    }
    let mut routed = RoutedClient::new(&[first], None);
    for n in 0..50 {
        assert_eq!(routed.show(&format!("SET key:{n} {n}")), "OK");
    }
    let said = fails(dir, &["up"], 1);
    assert!(said.contains("runs already"), "{said}");
    assert!(said.contains("stop it with: dunlin cluster down --dir "), "{said}");
    let said = succeeds(dir, &["down"]);
    assert!(said.starts_with("Stopped 6 nodes in "), "{said}");
    for port in first..first + 6 {
        assert!(Client::try_connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_err());
    }
    let said = fails(dir, &["up", "--nodes", "5"], 1);
    assert!(said.contains("holds a cluster of 6 nodes"), "{said}");
    let said = succeeds(dir, &["up", "--json"]);
    assert!(said.contains(&format!("\"port\":{port},\"bus_port\":{},", first + 10_000)), "{said}");
    assert_eq!(said.matches("\"role\":\"replica\"").count(), 3, "{said}");
    let mut routed = RoutedClient::new(&[first], None);
    for n in 0..50 {
        assert_eq!(routed.show(&format!("GET key:{n}")), n.to_string());
    }
    let said = succeeds(dir, &["down", "--json"]);
    assert!(said.contains("\"stopped\":["), "{said}");
    assert!(succeeds(dir, &["down"]).starts_with("Stopped 0 nodes"));
}

/// Other shapes than three primaries with a replica each, in a directory of one's choice.
#[test]
fn other_shapes() {
    if !is_dunlin() {
        return;
    }
    let place = place();
    let dir = place.0.path();
    let port = free_ports(4);
    let words = ["up", "--nodes", "4", "--replicas", "0", "--dir", "dunlin-cluster"];
    let said = succeeds(dir, &[&words[..], &["--port", &port.to_string()]].concat());
    assert!(said.contains("primary of slots 0-4095\n"), "{said}");
    assert!(!said.contains("replica"), "{said}");
    // One of the nodes dies: the others are stopped all the same.
    client(port).send(b"SHUTDOWN\r\n").expect("sent");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    wait_for("the first node to end", DEADLINE, || Client::try_connect(address).is_err());
    assert!(succeeds(dir, &["down"]).starts_with("Stopped 3 nodes"));
}

/// What cannot be done, and that nothing is left of the attempt.
#[test]
fn refusals() {
    if !is_dunlin() {
        return;
    }
    let place = place();
    let dir = place.0.path();
    let said = fails(dir, &["sideways"], 2);
    assert!(said.contains("neither up nor down: 'sideways'"), "{said}");
    assert!(said.contains("Usage: dunlin cluster up"), "{said}");
    let said = fails(dir, &["up", "--port", "55534"], 2);
    assert!(said.contains("--port must be 1 to 55530 for 6 nodes"), "{said}");
    let said = fails(dir, &["down"], 1);
    assert!(said.contains("there is no cluster in "), "{said}");
    // A port of the bus is taken.
    let port = free_ports(6);
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port + 10_003)).expect("a port");
    let said = fails(dir, &["up", "--port", &port.to_string()], 1);
    assert!(said.contains(&format!("port {} cannot be used", port + 10_003)), "{said}");
    assert_eq!(fs::read_dir(dir).expect("a directory").count(), 0);
    drop(taken);
}

/// A server that does not start is told of with its log; the others are stopped, and what they had
/// is still there.
#[test]
fn a_node_that_does_not_start() {
    if !is_dunlin() {
        return;
    }
    let place = place();
    let dir = place.0.path();
    let port = free_ports(3);
    let words = ["up", "--nodes", "3", "--replicas", "0", "--port", &port.to_string()];
    succeeds(dir, &words);
    succeeds(dir, &["down"]);
    let file = dir.join(format!("dunlin-cluster/{}/redis.conf", port + 1));
    let text = fs::read_to_string(&file).expect("the file");
    fs::write(&file, format!("{text}no-such-thing yes\n")).expect("written");
    let said = fails(dir, &["up"], 1);
    assert!(
        said.contains(&format!("the server of port {} ended at its start", port + 1)),
        "{said}"
    );
    assert!(said.contains("no-such-thing"), "{said}");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    assert!(Client::try_connect(address).is_err());
    fs::write(&file, text).expect("written");
    succeeds(dir, &["up"]);
}
