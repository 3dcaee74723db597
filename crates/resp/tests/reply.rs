//! Every kind of reply in both protocol versions. Vectors are what 7.2.6 sends (`DEBUG PROTOCOL`).

use bytes::Bytes;
use dunlin_resp::{Protocol, Reply, SHARED_BULK_BYTES_MIN};

fn check(write: impl Fn(&mut Reply), resp2: &str, resp3: &str) {
    for (protocol, expected) in [(Protocol::Resp2, resp2), (Protocol::Resp3, resp3)] {
        let mut reply = Reply::new(protocol);
        write(&mut reply);
        assert_eq!(String::from_utf8_lossy(&reply.output.to_vec()), expected);
        assert_eq!(reply.len_bytes(), expected.len());
    }
}

#[test]
fn the_same_in_both() {
    let same = |write: fn(&mut Reply), expected| check(write, expected, expected);
    same(Reply::ok, "+OK\r\n");
    same(|reply| reply.simple("PONG"), "+PONG\r\n");
    same(|reply| reply.error("ERR a\r\nb\r\n\n"), "-ERR a  b\r\n");
    same(|reply| reply.integer(7), ":7\r\n");
    same(|reply| reply.integer(-7), ":-7\r\n");
    same(|reply| reply.integer(i64::MIN), ":-9223372036854775808\r\n");
    same(|reply| reply.bulk(b""), "$0\r\n\r\n");
    same(|reply| reply.bulk(b"a\r\nb"), "$4\r\na\r\nb\r\n");
    same(|reply| reply.bulk(&[b'x'; 10]), "$10\r\nxxxxxxxxxx\r\n");
    same(|reply| reply.bulk_integer(1234), "$4\r\n1234\r\n");
    same(|reply| reply.array(0), "*0\r\n");
    same(|reply| reply.array(99), "*99\r\n");
    same(|reply| reply.array(1_000_000), "*1000000\r\n");
}

#[test]
fn different_in_resp3() {
    check(Reply::null, "$-1\r\n", "_\r\n");
    check(Reply::null_array, "*-1\r\n", "_\r\n");
    check(|reply| reply.map(3), "*6\r\n", "%3\r\n");
    check(|reply| reply.set(3), "*3\r\n", "~3\r\n");
    check(|reply| reply.push(3), "*3\r\n", ">3\r\n");
    check(|reply| reply.boolean(true), ":1\r\n", "#t\r\n");
    check(|reply| reply.boolean(false), ":0\r\n", "#f\r\n");
    check(|reply| reply.double(3.25), "$4\r\n3.25\r\n", ",3.25\r\n");
    check(|reply| reply.double(3.0), "$1\r\n3\r\n", ",3\r\n");
    check(|reply| reply.double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
    check(|reply| reply.double_text(b"0.3"), "$3\r\n0.3\r\n", ",0.3\r\n");
    check(
        |reply| reply.verbatim(*b"txt", b"This is a verbatim\nstring"),
        "$25\r\nThis is a verbatim\nstring\r\n",
        "=29\r\ntxt:This is a verbatim\nstring\r\n",
    );
    check(
        |reply| reply.big_number(b"1234567999999999999999999999999999999"),
        "$37\r\n1234567999999999999999999999999999999\r\n",
        "(1234567999999999999999999999999999999\r\n",
    );
}

#[test]
fn attributes() {
    let mut reply = Reply::new(Protocol::Resp3);
    reply.attribute(1);
    assert_eq!(reply.output.to_vec(), b"|1\r\n");
}

#[test]
fn headers_that_come_later() {
    check(
        |reply| {
            reply.ok();
            let outer = reply.deferred_map();
            reply.bulk(b"k");
            let inner = reply.deferred_array();
            reply.integer(1);
            reply.set_array(inner, 1);
            let set = reply.deferred_set();
            reply.set_set(set, 0);
            reply.set_map(outer, 1);
        },
        "+OK\r\n*2\r\n$1\r\nk\r\n*1\r\n:1\r\n*0\r\n",
        "+OK\r\n%1\r\n$1\r\nk\r\n*1\r\n:1\r\n~0\r\n",
    );
}

#[test]
fn a_partial_reply_is_taken_back() {
    let mut reply = Reply::new(Protocol::Resp2);
    reply.ok();
    let mark = reply.mark();
    for _ in 0..10_000 {
        reply.bulk(b"value");
    }
    assert_eq!(reply.len_since(mark), 110_000);
    reply.truncate_to(mark);
    reply.integer(1);
    assert_eq!(reply.output.to_vec(), b"+OK\r\n:1\r\n");
}

#[test]
fn many_elements_behind_a_late_header() {
    let mut reply = Reply::new(Protocol::Resp2);
    let mark = reply.deferred_array();
    for value in 0..100_000 {
        reply.integer(value);
    }
    reply.set_array(mark, 100_000);
    let bytes = reply.output.to_vec();
    assert!(bytes.starts_with(b"*100000\r\n:0\r\n:1\r\n"));
    assert!(bytes.ends_with(b":99999\r\n"));
}

#[test]
fn long_values_are_shared() {
    let value = Bytes::from(vec![b'v'; SHARED_BULK_BYTES_MIN]);
    let mut reply = Reply::new(Protocol::Resp2);
    reply.bulk_shared(&value);
    reply.bulk_shared(&value.slice(..3));
    let mut expected = b"$65536\r\n".to_vec();
    expected.extend_from_slice(&value);
    expected.extend_from_slice(b"\r\n$3\r\nvvv\r\n");
    assert_eq!(reply.output.to_vec(), expected);
    assert_eq!(reply.output.queued_chunks(), 2);
}
