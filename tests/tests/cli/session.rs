//! Sessions on a terminal.

use std::fs;
use std::process::Command;

use dunlin_testkit::{Cluster, DEADLINE, Server, wait_for};

use crate::peers::{ours, theirs};
use crate::terminal::Terminal;

fn session_of(mut command: Command, server: &Server, args: &[&str]) -> Terminal {
    command.args(["-p", &server.port().to_string()]).args(args);
    Terminal::start(&command)
}

fn session(server: &Server) -> (Terminal, String) {
    let prompt = format!("127.0.0.1:{}", server.port());
    let mut terminal = session_of(ours(), server, &[]);
    terminal.expect(&format!("{prompt}> "));
    (terminal, prompt)
}

#[test]
fn prompts_tell_where_we_are() {
    let server = Server::start();
    let (mut terminal, prompt) = session(&server);
    terminal.line("set greeting hello");
    terminal.expect(&format!("OK\n{prompt}> "));
    terminal.line("get greeting");
    terminal.expect(&format!("\"hello\"\n{prompt}> "));
    terminal.line("select 3");
    terminal.expect(&format!("OK\n{prompt}[3]> "));
    terminal.line("multi");
    terminal.expect(&format!("OK\n{prompt}[3](TX)> "));
    terminal.line("incr n");
    terminal.expect(&format!("QUEUED\n{prompt}[3](TX)> "));
    terminal.line("exec");
    terminal.expect(&format!("1) (integer) 1\n{prompt}[3]> "));
    terminal.line("connect 127.0.0.1 1");
    terminal
        .expect("Could not connect to Redis at 127.0.0.1:1: Connection refused\nnot connected> ");
    terminal.line(&format!("connect 127.0.0.1 {}", server.port()));
    terminal.expect(&format!("{prompt}[3]> "));
    terminal.line("quit");
    assert_eq!(terminal.wait(), Some(0));
}

#[test]
fn lines_are_edited_completed_and_kept() {
    let server = Server::start();
    let file = server.dir().join("history");
    let mut command = ours();
    command.env("REDISCLI_HISTFILE", &file);
    let mut terminal = session_of(command, &server, &[]);
    terminal.expect("> ");
    terminal.line("set first 1");
    terminal.expect("OK\n");
    terminal.line("auth secret");
    terminal.expect("(error)");
    // Up to what was kept last, which is not the password.
    terminal.type_keys("\x1b[A");
    terminal.line("2");
    terminal.expect("OK\n");
    assert_eq!(server.client().show("GET first"), "12");
    terminal.type_keys("getd\t");
    terminal.line(" first");
    terminal.expect("\"12\"\n");
    let kept = || fs::read_to_string(&file).unwrap_or_default();
    wait_for("the history", DEADLINE, || kept() == "set first 1\nset first 12\nGETDEL first\n");
    terminal.type_keys("\x04");
    assert_eq!(terminal.wait(), Some(0));
    let mut command = ours();
    command.env("REDISCLI_HISTFILE", &file);
    let mut terminal = session_of(command, &server, &[]);
    terminal.expect("> ");
    terminal.type_keys("\x1b[A");
    terminal.expect("GETDEL first");
    terminal.type_keys("\x03");
    assert_eq!(terminal.wait(), Some(0));
}

#[test]
fn arguments_are_hinted_at() {
    let server = Server::start();
    let rc = server.dir().join("rc");
    fs::write(&rc, ":set nohints\n:set what\n").expect("a file");
    let mut command = ours();
    command.env("REDISCLI_RCFILE", &rc);
    let mut terminal = session_of(command, &server, &[]);
    terminal.expect(".redisclirc: unknown redis-cli preference 'what'\n");
    terminal.expect("> ");
    terminal.type_keys("config get ");
    terminal.expect("config get ");
    terminal.line("maxmemory");
    terminal.expect("1) \"maxmemory\"\n");
    assert!(!terminal.screen().contains("parameter [parameter"));
    terminal.expect("> ");
    terminal.line(":set hints");
    terminal.expect("> ");
    terminal.type_keys("config get ");
    terminal.expect("parameter [parameter ...]");
    let grey = b"\x1b[0;90;49m";
    assert!(terminal.bytes().windows(grey.len()).any(|bytes| bytes == grey));
}

#[test]
fn help_is_at_hand() {
    let server = Server::start();
    let (mut terminal, prompt) = session(&server);
    terminal.line("help");
    terminal.expect("redis-cli 7.2.4\nTo get help about Redis commands type:\n");
    terminal.line("help get");
    terminal.expect("\n  GET key\n  summary: ");
    terminal.expect("  group: string\n");
    terminal.line("help @transactions");
    terminal.expect("\n  DISCARD ");
    terminal.type_keys("help @tr\t");
    terminal.expect("help @transactions");
    terminal.type_keys("\x15");
    terminal.line("ping");
    terminal.expect(&format!("PONG\n{prompt}> "));
}

#[test]
fn subscriptions_and_the_way_back() {
    let server = Server::start();
    let (mut terminal, prompt) = session(&server);
    terminal.line("subscribe news");
    terminal.expect("1) \"subscribe\"\n2) \"news\"\n3) (integer) 1\n");
    let banner = "Reading messages... (press Ctrl-C to quit or any key to type command)";
    terminal.expect(banner);
    server.client().cmd("PUBLISH news first");
    terminal.expect("1) \"message\"\n2) \"news\"\n3) \"first\"\n");
    terminal.expect(banner);
    // A key is the first of a line.
    terminal.type_keys("p");
    terminal.expect(&format!("{prompt}(subscribed mode)> "));
    terminal.line("ing");
    terminal.expect("1) \"pong\"\n2) \"\"\n");
    terminal.expect(banner);
    terminal.type_keys("\x03");
    terminal.expect(&format!("{prompt}> "));
    terminal.line("get nothing");
    terminal.expect(&format!("(nil)\n{prompt}> "));
    terminal.line("monitor");
    terminal.expect("OK\n");
    server.client().cmd("SET seen 1");
    terminal.expect("\"SET\" \"seen\" \"1\"\n");
    terminal.type_keys("\x03");
    terminal.expect(&format!("{prompt}> "));
    terminal.line("get seen");
    terminal.expect("\"1\"\n");
    // Nothing else that waits comes back.
    terminal.line("blpop nothing 0");
    wait_for("a client that waits", DEADLINE, || {
        server.client().show("INFO clients").contains("blocked_clients:1")
    });
    terminal.type_keys("\x03");
    assert_eq!(terminal.wait(), Some(1));
}

#[test]
fn a_server_that_comes_back() {
    let mut server = Server::start();
    let (mut terminal, prompt) = session(&server);
    server.kill();
    terminal.line("ping");
    terminal.expect("Error: Server closed the connection\nnot connected> ");
    terminal.line("ping");
    terminal.expect(": Connection refused\nnot connected> ");
    server.start_again();
    terminal.line("ping");
    terminal.expect(&format!("PONG\n{prompt}> "));
}

#[test]
fn a_password_is_not_shown() {
    let server = Server::builder().config("requirepass secret").start();
    let mut terminal = session_of(ours(), &server, &["--askpass", "PING"]);
    terminal.expect("Please input password: ");
    terminal.line("secret");
    terminal.expect("PONG\n");
    assert!(terminal.screen().contains("******") && !terminal.screen().contains("secret"));
    assert_eq!(terminal.wait(), Some(0));
}

/// The password of a server whose keys go to a cluster.
#[test]
fn the_password_of_another_server_is_not_shown() {
    let cluster = Cluster::builder().start();
    let lone = Server::builder().config("requirepass secret").start();
    let mut client = lone.client();
    assert_eq!(client.show("AUTH secret"), "OK");
    assert_eq!(client.show("MSET a 1 b 2"), "OK");
    let (known, from) = (cluster.address(0), lone.address().to_string());
    let import = |mut command: Command, password: &str, more: &[&str]| {
        let words = ["--cluster", "import", &known, "--cluster-from", &from];
        command.args(words).arg("--cluster-from-askpass").args(more);
        let mut terminal = Terminal::start(&command);
        terminal.expect("Please input import source node password: ");
        terminal.line(password);
        let code = terminal.wait();
        let screen = terminal.screen();
        assert!(
            screen.contains(&"*".repeat(password.len())) && !screen.contains(password),
            "{screen:?}"
        );
        let (_, said) = screen.split_once('\n').expect("the line of the password");
        (code, said.to_owned())
    };
    for password in ["wrong", "secret"] {
        // The same words as the real one's, in a cluster that looks the same afterwards.
        let (code, said) = import(ours(), password, &["--cluster-copy", "--cluster-replace"]);
        let expected = import(theirs(), password, &["--cluster-copy", "--cluster-replace"]);
        assert_eq!((code, said.as_str()), (expected.0, expected.1.as_str()));
        assert_eq!(code, Some(i32::from(password == "wrong")), "{said}");
    }
    let (code, said) = import(ours(), "secret", &["--cluster-replace"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(client.show("DBSIZE"), "0");
    assert_eq!(cluster.routed().show("GET b"), "2");
}

/// Formats and messages for a person are those of the real client on a terminal, too.
#[test]
fn commands_on_a_terminal_look_the_same() {
    let server = Server::start();
    server.client().cmd("RPUSH l a b");
    for words in [
        &["LRANGE", "l", "0", "-1"][..],
        &["-3", "CONFIG", "GET", "maxmemory"],
        &["GET", "nothing"],
        &["GET", "l"],
        &["CLUSTER", "INFO"],
        &["--raw", "LRANGE", "l", "0", "-1"],
        &["-r", "2", "PING"],
    ] {
        let mut shown = [theirs(), ours()].map(|command| {
            let mut terminal = session_of(command, &server, words);
            let code = terminal.wait();
            (terminal, code)
        });
        wait_for(&format!("the same of {words:?}"), DEADLINE, || {
            let [theirs, ours] = &mut shown;
            !ours.0.bytes().is_empty() && (ours.0.bytes(), ours.1) == (theirs.0.bytes(), theirs.1)
        });
    }
}
