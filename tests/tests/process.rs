//! The process: signals, daemon, title, log, supervisors, and what it says when it cannot start.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixDatagram;

use dunlin_testkit::process::{KillOnDrop, Process};
use dunlin_testkit::server::is_dunlin;
use dunlin_testkit::{Client, DEADLINE, Server, wait_for, wait_some};
use nix::sys::signal::Signal;

#[test]
fn term_and_int_end_it_in_order() {
    for (signal, name) in [(Signal::SIGTERM, "SIGTERM"), (Signal::SIGINT, "SIGINT")] {
        let mut server = Server::start();
        let mut client = server.client();
        assert_eq!(client.show("SET k v"), "OK");
        server.signal(signal);
        assert_eq!(server.wait_exit(), "exit 0", "{name}");
        let log = server.log();
        for line in [
            format!("Received {name} scheduling shutdown..."),
            "User requested shutdown...".to_owned(),
            "Redis is now ready to exit, bye bye...".to_owned(),
        ] {
            assert!(log.contains(&line), "{line} is not in the log:\n{log}");
        }
        assert_eq!(client.read_to_close().expect("closed"), b"");
    }
}

#[test]
fn hup_and_pipe_are_ignored() {
    let server = Server::start();
    for signal in [Signal::SIGHUP, Signal::SIGPIPE] {
        server.signal(signal);
        assert_eq!(server.client().show("PING"), "PONG", "{signal}");
    }
}

#[test]
fn a_fault_is_reported_before_it_ends() {
    let mut server = Server::start();
    let _ = server.client().send(b"DEBUG SEGFAULT\r\n");
    let end = server.wait_exit();
    assert!(end == "signal 11" || end == "signal 6", "{end}");
    let log = server.log();
    assert!(log.contains("REDIS BUG REPORT START"), "{log}");
    assert!(log.contains("crashed by signal: 11"), "{log}");
}

#[test]
fn shutdown_forms() {
    for form in ["SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN NOW FORCE NOSAVE", "SHUTDOWN SAVE FORCE"]
    {
        let mut server = Server::start();
        let mut client = server.client();
        client.send(format!("{form}\r\n").as_bytes()).expect("sent");
        assert_eq!(client.read_to_close().expect("closed"), b"", "{form}");
        assert_eq!(server.wait_exit(), "exit 0", "{form}");
    }
}

#[test]
fn a_daemon_leaves_its_starter_and_writes_its_number() {
    let builder = Server::builder();
    let (dir, port) = (builder.dir().to_owned(), builder.port());
    let mut starter = builder
        .config("daemonize yes\nlogfile redis.log")
        .config(&format!("pidfile {}", dir.join("redis.pid").display()))
        .start_unchecked();
    assert_eq!(starter.wait_exit(), "exit 0");
    let pid: u32 = wait_some("the pid file", DEADLINE, || {
        fs::read_to_string(dir.join("redis.pid")).ok()?.trim().parse().ok()
    });
    let daemon = KillOnDrop(Process(pid));
    let address = starter.address();
    wait_for("the daemon to answer", DEADLINE, || Client::try_connect(address).is_ok());
    let mut client = Client::connect(address);
    assert!(client.cmd("INFO server").text().contains(&format!("process_id:{pid}\r")));
    assert_eq!(daemon.0.session(), Some(pid), "a daemon leads its own session");
    for descriptor in 0..3 {
        let target = fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).expect("a descriptor");
        assert_eq!(target.display().to_string(), "/dev/null");
    }
    assert_eq!(daemon.0.title(), format!("redis-server 127.0.0.1:{port}"));
    client.send(b"SHUTDOWN\r\n").expect("sent");
    client.read_to_close().expect("closed");
    wait_for("the daemon to end", DEADLINE, || !daemon.0.is_running());
    assert!(!dir.join("redis.pid").exists(), "the pid file is left behind");
    let log = fs::read_to_string(dir.join("redis.log")).expect("the log");
    assert!(log.contains("Removing the pid file."), "{log}");
    assert!(log.contains("bye bye..."), "{log}");
}

#[test]
fn a_pid_file_that_cannot_be_written_is_only_logged() {
    let server = Server::builder().config("pidfile /nosuch/dir/redis.pid").start();
    server.wait_for_log("Failed to write PID file: No such file or directory");
    assert_eq!(server.client().show("PING"), "PONG");
}

#[test]
fn the_title_names_address_and_mode() {
    for (config, expected) in [
        ("", "redis-server 127.0.0.1:PORT"),
        ("bind 127.0.0.2 127.0.0.1", "redis-server 127.0.0.2:PORT"),
        ("bind * -::*", "redis-server *:PORT"),
        (
            "proc-title-template \"{title} {port} {config-file} {tls-port} x\"",
            "redis-server PORT DIR/redis.conf 0 x",
        ),
    ] {
        let server = Server::builder().config(config).start();
        let expected = expected
            .replace("PORT", &server.port().to_string())
            .replace("DIR", &server.dir().display().to_string());
        wait_for(&format!("title '{expected}'"), DEADLINE, || server.process().title() == expected);
    }
    let server = Server::builder().config("set-proc-title no").start();
    assert!(server.process().title().starts_with("redis-server "));
    assert!(server.process().title().ends_with("redis.conf"));
}

#[test]
fn the_log_tells_the_start_in_the_usual_lines() {
    let server = Server::start();
    server.wait_for_log("Ready to accept connections");
    let log = server.log();
    let pid = server.process().0;
    let mut rest = log.as_str();
    for part in [
        "oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n",
        "Redis version=7.2.",
        ", bits=64, ",
        &format!("pid={pid}, just started\n"),
        "Configuration loaded\n",
        &format!("Running mode=standalone, port={}.\n", server.port()),
        "Server initialized\n",
        "Ready to accept connections tcp\n",
    ] {
        let at = rest.find(part).unwrap_or_else(|| panic!("'{part}' is missing in\n{log}"));
        rest = &rest[at..];
    }
    let ready = log.lines().find(|line| line.ends_with("tcp")).expect("the last line");
    check_log_line(ready, pid);
}

/// `<pid>:M DD Mon YYYY HH:MM:SS.mmm * text`
fn check_log_line(line: &str, pid: u32) {
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words[0], format!("{pid}:M"), "{line}");
    assert!(words[1].len() == 2 && words[1].parse::<u8>().is_ok(), "{line}");
    assert!("JanFebMarAprMayJunJulAugSepOctNovDec".contains(words[2]), "{line}");
    assert!(words[3].len() == 4 && words[3].parse::<u16>().is_ok(), "{line}");
    let pattern: String =
        words[4].chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(pattern, "00:00:00.000", "{line}");
    assert!([".", "-", "*", "#"].contains(&words[5]), "{line}");
}

/// Test suites wait for these lines to find the process number.
#[test]
fn the_logo_shows_port_and_process() {
    let server = Server::builder().config("always-show-logo yes").start();
    server.wait_for_log("Ready to accept connections");
    let log = server.log();
    let pid = log.find(&format!(" PID: {}\n", server.process().0)).expect("the process number");
    assert!(log.contains(&format!(" Port: {}\n", server.port())), "{log}");
    assert!(log[pid..].contains("Server initialized"), "{log}");
}

#[test]
fn the_level_decides_what_is_logged() {
    let quiet = Server::builder().config("loglevel warning").start();
    assert!(!quiet.log().contains("Ready to accept"), "{}", quiet.log());
    let silent = Server::builder().config("loglevel nothing").start();
    assert_eq!(silent.log(), "");
    let loud = Server::builder().config("loglevel verbose").start();
    loud.client().cmd("PING");
    loud.wait_for_log("Accepted 127.0.0.1:");
    loud.wait_for_log("Client closed connection");
}

/// The file is opened for each line, so it can be moved away while the server runs.
#[test]
fn a_log_that_was_moved_away_is_begun_anew() {
    let server = Server::builder().config("logfile my.log").start();
    let (log, old) = (server.dir().join("my.log"), server.dir().join("old.log"));
    wait_for("the log", DEADLINE, || log.exists());
    fs::rename(&log, &old).expect("moved");
    assert_eq!(server.client().show("DEBUG LOG \"a new beginning\""), "OK");
    wait_for("the line", DEADLINE, || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains("a new beginning"))
    });
    assert!(fs::read_to_string(&old).expect("the old one").contains("Ready to accept"));
}

#[test]
fn a_busy_port_is_named() {
    let builder = Server::builder();
    let port = builder.port();
    let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
    let done = builder.run();
    assert_eq!(done.end, "exit 1");
    for line in [
        format!(
            "Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address already in use"
        ),
        format!("Failed listening on port {port} (tcp), aborting."),
    ] {
        assert!(done.stdout.contains(&line), "'{line}' is missing in\n{}", done.stdout);
    }
}

#[test]
fn nowhere_to_listen_is_a_reason_to_stop() {
    let done = Server::builder().without_defaults().config("port 0").run();
    assert_eq!(done.end, "exit 1");
    assert!(done.stdout.contains("Configured to not listen anywhere, exiting."), "{done:?}");
}

#[test]
fn systemd_is_told_when_it_is_ready() {
    if !is_dunlin() {
        return; // Redis knows it only when it was built with systemd's library.
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let mut server = Server::builder()
        .config("supervised systemd")
        .environment("NOTIFY_SOCKET", &path.display().to_string())
        .start();
    let mut told = String::new();
    let mut buffer = [0; 4096];
    while !told.contains("READY=1") {
        let len = socket.recv(&mut buffer).expect("a message");
        told.push_str(&String::from_utf8_lossy(&buffer[..len]));
        told.push('\n');
    }
    assert!(told.contains("STATUS="), "{told}");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(), "exit 0");
    while !told.contains("STOPPING=1") {
        let len = socket.recv(&mut buffer).expect("a message");
        told.push_str(&String::from_utf8_lossy(&buffer[..len]));
    }
}

#[test]
fn upstart_is_told_by_stopping_until_it_says_go_on() {
    let server = Server::builder()
        .config("supervised upstart")
        .environment("UPSTART_JOB", "redis")
        .start_unchecked();
    wait_for("it to stop itself", DEADLINE, || server.process().state() == Some('T'));
    server.signal(Signal::SIGCONT);
    let address = server.address();
    wait_for("it to answer", DEADLINE, || {
        Client::try_connect(address).is_ok_and(|mut c| c.try_cmd("PING").is_ok())
    });
}

#[test]
fn version_and_help() {
    for option in ["-v", "--version"] {
        let done = Server::builder().without_defaults().args(&[option]).run();
        assert_eq!(done.end, "exit 0");
        let words: Vec<&str> = done.stdout.split_whitespace().collect();
        assert_eq!(words[..2], ["Redis", "server"]);
        assert!(words[2].starts_with("v=7.2."), "{}", done.stdout);
        for (word, start) in words[3..].iter().zip(["sha=", "malloc=", "bits=64", "build="]) {
            assert!(word.starts_with(start), "{}", done.stdout);
        }
    }
    for option in ["-h", "--help"] {
        let done = Server::builder().without_defaults().args(&[option]).run();
        let text = done.stdout + &done.stderr;
        assert!(text.contains("Usage:"), "{text}");
        assert!(text.contains("redis-server"), "{text}");
    }
}

#[test]
fn links_make_the_usual_names() {
    if !is_dunlin() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().display().to_string();
    let done = Server::builder().name("dunlin").without_defaults().args(&["link", &dir]).run();
    assert_eq!(done.end, "exit 0", "{done:?}");
    let output = std::process::Command::new(folder.path().join("redis-server"))
        .arg("--version")
        .output()
        .expect("the link runs");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("Redis server v=7.2."));
}

#[test]
fn the_program_has_a_version_of_its_own() {
    if !is_dunlin() {
        return;
    }
    let done = Server::builder().name("dunlin").without_defaults().args(&["--version"]).run();
    assert_eq!(done.end, "exit 0");
    assert!(done.stdout.starts_with("dunlin "), "{}", done.stdout);
}
