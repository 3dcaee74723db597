//! Deadlines of the fields of hashes on a whole server: the active cycle, events, followers, WATCH.
//!
//! Source: Redis documentation, HEXPIRE, "Keyspace notifications", INFO.

mod driver;
mod pair;

use driver::Driver;
use dunlin_config::{Config, SetContext};
use dunlin_node::Token;
use pair::Pair;

/// A node with `hashes` hashes of `fields` fields: all but one of each are due after a second.
fn filled(hashes: usize, fields: usize) -> (Driver, Token) {
    let mut driver = Driver::new();
    let client = driver.connect();
    for hash in 0..hashes {
        let names: Vec<String> = (0..fields).map(|n| format!("f{n}")).collect();
        let words: String = names.iter().map(|name| format!(" {name} v")).collect();
        driver.call(client, &format!("HSET h{hash} stays v{words}"));
        let names = names.join(" ");
        driver.call(client, &format!("HPEXPIRE h{hash} 1000 FIELDS {fields} {names}"));
    }
    (driver, client)
}

fn held_fields(driver: &mut Driver) -> usize {
    let mut count = 0;
    driver.keyspace().database(0).for_each(|entry| {
        let hash = entry.hash(dunlin_stdx::time::UnixMs(0));
        count += hash.map_or(0, dunlin_values::hash::HashRef::held_len);
    });
    count
}

#[test]
fn due_fields_go_although_nobody_asks() {
    for (hashes, fields) in [(300, 3), (2, 600)] {
        let (mut driver, client) = filled(hashes, fields);
        driver.advance_ms(999);
        driver.turn();
        assert_eq!(held_fields(&mut driver), hashes * (fields + 1));
        driver.advance_ms(101);
        driver.turn();
        assert_eq!(held_fields(&mut driver), hashes);
        let info = driver.call(client, "INFO stats");
        let expired = format!("\r\nexpired_subkeys:{}\r\n", hashes * fields);
        assert!(info.contains(&expired) && info.contains("\r\nexpired_keys:0\r\n"), "{info}");
    }
}

#[test]
fn a_slice_takes_a_millisecond() {
    let (mut driver, _) = filled(4000, 4);
    driver.advance_ms(1200);
    driver.world.look_us.set(100);
    let mut slices = 0;
    while held_fields(&mut driver) > 4000 {
        let before = held_fields(&mut driver);
        driver.turn();
        slices += 1;
        assert!(before - held_fields(&mut driver) < 4000, "one slice takes no more");
        assert!(slices < 1000);
        driver.advance_ms(2);
    }
    assert!(slices > 4, "{slices}");
}

#[test]
fn the_cycle_can_be_switched_off() {
    let (mut driver, client) = filled(1, 3);
    driver.node.engine_mut().keyspace.set_active_expiry(false);
    driver.advance_ms(2000);
    driver.turn();
    assert_eq!(held_fields(&mut driver), 4);
    assert_eq!(driver.call(client, "HGET h0 f1"), "$-1\r\n", "a field that is due is not seen");
    assert_eq!(driver.call(client, "HLEN h0"), ":1\r\n");
    assert_eq!(held_fields(&mut driver), 1, "who asks for one field finds the others");
}

#[test]
fn removals_are_propagated_and_told() {
    let mut driver = Driver::new();
    let [client, listener] = [(); 2].map(|()| driver.connect());
    let config = &mut driver.node.engine_mut().config;
    let pairs = [(&b"notify-keyspace-events"[..], &b"EA"[..])];
    config.set(&pairs, &SetContext::default()).expect("a valid value");
    driver.node.engine_mut().follow_parameters();
    driver.call(listener, "PSUBSCRIBE *");
    driver.call(client, "HSET h a 1 b 2");
    driver.call(client, "HPEXPIRE h 10 FIELDS 1 a");
    driver.call(client, "HPEXPIRE h 500 FIELDS 1 b");
    driver.call(client, "HPERSIST h FIELDS 1 b");
    driver.call(client, "HPEXPIRE h 500 FIELDS 1 b");
    driver.node.engine_mut().record_changes(true);
    driver.advance_ms(110);
    driver.turn();
    driver.advance_ms(500);
    driver.call(client, "HGET h b");
    let stream = driver.node.engine_mut().stream.take();
    let expected = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n\
                    *3\r\n$4\r\nHDEL\r\n$1\r\nh\r\n$1\r\na\r\n\
                    *3\r\n$4\r\nHDEL\r\n$1\r\nh\r\n$1\r\nb\r\n";
    assert_eq!(String::from_utf8_lossy(&stream), expected);
    let heard = String::from_utf8_lossy(&driver.received(listener)).into_owned();
    let events: Vec<&str> =
        heard.split("\r\n").filter_map(|line| line.strip_prefix("__keyevent@0__:")).collect();
    let expected =
        ["hset", "hexpire", "hexpire", "hpersist", "hexpire", "hexpired", "hexpired", "del"];
    assert_eq!(events, expected);
    assert!(driver.keyspace().database(0).is_empty());
}

#[test]
fn a_transaction_that_watches_sees_fields_go() {
    let mut driver = Driver::new();
    let [client, other] = [(); 2].map(|()| driver.connect());
    driver.call(client, "HSET h a 1 b 2");
    driver.call(client, "HPEXPIRE h 100 FIELDS 1 a");
    driver.call(client, "WATCH h");
    driver.call(client, "MULTI");
    driver.call(client, "PING");
    driver.advance_ms(100);
    driver.call(other, "HGETALL h");
    assert_eq!(driver.call(client, "EXEC"), "*-1\r\n");
}

/// Whatever a follower's clock says, it holds the fields that the primary holds, with the same
/// deadlines.
#[test]
fn followers_hold_the_same_fields() {
    for clock_offset_ms in [0, 3_600_000, -3_600_000] {
        let mut pair = Pair::new(Config::default(), clock_offset_ms, 3);
        let client = pair.primary.connect();
        for command in [
            "HSET h a 1 b 2 c 3 d 4 e 5.5",
            "HEXPIRE h 1 FIELDS 2 a b",
            "HPEXPIRE h 10 LT FIELDS 2 a c",
            "HINCRBY h b 1",
            "HINCRBYFLOAT h b 0.5",
            "HINCRBYFLOAT h e 0.5",
            "COPY h copy",
            "HGETEX h PX 500 FIELDS 2 d nosuch",
            "HGETEX h PERSIST FIELDS 1 b",
            "HSETEX h EX 5 FIELDS 2 x 1 y 2",
            "HSETEX h KEEPTTL FIELDS 2 x 3 z 4",
            "HSETEX h FNX FIELDS 1 x 5",
            "RENAME copy renamed",
            "HGETALL renamed",
            "HINCRBY renamed c 5",
            "HSETNX renamed a new",
            "HGETDEL h FIELDS 2 x nosuch",
            "HSETEX new PX 20 FIELDS 1 f v",
            "HPERSIST renamed FIELDS 2 a b",
            "HSET large v 1",
            "HEXPIRE h 0 FIELDS 3 y y z",
            "HGET new f",
            "HDEL h a b c d e",
        ] {
            pair.primary.call(client, command);
            pair.assert_equal(command);
            pair.advance_ms(7);
            pair.primary.turn();
            pair.assert_equal(&format!("time behind {command}"));
        }
        pair.advance_ms(10_000);
        pair.primary.turn();
        pair.assert_equal("the end of all deadlines");
        assert_eq!(pair.primary.call(client, "DBSIZE"), ":2\r\n");
    }
}
