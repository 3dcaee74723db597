//! `-c`: the client goes where the nodes of a cluster send it.

use dunlin_testkit::cluster::Cluster;

use crate::peers::{check_same, ours, run_ours};
use crate::terminal::Terminal;

#[test]
fn commands_go_to_their_node() {
    let cluster = Cluster::builder().start();
    let port = cluster.node(0).port().to_string();
    let p = ["-p", port.as_str()];
    // num is in slot 2765, a in 15495, k1 in 12706.
    for args in [
        &["SET", "num", "1"][..],
        &["SET", "a", "1"],
        &["-c", "SET", "a", "1"],
        &["-c", "-r", "3", "GET", "a"],
        &["-c", "--no-raw", "GET", "k1"],
        &["-c", "-3", "GET", "a"],
        &["-e", "GET", "a"],
        &["-c", "-e", "GET", "a"],
        &["-c", "MGET", "a", "num"],
        &["-c", "--csv", "CLUSTER", "KEYSLOT", "a"],
    ] {
        check_same(&[&p, args].concat(), b"");
    }
    let script =
        b"set a 2\nget a\nset num 3\nget k1\nmulti\nset k1 x\nexec\nset {k1}b 1\ndbsize\ndel k1\n";
    check_same(&p, script);
    let said = check_same(&[&p[..], &["-c"]].concat(), script);
    let redirected =
        format!("-> Redirected to slot [15495] located at {}\nOK\n", cluster.address(2));
    assert!(said.text().starts_with(&redirected), "{said:?}");
    check_same(&[&p[..], &["-c", "-3", "--no-raw"]].concat(), script);
}

#[test]
fn slots_on_their_way_are_asked_for() {
    let cluster = Cluster::builder().start();
    let (mut source, mut target) = (cluster.client(0), cluster.client(1));
    // {oo} is in slot 1629.
    target.cmd(&format!("CLUSTER SETSLOT 1629 IMPORTING {}", cluster.id(0)));
    source.cmd(&format!("CLUSTER SETSLOT 1629 MIGRATING {}", cluster.id(1)));
    let port = cluster.node(0).port().to_string();
    let p = ["-p", port.as_str()];
    for args in [&["SET", "{oo}a", "1"][..], &["-c", "SET", "{oo}a", "1"], &["-c", "GET", "{oo}a"]]
    {
        check_same(&[&p, args].concat(), b"");
    }
    check_same(&[&p[..], &["-c"]].concat(), b"get {oo}a\nget {oo}a\nget num\n");
}

#[test]
fn the_prompt_moves_along() {
    let cluster = Cluster::builder().start();
    let mut command = ours();
    command.args(["-c", "-p", &cluster.node(0).port().to_string()]);
    let mut terminal = Terminal::start(&command);
    terminal.expect(&format!("{}> ", cluster.address(0)));
    terminal.line("set a 1");
    let there = cluster.address(2);
    terminal.expect(&format!("-> Redirected to slot [15495] located at {there}\nOK\n{there}> "));
}

/// Nodes that send a client in circles do not keep it for ever.
#[test]
fn circles_are_left() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let mut request = [0; 100];
            let _ = stream.read(&mut request).expect("a request");
            let _ = stream.write_all(format!("-MOVED 1 127.0.0.1:{port}\r\n").as_bytes());
        }
    });
    let said = run_ours(&["-c", "-p", &port.to_string(), "GET", "a"], b"");
    assert_eq!(said.errors(), "Error: redirected 64 times, the nodes do not agree\n");
    assert_eq!(said.code, Some(1));
}

/// `-x` and `-X` serve the commands of the manager as well.
#[test]
fn the_manager_reads_standard_input() {
    let cluster = Cluster::builder().start();
    let address = cluster.address(0);
    for args in [
        &["-x", "--cluster", "call", &address, "ECHO"][..],
        &["-X", "tag", "--cluster", "call", &address, "ECHO", "tag"],
        &["-X", "tag", "--cluster", "call", &address, "ECHO", "other"],
    ] {
        let said = check_same(args, b"from standard input");
        assert_eq!(said.code == Some(0), said.text().contains("from standard input"), "{said:?}");
    }
}
