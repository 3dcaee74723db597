//! What becomes of clients that want too much, wait, or are told to wait.

mod driver;

use driver::Driver;
use dunlin_config::SetContext;
use dunlin_node::{Action, Peer, Token};

fn config(driver: &mut Driver, name: &str, value: &str) {
    let pairs = [(name.as_bytes(), value.as_bytes())];
    let config = &mut driver.node.engine_mut().config;
    config.set(&pairs, &SetContext::default()).expect("a valid value");
}

/// Runs the timers of `ms` milliseconds, as the event loop would.
fn pass(driver: &mut Driver, ms: i64) -> Vec<Action> {
    let mut actions = Vec::new();
    for _ in 0..ms / 10 {
        driver.advance_ms(10);
        driver.node.handle_deadline();
        actions.extend(settle(driver));
    }
    actions
}

/// Carries out what the node asks for, as the event loop would.
fn settle(driver: &mut Driver) -> Vec<Action> {
    let mut actions = Vec::new();
    while let Some(action) = driver.node.next_action() {
        if let Action::Resume(token) = action {
            driver.node.handle_input(token, 0);
        }
        actions.push(action);
    }
    actions
}

fn is_open(driver: &mut Driver, token: Token) -> bool {
    driver.node.engine_mut().sessions.get(token).is_some()
}

fn field(driver: &mut Driver, token: Token, name: &str) -> String {
    let info = driver.call(token, "CLIENT INFO");
    let prefix = format!("{name}=");
    let value = info.split_whitespace().find_map(|field| field.strip_prefix(&prefix));
    value.expect("the field is there").to_owned()
}

#[test]
fn a_silent_client_is_closed_after_the_timeout() {
    let mut driver = Driver::new();
    config(&mut driver, "timeout", "3");
    let [silent, busy] = [(); 2].map(|()| driver.connect());
    let mut closed = Vec::new();
    for _ in 0..10 {
        driver.call(busy, "PING");
        closed.extend(pass(&mut driver, 500));
    }
    assert_eq!(closed, [Action::Close(silent)]);
    assert!(is_open(&mut driver, busy));
}

#[test]
fn a_client_is_held_while_the_server_is_paused() {
    let mut driver = Driver::new();
    let [admin, client] = [(); 2].map(|()| driver.connect());
    assert_eq!(driver.call(admin, "CLIENT PAUSE 1000 WRITE"), "+OK\r\n");
    assert_eq!(
        driver.call(client, "SET k"),
        "-ERR wrong number of arguments for 'set' command\r\n"
    );
    assert_eq!(driver.call(client, "GET k"), "$-1\r\n");
    assert_eq!(driver.send(client, b"GET k\r\nSET k 1\r\nGET k\r\n"), b"$-1\r\n");
    assert!(driver.node.input(client).is_none());
    assert_eq!(driver.node.engine_mut().sessions.blocked(), 1);
    assert!(driver.call(admin, "CLIENT LIST").contains("flags=b "));
    assert_eq!(pass(&mut driver, 990), []);
    assert_eq!(pass(&mut driver, 10), [Action::Resume(client)]);
    assert_eq!(driver.received(client), b"+OK\r\n$1\r\n1\r\n");
    assert_eq!(driver.node.engine_mut().sessions.blocked(), 0);
}

#[test]
fn unpause_lets_everybody_go_on() {
    let mut driver = Driver::new();
    let [admin, first, second] = [(); 3].map(|()| driver.connect());
    driver.call(admin, "CLIENT PAUSE 100000 WRITE");
    for client in [first, second] {
        assert_eq!(driver.call(client, "SET k 1"), "");
    }
    assert_eq!(driver.call(admin, "CLIENT UNPAUSE"), "+OK\r\n");
    assert_eq!(settle(&mut driver).len(), 2);
    for client in [first, second] {
        assert_eq!(driver.received(client), b"+OK\r\n");
    }
}

#[test]
fn nothing_expires_while_the_server_is_paused() {
    let mut driver = Driver::new();
    let client = driver.connect();
    driver.send(client, b"SET k v PX 10\r\nCLIENT PAUSE 1000 WRITE\r\n");
    driver.advance_ms(20);
    assert_eq!(driver.call(client, "GET k"), "$-1\r\n");
    assert_eq!(driver.node.engine_mut().keyspace.stats().expired, 0);
    driver.call(client, "CLIENT UNPAUSE");
    settle(&mut driver);
    assert_eq!(driver.call(client, "GET k"), "$-1\r\n");
    assert_eq!(driver.node.engine_mut().keyspace.stats().expired, 1);
}

#[test]
fn a_reply_beyond_the_hard_limit_ends_the_client() {
    let mut driver = Driver::new();
    config(&mut driver, "client-output-buffer-limit", "normal 100000 0 0");
    let client = driver.connect();
    driver.send(client, format!("SET k {}\r\n", "x".repeat(50_000)).as_bytes());
    assert_eq!(driver.call(client, "GET k").len(), 50_010);
    assert_eq!(driver.send(client, b"GET k\r\nGET k\r\nGET k\r\n"), b"");
    assert_eq!(settle(&mut driver), [Action::Close(client)]);
    let counters = driver.node.engine_mut().metrics.counters;
    assert_eq!(counters.output_buffer_disconnections, 1);
}

#[test]
fn the_soft_limit_gives_time() {
    let mut driver = Driver::new();
    config(&mut driver, "client-output-buffer-limit", "normal 0 100000 3");
    let client = driver.connect();
    let value = "x".repeat(200_000);
    let set = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$200000\r\n{value}\r\n");
    assert_eq!(driver.send(client, set.as_bytes()), b"+OK\r\n");
    let send_unread = |driver: &mut Driver| {
        let input = driver.node.input(client).expect("not paused");
        input.extend_from_slice(b"GET k\r\n");
        driver.node.handle_input(client, 7);
        driver.node.run();
    };
    send_unread(&mut driver);
    assert_eq!(pass(&mut driver, 3000), []);
    assert_eq!(driver.received(client).len(), 200_011);
    send_unread(&mut driver);
    assert_eq!(pass(&mut driver, 3000), []);
    assert_eq!(pass(&mut driver, 2000), [Action::Close(client)]);
}

#[test]
fn the_largest_clients_go_when_all_take_too_much() {
    let mut driver = Driver::new();
    config(&mut driver, "maxmemory-clients", "1mb");
    let [small, large, exempt] = [(); 3].map(|()| driver.connect());
    driver.call(exempt, "CLIENT NO-EVICT ON");
    let fill = |driver: &mut Driver, client, bytes: usize| {
        driver.send(client, format!("*1\r\n${bytes}\r\n").as_bytes());
        driver.send(client, &vec![b'v'; bytes / 2]);
        settle(driver)
    };
    assert_eq!(fill(&mut driver, small, 200_000), []);
    assert_eq!(fill(&mut driver, large, 400_000), []);
    assert_eq!(fill(&mut driver, exempt, 600_000), [Action::Close(large)]);
    assert!(is_open(&mut driver, small));
    config(&mut driver, "maxmemory-clients", "100kb");
    assert_eq!(settle(&mut driver), [Action::Close(small)]);
    assert!(is_open(&mut driver, exempt));
    assert_eq!(driver.node.engine_mut().metrics.counters.clients_evicted, 2);
}

#[test]
fn replies_are_left_out_on_request() {
    let mut driver = Driver::new();
    let client = driver.connect();
    let check = |driver: &mut Driver, request: &str, expected: &str| {
        let received = driver.send(client, request.as_bytes());
        assert_eq!(String::from_utf8_lossy(&received), expected, "{request}");
    };
    check(&mut driver, "CLIENT REPLY SKIP\r\nPING\r\nECHO a\r\n", "$1\r\na\r\n");
    check(&mut driver, "CLIENT REPLY OFF\r\nPING\r\nNOSUCH\r\nCLIENT REPLY SKIP\r\nPING\r\n", "");
    check(&mut driver, "GET\r\nCLIENT REPLY ON\r\nPING\r\n", "+OK\r\n+PONG\r\n");
    check(&mut driver, "CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\n", "+OK\r\n");
    check(&mut driver, "CLIENT REPLY SKIP\r\nNOSUCH\r\nPING\r\n", "+PONG\r\n");
    check(&mut driver, "CLIENT REPLY OFF\r\n*1\r\nx\r\n", "");
    assert_eq!(settle(&mut driver), [Action::Close(client)]);
}

#[test]
fn killed_clients_are_closed_and_the_caller_gets_its_reply() {
    let mut driver = Driver::new();
    let [caller, other] = [(); 2].map(|()| driver.connect());
    let id = field(&mut driver, other, "id");
    assert_eq!(driver.call(caller, &format!("CLIENT KILL ID {id}")), ":1\r\n");
    assert_eq!(driver.call(caller, &format!("CLIENT KILL ID {id}")), ":0\r\n");
    assert_eq!(settle(&mut driver), [Action::Close(other)]);
    assert_eq!(driver.call(caller, "CLIENT KILL TYPE normal"), ":0\r\n");
    let reply = driver.send(caller, b"CLIENT KILL SKIPME no\r\nSET k v\r\n");
    assert_eq!(reply, b":1\r\n");
    assert_eq!(settle(&mut driver), [Action::CloseAfterFlush(caller)]);
    assert_eq!(driver.node.engine_mut().keyspace.database(0).len(), 0);
}

#[test]
fn strangers_are_turned_away_until_there_is_a_password() {
    let mut driver = Driver::new();
    let refusal = driver.node.connect(Peer::default()).expect_err("protected");
    assert!(refusal.0.starts_with(b"-DENIED Redis is running in protected mode"));
    assert!(refusal.0.ends_with(b"accepting connections from the outside.\r\n"));
    config(&mut driver, "requirepass", "secret");
    let stranger = driver.node.connect(Peer::default()).expect("may try to log in");
    assert_eq!(driver.call(stranger, "GET k"), "-NOAUTH Authentication required.\r\n");
    assert_eq!(
        driver.call(stranger, "AUTH wrong"),
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
    );
    assert_eq!(driver.call(stranger, "AUTH secret"), "+OK\r\n");
    assert_eq!(driver.call(stranger, "GET k"), "$-1\r\n");
    config(&mut driver, "requirepass", "");
    config(&mut driver, "protected-mode", "no");
    assert!(driver.node.connect(Peer::default()).is_ok());
}

#[test]
fn no_more_clients_than_allowed() {
    let mut driver = Driver::new();
    config(&mut driver, "maxclients", "2");
    driver.connect();
    let second = driver.connect();
    let local = || Peer { is_local: true, ..Peer::default() };
    let refusal = driver.node.connect(local()).expect_err("full");
    assert_eq!(refusal.0, b"-ERR max number of clients reached\r\n");
    driver.node.handle_end(second);
    assert!(driver.node.connect(local()).is_ok());
    assert_eq!(driver.node.engine_mut().metrics.counters.connections_rejected, 1);
}

#[test]
fn a_browser_is_cut_off() {
    let mut driver = Driver::new();
    let client = driver.connect();
    let request = b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k v\r\n";
    assert_eq!(driver.send(client, request), b"");
    assert_eq!(settle(&mut driver), [Action::Close(client)]);
    assert_eq!(driver.node.engine_mut().keyspace.database(0).len(), 0);
}

#[test]
fn while_data_is_loaded_clients_are_told_so() {
    let mut driver = Driver::new();
    let client = driver.connect();
    driver.node.engine_mut().set_loading(true);
    assert_eq!(driver.call(client, "GET k"), "-LOADING Redis is loading the dataset in memory\r\n");
    assert_eq!(driver.call(client, "CLIENT GETNAME"), "$-1\r\n");
    driver.node.engine_mut().set_loading(false);
    assert_eq!(driver.call(client, "GET k"), "$-1\r\n");
}

#[test]
fn an_idle_connection_holds_no_buffer() {
    let mut driver = Driver::new();
    let clients = [(); 200].map(|()| driver.connect());
    for client in clients {
        driver.send(client, b"SET k v\r\nGET k\r\nSET big 0123456789");
        driver.send(client, b"\r\n");
    }
    let sessions = &driver.node.engine_mut().sessions;
    for client in clients {
        let usage = sessions.get(client).expect("open").usage(None);
        assert!(usage.total < 1024, "{usage:?}");
    }
}

#[test]
fn an_endless_request_ends_the_client() {
    let mut driver = Driver::new();
    config(&mut driver, "client-query-buffer-limit", "1mb");
    let client = driver.connect();
    assert_eq!(driver.send(client, b"*1\r\n$5000000\r\n"), b"");
    assert_eq!(settle(&mut driver), []);
    assert_eq!(driver.send(client, &vec![b'v'; 1_200_000]), b"");
    assert_eq!(settle(&mut driver), [Action::Close(client)]);
    assert_eq!(driver.node.engine_mut().metrics.counters.query_buffer_disconnections, 1);
}

#[test]
fn errors_repeat_what_was_sent_byte_for_byte() {
    let mut driver = Driver::new();
    let client = driver.connect();
    let reply = driver.send(client, b"NO\xff \xfe\r\n");
    let expected = b"-ERR unknown command 'NO\xff', with args beginning with: '\xfe' \r\n";
    assert_eq!(reply, expected);
    let reply = driver.send(client, b"CLIENT \xff\r\n");
    assert_eq!(reply, b"-ERR unknown subcommand '\xff'. Try CLIENT HELP.\r\n");
}
