//! Strings of every size, through a real socket.

use dunlin_testkit::Server;
use dunlin_testkit::client::request;

/// Bytes that are not text and differ from place to place.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| u8::try_from(index * 7 % 251).expect("below 251")).collect()
}

#[test]
fn a_value_comes_back_as_it_was_set() {
    let server = Server::start();
    let mut client = server.client();
    for len in [0, 1, 2, 44, 45, 63, 64, 255, 256, 1023, 16_383, 16_384, 16_385, 65_536, 1 << 20] {
        let value = pattern(len);
        assert_eq!(client.call(&[b"SET", b"key".as_slice(), &value]).to_string(), "OK");
        assert_eq!(client.cmd("GET key").bytes(), value, "{len} bytes");
        assert_eq!(client.cmd("STRLEN key").integer(), i64::try_from(len).expect("small"));
    }
    let key = pattern(100_000);
    client.call(&[b"SET".as_slice(), &key, b"long key"]);
    assert_eq!(client.call(&[b"GET".as_slice(), &key]).text(), "long key");
    assert_eq!(client.cmd("KEYS key").items().len(), 1);
}

/// A large argument is received into the memory it stays in: no second copy.
#[test]
fn a_hundred_megabytes_take_little_more_than_that() {
    const LEN: usize = 100 << 20;
    let server = Server::start();
    let mut client = server.client();
    let before = server.process().resident_bytes();
    let value = pattern(LEN);
    assert_eq!(client.call(&[b"SET", b"key".as_slice(), &value]).to_string(), "OK");
    let grown = server.process().peak_resident_bytes() - before;
    assert!(grown < (LEN as u64) * 3 / 2, "a {LEN} byte value took {grown} bytes at its peak");
    assert_eq!(client.cmd("STRLEN key").integer(), 100 << 20);
    assert!(client.cmd("GET key").bytes() == value, "the value is another one");
}

#[test]
fn a_pipeline_is_answered_in_order() {
    let server = Server::start();
    let mut client = server.client();
    let mut requests = Vec::new();
    for index in 0..10_000 {
        let (key, value) = (format!("key:{}", index % 100), index.to_string());
        requests.extend(request(&["SET", &key, &value]));
        requests.extend(request(&["GET", &key]));
    }
    client.send(&requests).expect("sent");
    for index in 0..10_000 {
        assert_eq!(client.read().text(), "OK");
        assert_eq!(client.read().text(), index.to_string());
    }
}

/// Connections do not see each other's half requests, and share the data.
#[test]
fn requests_in_pieces_from_many_clients() {
    let server = Server::start();
    let mut clients: Vec<_> = (0..50).map(|_| server.client()).collect();
    let requests: Vec<Vec<u8>> =
        (0..50).map(|n| request(&["INCRBY", "sum", &n.to_string()])).collect();
    let longest = requests.iter().map(Vec::len).max().expect("fifty");
    for at in 0..longest {
        for (client, request) in clients.iter_mut().zip(&requests) {
            client.send(request.get(at..=at).unwrap_or_default()).expect("sent");
        }
    }
    for client in &mut clients {
        client.read().integer();
    }
    assert_eq!(clients[0].show("GET sum"), (0..50).sum::<i32>().to_string());
}
