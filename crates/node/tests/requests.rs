//! From bytes to replies, without a socket.

mod driver;

use driver::Driver;

#[test]
fn what_is_set_is_got() {
    let mut driver = Driver::new();
    let client = driver.connect();
    assert_eq!(driver.call(client, "SET key value"), "+OK\r\n");
    assert_eq!(driver.call(client, "GET key"), "$5\r\nvalue\r\n");
    assert_eq!(driver.call(client, "GET nosuch"), "$-1\r\n");
    assert_eq!(driver.call(client, "SELECT 1"), "+OK\r\n");
    assert_eq!(driver.call(client, "GET key"), "$-1\r\n");
}

#[test]
fn what_holds_no_request_is_passed_over() {
    let mut driver = Driver::new();
    let client = driver.connect();
    for nothing in ["\r\n", "\n", "*0\r\n", "*-1\r\n", "\r\n\r\n*0\r\n"] {
        assert_eq!(driver.send(client, nothing.as_bytes()), b"", "{nothing:?}");
    }
    assert_eq!(driver.call(client, "PING"), "+PONG\r\n");
}

#[test]
fn a_key_is_gone_at_its_deadline() {
    let mut driver = Driver::new();
    let client = driver.connect();
    assert_eq!(driver.call(client, "SET key value PX 100"), "+OK\r\n");
    driver.advance_ms(99);
    assert_eq!(driver.call(client, "GET key"), "$5\r\nvalue\r\n");
    driver.advance_ms(1);
    assert_eq!(driver.call(client, "GET key"), "$-1\r\n");
}

#[test]
fn a_pipeline_is_answered_in_order_whatever_the_pieces() {
    let pipeline = b"SET k 1\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nNOSUCH a b\r\nPING\r\n";
    let expected = "+OK\r\n$1\r\n1\r\n\
                    -ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' \r\n+PONG\r\n";
    for piece in 1..pipeline.len() {
        let mut driver = Driver::new();
        let client = driver.connect();
        let replies: Vec<u8> =
            pipeline.chunks(piece).flat_map(|bytes| driver.send(client, bytes)).collect();
        assert_eq!(String::from_utf8_lossy(&replies), expected, "in pieces of {piece}");
    }
}

#[test]
fn a_reader_that_does_not_read_stops_its_own_pipeline() {
    let mut driver = Driver::new();
    let client = driver.connect();
    let value = vec![b'v'; 100_000];
    let set = [b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n".as_slice(), &value, b"\r\n"].concat();
    assert_eq!(driver.send(client, &set), b"+OK\r\n");
    let pipeline = b"GET k\r\n".repeat(1000);
    let mut received = driver.send(client, &pipeline).len();
    assert!(received < 2_000_000, "{received} bytes at once");
    while let Some(action) = driver.node.next_action() {
        assert_eq!(action, dunlin_node::Action::Resume(client));
        driver.node.handle_input(client, 0);
        driver.node.run();
        received += driver.received(client).len();
    }
    assert_eq!(received, 1000 * (100_000 + "$100000\r\n\r\n".len()));
}

#[test]
fn requests_before_a_protocol_error_are_answered_first_and_once() {
    let expected = "+OK\r\n:1\r\n-ERR Protocol error: unbalanced quotes in request\r\n";
    let (good, bad) = ("SET k \"0\"\r\nINCR k\r\n", "SET k \"unbalanced\r\n");
    // Little input is looked at ahead of the other connections', much is run at once.
    for padding in ["", &"\r\n".repeat(500)] {
        let mut driver = Driver::new();
        let client = driver.connect();
        let reply = driver.send(client, [padding, good, bad].concat().as_bytes());
        assert_eq!(String::from_utf8_lossy(&reply), expected);
    }
}

#[test]
fn a_protocol_error_behind_replies_that_must_wait_is_answered_after_them() {
    let mut driver = Driver::new();
    let client = driver.connect();
    let value = vec![b'v'; 600_000];
    let set = [b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$600000\r\n".as_slice(), &value, b"\r\n"].concat();
    assert_eq!(driver.send(client, &set), b"+OK\r\n");
    let mut received = driver.send(client, b"GET k\r\nGET k\r\nGET k\r\nGET k\r\n*1\r\n!\r\n");
    while let Some(action) = driver.node.next_action() {
        if action == dunlin_node::Action::Resume(client) {
            driver.node.handle_input(client, 0);
            driver.node.run();
            received.extend(driver.received(client));
        }
    }
    let end = b"-ERR Protocol error: expected '$', got '!'\r\n";
    assert_eq!(received.len(), 4 * (600_000 + "$600000\r\n\r\n".len()) + end.len());
    assert!(received.ends_with(end));
}

#[test]
fn empty_requests_are_no_requests() {
    let mut driver = Driver::new();
    let client = driver.connect();
    for empty in ["\r\n", "\n", "   \r\n", "*0\r\n", "*-1\r\n"] {
        assert_eq!(driver.send(client, empty.as_bytes()), b"");
    }
    assert_eq!(driver.call(client, "PING"), "+PONG\r\n");
}
