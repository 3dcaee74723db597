//! Connections: where the server listens, who may come in, who is thrown out.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;

use dunlin_testkit::port::free_port;
use dunlin_testkit::server::is_dunlin;
use dunlin_testkit::{Client, DEADLINE, Server, wait_for};

#[test]
fn a_unix_socket_has_the_permissions_it_was_given() {
    let server = Server::builder().config("unixsocket here.sock\nunixsocketperm 770").start();
    let path = server.dir().join("here.sock");
    let mode = std::fs::metadata(&path).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o770);
    let mut client = Client::connect_unix(&path).expect("connected");
    assert_eq!(client.show("PING"), "PONG");
    assert!(client.cmd("CLIENT INFO").text().contains("here.sock:0"));
}

#[test]
fn it_listens_on_a_unix_socket_alone() {
    let builder = Server::builder().config("port 0\nunixsocket only.sock");
    let path = builder.dir().join("only.sock");
    let server = builder.start_unchecked();
    wait_for("the socket", DEADLINE, || Client::connect_unix(&path).is_ok());
    assert!(Client::try_connect(server.address()).is_err());
}

#[test]
fn every_address_of_bind_is_listened_on() {
    let server = Server::builder().config("bind 127.0.0.1 127.0.0.2 -::1 -192.0.2.1").start();
    for host in [[127, 0, 0, 1], [127, 0, 0, 2]] {
        let address = SocketAddr::from((host, server.port()));
        assert_eq!(Client::connect(address).show("PING"), "PONG", "{address}");
    }
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        let address = SocketAddr::from((Ipv6Addr::LOCALHOST, server.port()));
        assert_eq!(Client::connect(address).show("PING"), "PONG");
    }
    let elsewhere = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 3), server.port()));
    assert!(Client::try_connect(elsewhere).is_err());
}

#[test]
fn port_and_bind_move_while_it_runs() {
    let server = Server::start();
    let mut client = server.client();
    let port = free_port();
    assert_eq!(client.show(&format!("CONFIG SET port {port}")), "OK");
    assert!(Client::try_connect(server.address()).is_err());
    let moved = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    assert_eq!(Client::connect(moved).show("PING"), "PONG");
    assert_eq!(client.show("CONFIG SET bind 127.0.0.2"), "OK");
    let other = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), port));
    assert_eq!(Client::connect(other).show("PING"), "PONG");
    assert!(Client::try_connect(moved).is_err());
    assert_eq!(client.show("PING"), "PONG", "who was there already stays");
}

#[test]
fn a_port_that_is_taken_is_refused_and_the_old_one_stays() {
    let server = Server::start();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).expect("a port");
    let port = taken.local_addr().expect("its number").port();
    let reply = server.client().show(&format!("CONFIG SET port {port}"));
    assert_eq!(
        reply,
        "(error) ERR CONFIG SET failed (possibly related to argument 'port') - \
         Unable to listen on this port. Check server logs."
    );
    assert_eq!(server.client().show("CONFIG GET port"), format!("[port, {}]", server.port()));
}

#[test]
fn an_idle_client_is_disconnected() {
    let server = Server::builder().config("timeout 1").start();
    let mut idle = server.client();
    assert_eq!(idle.show("PING"), "PONG");
    assert_eq!(idle.read_to_close().expect("closed"), b"");
}

#[test]
fn clients_see_and_kill_each_other() {
    let server = Server::start();
    let (mut one, mut two) = (server.client(), server.client());
    let id = two.cmd("CLIENT ID").integer();
    assert_eq!(two.show("CLIENT SETNAME second"), "OK");
    let list = one.cmd("CLIENT LIST").text();
    let line = list.lines().find(|line| line.contains("name=second")).expect("the second");
    assert!(line.starts_with(&format!("id={id} addr=127.0.0.1:")), "{line}");
    assert!(line.contains(" cmd=client|setname ") && line.contains(" user=default "), "{line}");
    assert_eq!(one.show(&format!("CLIENT KILL ID {id}")), "1");
    assert_eq!(two.read_to_close().expect("closed"), b"");
    wait_for("one client to be left", DEADLINE, || {
        one.cmd("CLIENT LIST").text().lines().count() == 1
    });
}

/// An address of this machine that is not loopback, if it has one.
fn outside_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: this only asks for the route.
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

fn first_answer(host: IpAddr, port: u16) -> String {
    let mut client = Client::connect(SocketAddr::new(host, port));
    match client.try_cmd("PING") {
        Ok(value) => value.to_string(),
        Err(error) => format!("closed: {:?}", error.kind()),
    }
}

#[test]
fn protected_mode_turns_strangers_away() {
    let Some(host) = outside_address() else { return };
    let builder = Server::builder().without_defaults();
    let port = builder.port();
    let server = builder.config(&format!("port {port}\nsave \"\"")).start();
    let answer = first_answer(host, port);
    assert!(answer.starts_with("(error) DENIED Redis is running in protected mode"), "{answer}");
    assert_eq!(server.client().show("CONFIG SET protected-mode no"), "OK");
    assert_eq!(first_answer(host, port), "PONG");
    assert_eq!(server.client().show("CONFIG SET protected-mode yes requirepass x"), "OK");
    assert_eq!(first_answer(host, port), "(error) NOAUTH Authentication required.");
}

/// The guides' clusters on several hosts bind explicitly and set no password.
#[test]
fn an_explicit_bind_lifts_protected_mode_unless_it_is_asked_for() {
    let Some(host) = outside_address() else { return };
    if !is_dunlin() {
        return;
    }
    for (more, answer) in [("", "PONG"), ("protected-mode yes\n", "(error) DENIED")] {
        let builder = Server::builder().without_defaults();
        let port = builder.port();
        let server = builder.config(&format!("port {port}\nbind 0.0.0.0\n{more}")).start();
        let got = first_answer(host, port);
        assert!(got.starts_with(answer), "{more:?}: {got}");
        drop(server);
    }
}

#[test]
fn a_client_that_leaves_in_the_middle_harms_nobody() {
    let server = Server::start();
    for cut in 1..60 {
        let mut client = server.client();
        let request = b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$20\r\n01234567890123456789\r\n";
        client.send(&request[..cut.min(request.len() - 1)]).expect("sent");
    }
    let mut client = server.client();
    assert_eq!(client.show("EXISTS key"), "0");
    wait_for("the others to be gone", DEADLINE, || {
        client.cmd("CLIENT LIST").text().lines().count() == 1
    });
}

#[test]
fn quit_answers_everything_before_it() {
    let server = Server::start();
    let mut client = server.client();
    client.send(b"PING one\r\nPING two\r\nQUIT\r\nPING three\r\n").expect("sent");
    let all = client.read_to_close().expect("closed");
    assert_eq!(all, b"$3\r\none\r\n$3\r\ntwo\r\n+OK\r\n");
    assert_eq!(
        server.client().try_cmd("PING").map_err(|error: io::Error| error.kind()).map(|v| v.text()),
        Ok("PONG".to_owned())
    );
}
