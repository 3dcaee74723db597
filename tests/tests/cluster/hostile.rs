//! Strangers at the bus port.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use dunlin_testkit::DEADLINE;
use dunlin_testkit::cluster::Cluster;
use fastrand::Rng;

/// Length of a packet's header, which is a whole packet of some types.
const HEADER_BYTES: usize = 2256;

/// A connection to the bus of a node.
fn bus(cluster: &Cluster, index: usize) -> TcpStream {
    let port = cluster.node(index).port() + 10_000;
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the bus accepts");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    stream.set_write_timeout(Some(DEADLINE)).expect("a timeout");
    stream
}

/// Whether the node ends the connection after these bytes. It must not answer.
#[track_caller]
fn is_closed_after(cluster: &Cluster, bytes: &[u8]) -> bool {
    let mut stream = bus(cluster, 0);
    // The node may have closed before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = [0; 1];
    match stream.read(&mut answer) {
        Ok(read) => {
            assert_eq!(read, 0, "an answer to {:?}", String::from_utf8_lossy(bytes));
            true
        }
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

/// A packet with a true header, as far as length and signature go.
fn packet(kind: u16, body: &[u8], sender: &str) -> Vec<u8> {
    let mut packet = vec![0; HEADER_BYTES];
    packet[..4].copy_from_slice(b"RCmb");
    let len = u32::try_from(HEADER_BYTES + body.len()).expect("short");
    packet[4..8].copy_from_slice(&len.to_be_bytes());
    packet[8..10].copy_from_slice(&1u16.to_be_bytes());
    packet[12..14].copy_from_slice(&kind.to_be_bytes());
    packet[40..80].copy_from_slice(sender.as_bytes());
    packet[2250..2252].copy_from_slice(&1u16.to_be_bytes());
    packet.extend_from_slice(body);
    packet
}

/// The cluster is as it was: the same nodes, slots and epochs, and it serves.
#[track_caller]
fn assert_unharmed(cluster: &Cluster, before: &[String]) {
    let mut view: Vec<String> = cluster.lines(0).iter().map(|line| line.agreed()).collect();
    view.sort();
    assert_eq!(view, before);
    cluster.wait_until_ok();
    assert_eq!(cluster.routed().show("SET k v"), "OK");
}

#[track_caller]
fn view(cluster: &Cluster) -> Vec<String> {
    let mut view: Vec<String> = cluster.lines(0).iter().map(|line| line.agreed()).collect();
    view.sort();
    view
}

/// HTTP, RESP, TLS and noise.
#[test]
fn other_protocols() {
    let cluster = Cluster::builder().start();
    let before = view(&cluster);
    let mut rng = Rng::with_seed(7);
    let noise: Vec<u8> = (0..100_000).map(|_| rng.u8(..)).collect();
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
        b"*1\r\n$4\r\nPING\r\n",
        b"PING\r\nPING\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"RCmb\x00\x00\x00\x64 and more",
        b"RCmb\x00\x00\x08\xcf",
        &noise,
    ] {
        assert!(is_closed_after(&cluster, bytes), "{:?}", String::from_utf8_lossy(&bytes[..8]));
    }
    assert_unharmed(&cluster, &before);
}

/// Packets that have the right form, from nobody: whatever they say, nothing changes.
#[test]
fn forged_packets() {
    let cluster = Cluster::builder().start();
    let before = view(&cluster);
    let stranger = "f".repeat(40);
    let victim = cluster.id(1);
    let mut update = u64::MAX.to_be_bytes().to_vec();
    update.extend_from_slice(victim.as_bytes());
    update.extend_from_slice(&[0xff; 2048]);
    let mut stream = bus(&cluster, 0);
    let mut rng = Rng::with_seed(7);
    for (kind, body) in [
        (3, victim.as_bytes().to_vec()),
        (4, [&[0, 0, 0, 4, 0, 0, 0, 5][..], b"newshello"].concat()),
        (5, Vec::new()),
        (6, Vec::new()),
        (7, update),
        (8, Vec::new()),
        (10, [&[0xff; 8][..], b"x"].concat()),
        (77, vec![1; 100]),
    ] {
        stream.write_all(&packet(kind, &body, &stranger)).expect("sent");
        // The same with a length that its type does not have, and with noise in its header.
        stream
            .write_all(&packet(kind, &[body.as_slice(), &[0; 9]].concat(), &stranger))
            .expect("sent");
        let mut torn = packet(kind, &body, &stranger);
        for _ in 0..200 {
            let at = rng.usize(80..2250);
            torn[at] = rng.u8(..);
        }
        stream.write_all(&torn).expect("sent");
    }
    assert_unharmed(&cluster, &before);
}

/// A connection that says nothing, or sends a packet a byte at a time, holds up nobody.
#[test]
fn slow_strangers() {
    let cluster = Cluster::builder().start();
    let before = view(&cluster);
    let idle: Vec<TcpStream> = (0..100).map(|_| bus(&cluster, 0)).collect();
    let mut slow = bus(&cluster, 0);
    for byte in &packet(0, &[], &"f".repeat(40))[..500] {
        slow.write_all(&[*byte]).expect("sent");
    }
    assert_unharmed(&cluster, &before);
    drop(idle);
    // A PING from a node that nobody knows is answered, with no consequences.
    let mut stream = bus(&cluster, 0);
    stream.write_all(&packet(0, &[], &"e".repeat(40))).expect("sent");
    let mut pong = vec![0; HEADER_BYTES];
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    stream.read_exact(&mut pong).expect("a PONG");
    assert_eq!((&pong[..4], &pong[12..14]), (&b"RCmb"[..], &[0, 1][..]));
    assert_unharmed(&cluster, &before);
}
