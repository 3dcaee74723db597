//! One server process with its own directory, port and log.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::client::Client;
use crate::port::free_port;
use crate::process::{Process, describe};
use crate::wait::{DEADLINE, wait_for, wait_some};

/// The program under test: `$DUNLIN_BIN`, or the newest `dunlin` in the target directory.
///
/// # Panics
/// When there is none, with the command that builds it.
pub fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("DUNLIN_BIN") {
        return PathBuf::from(path);
    }
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    ["quick", "debug", "release"]
        .iter()
        .map(|profile| target.join(profile).join("dunlin"))
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .max()
        .map(|(_, path)| path)
        .expect("no dunlin to test: run `cargo build --profile quick -p dunlin` or set DUNLIN_BIN")
}

/// Whether the program under test is dunlin: some tests ask for more than Redis does.
pub fn is_dunlin() -> bool {
    program().file_name().is_some_and(|name| name == "dunlin")
}

/// A real Redis to compare with: `$REDIS_SERVER_BIN`, or `redis-server` on the path.
pub fn reference_program() -> Option<PathBuf> {
    std::env::var_os("REDIS_SERVER_BIN").map(PathBuf::from).or_else(|| on_path("redis-server"))
}

/// Finds a program on the path.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// How a server is to be started.
pub struct ServerBuilder {
    program: PathBuf,
    name: String,
    config: String,
    args: Vec<String>,
    environment: Vec<(String, String)>,
    open_files_max: Option<u64>,
    input: Option<String>,
    unprivileged: bool,
    defaults: bool,
    dir: TempDir,
    port: u16,
}

/// What a process said that was expected to end by itself.
#[derive(Debug)]
pub struct Finished {
    /// How it ended, as [`describe`] words it.
    pub end: String,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl ServerBuilder {
    /// Starts with `program`, which is called under the name `redis-server`.
    ///
    /// # Panics
    /// When no temporary directory can be made.
    pub fn new(program: &Path) -> ServerBuilder {
        ServerBuilder {
            program: program.to_owned(),
            name: "redis-server".to_owned(),
            config: String::new(),
            args: Vec::new(),
            environment: Vec::new(),
            open_files_max: None,
            input: None,
            unprivileged: false,
            defaults: true,
            dir: tempfile::Builder::new().prefix("dunlin-").tempdir().expect("a temporary dir"),
            port: free_port(),
        }
    }

    /// Calls the program under another name (argv\[0\]).
    #[must_use]
    pub fn name(mut self, name: &str) -> ServerBuilder {
        name.clone_into(&mut self.name);
        self
    }

    /// Adds lines to the configuration file.
    #[must_use]
    pub fn config(mut self, lines: &str) -> ServerBuilder {
        self.config.push_str(lines);
        self.config.push('\n');
        self
    }

    /// Adds arguments after the configuration file.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> ServerBuilder {
        self.args.extend(args.iter().map(|&arg| arg.to_owned()));
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> ServerBuilder {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Limits how many files the process may open (soft and hard limit).
    #[must_use]
    pub fn open_files_max(mut self, limit: u64) -> ServerBuilder {
        self.open_files_max = Some(limit);
        self
    }

    /// Gives the process text on standard input.
    #[must_use]
    pub fn input(mut self, text: &str) -> ServerBuilder {
        self.input = Some(text.to_owned());
        self
    }

    /// Runs the process as a user who owns nothing, so that permissions hold for it too.
    /// Does nothing when the tests do not run as root.
    #[must_use]
    pub fn unprivileged(mut self) -> ServerBuilder {
        self.unprivileged = nix::unistd::geteuid().is_root();
        self
    }

    /// Leaves out the lines that every test server gets (port, bind, dir, no snapshots).
    #[must_use]
    pub fn without_defaults(mut self) -> ServerBuilder {
        self.defaults = false;
        self
    }

    /// The port the server will listen on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's directory, to prepare files in.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The configuration file as it will be written.
    fn config_text(&self) -> String {
        let mut text = String::new();
        if self.defaults {
            text.push_str(&format!(
                "port {}\nbind 127.0.0.1\ndir {}\nsave \"\"\nenable-debug-command yes\n",
                self.port,
                self.dir.path().display()
            ));
        }
        text + &self.config
    }

    fn command(&self) -> Command {
        let config_path = self.dir.path().join("redis.conf");
        let mut args = Vec::new();
        let text = self.config_text();
        if !text.is_empty() {
            // Once only: a server that starts again finds what CONFIG REWRITE left.
            if !config_path.exists() {
                fs::write(&config_path, text).expect("the configuration is written");
            }
            args.push(config_path.display().to_string());
        }
        args.extend(self.args.iter().cloned());
        let mut command = if self.open_files_max.is_some() || self.unprivileged {
            self.through_the_shell()
        } else {
            let mut command = Command::new(&self.program);
            command.arg0(&self.name);
            command
        };
        command.args(args).current_dir(self.dir.path());
        command.stdin(match &self.input {
            Some(text) => {
                let path = self.dir.path().join("stdin");
                fs::write(&path, text).expect("the input is written");
                Stdio::from(fs::File::open(path).expect("the input is read"))
            }
            None => Stdio::null(),
        });
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The command with what has to happen between fork and exec done by a shell,
    /// so that no unsafe code is needed here.
    fn through_the_shell(&self) -> Command {
        let mut script = String::new();
        let mut program = self.program.clone();
        if self.unprivileged {
            // The program may lie where only its owner can reach it.
            program = self.dir.path().join("program");
            fs::copy(&self.program, &program).expect("the program is copied");
            let open_to_all = fs::Permissions::from_mode(0o755);
            fs::set_permissions(self.dir.path(), open_to_all).expect("a directory of ours");
        }
        if let Some(limit) = self.open_files_max {
            script.push_str(&format!("ulimit -n {limit}; "));
        }
        script.push_str("exec -a \"$0\" \"$@\"");
        let mut command = if self.unprivileged {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "bash"]);
            command
        } else {
            Command::new("bash")
        };
        command.arg("-c").arg(script).arg(&self.name).arg(program);
        command
    }

    fn spawn(&self) -> Child {
        let file = |name: &str| {
            let path = self.dir.path().join(name);
            fs::OpenOptions::new().create(true).append(true).open(path).expect("an output file")
        };
        self.command()
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program.display()))
    }

    /// Starts the server and waits until it has loaded its data and answers.
    ///
    /// # Panics
    /// When it ends instead, or does not answer in time; with its output.
    #[track_caller]
    pub fn start(self) -> Server {
        let child = self.spawn();
        let mut server = Server { child, builder: self };
        server.wait_until_it_answers();
        server
    }

    /// Starts the process and leaves it to the caller to find out when it is ready.
    pub fn start_unchecked(self) -> Server {
        Server { child: self.spawn(), builder: self }
    }

    /// Runs a process that ends by itself.
    ///
    /// # Panics
    /// When it is still running at the deadline; it is killed then.
    #[track_caller]
    pub fn run(self) -> Finished {
        let mut server = self.start_unchecked();
        let end = server.wait_exit();
        Finished { end, stdout: server.output("stdout"), stderr: server.output("stderr") }
    }
}

/// A running server. Dropping it kills the process and removes its directory.
pub struct Server {
    child: Child,
    builder: ServerBuilder,
}

impl Server {
    /// Prepares a server of the program under test.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new(&program())
    }

    /// Starts the program under test with the defaults of tests.
    #[track_caller]
    pub fn start() -> Server {
        Server::builder().start()
    }

    /// Prepares a real Redis, when there is one on this machine.
    pub fn reference() -> Option<ServerBuilder> {
        reference_program().map(|path| ServerBuilder::new(&path))
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.builder.port))
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.builder.port
    }

    /// Its working directory.
    pub fn dir(&self) -> &Path {
        self.builder.dir.path()
    }

    /// Its configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.dir().join("redis.conf")
    }

    /// A new connection.
    #[track_caller]
    pub fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// The process that was started.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// What it has logged so far (its standard output unless configured otherwise).
    pub fn log(&self) -> String {
        self.output("stdout")
    }

    /// What it has written to standard error so far.
    pub fn errors(&self) -> String {
        self.output("stderr")
    }

    /// Waits until the log holds `text`.
    ///
    /// # Panics
    /// When it does not appear in time.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        wait_for(&format!("'{text}' in the log"), DEADLINE, || self.log().contains(text));
    }

    /// Sends a signal to the process.
    pub fn signal(&self, which: Signal) {
        self.process().signal(which);
    }

    /// How the process ended, once it has.
    pub fn try_exit(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the child can be waited for")
    }

    /// Waits for the process to end by itself and says how, as [`describe`] words it.
    ///
    /// # Panics
    /// When it still runs at the deadline.
    #[track_caller]
    pub fn wait_exit(&mut self) -> String {
        describe(wait_some("the process to end", DEADLINE, || self.try_exit()))
    }

    /// Starts the same program with the same files once more, after it ended.
    ///
    /// # Panics
    /// When it does not answer in time.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.start_again_unchecked();
        self.wait_until_it_answers();
    }

    /// Starts the same program with the same files once more, after it ended, and leaves it to the
    /// caller to find out when it is ready.
    pub fn start_again_unchecked(&mut self) {
        self.child = self.builder.spawn();
    }

    /// Ends the process at once (`kill -9`).
    ///
    /// # Panics
    /// When it does not end.
    #[track_caller]
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        self.wait_exit();
    }

    /// Waits until it has loaded its data and answers.
    #[track_caller]
    pub(crate) fn wait_until_it_answers(&mut self) {
        let address = self.address();
        let answered = wait_some("the server to answer", DEADLINE, || {
            if let Some(status) = self.try_exit() {
                return Some(Err(describe(status)));
            }
            let mut client = Client::try_connect(address).ok()?;
            client.set_timeout(Duration::from_secs(5)).ok()?;
            let reply = client.try_cmd("PING").ok()?;
            // Any other reply will do: with a password it is an error.
            (!reply.to_string().contains("LOADING ")).then_some(Ok(()))
        });
        if let Err(end) = answered {
            panic!("the server ended at start ({end}):\n{}{}", self.log(), self.errors());
        }
    }

    fn output(&self, name: &str) -> String {
        let bytes = fs::read(self.dir().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the process has ended already, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_ends_by_itself_is_reported() {
        let shell = on_path("bash").expect("bash");
        let done = ServerBuilder::new(&shell)
            .without_defaults()
            .args(&["-c", "echo out; echo err >&2; ulimit -n; exit 3"])
            .open_files_max(77)
            .run();
        assert_eq!(done.end, "exit 3");
        assert_eq!(done.stdout, "out\n77\n");
        assert_eq!(done.stderr, "err\n");
    }
}
