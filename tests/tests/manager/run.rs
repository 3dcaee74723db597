//! Running our manager, and the real one beside it.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use dunlin_testkit::cluster::CliRun;
use dunlin_testkit::process::Process;
use dunlin_testkit::server::{on_path, program, reference_program};
use dunlin_testkit::{Cluster, DEADLINE, wait_for};

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
pub(crate) fn finish(child: Child) -> CliRun {
    CliRun::of(&child.wait_with_output().expect("it ends"))
}

/// Runs a program.
pub(crate) fn run(command: Command, words: &[&str], input: &str) -> CliRun {
    finish(spawn(command, words, input))
}

/// `redis-cli --cluster <words>`, ours.
pub(crate) fn manage(words: &[&str], input: &str) -> CliRun {
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
