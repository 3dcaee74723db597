//! MULTI, EXEC and WATCH: what is queued, what breaks a transaction, and what followers see of it.

mod driver;

use driver::Driver;
use dunlin_commands::Digest;
use dunlin_engine::Follower;
use dunlin_node::{Action, Token};

fn clients<const N: usize>(driver: &mut Driver) -> [Token; N] {
    [(); N].map(|()| driver.connect())
}

/// Runs each command and collects the first line of each reply.
fn run(driver: &mut Driver, client: Token, commands: &[&str]) -> Vec<String> {
    let reply = |command: &&str| driver.call(client, command).trim_end().replace("\r\n", " ");
    commands.iter().map(reply).collect()
}

fn field(driver: &mut Driver, client: Token, observer: Token, name: &str) -> String {
    let id = driver.node.engine_mut().sessions.get(client).expect("open").id.0;
    let list = driver.call(observer, &format!("CLIENT LIST ID {id}"));
    let prefix = format!(" {name}=");
    let value = list.split(&prefix).nth(1).unwrap_or_default();
    value.split(' ').next().unwrap_or_default().to_owned()
}

/// What followers are told, as words.
fn propagated(driver: &mut Driver) -> String {
    let bytes = driver.node.engine_mut().stream.take();
    let text = String::from_utf8_lossy(&bytes);
    let is_word = |line: &&str| !line.starts_with(['*', '$']) && !line.is_empty();
    text.split("\r\n").filter(is_word).collect::<Vec<_>>().join(" ")
}

#[test]
fn queued_commands_run_together() {
    let mut driver = Driver::new();
    let [client, other] = clients(&mut driver);
    assert_eq!(run(&mut driver, client, &["MULTI", "SET a 1", "INCR a"])[1..], ["+QUEUED"; 2]);
    assert_eq!(driver.call(other, "GET a"), "$-1\r\n");
    assert_eq!(field(&mut driver, client, other, "multi"), "2");
    assert_eq!(field(&mut driver, client, other, "flags"), "x");
    assert_eq!(run(&mut driver, client, &["EXEC", "GET a"]), ["*2 +OK :2", "$1 2"]);
    assert_eq!(field(&mut driver, client, other, "multi"), "-1");
    assert_eq!(run(&mut driver, client, &["MULTI", "SET a 9", "DISCARD", "GET a"])[3], "$1 2");
}

#[test]
fn a_refused_command_breaks_the_transaction() {
    let oom = |driver: &mut Driver, used: u64| {
        driver.node.engine_mut().config.memory.maxmemory = 1000;
        driver.world.memory.set(used);
    };
    for refused in ["NOSUCH", "GET", "SHUTDOWN", "OOM"] {
        let mut driver = Driver::new();
        let client = driver.connect();
        driver.call(client, "MULTI");
        driver.call(client, "SET a 1");
        oom(&mut driver, if refused == "OOM" { 2000 } else { 0 });
        let command = if refused == "OOM" { "GET a" } else { refused };
        let reply = driver.call(client, command);
        assert!(reply.starts_with('-'), "{refused}: {reply}");
        oom(&mut driver, 0);
        let replies = run(&mut driver, client, &["SET b 1", "EXEC", "GET a", "EXEC"]);
        let broken = "-EXECABORT Transaction discarded because of previous errors.";
        assert_eq!(replies, ["+QUEUED", broken, "$-1", "-ERR EXEC without MULTI"], "{refused}");
    }
}

#[test]
fn a_refused_exec_ends_the_transaction() {
    let mut driver = Driver::new();
    let client = driver.connect();
    run(&mut driver, client, &["MULTI", "SET a 1"]);
    driver.node.engine_mut().config.memory.maxmemory = 1000;
    driver.world.memory.set(2000);
    let replies = run(&mut driver, client, &["EXEC", "EXEC"]);
    let reason = "OOM command not allowed when used memory > 'maxmemory'.";
    assert_eq!(replies[0], format!("-EXECABORT Transaction discarded because of: {reason}"));
    assert_eq!(replies[1], "-ERR EXEC without MULTI");
    // What needs no memory still runs, and so does what ends a transaction.
    driver.world.memory.set(0);
    run(&mut driver, client, &["MULTI", "GET a"]);
    driver.world.memory.set(2000);
    assert_eq!(run(&mut driver, client, &["EXEC", "MULTI", "DISCARD"]), ["*1 $-1", "+OK", "+OK"]);
}

#[test]
fn an_error_while_running_stops_nothing() {
    let mut driver = Driver::new();
    let client = driver.connect();
    run(&mut driver, client, &["SET a x", "MULTI", "INCR a", "SET b 1", "EXEC 1"]);
    assert_eq!(driver.call(client, "EXEC"), "-ERR EXEC without MULTI\r\n");
    let exec = ["MULTI", "INCR a", "SET b 1", "EXEC"];
    let error = "*2 -ERR value is not an integer or out of range +OK";
    assert_eq!(run(&mut driver, client, &exec)[3], error);
}

/// `watched` is what the watcher does first, `change` what happens then.
fn check_watch(watched: &[&str], change: &[&str], fails: bool) {
    let mut driver = Driver::new();
    let [watcher, other] = clients(&mut driver);
    driver.node.engine_mut().keyspace.set_active_expiry(false);
    for (client, commands) in [(watcher, watched), (other, change)] {
        for command in commands {
            match command.strip_prefix("WAIT_MS ") {
                Some(ms) => driver.advance_ms(ms.parse().expect("a number")),
                None => drop(driver.call(client, command)),
            }
        }
    }
    let replies = run(&mut driver, watcher, &["MULTI", "PING", "EXEC", "MULTI", "PING", "EXEC"]);
    let expected = if fails { "*-1" } else { "*1 +PONG" };
    assert_eq!(replies[2], expected, "{watched:?} {change:?}");
    assert_eq!(replies[5], "*1 +PONG");
}

#[test]
fn a_watched_key_that_changes_makes_exec_fail() {
    check_watch(&["WATCH k"], &["SET k 1"], true);
    check_watch(&["WATCH a k"], &["SET k 1"], true);
    check_watch(&["WATCH k", "SET k 1"], &[], true);
    check_watch(&["SET k 1", "WATCH k"], &["DEL k"], true);
    check_watch(&["SET k 1", "WATCH k"], &["EXPIRE k 100"], true);
    check_watch(&["WATCH k"], &["MULTI", "SET k 1", "EXEC"], true);
    check_watch(&["WATCH k"], &["SET x 1", "RENAME x k"], true);
    check_watch(&["WATCH k"], &["GET k", "DEL k", "SET other 1", "SETRANGE k 0 ''"], false);
    check_watch(&["WATCH k"], &["SELECT 1", "SET k 1"], false);
    check_watch(&["SELECT 1", "WATCH k", "SELECT 0"], &["SELECT 1", "SET k 1"], true);
    check_watch(&["WATCH k", "UNWATCH"], &["SET k 1"], false);
    check_watch(&["WATCH k", "MULTI", "DISCARD"], &["SET k 1"], false);
    check_watch(&["WATCH k", "MULTI", "EXEC"], &["SET k 1"], false);
    check_watch(&["WATCH k", "RESET"], &["SET k 1"], false);
    check_watch(&["SET k 1", "WATCH k"], &["SETNX k 2", "PERSIST k", "MSETNX k 2"], false);
}

#[test]
fn watching_notices_whole_databases() {
    check_watch(&["SET k 1", "WATCH k"], &["FLUSHALL"], true);
    check_watch(&["SET k 1", "WATCH k"], &["FLUSHDB"], true);
    check_watch(&["WATCH k"], &["FLUSHALL"], false);
    check_watch(&["SET k 1", "WATCH k"], &["SELECT 1", "FLUSHDB"], false);
    check_watch(&["WATCH k"], &["SELECT 1", "SET k 1", "SWAPDB 0 1"], true);
    check_watch(&["SET k 1", "WATCH k"], &["SWAPDB 0 1"], true);
    check_watch(&["WATCH k"], &["SET other 1", "SWAPDB 0 1"], false);
}

#[test]
fn watching_knows_about_time() {
    let expiring = "SET k 1 PX 10";
    check_watch(&[expiring, "WATCH k", "WAIT_MS 20"], &[], true);
    check_watch(&[expiring, "WATCH k", "WAIT_MS 20"], &["GET k"], true);
    check_watch(&[expiring, "WAIT_MS 20", "WATCH k"], &[], false);
    check_watch(&[expiring, "WAIT_MS 20", "WATCH k"], &["GET k"], false);
    check_watch(&[expiring, "WAIT_MS 20", "WATCH k"], &["FLUSHALL"], false);
    check_watch(&[expiring, "WAIT_MS 20", "WATCH k"], &["SWAPDB 0 1"], false);
    check_watch(&[expiring, "WAIT_MS 20", "WATCH k"], &["SET k 2"], true);
    check_watch(&["WATCH k"], &["SELECT 1", expiring, "WAIT_MS 20", "SWAPDB 0 1"], false);
}

#[test]
fn nothing_watches_after_its_client_has_gone() {
    let mut driver = Driver::new();
    let [watcher, other] = clients(&mut driver);
    driver.call(watcher, "WATCH k");
    driver.node.handle_end(watcher);
    assert!(driver.node.engine_mut().sessions.watches.is_empty());
    driver.call(other, "SET k 1");
    assert!(!driver.node.engine_mut().keyspace.has_touched());
    let again = driver.connect();
    assert_eq!(run(&mut driver, again, &["MULTI", "EXEC"])[1], "*0");
}

#[test]
fn a_client_waits_in_no_transaction() {
    let mut driver = Driver::new();
    let client = driver.connect();
    let replies = run(&mut driver, client, &["MULTI", "WAIT 1 0", "WAITAOF 0 1 0", "EXEC"]);
    assert_eq!(replies[3], "*2 :0 *2 :0 :0");
}

#[test]
fn select_inside_holds_for_what_follows() {
    let mut driver = Driver::new();
    driver.node.engine_mut().record_changes(true);
    let client = driver.connect();
    run(&mut driver, client, &["MULTI", "SET a 1", "SELECT 3", "SET a 3", "EXEC", "SET b 3"]);
    assert_eq!(propagated(&mut driver), "MULTI SELECT 0 SET a 1 SELECT 3 SET a 3 EXEC SET b 3");
    assert_eq!(run(&mut driver, client, &["GET a", "SELECT 0", "GET a"])[2], "$1 1");
}

#[test]
fn changes_of_a_transaction_are_one_unit() {
    let check = |commands: &[&str], expected: &str| {
        let mut driver = Driver::new();
        driver.node.engine_mut().record_changes(true);
        let client = driver.connect();
        driver.node.engine_mut().keyspace.set_active_expiry(false);
        run(&mut driver, client, &["SET gone 1 PX 10", "SET too 1 PX 10"]);
        driver.advance_ms(20);
        propagated(&mut driver);
        run(&mut driver, client, commands);
        assert_eq!(propagated(&mut driver), expected, "{commands:?}");
    };
    check(&["MULTI", "EXEC"], "");
    check(&["MULTI", "GET a", "EXEC"], "");
    check(&["MULTI", "SET a 1", "GET a", "EXEC"], "SET a 1");
    check(&["MULTI", "SET a 1", "SET b 1", "EXEC"], "MULTI SET a 1 SET b 1 EXEC");
    check(&["MULTI", "SET a 1", "LPOP", "EXEC"], "");
    check(
        &["MULTI", "SET a 1", "INCR gone", "SET b 1", "EXEC"],
        "MULTI SET a 1 DEL gone INCR gone SET b 1 EXEC",
    );
    check(&["GET gone"], "DEL gone");
    check(&["INCR gone"], "MULTI DEL gone INCR gone EXEC");
    check(&["DEL gone too"], "MULTI DEL gone DEL too EXEC");
    check(&["MULTI", "GET gone", "SET a 1", "EXEC"], "MULTI DEL gone SET a 1 EXEC");
}

#[test]
fn followers_apply_a_transaction_as_a_whole() {
    let mut primary = Driver::new();
    primary.node.engine_mut().record_changes(true);
    let client = primary.connect();
    run(&mut primary, client, &["SET a 0", "MULTI", "INCR a", "SELECT 2", "SET b 1", "EXEC"]);
    let bytes = primary.node.engine_mut().stream.take();
    let mut follower = Follower::default();
    let mut replica = Driver::new();
    let engine = replica.node.engine_mut();
    let end = bytes.len() - 1;
    for piece in bytes[..end].chunks(7) {
        engine.follow(&mut follower, piece).expect("a sound stream");
    }
    assert_eq!(follower.commands(), 2);
    assert!(!follower.is_at_end_of_command());
    engine.follow(&mut follower, &bytes[end..]).expect("a sound stream");
    assert_eq!(follower.commands(), 5);
    assert!(follower.is_at_end_of_command());
    let ours = Digest::of_keyspace(primary.keyspace()).to_hex();
    assert_eq!(ours, Digest::of_keyspace(replica.keyspace()).to_hex());
    for unsound in ["*1\r\n$4\r\nEXEC\r\n", "*1\r\n$5\r\nMULTI\r\n*1\r\n$5\r\nMULTI\r\n"] {
        let mut follower = Follower::default();
        let engine = replica.node.engine_mut();
        engine.follow(&mut follower, unsound.as_bytes()).expect_err("no such transaction");
    }
}

#[test]
fn time_stands_still_within_a_transaction() {
    let mut driver = Driver::new();
    let [client, waiting] = clients(&mut driver);
    driver.call(waiting, "BLPOP list 0");
    let queue = ["MULTI", "SET k v PX 100", "RPUSH list a", "PEXPIRE list 100", "TIME"];
    run(&mut driver, client, &queue);
    run(&mut driver, client, &["GET k", "LLEN list", "TIME"]);
    driver.world.look_us.set(60_000);
    let reply = driver.call(client, "EXEC");
    driver.world.look_us.set(0);
    let lines: Vec<&str> = reply.lines().collect();
    assert_eq!(lines[4..9], lines[12..], "{reply}");
    assert_eq!(lines[9..12], ["$1", "v", ":1"], "{reply}");
    // When it is over, the keys' time is up; the client finds nothing and waits on.
    assert_eq!(run(&mut driver, client, &["EXISTS k list"]), [":0"]);
    driver.carry_out();
    assert_eq!(driver.received(waiting), b"");
    driver.call(client, "RPUSH list b");
    assert_eq!(driver.received(waiting), b"*2\r\n$4\r\nlist\r\n$1\r\nb\r\n");
}

#[test]
fn a_pause_holds_what_would_write() {
    let mut driver = Driver::new();
    let [client, reader, admin] = clients(&mut driver);
    run(&mut driver, client, &["MULTI", "SET a 1"]);
    run(&mut driver, reader, &["MULTI", "GET a"]);
    driver.call(admin, "CLIENT PAUSE 1000 WRITE");
    assert_eq!(driver.call(client, "EXEC"), "");
    assert_eq!(driver.call(reader, "EXEC"), "*1\r\n$-1\r\n");
    driver.call(admin, "CLIENT UNPAUSE");
    driver.carry_out();
    assert_eq!(driver.received(client), b"*1\r\n+OK\r\n");
}

#[test]
fn what_is_queued_is_memory_of_its_client() {
    let mut driver = Driver::new();
    driver.node.engine_mut().config.network.maxmemory_clients =
        dunlin_config::MemoryShare::Bytes(1_000_000);
    let [client, admin] = clients(&mut driver);
    driver.call(client, "MULTI");
    let value = "v".repeat(20_000);
    driver.call(client, &format!("SET k {value}"));
    let queued: usize = field(&mut driver, client, admin, "multi-mem").parse().expect("a number");
    assert!((20_000..50_000).contains(&queued), "{queued}");
    for _ in 0..100 {
        driver.call(client, &format!("SET k {value}"));
        if driver.carry_out().contains(&Action::Close(client)) {
            return;
        }
    }
    panic!("the client was not ended");
}

#[test]
fn replies_can_be_kept_away_from_within() {
    let mut driver = Driver::new();
    let client = driver.connect();
    run(&mut driver, client, &["MULTI", "ECHO a", "CLIENT REPLY OFF", "ECHO b"]);
    assert_eq!(driver.call(client, "EXEC"), "*3\r\n$1\r\na\r\n");
    assert_eq!(driver.call(client, "CLIENT REPLY ON"), "+OK\r\n");
    run(&mut driver, client, &["MULTI", "ECHO a", "CLIENT REPLY SKIP"]);
    assert_eq!(driver.call(client, "EXEC"), "*2\r\n$1\r\na\r\n");
    assert_eq!(run(&mut driver, client, &["PING", "PING"]), ["", "+PONG"]);
}
