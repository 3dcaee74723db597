//! A key of a slot that changes its owner, seen while it is on its way.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use dunlin_testkit::Cluster;

/// Whoever writes to it meanwhile is sent where it went.
#[test]
fn writers_are_sent_after_the_key() {
    let cluster = Cluster::builder().primaries(3).start();
    let (source, slot) = (cluster.owner_of("k"), "7629");
    let target = (source + 1) % 3;
    let (mut here, mut there) = (cluster.client(source), cluster.client(target));
    here.cmd("SET k v");
    let importing = format!("CLUSTER SETSLOT {slot} IMPORTING {}", cluster.id(source));
    assert_eq!(there.show(&importing), "OK");
    let migrating = format!("CLUSTER SETSLOT {slot} MIGRATING {}", cluster.id(target));
    assert_eq!(here.show(&migrating), "OK");
    // The target of the transfer takes its time.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (answer, is_to_answer) = mpsc::channel::<()>();
    let received = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut text = [0; 4096];
        let len = stream.read(&mut text).expect("it is sent");
        is_to_answer.recv().expect("the test goes on");
        stream.write_all(b"+OK\r\n+OK\r\n").expect("it is read");
        String::from_utf8_lossy(&text[..len]).into_owned()
    });
    here.send(format!("MIGRATE 127.0.0.1 {port} k 0 20000\r\n").as_bytes()).expect("it is sent");
    let [mut reader, mut writer, mut other] = [(); 3].map(|()| cluster.client(source));
    while !reader.cmd("CLIENT LIST").text().contains("cmd=migrate") {}
    writer.send(b"SET k w\r\n").expect("it is sent");
    let asks = format!("(error) ASK {slot} {}", cluster.address(target));
    assert_eq!(other.show("SET {k}other v"), asks);
    assert_eq!(reader.show("GET k"), "v");
    answer.send(()).expect("the target waits");
    assert_eq!(here.read().to_string(), "OK");
    assert_eq!(writer.read().to_string(), asks);
    assert_eq!(reader.show("GET k"), asks);
    let received = received.join().expect("the target is well");
    assert!(received.contains("*4\r\n$14\r\nRESTORE-ASKING\r\n$1\r\nk\r\n$1\r\n0\r\n"));
}
