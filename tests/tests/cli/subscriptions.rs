//! Replies that go on: SUBSCRIBE and MONITOR, outside and within sessions.

use std::fs;
use std::process::Stdio;

use dunlin_testkit::{DEADLINE, Server, wait_for};

use crate::peers::{check_same, ours};

/// Runs a command that does not end until its output holds each of `expected` in turn.
fn watch(server: &Server, args: &[&str], expected: &[(&str, &str)]) {
    let output = server.dir().join("watched");
    let mut child = ours()
        .args(["-p", &server.port().to_string()])
        .args(args)
        .stdin(Stdio::null())
        .stdout(fs::File::create(&output).expect("a file"))
        .spawn()
        .expect("it starts");
    let mut client = server.client();
    for (command, text) in expected {
        if !command.is_empty() {
            client.cmd(command);
        }
        wait_for(text, DEADLINE, || {
            String::from_utf8_lossy(&fs::read(&output).unwrap_or_default()).contains(text)
        });
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[test]
fn messages_are_shown_as_they_come() {
    let server = Server::start();
    let raw = [
        ("", "subscribe\na\n1\nsubscribe\nb\n2\n"),
        ("PUBLISH a hello", "message\na\nhello\n"),
        ("PUBLISH b there", "message\nb\nthere\n"),
    ];
    watch(&server, &["SUBSCRIBE", "a", "b"], &raw);
    watch(&server, &["-3", "SUBSCRIBE", "a", "b"], &raw);
    let standard = [
        ("", "1) \"psubscribe\"\n2) \"*\"\n3) (integer) 1\n"),
        ("PUBLISH c x", "1) \"pmessage\"\n2) \"*\"\n3) \"c\"\n4) \"x\"\n"),
    ];
    watch(&server, &["--no-raw", "PSUBSCRIBE", "*"], &standard);
    watch(&server, &["--no-raw", "-3", "PSUBSCRIBE", "*"], &standard);
    let csv = [("", "\"ssubscribe\",\"s\",1\n"), ("SPUBLISH s x", "\"smessage\",\"s\",\"x\"\n")];
    watch(&server, &["--csv", "SSUBSCRIBE", "s"], &csv);
}

#[test]
fn what_others_ask_is_shown() {
    let server = Server::start();
    let expected = [("", "OK\n"), ("SET monitored 1", "\"SET\" \"monitored\" \"1\"\n")];
    watch(&server, &["MONITOR"], &expected);
    watch(&server, &["-3", "--no-raw", "MONITOR"], &expected);
}

#[test]
fn unsubscribing_outside_of_a_subscription() {
    let server = Server::start();
    let port = server.port().to_string();
    for format in [&[][..], &["--no-raw"], &["--csv"]] {
        for command in [&["UNSUBSCRIBE"][..], &["PUNSUBSCRIBE", "x"]] {
            check_same(&[&["-p", &port], format, command].concat(), b"");
        }
    }
    // One confirmation for each, of which the client of 7.0 shows the first.
    let said = crate::peers::run_ours(&["-p", &port, "UNSUBSCRIBE", "a", "b"], b"");
    assert_eq!(said.text(), "unsubscribe\na\n0\nunsubscribe\nb\n0\n");
    // In RESP3 that client waits for ever.
    let said = crate::peers::run_ours(&["-p", &port, "--json", "UNSUBSCRIBE"], b"");
    assert_eq!(said.text(), "[\"unsubscribe\",null,0]\n");
}

/// In a pipe there is nobody to press a key: the next line comes at once, and the end of the input
/// ends the subscription.
#[test]
fn sessions_subscribe_and_go_on() {
    let server = Server::start();
    let port = server.port().to_string();
    let script = b"subscribe a\nping\nunsubscribe a\nreset\nget x\n";
    let mut command = ours();
    command.args(["-p", &port]);
    let said = crate::peers::run(command, script);
    let text = "subscribe\na\n1\npong\n\nunsubscribe\na\n0\nRESET\n\n";
    assert_eq!((said.text().as_str(), said.code), (text, Some(0)));
}
