//! Limits: many connections, few descriptors, slow readers, endless requests.

use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use dunlin_testkit::client::request;
use dunlin_testkit::server::is_dunlin;
use dunlin_testkit::{Client, DEADLINE, Server, wait_for};

/// Lets this process open as many files as it may.
fn raise_own_limit() -> u64 {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("the limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("up to the hard limit");
    hard
}

#[test]
fn ten_thousand_connections() {
    const COUNT: usize = 10_000;
    if raise_own_limit() < COUNT as u64 + 100 {
        eprintln!("skipped: this machine allows too few open files");
        return;
    }
    let server = Server::builder().config("maxclients 10050\ntcp-backlog 4096").start();
    let idle_bytes = server.process().resident_bytes();
    let mut clients: Vec<Client> = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        clients.push(server.client());
    }
    for (index, client) in clients.iter_mut().enumerate() {
        client.cmd(&format!("INCRBY sum {index}")).integer();
    }
    assert_eq!(clients[0].cmd("GET sum").text(), (0..COUNT).sum::<usize>().to_string());
    let listed = clients[COUNT - 1].cmd("CLIENT LIST TYPE normal").text();
    assert_eq!(listed.lines().count(), COUNT);
    let each = (server.process().resident_bytes() - idle_bytes) / COUNT as u64;
    // The reply of CLIENT LIST itself, about 3 MB, is part of this.
    let most = if is_dunlin() { 3500 } else { 40_000 };
    assert!(each < most, "a connection takes {each} bytes");
    drop(clients);
    let mut last = server.client();
    wait_for("all to be gone", DEADLINE, || last.cmd("CLIENT LIST").text().lines().count() == 1);
}

#[test]
fn beyond_maxclients_is_refused_with_a_reason() {
    let server = Server::builder().config("maxclients 10").start();
    wait_for("the first connection to be gone", DEADLINE, || {
        server.client().cmd("CLIENT LIST").text().lines().count() == 1
    });
    let mut clients: Vec<Client> = Vec::new();
    wait_for("ten connections", DEADLINE, || {
        let mut client = server.client();
        if client.try_cmd("PING").is_ok_and(|reply| !reply.is_error()) {
            clients.push(client);
        }
        clients.len() == 10
    });
    let refused = server.client().read_to_close().expect("closed");
    assert_eq!(refused, b"-ERR max number of clients reached\r\n");
    assert_eq!(clients[0].show("PING"), "PONG");
    assert!(!clients[1].cmd("INFO stats").text().contains("rejected_connections:0\r"));
    assert_eq!(clients[0].show("CONFIG SET maxclients 11"), "OK");
    assert_eq!(server.client().show("PING"), "PONG");
}

#[test]
fn maxclients_is_lowered_to_what_the_system_allows() {
    let server = Server::builder().open_files_max(100).start();
    assert_eq!(server.client().show("CONFIG GET maxclients"), "[maxclients, 68]");
    server.wait_for_log("You requested maxclients of 10000 requiring at least 10032 max file");
}

#[test]
fn too_few_files_for_itself_is_a_reason_not_to_start() {
    let done = Server::builder().open_files_max(20).run();
    assert_eq!(done.end, "exit 1");
    assert!(done.stdout.contains("Your current 'ulimit -n' of 20 is not enough"), "{done:?}");
}

/// Without free descriptors nobody new gets in, but the others are served, and it recovers.
#[test]
fn no_file_descriptor_left() {
    let server = Server::start();
    let mut client = server.client();
    client.cmd("PING");
    let open = server.process().open_files();
    let pid = server.process().0.to_string();
    let limit = format!("--nofile={0}:{0}", open + 5);
    let done = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
    assert!(done.is_ok_and(|status| status.success()), "prlimit (util-linux) is needed");
    let waiting: Vec<Client> = (0..20).map(|_| server.client()).collect();
    wait_for("the limit to be reached", DEADLINE, || server.process().open_files() >= open + 5);
    for _ in 0..100 {
        assert_eq!(client.show("PING"), "PONG");
    }
    if is_dunlin() {
        let before = cpu_ticks(&server);
        client.cmd("DEBUG SLEEP 0.5");
        let start = Instant::now();
        wait_for("half a second", DEADLINE, || start.elapsed() > Duration::from_millis(500));
        let used = cpu_ticks(&server) - before;
        assert!(used < 25, "{used} ticks of CPU in half a second of doing nothing");
    }
    drop(waiting);
    let mut next = server.client();
    assert_eq!(next.show("PING"), "PONG");
}

/// CPU time so far, in hundredths of a second.
fn cpu_ticks(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.process().0))
        .expect("a running process");
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("its name").1.split(' ').collect();
    fields[11].parse::<u64>().expect("user") + fields[12].parse::<u64>().expect("system")
}

/// Ten thousand replies of a megabyte for a client that does not read: memory stays bounded,
/// others are served, and nothing is lost when it reads at last.
#[test]
fn a_slow_reader_is_made_to_wait() {
    if !is_dunlin() {
        return; // Redis would keep ten gigabytes of replies.
    }
    const LEN: usize = 1 << 20;
    let server = Server::start();
    let mut other = server.client();
    assert_eq!(other.show(&format!("SETRANGE big {} x", LEN - 1)), LEN.to_string());
    let mut slow = server.client();
    let get = request(&["GET", "big"]);
    slow.send(&get.repeat(10_000)).expect("requests of 230 KB are taken");
    slow.send(&request(&["SET", "done", "1"])).expect("sent");
    for _ in 0..2000 {
        assert_eq!(other.show("STRLEN big"), LEN.to_string());
    }
    let peak = server.process().peak_resident_bytes();
    assert!(peak < 64 << 20, "{peak} bytes for one slow reader");
    assert_eq!(other.show("EXISTS done"), "0", "what comes after is not run yet");
    for _ in 0..200 {
        assert_eq!(slow.read().bytes().len(), LEN);
    }
    let peak = server.process().peak_resident_bytes();
    assert!(peak < 64 << 20, "{peak} bytes while it reads");
    drop(slow);
    assert_eq!(other.show("PING"), "PONG");
}

/// A hard limit on output closes the connection instead.
#[test]
fn an_output_limit_closes_the_connection() {
    let server = Server::builder().config("client-output-buffer-limit normal 2mb 0 0").start();
    let mut other = server.client();
    assert_eq!(other.show("SETRANGE big 2999999 x"), "3000000");
    let mut slow = server.client();
    slow.send(&request(&["GET", "big"]).repeat(20)).expect("sent");
    let got = slow.read_to_close().map_or(0, |bytes| bytes.len());
    assert!(got < 60_000_000, "all {got} bytes were sent");
    assert_eq!(other.show("PING"), "PONG");
    server.wait_for_log("overcoming of output buffer limits.");
}

#[test]
fn a_request_that_never_ends_is_cut_off() {
    let server = Server::builder().config("client-query-buffer-limit 1mb").start();
    let ends = |bytes: &[u8]| {
        let mut client = server.client();
        // The server may close before everything is sent.
        let _ = client.send(bytes);
        client.read_to_close().map(|rest| String::from_utf8_lossy(&rest).into_owned())
    };
    let endless_line = vec![b'x'; 70_000];
    assert_eq!(
        ends(&endless_line).expect("closed"),
        "-ERR Protocol error: too big inline request\r\n"
    );
    let endless_count = [b"*".as_slice(), &vec![b'1'; 70_000]].concat();
    assert_eq!(
        ends(&endless_count).expect("closed"),
        "-ERR Protocol error: too big mbulk count string\r\n"
    );
    let endless_length = [b"*1\r\n$".as_slice(), &vec![b'1'; 70_000]].concat();
    assert_eq!(
        ends(&endless_length).expect("closed"),
        "-ERR Protocol error: too big bulk count string\r\n"
    );
    let long_word =
        [b"*2\r\n$4\r\nECHO\r\n$3000000\r\n".as_slice(), &vec![b'x'; 2_900_000]].concat();
    assert_eq!(ends(&long_word).expect("closed"), "");
    if is_dunlin() {
        // Redis counts only the argument that is still arriving, we count the request.
        let mut many = b"*1000000\r\n".to_vec();
        for _ in 0..30_000 {
            many.extend_from_slice(b"$100\r\n");
            many.extend_from_slice(&[b'a'; 100]);
            many.extend_from_slice(b"\r\n");
        }
        assert_eq!(ends(&many).expect("closed"), "");
    }
    assert_eq!(server.client().show("PING"), "PONG");
}

/// Clients together may not take more than maxmemory-clients.
#[test]
fn clients_that_take_too_much_are_evicted() {
    let server = Server::builder().config("maxmemory-clients 3mb").start();
    let mut other = server.client();
    let mut greedy = server.client();
    let mut half = b"*2\r\n$3\r\nGET\r\n$9000000\r\n".to_vec();
    half.extend_from_slice(&vec![b'x'; 8_000_000]);
    let _ = greedy.send(&half);
    match greedy.read_to_close() {
        Ok(rest) => assert_eq!(rest, b""),
        Err(error) => panic!("still connected: {error}"),
    }
    assert_eq!(other.show("PING"), "PONG");
    assert!(other.cmd("INFO stats").text().contains("evicted_clients:1\r"));
}

#[test]
fn scan_takes_any_cursor() {
    let server = Server::start();
    let mut client = server.client();
    assert_eq!(client.show("DEBUG POPULATE 10000"), "OK");
    for cursor in [
        "1",
        "12345",
        "281474976710655",
        "281474976710656",
        "9223372036854775807",
        "18446744073709551615",
    ] {
        let mut next = cursor.to_owned();
        for _ in 0..20_000 {
            let reply = client.cmd(&format!("SCAN {next} COUNT 1000")).items();
            next = reply[0].text();
            if next == "0" {
                break;
            }
        }
        assert_eq!(next, "0", "a walk from cursor {cursor} has to end");
    }
    assert_eq!(client.show("SCAN 18446744073709551616"), "(error) ERR invalid cursor");
}

#[test]
fn a_closed_port_is_told_apart_from_a_slow_one() {
    let server = Server::start();
    let address = server.address();
    drop(server);
    let error = Client::try_connect(address).err().expect("nobody listens");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}
