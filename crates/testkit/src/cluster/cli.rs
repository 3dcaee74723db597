//! The real redis-cli, as operators use it.

use std::fs::File;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use crate::process::describe;
use crate::server::on_path;

/// The last lines of a check of a cluster in order.
pub const IN_ORDER: [&str; 4] = [
    "[OK] All nodes agree about slots configuration.",
    ">>> Check for open slots...",
    ">>> Check slots coverage...",
    "[OK] All 16384 slots covered.",
];

/// What a client or a manager of clusters said.
#[derive(Debug, PartialEq, Eq)]
pub struct CliRun {
    /// How it ended: `exit 0`.
    pub end: String,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl CliRun {
    /// What a program that has ended said.
    pub fn of(done: &Output) -> CliRun {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        CliRun {
            end: describe(done.status),
            stdout: text(&done.stdout),
            stderr: text(&done.stderr),
        }
    }

    /// The standard output of a run that went well.
    ///
    /// # Panics
    /// When it ended otherwise, with all that it said.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.end, "exit 0", "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// The whole output of a run that was refused.
    ///
    /// # Panics
    /// When it went well.
    #[track_caller]
    pub fn failure(self) -> String {
        assert_eq!(self.end, "exit 1", "{}\n{}", self.stdout, self.stderr);
        self.stdout + &self.stderr
    }
}

/// Runs redis-cli (`$REDIS_CLI_BIN`, or the one on the path) with lines on its standard input, of
/// which it gets one at a time, as from a terminal: it reads answers to its questions with `read`.
/// It believes that it talks to no terminal, so nothing is coloured.
///
/// # Panics
/// When there is none.
#[track_caller]
pub fn redis_cli(arguments: &[&str], input: &str) -> CliRun {
    let named = std::env::var_os("REDIS_CLI_BIN").map(std::path::PathBuf::from);
    let program = named.or_else(|| on_path("redis-cli"));
    // One packet is what one read gets.
    let (answers, lines) = pipe2(OFlag::O_DIRECT | OFlag::O_CLOEXEC).expect("a pipe");
    let child = Command::new(program.expect("redis-cli is needed: ./test installs it"))
        .args(arguments)
        .env("TERM", "dumb")
        .stdin(answers)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("redis-cli starts");
    let mut lines = File::from(lines);
    for line in input.split_inclusive('\n') {
        // One that has ended before it read everything has said why.
        let _ = lines.write(line.as_bytes());
    }
    drop(lines);
    CliRun::of(&child.wait_with_output().expect("redis-cli ends"))
}
