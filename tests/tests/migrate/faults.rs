//! Targets that are down, slow, or no Redis at all.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use dunlin_testkit::{Client, Server};

const CONNECTING: &str = "(error) IOERR error or timeout connecting to the client";
const WRITING: &str = "(error) IOERR error or timeout writing to target instance";
const READING: &str = "(error) IOERR error or timeout reading to target instance";

/// A target that does as it is told with each connection.
fn target(mut serve: impl FnMut(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            serve(stream);
        }
    });
    port
}

/// A source with a key, and a client.
fn source() -> (Server, Client) {
    let server = Server::start();
    let mut client = server.client();
    client.cmd("SET k v");
    (server, client)
}

#[test]
fn nobody_listens() {
    let (_server, mut client) = source();
    // Bound and closed: nobody is there for a moment.
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("bound").port()
    };
    assert_eq!(client.show(&format!("MIGRATE 127.0.0.1 {port} k 0 5000")), CONNECTING);
    assert_eq!(client.show("MIGRATE no-such-host.invalid 7000 k 0 5000"), CONNECTING);
    assert_eq!(client.show("MIGRATE 127.0.0.1 port k 0 5000"), CONNECTING);
    assert_eq!(client.show("MIGRATE 127.0.0.1 70000 k 0 5000"), CONNECTING);
    assert_eq!(client.show("APPEND k w"), "2");
}

/// It takes what the socket takes and no more. Others are served meanwhile.
#[test]
fn a_target_that_does_not_read() {
    let (server, mut client) = source();
    client.cmd("SETRANGE large 50000000 x");
    let mut kept = Vec::new();
    let port = target(move |stream| kept.push(stream));
    let begun = Instant::now();
    client
        .send(format!("MIGRATE 127.0.0.1 {port} large 0 1000\r\n").as_bytes())
        .expect("it is sent");
    let mut other = server.client();
    let mut served = 0;
    while begun.elapsed() < Duration::from_millis(500) {
        assert_eq!(other.show("GETRANGE large 0 1"), "\\x00\\x00");
        served += 1;
    }
    assert!(served > 10, "{served}");
    assert_eq!(client.read().to_string(), WRITING);
    let took = begun.elapsed();
    assert!((1000..5000).contains(&took.as_millis()), "{took:?}");
    assert_eq!(client.show("STRLEN large"), "50000001");
}

#[test]
fn a_target_that_does_not_answer() {
    let (server, mut client) = source();
    let mut kept = Vec::new();
    let port = target(move |stream| kept.push(stream));
    let mut writer = server.client();
    let begun = Instant::now();
    client.send(format!("MIGRATE 127.0.0.1 {port} k 0 300\r\n").as_bytes()).expect("it is sent");
    // It is read, and changed when the transfer is over.
    let mut reader = server.client();
    while !reader.cmd("CLIENT LIST").text().contains("cmd=migrate") {}
    writer.send(b"APPEND k w\r\n").expect("it is sent");
    assert_eq!(reader.show("GET k"), "v");
    assert_eq!(client.read().to_string(), READING);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(writer.read().to_string(), "2");
}

/// What it says is no acknowledgement.
#[test]
fn a_target_that_is_no_redis() {
    for nonsense in ["HTTP/1.1 400 Bad Request\r\n\r\n", ":1\r\n:1\r\n", "$2\r\nOK\r\n", "\r\n"] {
        let (_server, mut client) = source();
        let mut kept = Vec::new();
        let port = target(move |mut stream| {
            let _ = stream.write_all(nonsense.as_bytes());
            kept.push(stream);
        });
        let reply = client.show(&format!("MIGRATE 127.0.0.1 {port} k 0 2000"));
        // It may be said before anything was asked.
        assert!([READING, WRITING].contains(&&*reply), "{nonsense:?}: {reply}");
        assert_eq!(client.show("EXISTS k"), "1", "{nonsense:?}");
    }
}

/// It is tried once more over a new connection, as in Redis.
#[test]
fn a_target_that_hangs_up() {
    let (_server, mut client) = source();
    let (count, counted) = std::sync::mpsc::channel();
    let port = target(move |mut stream| {
        count.send(()).expect("the test listens");
        let _ = stream.read(&mut [0; 4096]);
    });
    let reply = client.show(&format!("MIGRATE 127.0.0.1 {port} k 0 2000"));
    assert!([READING, WRITING].contains(&&*reply), "{reply}");
    assert_eq!(counted.try_iter().count(), 2);
}

/// The first of three keys is answered: it is there, and nobody knows of the others.
#[test]
fn a_target_that_dies_between_two_keys() {
    let (_server, mut client) = source();
    client.cmd("MSET l v m v");
    let port = target(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"+OK\r\n+OK\r\n");
    });
    let command = format!("MIGRATE 127.0.0.1 {port} \"\" 0 2000 KEYS k l m");
    assert_eq!(client.show(&command), READING);
    assert_eq!(client.show("EXISTS k"), "0");
    assert_eq!(client.show("EXISTS l m"), "2");
}

/// It would wait for itself.
#[test]
fn a_server_is_its_own_target() {
    let (server, mut client) = source();
    let port = server.port();
    assert_eq!(client.show(&format!("MIGRATE 127.0.0.1 {port} k 0 300")), READING);
    assert_eq!(client.show("GET k"), "v");
    // Into another database, that another key waits for nothing.
    let command = format!("MIGRATE 127.0.0.1 {port} k 1 300 COPY");
    assert_eq!(client.show(&command), "OK");
    client.cmd("SELECT 1");
    assert_eq!(client.show("GET k"), "v");
}
