//! Clients that wait for a key, over real connections: served, timed out, gone.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use dunlin_testkit::{Client, DEADLINE, Server, wait_for};

fn field(client: &mut Client, section: &str, name: &str) -> u64 {
    let info = client.cmd(&format!("INFO {section}")).text();
    let value = info.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    value.unwrap_or_default().trim().parse().expect("a number")
}

fn wait_for_blocked(client: &mut Client, count: u64) {
    let what = format!("{count} blocked clients");
    wait_for(&what, DEADLINE, || field(client, "clients", "blocked_clients") == count);
}

#[test]
fn waiting_clients_are_served_in_the_order_in_which_they_came() {
    let server = Server::start();
    let mut admin = server.client();
    let mut clients: Vec<Client> = Vec::new();
    for count in 1..=20 {
        let mut client = server.client();
        client.send(b"BLPOP jobs other 0\r\nECHO done\r\n").expect("sent");
        wait_for_blocked(&mut admin, count);
        clients.push(client);
    }
    let values: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(admin.show(&format!("RPUSH jobs {}", values.join(" "))), "20");
    for (client, value) in clients.iter_mut().zip(&values) {
        assert_eq!(client.read().to_string(), format!("[jobs, {value}]"));
        assert_eq!(client.read().to_string(), "done");
    }
    assert_eq!(field(&mut admin, "clients", "blocked_clients"), 0);
    assert_eq!(admin.show("EXISTS jobs"), "0");
}

#[test]
fn a_client_that_is_gone_takes_nothing() {
    let server = Server::start();
    let mut admin = server.client();
    // One closes, one says that it will send nothing more, one sends more first.
    for (behind, how) in
        [("", Shutdown::Both), ("", Shutdown::Write), ("PING\r\nPI", Shutdown::Write)]
    {
        let mut client = TcpStream::connect(server.address()).expect("connected");
        client.write_all(b"BLPOP jobs 0\r\n").expect("sent");
        wait_for_blocked(&mut admin, 1);
        client.write_all(behind.as_bytes()).expect("sent");
        client.shutdown(how).expect("shut down");
        wait_for_blocked(&mut admin, 0);
        assert_eq!(admin.show("RPUSH jobs value"), "1");
        assert_eq!(admin.show("LPOP jobs"), "value");
    }
}

#[test]
fn a_timeout_comes_when_it_should() {
    let server = Server::start();
    let (mut first, mut second) = (server.client(), server.client());
    let begun = Instant::now();
    first.send(b"BRPOP jobs 0.3\r\nPING\r\n").expect("sent");
    second.send(b"BLMOVE jobs other LEFT RIGHT 0.1\r\n").expect("sent");
    assert_eq!(second.read().to_string(), "(nil)");
    assert!(begun.elapsed() >= Duration::from_millis(100));
    assert_eq!(first.read().to_string(), "(nil)");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(first.read().to_string(), "PONG");
}

#[test]
fn what_arrives_behind_a_waiting_request_is_bounded() {
    let server = Server::builder().config("client-query-buffer-limit 1mb").start();
    let mut admin = server.client();
    let mut client = TcpStream::connect(server.address()).expect("connected");
    client.write_all(b"BLPOP jobs 0\r\n").expect("sent");
    wait_for_blocked(&mut admin, 1);
    let flood = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        if client.write_all(&flood).is_err() {
            break;
        }
    }
    wait_for_blocked(&mut admin, 0);
}

#[test]
fn a_queue_between_two_clients_loses_nothing() {
    const COUNT: usize = 5000;
    let server = Server::start();
    let (mut producer, mut consumer) = (server.client(), server.client());
    let takes = "BLPOP jobs 0\r\n".repeat(COUNT);
    consumer.send(takes.as_bytes()).expect("sent");
    for n in 0..COUNT {
        let push = format!("MULTI\r\nRPUSH jobs {n}\r\nINCR pushed\r\nEXEC\r\n");
        producer.send(push.as_bytes()).expect("sent");
    }
    for n in 0..COUNT {
        assert_eq!(consumer.read().to_string(), format!("[jobs, {n}]"));
    }
    let mut admin = server.client();
    wait_for("all pushes", DEADLINE, || admin.show("GET pushed") == COUNT.to_string());
    assert_eq!(admin.show("EXISTS jobs"), "0");
}
