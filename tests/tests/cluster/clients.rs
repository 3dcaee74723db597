//! Cluster clients that others wrote, while primaries die, hand over, and slots move.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dunlin_testkit::cluster::{Cluster, redis_cli};
use dunlin_testkit::{DEADLINE, wait_for};

use crate::failover::wait_for_promotion;

/// How long after the cluster is whole again a client may still be looking for the new primary.
const CLIENT_NEEDS: Duration = Duration::from_secs(3);

/// Where ./test puts libraries of other languages.
fn libraries() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let place = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    std::path::absolute(place.join("clients")).expect("a path")
}

/// A file of a library that ./test installs; `None` if it could not, which it says at its end.
#[track_caller]
fn installed(library: &str, path: &str) -> Option<PathBuf> {
    let not_installed = std::env::var("WITHOUT_CLIENTS").unwrap_or_default();
    if not_installed.split_whitespace().any(|name| name == library) {
        eprintln!("not tested: {library} could not be installed");
        return None;
    }
    let path = libraries().join(path);
    assert!(path.exists(), "{} is needed: ./test installs it", path.display());
    Some(path)
}

/// Our program of this name.
fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/cluster").join(name)
}

/// A program that writes and reads, as load.py says.
struct Program {
    child: Child,
    /// It goes on until this is closed.
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    seen: Vec<String>,
}

/// What it counted.
#[derive(Debug)]
struct Counts {
    writes: u64,
    lost: u64,
    wrong: u64,
}

impl Program {
    #[track_caller]
    fn start(mut command: Command, cluster: &Cluster) -> Program {
        let ports = (0..cluster.len()).map(|index| cluster.node(index).port().to_string());
        command.args(ports).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let input = child.stdin.take();
        let mut program = Program { child, input, lines, seen: Vec::new() };
        program.wait_for("ready");
        program
    }

    /// Waits for a line that begins so.
    #[track_caller]
    fn wait_for(&mut self, start: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(DEADLINE);
            let line = line.unwrap_or_else(|_| panic!("no '{start}' after {:?}", self.seen));
            self.seen.push(line.clone());
            if line.starts_with(start) {
                return line;
            }
        }
    }

    /// Ends it, and returns its counts and its errors with their times.
    #[track_caller]
    fn stop(mut self) -> (Counts, Vec<(Duration, String)>) {
        drop(self.input.take());
        let done = self.wait_for("done ");
        let count = |name: &str| {
            let found = done.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            found.and_then(|count| count.parse().ok()).expect("a count")
        };
        let counts = Counts { writes: count("writes"), lost: count("lost"), wrong: count("wrong") };
        let errors = self.seen.iter().filter_map(|line| {
            let (at, text) = line.strip_prefix("error ")?.split_once(' ')?;
            Some((Duration::from_millis(at.parse().ok()?), text.to_owned()))
        });
        (counts, errors.collect())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

/// Slots move, a primary hands over, a primary dies and comes back, while the program runs: no value
/// that was not written, no error outside of the time in which the cluster is not whole, and
/// acknowledged writes lost only where a primary died before its replica had them.
#[track_caller]
fn through_it_all(name: &str, command: Command) {
    let mut cluster = Cluster::builder().replicas(1).timeout_ms(1000).start();
    let program = Program::start(command, &cluster);
    let (address, from, to) = (cluster.address(0), cluster.id(0), cluster.id(1));
    let words = ["--cluster", "reshard", &address, "--cluster-from", &from, "--cluster-to", &to];
    redis_cli(&[&words[..], &["--cluster-slots", "100", "--cluster-yes"]].concat(), "").success();
    cluster.wait_until_agreed();
    let moved = now();
    assert_eq!(cluster.client(5).show("CLUSTER FAILOVER"), "OK");
    wait_for_promotion(&cluster, 5);
    let handed_over = now();
    cluster.kill(0);
    let killed = now();
    wait_for_promotion(&cluster, 3);
    let promoted = now();
    cluster.restart(0);
    cluster.wait_until_ok();
    wait_for("the client to find its way", DEADLINE, || now() > promoted + CLIENT_NEEDS);
    let (counts, errors) = program.stop();
    println!("{name}: {counts:?}, {} errors", errors.len());
    assert_eq!(counts.wrong, 0);
    assert!(counts.lost <= 10, "{counts:?}");
    assert!(counts.writes > 500, "{counts:?}");
    for (at, text) in errors {
        let handing_over = moved..handed_over + CLIENT_NEEDS;
        let dying = killed..promoted + CLIENT_NEEDS;
        assert!(handing_over.contains(&at) || dying.contains(&at), "{at:?} {text}, {killed:?}");
    }
}

/// Python with the library redis-py, which the system has, in the version that knows clusters.
#[test]
fn redis_py() {
    let python = ["/usr/bin/python3", "python3"]
        .into_iter()
        .find(|python| {
            let probe = Command::new(python).args(["-c", "import redis.cluster"]).output();
            probe.is_ok_and(|done| done.status.success())
        })
        .expect("python3 with redis 4.1 or later is needed: ./test installs it");
    let mut command = Command::new(python);
    command.arg(source("load.py")).arg("redis-py");
    through_it_all("redis-py", command);
}

/// The library that guides of the time of Redis 3 to 5 use.
#[test]
fn redis_py_cluster() {
    let Some(python) = installed("redis-py-cluster", "redis-py-cluster/bin/python") else { return };
    let mut command = Command::new(python);
    command.arg(source("load.py")).arg("redis-py-cluster");
    through_it_all("redis-py-cluster", command);
}

#[test]
fn ioredis() {
    let Some(library) = installed("ioredis", "ioredis/node_modules/ioredis") else { return };
    let mut command = Command::new("node");
    command.arg(source("load.js")).arg(library);
    through_it_all("ioredis", command);
}

#[test]
fn redis_rs() {
    let Some(program) = installed("redis-rs", "redis-rs/debug/cluster-load") else { return };
    through_it_all("redis-rs", Command::new(program));
}

/// Guide 8.5: what the library of guides says when the cluster is down.
#[test]
fn redis_py_cluster_while_down() {
    let Some(python) = installed("redis-py-cluster", "redis-py-cluster/bin/python") else { return };
    let mut cluster = Cluster::builder().timeout_ms(1000).start();
    let mut command = Command::new(python);
    command.arg(source("down.py"));
    command.args((0..3).map(|index| cluster.node(index).port().to_string()));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    assert_eq!(line, "bar\n");
    // `foo` is in slot 12182, which node 2 has.
    cluster.kill(0);
    cluster.wait_for_info(2, "cluster_state", "fail");
    child.stdin.take().expect("a pipe").write_all(b"now\n").expect("written");
    line.clear();
    output.read_line(&mut line).expect("a line");
    assert_eq!(line, "ClusterDownError CLUSTERDOWN error. Unable to rebuild the cluster\n");
    assert!(child.wait().expect("it ends").success());
}
