//! CONFIG SET and CONFIG REWRITE with what follows from them, driven without a socket.

mod driver;

use driver::Driver;
use dunlin_keyspace::AccessPolicy;

#[test]
fn derived_state_follows_parameters() {
    let mut driver = Driver::new();
    let client = driver.connect();
    let policy = |driver: &mut Driver| driver.node.engine_mut().keyspace.access().policy();
    assert_eq!(policy(&mut driver), AccessPolicy::Lru);
    driver.call(client, "CONFIG SET lfu-decay-time 7 maxmemory-policy volatile-lfu");
    let lfu = AccessPolicy::Lfu { log_factor: 10, decay_minutes: 7 };
    assert_eq!(policy(&mut driver), lfu);
    driver.call(client, "CONFIG SET maxmemory-policy noeviction");
    assert_eq!(policy(&mut driver), AccessPolicy::Lru);
}

#[test]
fn what_the_process_refuses_is_taken_back() {
    let mut driver = Driver::new();
    let client = driver.connect();
    driver.world.refused.set(Some("port"));
    let reply = driver.call(client, "CONFIG SET maxmemory-policy allkeys-lfu port 7000");
    let expected = "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to.\r\n";
    assert_eq!(reply, expected);
    let engine = driver.node.engine_mut();
    assert_eq!(engine.config.network.port, 6379);
    assert_eq!(engine.keyspace.access().policy(), AccessPolicy::Lru);
    let log = driver.world.log.borrow();
    assert!(log[0].contains("Possibly related to new port setting. Restoring"), "{log:?}");
}

#[test]
fn an_odd_word_is_a_syntax_error() {
    let mut driver = Driver::new();
    let client = driver.connect();
    assert_eq!(driver.call(client, "CONFIG SET hz 20 timeout"), "-ERR syntax error\r\n");
    assert_eq!(driver.call(client, "CONFIG GET hz"), "*2\r\n$2\r\nhz\r\n$2\r\n10\r\n");
}

#[test]
fn protected_parameters_are_for_whom_the_configuration_says() {
    let mut driver = Driver::new();
    let client = driver.connect();
    let refused = "-ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set \
                   protected config\r\n";
    assert_eq!(driver.call(client, "CONFIG SET dbfilename x.rdb"), refused);
    driver.node.engine_mut().config.security.enable_protected_configs =
        dunlin_config::ProtectedAction::Local;
    assert_eq!(driver.call(client, "CONFIG SET dbfilename x.rdb"), "+OK\r\n");
}

#[test]
fn the_directory_is_shown_as_the_process_has_it() {
    let mut driver = Driver::new();
    let client = driver.connect();
    driver.node.engine_mut().config.security.enable_protected_configs =
        dunlin_config::ProtectedAction::Yes;
    *driver.world.directory.borrow_mut() = "/start/sub".into();
    assert_eq!(driver.call(client, "CONFIG SET dir sub"), "+OK\r\n");
    let shown = driver.call(client, "CONFIG GET dir");
    assert_eq!(shown, "*2\r\n$3\r\ndir\r\n$10\r\n/start/sub\r\n");
}

#[test]
fn a_rewrite_needs_a_file_and_tells_what_went_wrong() {
    let mut driver = Driver::new();
    let client = driver.connect();
    let reply = driver.call(client, "CONFIG REWRITE");
    assert_eq!(reply, "-ERR The server is running without a config file\r\n");
    *driver.world.config_file.borrow_mut() = Err("Permission denied".to_owned());
    let reply = driver.call(client, "CONFIG REWRITE");
    assert_eq!(reply, "-ERR Rewriting config file: Permission denied\r\n");
    *driver.world.config_file.borrow_mut() = Ok(Some(b"# c\nuser a on\nhz 11\n".to_vec()));
    driver.call(client, "CONFIG SET hz 20");
    assert_eq!(driver.call(client, "CONFIG REWRITE"), "+OK\r\n");
    let file = driver.world.config_file.borrow().clone().expect("readable").expect("there");
    assert!(file.starts_with(b"# c\nuser a on\nhz 20\n"), "{}", String::from_utf8_lossy(&file));
    let log = driver.world.log.borrow();
    let expected =
        ["CONFIG REWRITE failed: Permission denied", "CONFIG REWRITE executed with success."];
    assert_eq!(*log, expected);
}

#[test]
fn statistics_begin_anew() {
    let mut driver = Driver::new();
    let client = driver.connect();
    driver.call(client, "GET missing");
    driver.call(client, "NOSUCH");
    assert_eq!(driver.call(client, "CONFIG RESETSTAT"), "+OK\r\n");
    let engine = driver.node.engine_mut();
    assert_eq!(engine.keyspace.stats().misses, 0);
    assert_eq!(engine.metrics.counters.error_replies, 0);
}
