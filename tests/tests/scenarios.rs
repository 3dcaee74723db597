//! What operators' guides do with one server, command by command.

use std::fs;
use std::process::{Command, Output};

use dunlin_testkit::process::{KillOnDrop, Process};
use dunlin_testkit::server::{is_dunlin, on_path, program};
use dunlin_testkit::{Client, DEADLINE, Server, wait_for, wait_some};
use nix::sys::signal::Signal;

/// Runs a line of a guide in a shell whose `redis-server` is the program under test.
fn shell(dir: &std::path::Path, line: &str) -> Output {
    let bin = dir.join("bin");
    if !bin.exists() {
        fs::create_dir(&bin).expect("made");
        std::os::unix::fs::symlink(program(), bin.join("redis-server")).expect("linked");
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    Command::new("bash")
        .args(["-c", line])
        .current_dir(dir)
        .env("PATH", path)
        .env("TERM", "dumb")
        .output()
        .expect("a shell")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Guide 1.1: a short file, start in the foreground, stop with redis-cli.
#[test]
fn start_with_a_file_and_stop_with_the_client() {
    assert!(on_path("redis-cli").is_some(), "redis-cli is needed: ./test installs it");
    let mut server = Server::builder().config("bind 0.0.0.0\ndatabases 1").start();
    server.wait_for_log("Ready to accept connections");
    let done = shell(server.dir(), &format!("redis-cli -p {} shutdown", server.port()));
    assert_eq!((stdout(&done).as_str(), done.status.code()), ("", Some(0)));
    assert_eq!(server.wait_exit(), "exit 0");
}

/// Guide 1.2: daemons from one file and from a copy that `sed` made, with quotes of both kinds.
#[test]
fn daemons_from_a_file_and_its_copies() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let (one, two) = (dunlin_testkit::port::free_port(), dunlin_testkit::port::free_port());
    fs::write(
        dir.join("one.conf"),
        format!(
            "port {one}\nbind 0.0.0.0\ndaemonize yes\ndir '{0}'\nlogfile \"{0}/redis_{one}.log\"\n\
             dbfilename 'redis_{one}.data'\npidfile \"{0}/redis_{one}.pid\"\nsave ''\n",
            dir.display()
        ),
    )
    .expect("written");
    let copy = format!("sed 's/{one}/{two}/g' one.conf > two.conf");
    for line in [copy.as_str(), "redis-server one.conf", "redis-server two.conf"] {
        let done = shell(dir, line);
        assert!(done.status.success(), "{line}: {done:?}");
    }
    let daemons = [one, two].map(|port| {
        let path = dir.join(format!("redis_{port}.pid"));
        KillOnDrop(Process(wait_some("a pid file", DEADLINE, || {
            fs::read_to_string(&path).ok()?.trim().parse().ok()
        })))
    });
    for port in [one, two] {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        wait_for("the daemon to answer", DEADLINE, || Client::try_connect(address).is_ok());
        let log = fs::read_to_string(dir.join(format!("redis_{port}.log"))).expect("a log");
        assert!(log.contains("Redis is starting"), "{log}");
    }
    // Guides 1.3 and 13: the title in the list of processes.
    let listed = stdout(&shell(dir, "ps -ef"));
    for port in [one, two] {
        assert!(listed.contains(&format!("redis-server 0.0.0.0:{port}")), "{listed}");
    }
    // Guide 1.4: one by the client, the other by its process number.
    let line = format!("printf '%s\\n' {one} | xargs -I{{}} -t redis-cli -p {{}} shutdown");
    assert!(shell(dir, &line).status.success());
    daemons[1].0.signal(Signal::SIGTERM);
    wait_for("both to be gone", DEADLINE, || daemons.iter().all(|daemon| !daemon.0.is_running()));
}

/// Guide 1.3: without a file, in whatever directory one happens to be.
#[test]
fn options_alone_use_the_current_directory() {
    let builder = Server::builder().without_defaults();
    let port = builder.port().to_string();
    let server = builder.args(&["--port", &port]).start();
    let mut client = server.client();
    let dir = client.cmd("CONFIG GET dir").items()[1].text();
    assert_eq!(fs::canonicalize(dir).ok(), fs::canonicalize(server.dir()).ok());
    assert_eq!(server.process().title(), format!("redis-server *:{port}"));
    client.send(b"SHUTDOWN NOSAVE\r\n").expect("sent");
    client.read_to_close().expect("closed");
}

/// Guide 1.2: the stock file without its comments, with a line put in after the first.
#[test]
fn a_stripped_stock_file() {
    let stock = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../redis.conf");
    let builder = Server::builder().without_defaults();
    let (dir, port) = (builder.dir().to_owned(), builder.port());
    fs::copy(&stock, dir.join("stock.conf")).expect("copied");
    let line = format!(
        "grep -v '^#' stock.conf | grep -v '^$' > bare.conf && sed -i '1a maxmemory-samples 7' bare.conf && \
         sed -i 's/^port 6379/port {port}/' bare.conf"
    );
    assert!(shell(&dir, &line).status.success());
    let server = builder.args(&["bare.conf"]).start();
    assert_eq!(server.client().show("CONFIG GET maxmemory-samples"), "[maxmemory-samples, 7]");
}

/// Guide 1.5: limits of the host are named in the log and are no reason to stop.
#[test]
fn host_limits_are_warned_about() {
    let server = Server::builder().config("tcp-backlog 1000000").start();
    server.wait_for_log(
        "WARNING: The TCP backlog setting of 1000000 cannot be enforced because \
         /proc/sys/net/core/somaxconn is set to the lower value of",
    );
    assert_eq!(server.client().show("PING"), "PONG");
}

/// Guide 13: who listens where, as the tools of the system show it.
#[test]
fn listeners_are_where_bind_says() {
    let server = Server::builder().config("bind 127.0.0.1 127.0.0.2").start();
    let table = fs::read_to_string("/proc/net/tcp").expect("the table of sockets");
    let port = format!("{:04X}", server.port());
    for address in ["0100007F", "0200007F"] {
        let entry = format!("{address}:{port} 00000000:0000 0A");
        assert!(table.contains(&entry), "nobody listens at {entry}");
    }
    let name = fs::read_to_string(format!("/proc/{}/comm", server.process().0)).expect("a name");
    if is_dunlin() {
        // netstat -p shows the name by which the program was found in its file.
        assert!(["dunlin", "redis-server"].contains(&name.trim()), "{name}");
    }
}

/// Guide 1.0: `make` and `make install` put the programs where guides look for them, and each works
/// when it is copied elsewhere alone.
#[test]
fn make_puts_the_programs_where_guides_look() {
    if !is_dunlin() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let done = Command::new("make")
        .args(["-C", concat!(env!("CARGO_MANIFEST_DIR"), "/.."), "install", "CARGO=true"])
        .arg(format!("PROGRAM={}", program().display()))
        .arg(format!("PROGRAMS={}", path("src")))
        .arg(format!("PREFIX={}", path("usr")))
        .output()
        .expect("make runs");
    assert!(done.status.success(), "{done:?}");
    fs::copy(path("src/redis-server"), path("redis-server")).expect("copied");
    for program in ["redis-server", "src/redis-server", "usr/bin/redis-server"] {
        let shown = Command::new(path(program)).arg("--version").output();
        let shown = String::from_utf8(shown.expect("it runs").stdout).expect("text");
        assert!(shown.starts_with("Redis server v=7.2.4 "), "{program}: {shown}");
    }
}
