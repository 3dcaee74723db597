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

#[test]
fn info_tells_what_happened() {
    let mut driver = Driver::new();
    let client = driver.connect();
    driver.call(client, "SET k v PX 5000");
    driver.call(client, "SET k");
    driver.call(client, "GET nosuch");
    let reply = driver.call(client, "INFO everything");
    let expected = [
        "\r\n# Server\r\nredis_version:7.2.4\r\n",
        "\r\nuptime_in_seconds:0\r\n",
        "\r\n\r\n# Clients\r\nconnected_clients:1\r\n",
        "\r\nmaxmemory_policy:noeviction\r\n",
        "\r\nrdb_changes_since_last_save:1\r\n",
        "\r\nrdb_last_save_time:1700000000\r\n",
        "\r\ntotal_commands_processed:2\r\n",
        "\r\ninstantaneous_input_kbps:0.00\r\n",
        "\r\nkeyspace_misses:1\r\n",
        "\r\ntotal_error_replies:1\r\n",
        "\r\n# Modules\r\n\r\n# Commandstats\r\n",
        "\r\ncmdstat_get:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0\r\n",
        "\r\ncmdstat_set:calls=1,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0\r\n",
        "\r\n# Errorstats\r\nerrorstat_ERR:count=1\r\n",
        "\r\nlatency_percentiles_usec_get:p50=0.001,p99=0.001,p99.9=0.001\r\n",
        "\r\n# Keyspace\r\ndb0:keys=1,expires=1,avg_ttl=5000\r\n",
    ];
    let mut rest = reply.as_str();
    for part in expected {
        let at = rest.find(part).unwrap_or_else(|| panic!("no {part:?} in {rest}"));
        rest = &rest[at + part.len() - 2..];
    }
    assert!(driver.call(client, "INFO nosuch").starts_with("$0\r\n"));
}

#[test]
fn rates_follow_the_load() {
    let mut driver = Driver::new();
    let client = driver.connect();
    for _ in 0..20 {
        driver.call(client, "PING");
        driver.call(client, "PING");
        driver.advance_ms(100);
        driver.node.handle_deadline();
        driver.node.end_turn(7);
    }
    let reply = driver.call(client, "INFO stats");
    assert!(reply.contains("\r\ntotal_net_output_bytes:280\r\n"), "{reply}");
    assert!(reply.contains("\r\ninstantaneous_ops_per_sec:20\r\n"), "{reply}");
    assert!(reply.contains("\r\neventloop_cycles:20\r\n"), "{reply}");
    assert!(reply.contains("\r\ninstantaneous_eventloop_duration_usec:7\r\n"), "{reply}");
}
