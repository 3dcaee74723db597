//! What runs instead of a command.

use std::fs;
use std::process::Stdio;

use dunlin_testkit::{DEADLINE, Server, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::peers::{check_same, ours, run_ours};

/// A server with keys of every type.
fn server_with_keys() -> Server {
    let server = Server::start();
    let mut client = server.client();
    for number in 1..=300 {
        client.cmd(&format!("SET string:{number} {}", "x".repeat(number)));
        client.cmd(&format!("RPUSH list:{} x", number % 7));
    }
    for line in ["SADD s a b", "HSET h a 1 b 2", "ZADD z 1 a", "XADD x * a 1"] {
        client.cmd(line);
    }
    client.cmd(r#"SET "bin\x00\xff" 1"#);
    server
}

#[test]
fn keys_are_listed_and_measured() {
    let server = server_with_keys();
    let port = server.port().to_string();
    for args in [
        &["--scan"][..],
        &["--scan", "--no-raw"],
        &["--scan", "--pattern", "list:*"],
        &["--scan", "--quoted-pattern", "\"list:*\""],
        &["--scan", "-i", "0.001"],
        &["--bigkeys"],
        &["--bigkeys", "-i", "0.001"],
        &["--bigkeys", "--pattern", "string:*"],
        &["--memkeys"],
        &["--memkeys", "--pattern", "list:*"],
        &["--memkeys-samples", "2"],
        &["--hotkeys"],
        &["-n", "3", "--scan"],
    ] {
        if args.contains(&"--scan") && !args.contains(&"--pattern") && !args.contains(&"--no-raw") {
            // The real client cuts names at a zero byte.
            server.client().cmd(r#"DEL "bin\x00\xff""#);
        }
        check_same(&[&["-p", &port], args].concat(), b"");
    }
    let counted = run_ours(&["-p", &port, "--scan", "--count", "1000"], b"").text();
    assert_eq!(counted.lines().count(), 311);
}

/// With few keys the summary has another order of types.
#[test]
fn few_keys_are_measured() {
    let server = Server::start();
    let port = server.port().to_string();
    let mut client = server.client();
    for key in ["", "SET a 1", "LPUSH b 1", "ZADD c 1 1"] {
        if !key.is_empty() {
            client.cmd(key);
        }
        for mode in ["--bigkeys", "--memkeys"] {
            check_same(&["-p", &port, mode], b"");
        }
    }
}

#[test]
fn hot_keys_where_they_are_counted() {
    let server = server_with_keys();
    let mut client = server.client();
    client.cmd("CONFIG SET maxmemory-policy allkeys-lfu");
    client.cmd("CONFIG SET lfu-log-factor 0");
    client.cmd("CONFIG SET lfu-decay-time 0");
    for number in 0..40 {
        for _ in 0..number {
            client.cmd(&format!("GET string:{number}"));
        }
    }
    let port = server.port().to_string();
    let said = check_same(&["-p", &port, "--hotkeys"], b"");
    assert!(said.text().contains("\nhot key found with counter: "));
}

#[test]
fn raw_protocol_is_piped() {
    let server = Server::start();
    let port = server.port().to_string();
    let p = ["-p", port.as_str()];
    let set = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
    for input in [
        String::new(),
        set.to_owned(),
        "SET a 1\r\nGET a\r\nLRANGE a 0 1\r\nBOGUS\r\n".to_owned(),
        "*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n".to_owned() + "$1\r\na\r\n$1\r\nb\r\n",
        set.repeat(50_000),
        "LRANGE l 0 -1\r\nGET nothing\r\nSET a b\r\n".repeat(1000),
    ] {
        check_same(&[&p[..], &["--pipe"]].concat(), input.as_bytes());
    }
    // A request that lacks its end swallows the last one: there is no reply to wait for.
    let cut = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000\r\nb";
    let said = check_same(&[&p[..], &["--pipe", "--pipe-timeout", "1"]].concat(), cut);
    assert!(said.errors().contains("No replies for 1 seconds: exiting."));
    assert_eq!(said.code, Some(1));
}

#[test]
fn the_data_set_is_copied_to_a_file() {
    let server = server_with_keys();
    let port = server.port().to_string();
    for diskless in ["yes", "no"] {
        server.client().cmd(&format!("CONFIG SET repl-diskless-sync {diskless}"));
        server.client().cmd("CONFIG SET repl-diskless-sync-delay 0");
        let file = server.dir().join(format!("copy-{diskless}.rdb"));
        // What was there before is replaced, also where it was longer.
        fs::write(&file, vec![b'x'; 1 << 20]).expect("a file");
        let path = file.display().to_string();
        let said = run_ours(&["-p", &port, "--rdb", &path], b"");
        assert_eq!((said.code, said.stdout.len()), (Some(0), 0), "{said:?}");
        let errors = said.errors();
        let start = "sending REPLCONF capa eof\nsending REPLCONF rdb-only 1\nSYNC sent to master, \
            writing ";
        assert!(errors.starts_with(start), "{errors}");
        assert!(errors.contains(&format!(" to '{path}'\nTransfer finished with success")));
        let checked = std::process::Command::new(dunlin_testkit::server::program())
            .args(["check-rdb", &path])
            .output()
            .expect("it runs");
        let text = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(checked.status.success() && text.contains("312 keys read"), "{text}");
        let standard_output = run_ours(&["-p", &port, "--rdb", "-"], b"");
        assert!(standard_output.stdout.starts_with(b"REDIS00"));
    }
    let said = run_ours(&["-p", &port, "--rdb", "/nowhere/copy.rdb"], b"");
    assert_eq!(said.code, Some(1));
    assert!(
        said.errors().ends_with("Error opening '/nowhere/copy.rdb': No such file or directory\n")
    );
}

#[test]
fn commands_for_replicas_are_shown() {
    for diskless in ["yes", "no"] {
        let server = Server::builder()
            .config(&format!("repl-diskless-sync {diskless}\nrepl-diskless-sync-delay 0"))
            .start();
        let output = server.dir().join("stream");
        let mut child = ours()
            .args(["-p", &server.port().to_string(), "--replica"])
            .stdout(fs::File::create(&output).expect("a file"))
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut client = server.client();
        wait_for("a replica", DEADLINE, || {
            client.show("INFO replication").contains("state=online")
        });
        client.cmd("SET streamed value");
        wait_for("the command", DEADLINE, || {
            let text = fs::read_to_string(&output).unwrap_or_default();
            text.contains("\"SET\",\"streamed\",\"value\"\n")
        });
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
}

#[test]
fn latency_is_sampled_for_a_while() {
    let server = Server::start();
    let port = server.port().to_string();
    let sampled =
        |format: &str| run_ours(&["-p", &port, "--latency", "-i", "0.1", format], b"").text();
    assert_eq!(sampled("--raw").trim_end().split(' ').count(), 4);
    assert_eq!(sampled("--csv").trim_end().split(',').count(), 4);
    let json = sampled("--json");
    assert!(json.starts_with("{\"min\": ") && json.ends_with("}\n"), "{json}");
}

#[test]
fn this_machine_is_measured_without_a_server() {
    let text = run_ours(&["--intrinsic-latency", "1"], b"").text();
    assert!(text.starts_with("Max latency so far: "), "{text}");
    assert!(text.contains(" total runs (avg latency: ") && text.contains("\nWorst run took "));
}

/// Modes that never end show their first lines at once, also in a pipe.
#[test]
fn endless_modes_show_what_they_have() {
    let server = Server::start();
    let port = server.port().to_string();
    for (args, expected) in [
        (&["--stat"][..], "keys       mem      clients blocked requests            connections  "),
        (&["--lru-test", "100"], " Gets/sec | Hits: "),
        (&["--latency-dist", "-i", "0.1"], "From 0 to 100%: "),
    ] {
        let output = server.dir().join("endless");
        let mut child = ours()
            .args(["-p", &port])
            .args(args)
            .stdout(fs::File::create(&output).expect("a file"))
            .spawn()
            .expect("it starts");
        wait_for(expected, DEADLINE, || {
            let text = fs::read(&output).unwrap_or_default();
            String::from_utf8_lossy(&text).contains(expected)
        });
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
}

/// What was found is told when Ctrl-C ends the search.
#[test]
fn a_search_ends_in_good_order() {
    let server = server_with_keys();
    let port = server.port().to_string();
    let output = server.dir().join("found");
    let mut client = server.client();
    client.cmd("DEBUG POPULATE 20000");
    let mut child = ours()
        .args(["-p", &port, "--bigkeys", "--count", "1", "-i", "0.3"])
        .stdout(fs::File::create(&output).expect("a file"))
        .spawn()
        .expect("it starts");
    wait_for("a hundred scans", DEADLINE, || {
        client.show("INFO commandstats").contains("cmdstat_scan:calls=1")
    });
    let id = Pid::from_raw(i32::try_from(child.id()).expect("an id"));
    kill(id, Signal::SIGINT).expect("it runs");
    assert!(child.wait().expect("it ends").success());
    let text = fs::read_to_string(&output).expect("the output");
    let (_, summary) = text.split_once("-------- summary -------\n\n[").expect("a summary");
    assert!(summary.contains("%] Sampled "), "{summary}");
}
