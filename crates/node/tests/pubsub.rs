//! Messages and keyspace notifications between connections, and what becomes of subscribers.

mod driver;

use driver::Driver;
use dunlin_config::SetContext;
use dunlin_node::{Action, Token};

fn config(driver: &mut Driver, name: &str, value: &str) {
    let pairs = [(name.as_bytes(), value.as_bytes())];
    let config = &mut driver.node.engine_mut().config;
    config.set(&pairs, &SetContext::default()).expect("a valid value");
    driver.node.engine_mut().follow_parameters();
}

fn text(driver: &mut Driver, token: Token) -> String {
    String::from_utf8(driver.received(token)).expect("text")
}

/// The last word of each message that has arrived.
fn events(driver: &mut Driver, token: Token) -> Vec<String> {
    let text = text(driver, token);
    let messages = text.split("$8\r\npmessage\r\n").skip(1);
    let last_words = messages.map(|message| {
        let words: Vec<&str> = message.split("\r\n").collect();
        let event = words[3].rsplit("__:").next().expect("a channel").to_owned();
        format!("{event} {}", words[5])
    });
    last_words.collect()
}

#[test]
fn who_listens_hears_and_nobody_else() {
    let mut driver = Driver::new();
    let [first, second, sender] = [(); 3].map(|()| driver.connect());
    driver.call(first, "SUBSCRIBE news");
    driver.call(second, "PSUBSCRIBE n*");
    assert_eq!(driver.call(sender, "PUBLISH news hello"), ":2\r\n");
    let message = "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n";
    assert_eq!(text(&mut driver, first), message);
    let message = "*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$5\r\nhello\r\n";
    assert_eq!(text(&mut driver, second), message);
    driver.node.handle_end(first);
    assert_eq!(driver.call(sender, "PUBLISH news hello"), ":1\r\n");
    driver.node.handle_end(second);
    assert_eq!(driver.call(sender, "PUBLISH news hello"), ":0\r\n");
    assert!(!driver.node.engine_mut().sessions.pubsub().is_heard());
}

#[test]
fn a_pipeline_hears_of_itself_behind_each_reply() {
    let mut driver = Driver::new();
    let client = driver.connect();
    driver.call(client, "HELLO 3");
    driver.call(client, "SUBSCRIBE c");
    let reply = driver.send(client, b"PUBLISH c 1\r\nPUBLISH c 2\r\nPING\r\n");
    let push = |n| format!(">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n{n}\r\n");
    let expected = format!(":1\r\n{}:1\r\n{}+PONG\r\n", push(1), push(2));
    assert_eq!(String::from_utf8_lossy(&reply), expected);
}

#[test]
fn a_large_message_is_held_once() {
    let mut driver = Driver::new();
    let sender = driver.connect();
    let listeners = [(); 8].map(|()| driver.connect());
    for listener in listeners {
        driver.call(listener, "SUBSCRIBE c");
    }
    let content = "x".repeat(100_000);
    let request = format!("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$100000\r\n{content}\r\n");
    assert_eq!(driver.send(sender, request.as_bytes()), b":8\r\n");
    let starts = listeners.map(|listener| {
        let output = driver.node.output(listener).expect("open");
        let mut slices = Default::default();
        output.io_slices(&mut slices);
        slices.iter().find(|slice| slice.len() == 100_000).expect("the content").as_ptr()
    });
    assert!(starts.iter().all(|start| *start == starts[0]));
}

#[test]
fn expiry_and_eviction_are_told() {
    let mut driver = Driver::new();
    config(&mut driver, "notify-keyspace-events", "Exe");
    let [listener, client] = [(); 2].map(|()| driver.connect());
    driver.call(listener, "PSUBSCRIBE *");
    driver.send(client, b"SET active 1 PX 10\r\nSET lazy 1 PX 2000\r\nSET stays 1\r\n");
    driver.advance_ms(100);
    driver.turn();
    assert_eq!(events(&mut driver, listener), ["expired active"]);
    driver.advance_ms(3000);
    assert_eq!(driver.call(client, "GET lazy"), "$-1\r\n");
    assert_eq!(events(&mut driver, listener), ["expired lazy"]);
    config(&mut driver, "maxmemory", "1000");
    config(&mut driver, "maxmemory-policy", "allkeys-lru");
    driver.world.memory.set(1200);
    driver.world.memory_falls.set(200);
    driver.call(client, "PING");
    assert_eq!(events(&mut driver, listener), ["evicted stays"]);
}

#[test]
fn nothing_is_recorded_while_nobody_can_hear() {
    let mut driver = Driver::new();
    config(&mut driver, "notify-keyspace-events", "AKEnm");
    let [listener, client] = [(); 2].map(|()| driver.connect());
    driver.call(client, "SET k 1");
    driver.advance_ms(1);
    driver.send(client, b"SET new 1 PX 1\r\nGET none\r\n");
    driver.advance_ms(10);
    driver.call(client, "GET new");
    assert!(!driver.node.engine_mut().keyspace.has_incidents());
    // From its very first command on, a subscriber hears everything.
    driver.call(listener, "HELLO 3");
    driver.send(listener, b"PSUBSCRIBE *event*\r\nGET none\r\n");
    driver.call(client, "SET k 1");
    assert_eq!(events(&mut driver, listener), ["set k"]);
    driver.node.handle_end(listener);
    driver.advance_ms(1);
    driver.call(client, "GET none");
    assert!(!driver.node.engine_mut().keyspace.has_incidents());
}

#[test]
fn a_subscriber_who_does_not_read_is_closed() {
    let mut driver = Driver::new();
    config(&mut driver, "client-output-buffer-limit", "pubsub 100000 0 0");
    let [listener, sender] = [(); 2].map(|()| driver.connect());
    driver.call(listener, "SUBSCRIBE c");
    let publish = format!("PUBLISH c {}\r\n", "x".repeat(1000));
    let mut closed = Vec::new();
    for _ in 0..150 {
        driver.send(sender, publish.as_bytes());
        closed.extend(std::iter::from_fn(|| driver.node.next_action()));
    }
    assert_eq!(closed, [Action::Close(listener)]);
    assert_eq!(driver.send(sender, publish.as_bytes()), b":0\r\n");
    assert_eq!(driver.node.engine_mut().metrics.counters.output_buffer_disconnections, 1);
}

#[test]
fn a_subscriber_may_be_silent() {
    let mut driver = Driver::new();
    config(&mut driver, "timeout", "1");
    let [listener, idle] = [(); 2].map(|()| driver.connect());
    driver.call(listener, "SUBSCRIBE c");
    let mut closed = Vec::new();
    for _ in 0..500 {
        driver.advance_ms(10);
        driver.node.handle_deadline();
        closed.extend(std::iter::from_fn(|| driver.node.next_action()));
    }
    assert_eq!(closed, [Action::Close(idle)]);
}
