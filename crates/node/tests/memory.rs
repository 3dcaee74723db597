//! `maxmemory` and its policies, driven without a socket.

mod driver;

use driver::Driver;
use dunlin_session::Token;

const OOM: &str = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

/// A node under `policy` with keys `p0`..`p99` that stay and `v0`..`v99` with a time to live, which
/// shrinks in that order. Removing a key makes the program 100 bytes smaller.
fn filled(policy: &str) -> (Driver, Token) {
    let mut driver = Driver::new();
    let client = driver.connect();
    assert_eq!(driver.call(client, &format!("CONFIG SET maxmemory-policy {policy}")), "+OK\r\n");
    for key in 0..100 {
        driver.advance_ms(1000);
        driver.call(client, &format!("SET p{key} 1"));
        driver.call(client, &format!("SET v{key} 1 EX {}", 100_000 - key * 100));
    }
    (driver, client)
}

/// Lets the program hold so much that `keys` keys must go, and runs a command.
fn evict(driver: &mut Driver, client: Token, keys: u64, command: &str) -> String {
    const MAXMEMORY: u64 = 1_000_000;
    driver.node.engine_mut().config.memory.maxmemory = MAXMEMORY;
    driver.world.memory.set(MAXMEMORY + keys * 100);
    driver.world.memory_falls.set(100);
    let reply = driver.call(client, command);
    driver.node.engine_mut().config.memory.maxmemory = 0;
    reply
}

/// Numbers of the keys with this prefix that are left.
fn survivors(driver: &mut Driver, prefix: &str) -> Vec<u32> {
    let keyspace = &mut driver.node.engine_mut().keyspace;
    (0..100).filter(|key| keyspace.peek(0, format!("{prefix}{key}").as_bytes()).is_some()).collect()
}

fn older_half(keys: &[u32]) -> usize {
    keys.iter().filter(|&&key| key < 50).count()
}

#[test]
fn every_policy_removes_what_it_may_and_as_many_as_needed() {
    for policy in ["allkeys-lru", "allkeys-lfu", "allkeys-random"] {
        let (mut driver, client) = filled(policy);
        assert_eq!(evict(&mut driver, client, 80, "SET new 1"), "+OK\r\n", "{policy}");
        let [stay, leave] = ["p", "v"].map(|prefix| survivors(&mut driver, prefix).len());
        assert_eq!(stay + leave, 120, "{policy}");
        assert!(stay < 100 && leave < 100, "{policy}: {stay} {leave}");
    }
    for policy in ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"] {
        let (mut driver, client) = filled(policy);
        assert_eq!(evict(&mut driver, client, 80, "SET new 1"), "+OK\r\n", "{policy}");
        assert_eq!(survivors(&mut driver, "p").len(), 100, "{policy}");
        assert_eq!(survivors(&mut driver, "v").len(), 20, "{policy}");
        assert_eq!(evict(&mut driver, client, 80, "SET new 1"), OOM, "{policy}");
        assert_eq!(survivors(&mut driver, "v").len(), 0, "{policy}");
    }
}

#[test]
fn the_least_recently_used_and_the_soonest_to_expire_go_first() {
    let (mut driver, client) = filled("allkeys-lru");
    evict(&mut driver, client, 80, "PING");
    let left = survivors(&mut driver, "p");
    assert!(older_half(&left) < left.len() / 2, "{left:?}");
    let (mut driver, client) = filled("volatile-ttl");
    evict(&mut driver, client, 40, "PING");
    let left = survivors(&mut driver, "v");
    assert!(older_half(&left) > left.len() / 2, "the last have the shortest to live: {left:?}");
}

#[test]
fn keys_in_use_survive_under_lfu() {
    let (mut driver, client) = filled("allkeys-lfu");
    for _ in 0..200 {
        driver.call(client, "MGET p0 p1 p2 p3");
    }
    evict(&mut driver, client, 150, "PING");
    let left = survivors(&mut driver, "p");
    assert_eq!(&left[..4], [0, 1, 2, 3]);
}

#[test]
fn without_a_policy_commands_that_need_memory_are_refused() {
    let (mut driver, client) = filled("noeviction");
    for (command, reply) in [
        ("SET k v", OOM),
        ("APPEND p0 x", OOM),
        ("GET p0", "$1\r\n1\r\n"),
        ("GETDEL p0", "$1\r\n1\r\n"),
        ("PING", "+PONG\r\n"),
    ] {
        assert_eq!(evict(&mut driver, client, 10_000, command), reply, "{command}");
    }
    assert_eq!(survivors(&mut driver, "v").len(), 100);
    assert_eq!(driver.call(client, "SET k v"), "+OK\r\n");
}

#[test]
fn evicted_keys_are_counted_and_propagated() {
    let (mut driver, client) = filled("allkeys-random");
    driver.node.engine_mut().record_changes(true);
    driver.advance_ms(1);
    evict(&mut driver, client, 1, "SET new 1");
    let engine = driver.node.engine_mut();
    assert_eq!(engine.keyspace.stats().evicted, 1);
    let stream = String::from_utf8(engine.stream.take()).expect("text");
    let del = stream.find("$3\r\nDEL\r\n").expect("a DEL");
    assert!(del < stream.find("$3\r\nSET\r\n").expect("the SET"), "{stream}");
    evict(&mut driver, client, 1, "CONFIG SET lazyfree-lazy-eviction yes");
    evict(&mut driver, client, 1, "PING");
    let stream = driver.node.engine_mut().stream.take();
    assert!(String::from_utf8_lossy(&stream).contains("$6\r\nUNLINK\r\n"));
}

#[test]
fn lowering_maxmemory_removes_keys_at_once_but_in_slices() {
    let (mut driver, client) = filled("allkeys-random");
    driver.world.memory.set(20_000);
    driver.world.memory_falls.set(100);
    driver.world.look_us.set(600);
    assert_eq!(driver.call(client, "CONFIG SET maxmemory 10000"), "+OK\r\n");
    let log = driver.world.log.borrow().concat();
    assert!(
        log.starts_with("WARNING: the new maxmemory value set via CONFIG SET (10000)"),
        "{log}"
    );
    assert_eq!(driver.ms_until_due(), 0);
    driver.turn();
    let left = |driver: &mut Driver| survivors(driver, "p").len() + survivors(driver, "v").len();
    assert_eq!(left(&mut driver), 184, "16 keys take more than half a millisecond");
    for _ in 0..10 {
        driver.turn();
    }
    // Whoever else asks how much is used makes it less here.
    assert!((100..120).contains(&left(&mut driver)), "{}", left(&mut driver));
    assert!(driver.ms_until_due() > 0, "nothing is left to do");
    let info = driver.call(client, "INFO stats");
    assert!(!info.contains("total_eviction_exceeded_time:0\r\n"), "{info}");
    assert!(info.contains("current_eviction_exceeded_time:0\r\n"), "{info}");
}
