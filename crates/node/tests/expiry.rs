//! The active cycle of expiry, driven without a socket.

mod driver;

use driver::Driver;
use dunlin_session::Token;

/// A node with `count` keys in each of two databases, all due after a second.
fn filled(count: u32) -> (Driver, Token) {
    let mut driver = Driver::new();
    let client = driver.connect();
    for db in [0, 5] {
        driver.call(client, &format!("SELECT {db}"));
        for key in 0..count {
            driver.call(client, &format!("SET {key} 1 PX 1000"));
        }
    }
    (driver, client)
}

fn left(driver: &mut Driver) -> [usize; 2] {
    let keyspace = &driver.node.engine_mut().keyspace;
    [0, 5].map(|db| keyspace.database(db).len())
}

#[test]
fn due_keys_go_although_nobody_asks() {
    let (mut driver, client) = filled(1000);
    driver.advance_ms(999);
    driver.turn();
    assert_eq!(left(&mut driver), [1000, 1000]);
    assert!(driver.ms_until_due() <= 100, "hz is 10");
    driver.advance_ms(101);
    driver.turn();
    assert_eq!(left(&mut driver), [0, 0]);
    let info = driver.call(client, "INFO stats");
    assert!(info.contains("\r\nexpired_keys:2000\r\n"), "{info}");
}

#[test]
fn a_slice_takes_a_millisecond_and_all_databases_get_their_turn() {
    let (mut driver, client) = filled(4000);
    driver.advance_ms(1200);
    driver.world.look_us.set(100);
    let mut slices = 0;
    let mut seen_in_both = false;
    while left(&mut driver) != [0, 0] {
        let before = left(&mut driver);
        driver.turn();
        slices += 1;
        let pause = driver.ms_until_due();
        let [first, second] = left(&mut driver);
        assert!(before[0] + before[1] - first - second < 1000, "one slice takes no more");
        assert!(pause <= 2 || first + second == 0, "{pause} ms until the next slice");
        seen_in_both |= (1..4000).contains(&first) && (1..4000).contains(&second);
        driver.advance_ms(2);
    }
    assert!(slices > 4, "{slices}");
    assert!(seen_in_both, "no database waits for the other to be empty");
    let info = driver.call(client, "INFO stats");
    assert!(!info.contains("expired_time_cap_reached_count:0\r\n"), "{info}");
    assert!(!info.contains("expire_cycle_cpu_milliseconds:0\r\n"), "{info}");
}

#[test]
fn effort_shortens_the_pause() {
    let mut driver = Driver::new();
    let engine = driver.node.engine_mut();
    assert_eq!(engine.expiry_pause_us(), 1550);
    engine.config.memory.active_expire_effort = 10;
    assert_eq!(engine.expiry_pause_us(), 1100);
}

#[test]
fn the_cycle_can_be_switched_off() {
    let (mut driver, client) = filled(10);
    driver.node.engine_mut().keyspace.set_active_expiry(false);
    driver.advance_ms(2000);
    driver.turn();
    assert_eq!(left(&mut driver), [10, 10]);
    assert_eq!(driver.call(client, "GET 1"), "$-1\r\n", "a key that is due is not seen");
    assert_eq!(left(&mut driver), [10, 9]);
}

#[test]
fn expired_keys_are_propagated_by_database() {
    let (mut driver, _) = filled(1);
    driver.node.engine_mut().record_changes(true);
    driver.advance_ms(2000);
    driver.turn();
    let stream = driver.node.engine_mut().stream.take();
    let del =
        |db: &str| format!("*2\r\n$6\r\nSELECT\r\n$1\r\n{db}\r\n*2\r\n$3\r\nDEL\r\n$1\r\n0\r\n");
    assert_eq!(String::from_utf8_lossy(&stream), del("0") + &del("5"));
}
