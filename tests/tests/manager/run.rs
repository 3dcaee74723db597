//! Running our manager, and the real one beside it.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use dunlin_testkit::process::{Process, describe};
use dunlin_testkit::server::{on_path, program, reference_program};
use dunlin_testkit::{Cluster, DEADLINE, wait_for};

/// What a run said and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) end: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Its output, if it went well.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert_eq!(self.end, "exit 0", "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// All that it said, if it failed.
    #[track_caller]
    pub(crate) fn failure(self) -> String {
        assert_eq!(self.end, "exit 1", "{}\n{}", self.stdout, self.stderr);
        self.stdout + &self.stderr
    }
}

/// Our executable under a name.
pub(crate) fn ours(name: &str) -> Command {
    let mut command = Command::new(program());
    command.arg0(name).env("TERM", "dumb");
    command
}

/// The real redis-cli.
pub(crate) fn theirs() -> Command {
    let mut command = Command::new(on_path("redis-cli").expect("redis-cli is needed"));
    command.env("TERM", "dumb");
    command
}

/// A real server.
pub(crate) fn real_server() -> PathBuf {
    reference_program().expect("redis-server is needed: ./test installs it")
}

/// Starts a program whose input is a pipe that gets all answers at once.
pub(crate) fn spawn(mut command: Command, words: &[&str], input: &str) -> Child {
    let mut child = command
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    // One that reads nothing may have ended.
    let _ = pipe.write_all(input.as_bytes());
    child
}

/// Waits for the end of a program.
pub(crate) fn finish(child: Child) -> Run {
    let done = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Run { end: describe(done.status), stdout: text(done.stdout), stderr: text(done.stderr) }
}

/// Runs a program.
pub(crate) fn run(command: Command, words: &[&str], input: &str) -> Run {
    finish(spawn(command, words, input))
}

/// `redis-cli --cluster <words>`, ours.
pub(crate) fn manage(words: &[&str], input: &str) -> Run {
    run(ours("redis-cli"), &[&["--cluster"], words].concat(), input)
}

/// Starts our manager so that it stops, as SIGSTOP does, before the step of that number; waits until
/// it has.
pub(crate) fn stopped_at(step: usize, words: &[&str]) -> Child {
    let mut command = ours("redis-cli");
    command.env("DUNLIN_MANAGER_STOP_AT", step.to_string());
    let child = spawn(command, &[&["--cluster"], words].concat(), "");
    let process = Process(child.id());
    wait_for("the manager to stop", DEADLINE, || process.state() == Some('T'));
    child
}

/// The last lines of a check of a cluster in order.
pub(crate) const IN_ORDER: [&str; 4] = [
    "[OK] All nodes agree about slots configuration.",
    ">>> Check for open slots...",
    ">>> Check slots coverage...",
    "[OK] All 16384 slots covered.",
];

/// Lines stand in the text in this order.
#[track_caller]
pub(crate) fn assert_in_order(text: &str, lines: &[&str]) {
    let mut rest = text;
    for line in lines {
        let at = rest.find(line);
        let at = at.unwrap_or_else(|| panic!("no '{line}' where it should be in:\n{text}"));
        rest = &rest[at + line.len()..];
    }
}

/// Sets keys `key:0` and so on.
#[track_caller]
pub(crate) fn fill(cluster: &Cluster, count: usize) {
    let mut client = cluster.routed();
    for n in 0..count {
        assert_eq!(client.show(&format!("SET key:{n} {n}")), "OK");
    }
}

/// All keys that [`fill`] set are there.
#[track_caller]
pub(crate) fn assert_filled(cluster: &Cluster, count: usize) {
    let mut client = cluster.routed();
    for n in 0..count {
        assert_eq!(client.show(&format!("GET key:{n}")), n.to_string(), "key:{n}");
    }
}
