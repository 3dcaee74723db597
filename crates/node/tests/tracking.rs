//! Client-side caching: what is told when, beyond what recorded scripts show.

mod driver;

use driver::Driver;
use dunlin_config::SetContext;
use dunlin_node::Token;

fn config(driver: &mut Driver, name: &str, value: &str) {
    let pairs = [(name.as_bytes(), value.as_bytes())];
    let config = &mut driver.node.engine_mut().config;
    config.set(&pairs, &SetContext::default()).expect("a valid value");
}

fn tracking_client(driver: &mut Driver, options: &str) -> Token {
    let client = driver.connect();
    driver.call(client, "HELLO 3");
    assert_eq!(driver.call(client, &format!("CLIENT TRACKING ON {options}")), "+OK\r\n");
    client
}

fn text(driver: &mut Driver, token: Token) -> String {
    String::from_utf8(driver.received(token)).expect("text")
}

fn invalidation(key: &str) -> String {
    format!(">2\r\n$10\r\ninvalidate\r\n*1\r\n${}\r\n{key}\r\n", key.len())
}

#[test]
fn an_eviction_is_told_before_the_reply_it_makes_room_for() {
    let mut driver = Driver::new();
    config(&mut driver, "maxmemory-policy", "allkeys-lru");
    let client = tracking_client(&mut driver, "");
    driver.call(client, "SET k 1");
    driver.call(client, "GET k");
    config(&mut driver, "maxmemory", "1000");
    driver.world.memory.set(1200);
    driver.world.memory_falls.set(200);
    let reply = driver.call(client, "GET k");
    assert_eq!(reply, format!("{}_\r\n", invalidation("k")));
}

#[test]
fn the_active_cycle_tells_too() {
    let mut driver = Driver::new();
    let reader = tracking_client(&mut driver, "");
    let listener = tracking_client(&mut driver, "BCAST NOLOOP");
    driver.call(reader, "SET k 1 PX 10");
    driver.received(listener);
    driver.call(reader, "GET k");
    driver.advance_ms(100);
    driver.turn();
    assert_eq!(text(&mut driver, reader), invalidation("k"));
    assert_eq!(text(&mut driver, listener), invalidation("k"));
}

#[test]
fn the_table_is_kept_within_its_limit() {
    let mut driver = Driver::new();
    config(&mut driver, "tracking-table-max-keys", "100");
    let client = tracking_client(&mut driver, "");
    for key in 0..300 {
        driver.call(client, &format!("GET {key}"));
    }
    driver.call(client, "PING");
    let tracking = driver.node.engine_mut().sessions.tracking();
    assert_eq!((tracking.key_count(), tracking.item_count()), (100, 100));
    // A sudden change takes a few commands, each of which forgets more than the one before.
    config(&mut driver, "tracking-table-max-keys", "0");
    for key in 1000..2000 {
        driver.call(client, &format!("GET {key}"));
    }
    config(&mut driver, "tracking-table-max-keys", "1");
    let mut sizes = Vec::new();
    for _ in 0..5 {
        driver.call(client, "PING");
        sizes.push(driver.node.engine_mut().sessions.tracking().key_count());
    }
    assert_eq!(sizes, [1000, 800, 500, 100, 1]);
}

#[test]
fn keys_are_noted_only_while_somebody_asks() {
    let mut driver = Driver::new();
    let client = tracking_client(&mut driver, "");
    driver.call(client, "GET k");
    driver.call(client, "CLIENT TRACKING OFF");
    assert_eq!(driver.node.engine_mut().sessions.tracking().key_count(), 1);
    // What was read before is forgotten when it changes, and nobody is told.
    assert_eq!(driver.call(client, "SET k 1"), "+OK\r\n");
    assert!(!driver.node.engine_mut().sessions.tracking().is_active());
    driver.call(client, "SET k 2");
    assert!(!driver.node.engine_mut().keyspace.has_touched());
}

#[test]
fn a_turn_is_told_at_once_for_each_prefix() {
    let mut driver = Driver::new();
    let listener = tracking_client(&mut driver, "BCAST PREFIX a PREFIX b");
    let writers = [(); 2].map(|()| driver.connect());
    for (writer, request) in writers.iter().zip(["SET a1 1\r\nSET b1 1\r\n", "SET a0 1\r\n"]) {
        let input = driver.node.input(*writer).expect("room");
        input.extend_from_slice(request.as_bytes());
        driver.node.handle_input(*writer, request.len());
    }
    driver.node.run();
    let expected =
        format!(">2\r\n$10\r\ninvalidate\r\n*2\r\n$2\r\na0\r\n$2\r\na1\r\n{}", invalidation("b1"));
    assert_eq!(text(&mut driver, listener), expected);
}

#[test]
fn what_a_woken_client_changes_is_told() {
    let mut driver = Driver::new();
    let reader = tracking_client(&mut driver, "");
    let [waiting, writer] = [(); 2].map(|()| driver.connect());
    driver.call(reader, "EXISTS list");
    assert_eq!(driver.call(waiting, "BLPOP list 0"), "");
    driver.call(writer, "RPUSH list a");
    assert_eq!(text(&mut driver, reader), invalidation("list"));
    assert_eq!(text(&mut driver, waiting), "*2\r\n$4\r\nlist\r\n$1\r\na\r\n");
}
