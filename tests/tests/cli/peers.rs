//! The two clients, run in the same way.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use dunlin_testkit::server::{on_path, program};

/// What a client that ended has said.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) code: Option<i32>,
}

impl Said {
    /// Its output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Its errors as text.
    pub(crate) fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (out, errors) = (self.stdout.escape_ascii(), self.stderr.escape_ascii());
        write!(f, "code {:?}\nout    {out}\nerrors {errors}", self.code)
    }
}

/// The client under test, to be given arguments.
pub(crate) fn ours() -> Command {
    let mut command = Command::new(program());
    command.arg0("redis-cli");
    quiet(command)
}

/// The real client.
///
/// # Panics
/// When there is none.
pub(crate) fn theirs() -> Command {
    let path: PathBuf = on_path("redis-cli").expect("redis-cli is needed: ./test installs it");
    quiet(Command::new(path))
}

/// Nothing of the user's own settings counts.
fn quiet(mut command: Command) -> Command {
    for name in ["REDISCLI_AUTH", "FAKETTY", "REDISCLI_CLUSTER_YES"] {
        command.env_remove(name);
    }
    command.env("REDISCLI_HISTFILE", "/dev/null").env("REDISCLI_RCFILE", "/dev/null");
    command.env("TERM", "xterm");
    command
}

/// Runs a client to its end with `input`.
pub(crate) fn run(mut command: Command, input: &[u8]) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the client starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // Both sides may have more to say than a pipe holds; one that has ended takes no more.
    let writer = thread::spawn(move || drop(pipe.write_all(&input)));
    let done = child.wait_with_output().expect("the client ends");
    writer.join().expect("the input was written");
    Said { stdout: done.stdout, stderr: done.stderr, code: done.status.code() }
}

/// Runs ours with arguments.
pub(crate) fn run_ours(args: &[&str], input: &[u8]) -> Said {
    let mut command = ours();
    command.args(args);
    run(command, input)
}

/// Runs both with the same arguments and checks that both say the same, which is returned.
#[track_caller]
pub(crate) fn check_same(args: &[&str], input: &[u8]) -> Said {
    check_same_with(args, input, &[])
}

/// As [`check_same`], with variables of the environment.
#[track_caller]
pub(crate) fn check_same_with(args: &[&str], input: &[u8], environment: &[(&str, &str)]) -> Said {
    let with = |mut command: Command| {
        command.args(args).envs(environment.iter().copied());
        run(command, input)
    };
    let (theirs, ours) = (with(theirs()), with(ours()));
    assert_eq!(ours, theirs, "{args:?} {environment:?}");
    ours
}
