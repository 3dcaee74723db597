//! SHUTDOWN in its forms, and signals: what is saved, what is refused, what is left.

use std::fs;

use dunlin_testkit::{DEADLINE, Server, wait_for};
use nix::sys::signal::Signal;

use crate::files::{shut_down, wait_for_field};

/// Whether a server with this configuration has saved when it was ended.
fn saves(config: &str, end: impl FnOnce(&Server)) -> bool {
    let mut server = Server::builder().config(config).start();
    assert_eq!(server.client().show("SET k v"), "OK");
    end(&server);
    assert_eq!(server.wait_exit(), "exit 0");
    let saved = server.dir().join("dump.rdb").exists();
    server.start_again();
    assert_eq!(server.client().cmd("EXISTS k").integer() == 1, saved);
    saved
}

fn command(line: &'static str) -> impl FnOnce(&Server) {
    move |server| server.client().send(format!("{line}\r\n").as_bytes()).expect("sent")
}

#[test]
fn what_is_saved_at_the_end() {
    let point = "save 3600 1";
    assert!(!saves("", command("SHUTDOWN")));
    assert!(saves("", command("SHUTDOWN SAVE")));
    assert!(saves(point, command("SHUTDOWN")));
    assert!(saves(point, command("SHUTDOWN NOW")));
    assert!(!saves(point, command("SHUTDOWN NOSAVE")));
    assert!(saves(point, |server| server.signal(Signal::SIGTERM)));
    assert!(saves(point, |server| server.signal(Signal::SIGINT)));
    assert!(!saves("", |server| server.signal(Signal::SIGTERM)));
    assert!(saves("shutdown-on-sigterm save", |server| server.signal(Signal::SIGTERM)));
    let nosave = format!("{point}\nshutdown-on-sigterm nosave");
    assert!(!saves(&nosave, |server| server.signal(Signal::SIGTERM)));
}

#[test]
fn everything_appended_is_there_after_an_ordered_end() {
    for policy in ["always", "everysec", "no"] {
        let mut server =
            Server::builder().config(&format!("appendonly yes\nappendfsync {policy}")).start();
        let mut client = server.client();
        for _ in 0..1000 {
            client.cmd("INCR n");
        }
        shut_down(&mut server);
        assert!(server.log().contains("Calling fsync() on the AOF file."), "{policy}");
        server.start_again();
        assert_eq!(server.client().show("GET n"), "1000", "{policy}");
        // The same by signal.
        assert_eq!(server.client().show("INCR n"), "1001");
        server.signal(Signal::SIGTERM);
        assert_eq!(server.wait_exit(), "exit 0");
        server.start_again();
        assert_eq!(server.client().show("GET n"), "1001", "{policy}");
    }
}

#[test]
fn a_save_that_fails_keeps_the_server_unless_forced() {
    let mut server = Server::builder().config("save 3600 1").start();
    let mut client = server.client();
    assert_eq!(client.show("SET k v"), "OK");
    // A directory of that name is in the way of the rename.
    fs::create_dir(server.dir().join("dump.rdb")).expect("made");
    let refused = "(error) ERR Errors trying to SHUTDOWN. Check logs.";
    assert_eq!(client.show("SHUTDOWN"), refused);
    assert_eq!(client.show("PING"), "PONG");
    let refusals = |server: &Server| server.log().matches("can't exit").count();
    wait_for("it to be logged", DEADLINE, || refusals(&server) == 1);
    server.signal(Signal::SIGTERM);
    wait_for("the signal to be refused too", DEADLINE, || refusals(&server) == 2);
    assert_eq!(client.show("GET k"), "v");
    client.send(b"SHUTDOWN FORCE\r\n").expect("sent");
    assert_eq!(server.wait_exit(), "exit 0");
}

#[test]
fn ending_while_a_snapshot_is_written() {
    // Each key takes 10 ms, so that the snapshot cannot end by itself.
    let mut server = Server::builder().config("rdb-key-save-delay 10000").start();
    let mut client = server.client();
    client.cmd("DEBUG POPULATE 10000");
    assert_eq!(client.show("BGSAVE"), "Background saving started");
    wait_for_field(&mut client, "rdb_bgsave_in_progress", "1");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(), "exit 0");
    let left: Vec<String> =
        crate::files::names(server.dir()).into_iter().filter(|name| name.contains("rdb")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn nothing_to_abort() {
    let server = Server::start();
    assert_eq!(server.client().show("SHUTDOWN ABORT"), "(error) ERR No shutdown in progress.");
}
