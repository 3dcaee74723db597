//! What a server tells about itself, driven without a socket.

mod driver;

use driver::Driver;

#[test]
fn monitors_see_what_others_run() {
    let mut driver = Driver::new();
    let [watcher, client] = [(); 2].map(|()| driver.connect());
    assert_eq!(driver.call(watcher, "MONITOR"), "+OK\r\n");
    assert_eq!(driver.call(watcher, "MONITOR"), "");
    driver.call(client, "SET key value");
    driver.call(client, "SELECT 3");
    driver.call(client, "LATENCY LATEST");
    let seen = String::from_utf8(driver.received(watcher)).expect("text");
    let expected = "+1700000000.000000 [0 ] \"SET\" \"key\" \"value\"\r\n\
                    +1700000000.000000 [3 ] \"SELECT\" \"3\"\r\n";
    assert_eq!(seen, expected);
    let own = driver.call(watcher, "PING");
    assert_eq!(own, "+PONG\r\n+1700000000.000000 [0 ] \"PING\"\r\n");
    driver.node.handle_end(watcher);
    assert_eq!(driver.call(client, "PING"), "+PONG\r\n");
}

#[test]
fn slow_commands_are_logged() {
    let mut driver = Driver::new();
    let client = driver.connect();
    driver.node.engine_mut().config.logging.slowlog_log_slower_than = 0;
    driver.advance_ms(1);
    driver.call(client, "SET k v");
    driver.call(client, "SLOWLOG LEN");
    let reply = driver.call(client, "SLOWLOG GET 1");
    let expected = "*1\r\n*6\r\n:1\r\n:1700000000\r\n:0\r\n\
                    *2\r\n$7\r\nSLOWLOG\r\n$3\r\nLEN\r\n$0\r\n\r\n$0\r\n\r\n";
    assert_eq!(reply, expected);
    driver.call(client, "SLOWLOG RESET");
    assert_eq!(driver.call(client, "SLOWLOG LEN"), ":1\r\n");
}

#[test]
fn run_times_are_counted_by_command() {
    let mut driver = Driver::new();
    let client = driver.connect();
    driver.call(client, "SET k v");
    driver.call(client, "SET k v");
    let reply = driver.call(client, "LATENCY HISTOGRAM set get nosuch");
    let expected = "*2\r\n$3\r\nset\r\n*4\r\n$5\r\ncalls\r\n:2\r\n$14\r\nhistogram_usec\r\n\
                    *2\r\n:1\r\n:2\r\n";
    assert_eq!(reply, expected);
    driver.node.engine_mut().config.logging.latency_tracking = false;
    driver.call(client, "PING");
    assert_eq!(driver.call(client, "LATENCY HISTOGRAM ping"), "*0\r\n");
}
