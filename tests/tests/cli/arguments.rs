//! Options: what they do, and what is said when they are wrong.

use std::net::TcpListener;

use dunlin_testkit::{DEADLINE, Server, wait_for};

use crate::peers::{check_same, check_same_with, ours, run, run_ours, theirs};

#[test]
fn wrong_options_are_named() {
    for args in [
        &["--bogus"][..],
        &["-p"],
        &["--tls", "--sni"],
        &["-2", "-3", "PING"],
        &["-c", "-s", "/nowhere", "PING"],
        &["-u", "http://localhost", "PING"],
        &["-u", "redis://%zz@localhost", "PING"],
        &["-u", "redis://%4", "PING"],
        &["--quoted-pattern", "\"a", "--scan"],
        &["--rdb", "a", "--functions-rdb", "b"],
        &["-x", "-X", "tag", "SET", "a", "tag"],
        &["--eval", "/nowhere/script.lua"],
    ] {
        let said = check_same(args, b"");
        assert_eq!(said.code, Some(1), "{args:?}");
    }
    for port in ["70000", "-1"] {
        let said = run_ours(&["-p", port, "PING"], b"");
        assert_eq!((said.errors().as_str(), said.code), ("Invalid server port.\n", Some(1)));
    }
    let said = run_ours(&["--ldb", "PING"], b"");
    let text = "Options --ldb and --ldb-sync-mode require --eval.\n\
        Try redis-cli --help for more information.\n";
    assert_eq!((said.errors().as_str(), said.code), (text, Some(1)));
}

#[test]
fn help_and_version() {
    for option in ["-v", "--version"] {
        assert_eq!(run_ours(&[option], b"").text(), "redis-cli 7.2.4\n");
    }
    for args in [&["--help"][..], &["-h"], &["-c", "--help"]] {
        let said = run_ours(args, b"");
        assert!(said.text().starts_with("redis-cli 7.2.4\n\nUsage: redis-cli [OPTIONS] [cmd "));
        assert_eq!((said.code, said.stderr.len()), (Some(0), 0));
    }
    let said = run_ours(&["--cluster"], b"");
    assert!(said.errors().starts_with("redis-cli 7.2.4\n\nUsage:"));
    assert_eq!((said.code, said.stdout.len()), (Some(1), 0));
}

#[test]
fn servers_that_are_not_there() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port().to_string();
    drop(free);
    for args in [
        &["-p", &port, "PING"][..],
        &["-h", "localhost", "-p", &port, "PING"],
        &["-s", "/nowhere/socket", "PING"],
        &["-p", &port, "--scan"],
        &["-p", &port, "--bigkeys"],
        &["-p", &port, "--pipe"],
        &["-p", &port, "--tls", "--cacert", "/nowhere/ca.crt", "PING"],
        &["-u", &format!("rediss://127.0.0.1:{port}"), "PING"],
        &["-p", &port],
    ] {
        check_same(args, b"GET a\n");
    }
    let said = run_ours(&["-p", &port, "PING"], b"");
    let text = format!("Could not connect to Redis at 127.0.0.1:{port}: Connection refused\n");
    assert_eq!((said.errors(), said.code), (text, Some(1)));
}

#[test]
fn passwords_users_and_databases() {
    let server = Server::builder().config("requirepass secret").start();
    let port = server.port().to_string();
    let p = ["-p", port.as_str()];
    let uri = |text: &str| text.replace("PORT", &port);
    let uris = [
        uri("redis://secret@127.0.0.1:PORT"),
        uri("redis://default:secret@localhost:PORT/2"),
        uri("redis://default:%73ecret@127.0.0.1:PORT/x"),
        uri("redis://no:secret@127.0.0.1:PORT"),
        uri("REDIS://secret@127.0.0.1:PORT/99"),
    ];
    for uri in &uris {
        check_same(&["-u", uri, "CLIENT", "GETNAME"], b"");
        check_same(&["--no-auth-warning", "-u", uri, "DBSIZE"], b"");
    }
    for args in [
        &["PING"][..],
        &["-a", "secret", "PING"],
        &["--pass", "secret", "--no-auth-warning", "PING"],
        &["-a", "wrong", "PING"],
        &["-a", "wrong", "-n", "3", "PING"],
        &["--user", "default", "-a", "secret", "PING"],
        &["--user", "nobody", "-a", "secret", "PING"],
        &["-a", "secret", "-n", "3", "SET", "a", "1"],
        &["-a", "secret", "-n", "99", "DBSIZE"],
        &["-a", "secret", "-n", "x", "DBSIZE"],
        &["-3", "PING"],
        &["--json", "PING"],
        &["-a", "wrong", "--scan"],
    ] {
        check_same(&[&p, args].concat(), b"");
    }
    check_same_with(&[&p[..], &["PING"]].concat(), b"", &[("REDISCLI_AUTH", "secret")]);
    check_same_with(&[&p[..], &["-a", "no", "PING"]].concat(), b"", &[("REDISCLI_AUTH", "secret")]);
    check_same(&[&p[..], &["--askpass", "PING"]].concat(), b"secret\n");
    let script = b"AUTH secret\nSELECT 2\nSET here 1\nDBSIZE\nAUTH wrong\nDBSIZE\n";
    check_same(&[&p[..], &["-n", "5"]].concat(), script);
}

#[test]
fn arguments_from_standard_input() {
    let server = Server::start();
    let port = server.port().to_string();
    let p = ["-p", port.as_str()];
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    check_same(&[&p[..], &["-x", "SET", "k"]].concat(), &bytes);
    assert_eq!(check_same(&[&p[..], &["-D", "", "GET", "k"]].concat(), b"").stdout, bytes);
    check_same(&[&p[..], &["-X", "TAG", "SET", "TAG", "v"]].concat(), b"key\n");
    check_same(&[&p[..], &["-X", "TAG", "SET", "k", "v"]].concat(), b"key");
    check_same(&[&p[..], &["-x", "ECHO"]].concat(), b"");
    for word in ["\"a\\x00b\"", "'a\\x00b'", "plain", "\"open", "two words", "\"a\" \"b\"", ""] {
        check_same(&[&p[..], &["--quoted-input", "ECHO", word]].concat(), b"");
        check_same(&[&p[..], &["--quoted-input", "--no-raw", "ECHO", word]].concat(), b"");
    }
}

#[test]
fn commands_repeat() {
    let server = Server::start();
    let port = server.port().to_string();
    let p = ["-p", port.as_str()];
    let mut client = server.client();
    for (args, sum) in [
        (&["-r", "3", "INCR", "n"][..], "3"),
        (&["-r", "0", "INCR", "n"], "0"),
        (&["-r", "2", "-i", "0.01", "INCR", "n"], "2"),
        (&["-r", "2", "INCR", "n", "x"], "0"),
    ] {
        for mut command in [crate::peers::theirs(), ours()] {
            client.cmd("SET n 0");
            command.args(p).args(args);
            run(command, b"");
            assert_eq!(client.show("GET n"), sum, "{args:?}");
        }
    }
    check_same(&[&p[..], &["-r", "2", "-e", "GET"]].concat(), b"");
    // For ever: until someone makes an end of it.
    let mut forever = ours();
    let mut forever = forever
        .args(p)
        .args(["-r", "-1", "INCR", "endless"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    wait_for("a hundred runs", DEADLINE, || {
        client.show("GET endless").parse::<u64>().is_ok_and(|count| count > 100)
    });
    forever.kill().expect("it runs");
    forever.wait().expect("it ends");
}

/// What `redis-cli ... | head` needs: the client ends when nobody reads.
#[test]
fn nobody_reads_any_more() {
    let server = Server::start();
    let port = server.port().to_string();
    let mut command = ours();
    let mut child = command
        .args(["-p", &port, "-r", "-1", "PING"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    wait_for("the end of the client", DEADLINE, || child.try_wait().expect("a child").is_some());
}

#[test]
fn sessions_from_a_pipe() {
    let server = Server::start();
    let port = server.port().to_string();
    let p = ["-p", port.as_str()];
    for script in [
        &b""[..],
        b"\n\n",
        b"SET a 1",
        b"SET a 1\r\nGET a\r\n",
        b"GET \"open\nGET 'a'b\nPING\n",
        b"3 INCR n\n0 PING\n-1 PING\n99999999999999999999 PING\n3\n1x PING\nDEL n\n",
        b"multi\nset a 2\nexec\nmulti\nbogus\nexec\nmulti\ndiscard\nget a\n",
        b"select 3\nset b 1\nselect 0\nget b\nselect 99\n",
        b"quit\nPING\n",
        b"EXIT\nPING\n",
        b":set hints\n:set x\n:x\nPING\n",
        b"restart\nPING\n",
        b"help bogus\n? bogus\n",
        b"reset\n",
        b"clear\nPING\n",
    ] {
        check_same(&p, script);
        check_same(&[&p[..], &["--no-raw"]].concat(), script);
    }
    let said =
        run_ours(&[&p[..], &["--no-raw"]].concat(), b"hello 3\nhgetall x\nhello 2\nhgetall x\n");
    let text = said.text();
    assert!(text.contains("\"modules\" => (empty array)\n(empty hash)\n"), "{text}");
    assert!(text.ends_with("14) (empty array)\n(empty array)\n"), "{text}");
    let connect = format!("connect 127.0.0.1 1\nPING\nconnect 127.0.0.1 {port}\nPING\n");
    check_same(&p, connect.as_bytes());
    check_same(&["-p", "1"], connect.as_bytes());
    let mut script = "SET big ".to_owned() + &"x".repeat(300_000);
    script += "\nGET big\n";
    check_same(&p, script.as_bytes());
}

#[test]
fn slow_commands_tell_how_long_they_took() {
    let server = Server::start();
    let port = server.port().to_string();
    let said = run_ours(&["-p", &port, "--no-raw"], b"DEBUG SLEEP 0.6\nPING\n");
    let text = said.text();
    let took = text.strip_prefix("OK\n(").and_then(|rest| rest.strip_suffix("s)\nPONG\n"));
    let took: f64 = took.and_then(|took| took.parse().ok()).unwrap_or_else(|| panic!("{text}"));
    assert!(took >= 0.6, "{text}");
    assert_eq!(run_ours(&["-p", &port], b"DEBUG SLEEP 0.6\n").text(), "OK\n");
}

#[test]
fn a_server_that_ends() {
    for args in [&["SHUTDOWN", "NOSAVE"][..], &["shutdown", "nosave"]] {
        let mut server = Server::start();
        let port = server.port().to_string();
        let said = run_ours(&[&["-p", &port], args].concat(), b"");
        assert_eq!((said.stdout.len(), said.stderr.len(), said.code), (0, 0, Some(0)));
        server.wait_exit();
    }
    let mut server = Server::start();
    let port = server.port().to_string();
    let said = run_ours(&["-p", &port], b"PING\nSHUTDOWN NOSAVE\nPING\n");
    server.wait_exit();
    // The server may still be on its way out.
    assert_eq!(said.text(), "PONG\n");
    assert_eq!(said.errors().lines().count(), 1, "{said:?}");
    assert_eq!(said.code, Some(0));
}

/// A peer that does not speak the protocol, and one that goes away in the middle of a reply.
#[test]
fn peers_that_are_no_servers() {
    use std::io::{Read, Write};
    for (answer, error) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            "Error: Protocol error, got \"H\" as reply type byte\n",
        ),
        (b"$10\r\nabc", "Error: Server closed the connection\n"),
        (b"", "Error: Server closed the connection\n"),
    ] {
        for mut command in [crate::peers::theirs(), ours()] {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = listener.local_addr().expect("an address").port().to_string();
            let answers = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().expect("a client");
                let mut request = [0; 100];
                let _ = stream.read(&mut request).expect("a request");
                stream.write_all(answer).expect("the client reads");
            });
            command.args(["-p", &port, "PING"]);
            let said = run(command, b"");
            assert_eq!((said.errors().as_str(), said.code), (error, Some(1)));
            answers.join().expect("it answers");
        }
    }
}

/// Every option that the real one's help names stands in ours, in the same order; options of TLS
/// apart.
#[test]
fn help_names_the_same_options() {
    let options = |text: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("  -"));
        let names = lines.filter_map(|line| line.split(' ').next().map(str::to_owned));
        let is_of_tls = |name: &str| {
            ["-tls", "-sni", "-cacert", "-insecure", "-cert", "-key"]
                .iter()
                .any(|tls| name.starts_with(tls))
        };
        names.filter(|name| !is_of_tls(name)).collect()
    };
    let mut command = theirs();
    command.arg("--help");
    let real = run(command, b"").text();
    let (expected, mut said) = (options(&real), options(&run_ours(&["--help"], b"").text()));
    // The real one is of 7.0.
    said.retain(|name| name != "-count" && name != "-functions-rdb");
    assert!(expected.len() > 40, "{expected:?}");
    assert_eq!(said, expected);
}
