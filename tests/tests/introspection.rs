//! What a server tells about itself: INFO, MEMORY, SLOWLOG, LATENCY, MONITOR.

use dunlin_testkit::{Client, DEADLINE, Server, wait_for};

/// A field of INFO.
fn info(client: &mut Client, name: &str) -> String {
    let text = client.cmd("INFO everything").text();
    let field = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    field.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
}

fn number(client: &mut Client, name: &str) -> f64 {
    info(client, name).parse().unwrap_or_else(|_| panic!("{name} is no number"))
}

#[test]
fn used_memory_is_what_the_allocator_says() {
    const KEYS: usize = 200_000;
    let server = Server::builder().config("enable-debug-command yes").start();
    let mut client = server.client();
    client.cmd(&format!("DEBUG POPULATE {KEYS} key 64"));
    let near = |client: &mut Client| {
        let ratio = number(client, "used_memory") / number(client, "allocator_allocated");
        (0.97..1.03).contains(&ratio)
    };
    // A real server takes the allocator's figure ten times a second.
    wait_for("used_memory to match the allocator's figure", DEADLINE, || near(&mut client));
    let used = number(&mut client, "used_memory");
    assert!(used > 64.0 * KEYS as f64);
    assert!(number(&mut client, "used_memory_rss") > used);
    assert!(number(&mut client, "used_memory_peak") >= used);
    client.cmd("FLUSHALL");
    assert!(number(&mut client, "used_memory") < used / 4.0);
    assert!(number(&mut client, "used_memory_peak") >= used);
}

#[test]
fn the_process_describes_itself() {
    let server = Server::start();
    let mut client = server.client();
    assert_eq!(info(&mut client, "tcp_port"), server.port().to_string());
    assert_eq!(info(&mut client, "run_id").len(), 40);
    assert!(number(&mut client, "process_id") > 1.0);
    assert!(!info(&mut client, "executable").is_empty());
    let config_file = server.config_file().display().to_string();
    assert_eq!(info(&mut client, "config_file"), config_file);
    let cpu = number(&mut client, "used_cpu_sys") + number(&mut client, "used_cpu_user");
    assert!(cpu > 0.0);
    let received = number(&mut client, "total_net_input_bytes");
    let sent = number(&mut client, "total_net_output_bytes");
    assert!(received > 0.0 && sent > received, "{received} {sent}");
}

#[test]
fn a_slow_command_is_in_the_slow_log_and_in_the_latency_monitor() {
    let config = "enable-debug-command yes\nslowlog-log-slower-than 20000\n\
                  latency-monitor-threshold 20";
    let server = Server::builder().config(config).start();
    let mut client = server.client();
    client.cmd("CLIENT SETNAME sleeper");
    client.cmd("DEBUG SLEEP 0.05");
    client.cmd("PING");
    let entries = client.cmd("SLOWLOG GET").items();
    assert_eq!(entries.len(), 1);
    let entry = entries[0].items();
    assert!((50_000..5_000_000).contains(&entry[2].integer()), "{entry:?}");
    assert_eq!(entry[3].items()[1].text(), "SLEEP");
    assert_eq!(entry[5].text(), "sleeper");
    let latest = client.cmd("LATENCY LATEST").items();
    assert_eq!(latest[0].items()[0].text(), "command");
    assert!(latest[0].items()[3].integer() >= 50);
    assert!(client.cmd("LATENCY DOCTOR").text().contains("1. command: 1 latency spikes"));
}

#[test]
fn a_monitor_sees_others_until_it_resets() {
    let server = Server::start();
    let [mut watcher, mut client] = [server.client(), server.client()];
    watcher.cmd("MONITOR");
    client.cmd("SET key value");
    client.cmd("HELLO 2 AUTH nobody secret");
    let line = watcher.read().text();
    assert!(line.ends_with(r#""SET" "key" "value""#), "{line}");
    let line = watcher.read().text();
    assert!(line.ends_with(r#""HELLO" "2" "AUTH" "(redacted)" "(redacted)""#), "{line}");
    assert_eq!(watcher.cmd("RESET").text(), "RESET");
    client.cmd("SET key other");
    assert_eq!(watcher.cmd("PING").text(), "PONG");
}
