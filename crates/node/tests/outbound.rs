//! Connections that a node opens, and the links of replication among its clients.

mod driver;

use driver::Driver;
use dunlin_config::SetContext;
use dunlin_node::{Action, ConnectRequest, Peer, Token};
use dunlin_session::{Closing, SessionFlags};

fn set(driver: &mut Driver, name: &str, value: &str) {
    let pairs = [(name.as_bytes(), value.as_bytes())];
    let config = &mut driver.node.engine_mut().config;
    config.set(&pairs, &SetContext::default()).expect("a valid value");
}

fn peer() -> Peer {
    Peer {
        address: "10.0.0.1:6379".into(),
        local_address: "10.0.0.2:50000".into(),
        fd: 17,
        ..Peer::default()
    }
}

fn as_replica(driver: &mut Driver, token: Token) {
    let session = driver.node.engine_mut().sessions.get_mut(token).expect("open");
    session.flags |= SessionFlags::REPLICA;
}

#[test]
fn a_request_is_handed_out_once() {
    let mut driver = Driver::new();
    let token = driver.node.connect_to("primary.example", 6379);
    let wanted = ConnectRequest { token, host: "primary.example".into(), port: 6379 };
    assert_eq!(driver.node.next_connect(), Some(wanted));
    assert_eq!(driver.node.next_connect(), None);
}

/// The place of the session may belong to somebody else by the time the request is looked at.
#[test]
fn a_request_ends_with_its_session() {
    let mut driver = Driver::new();
    let token = driver.node.connect_to("primary.example", 6379);
    driver.node.engine_mut().sessions.close(token, Closing::Now);
    assert_eq!(driver.node.next_action(), Some(Action::Close(token)));
    assert_eq!(driver.connect(), token);
    assert_eq!(driver.node.next_connect(), None);
}

#[test]
fn the_link_to_the_primary_is_listed_as_such() {
    let mut driver = Driver::new();
    let client = driver.connect();
    let link = driver.node.connect_to("primary.example", 6379);
    driver.node.handle_connected(link, peer());
    let listed = driver.call(client, "CLIENT LIST TYPE master");
    assert!(listed.contains("id=2 addr=10.0.0.1:6379 laddr=10.0.0.2:50000 fd=17 "), "{listed}");
    assert!(listed.contains(" flags=M ") && listed.contains(" user=(superuser) "), "{listed}");
    assert!(!listed.contains("id=1 "), "{listed}");
    let replica = driver.connect();
    as_replica(&mut driver, replica);
    for name in ["replica", "slave"] {
        let listed = driver.call(client, &format!("CLIENT LIST TYPE {name}"));
        assert!(listed.contains("id=3 ") && listed.contains(" flags=S "), "{listed}");
        assert!(!listed.contains("id=2 "), "{listed}");
    }
    let info = driver.call(client, "INFO clients");
    assert!(info.contains("\r\nconnected_clients:2\r\n"), "the replica is not counted: {info}");
    let error = "-ERR can only reset normal client connections\r\n";
    assert_eq!(driver.call(replica, "RESET"), error);
}

#[test]
fn a_connection_that_fails_ends_its_session() {
    let mut driver = Driver::new();
    set(&mut driver, "loglevel", "verbose");
    let link = driver.node.connect_to("primary.example", 6379);
    driver.node.handle_connect_failed(link, "Connection refused");
    assert!(driver.node.engine_mut().sessions.is_empty());
    let log = driver.world.log.borrow();
    assert!(log.iter().any(|line| line.contains("primary.example:6379: Connection refused")));
}

/// Neither silence nor the memory of clients ends a link of replication.
#[test]
fn limits_on_clients_spare_links() {
    let mut driver = Driver::new();
    let [replica, client] = [(); 2].map(|()| driver.connect());
    as_replica(&mut driver, replica);
    let link = driver.node.connect_to("primary.example", 6379);
    driver.node.handle_connected(link, peer());
    set(&mut driver, "timeout", "1");
    for _ in 0..400 {
        driver.advance_ms(10);
        driver.node.handle_deadline();
    }
    assert_eq!(driver.node.next_action(), Some(Action::Close(client)));
    assert_eq!(driver.node.next_action(), None);
    set(&mut driver, "timeout", "0");
    set(&mut driver, "maxmemory-clients", "1");
    let sessions = &mut driver.node.engine_mut().sessions;
    let output = &mut sessions.get_mut(replica).expect("open").reply;
    output.bulk(&[b'x'; 256 * 1024]);
    sessions.account(replica);
    assert_eq!(driver.node.next_action(), None);
}
