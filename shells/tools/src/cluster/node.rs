//! One node: its directory, its files, its process.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::arguments::BUS_PORT_OFFSET;
use super::connection::Connection;
use super::failure::Failure;

/// How often something is looked at that takes its time.
pub(super) const PAUSE: Duration = Duration::from_millis(5);
/// How long a server may take until it answers. Loading is not counted: it says that it loads.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Lines of a log that are shown of a server that ended at its start.
const LOG_LINES_SHOWN: usize = 10;

/// A node of a cluster in a directory. Its own directory is named after its port.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) port: u16,
    pub(super) dir: PathBuf,
}

/// The nodes that a directory holds, by port.
pub(super) fn found_in(dir: &Path) -> Result<Vec<Node>, Failure> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::file(dir)(error)),
    };
    let mut nodes = Vec::new();
    for entry in entries {
        let path = entry.map_err(Failure::file(dir))?.path();
        let port = path.file_name().and_then(|name| name.to_str()?.parse().ok());
        let Some(port) = port.filter(|_| path.join(CONFIG).is_file()) else { continue };
        nodes.push(Node { port, dir: path });
    }
    nodes.sort_by_key(|node| node.port);
    Ok(nodes)
}

const CONFIG: &str = "redis.conf";

impl Node {
    pub(super) fn new(port: u16, dir: &Path) -> Self {
        Self { port, dir: dir.join(port.to_string()) }
    }

    /// Its log.
    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("redis.log")
    }

    fn pid_file(&self) -> PathBuf {
        self.dir.join("redis.pid")
    }

    /// Makes its directory and its configuration file, which nobody overwrites later.
    pub(super) fn prepare(&self) -> Result<(), Failure> {
        fs::create_dir_all(&self.dir).map_err(Failure::file(&self.dir))?;
        let path = self.dir.join(CONFIG);
        fs::write(&path, self.config_text()).map_err(Failure::file(&path))
    }

    fn config_text(&self) -> String {
        let port = self.port;
        let (dir, log, pid_file) =
            (quoted(&self.dir), quoted(&self.log()), quoted(&self.pid_file()));
        format!(
            "# Written once by dunlin cluster up; change what you like.\n\
             port {port}\nbind 127.0.0.1\n\
             dir {dir}\nlogfile {log}\npidfile {pid_file}\n\
             cluster-enabled yes\ncluster-config-file nodes.conf\ncluster-node-timeout 5000\n\
             appendonly yes\nsave \"\"\nrepl-diskless-sync-delay 0\n"
        )
    }

    /// Whether its process runs: that holds a lock on what it knows of the cluster.
    pub(super) fn is_running(&self) -> bool {
        let file = File::open(self.dir.join("nodes.conf"));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The number of its process, if it has said so.
    pub(super) fn pid(&self) -> Option<i32> {
        fs::read_to_string(self.pid_file()).ok()?.trim().parse().ok()
    }

    /// Whether its ports are free.
    pub(super) fn check_ports(&self) -> Result<(), Failure> {
        for port in [self.port, self.port.saturating_add(BUS_PORT_OFFSET)] {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port))
                .map_err(|error| Failure::PortTaken { port, error })?;
        }
        Ok(())
    }

    /// Starts its process, which stays when this one has ended, whatever happens to the terminal.
    pub(super) fn start(&self, executable: &Path) -> Result<Child, Failure> {
        // A number from an earlier life would be taken for the new one's.
        let _ = fs::remove_file(self.pid_file());
        let log = File::options().create(true).append(true).open(self.log());
        let log = log.map_err(Failure::file(&self.log()))?;
        let errors = log.try_clone().map_err(Failure::file(&self.log()))?;
        Command::new(executable)
            .arg("server")
            .arg(self.dir.join(CONFIG))
            .current_dir(&self.dir)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(Failure::file(executable))
    }

    /// Waits until its server has loaded its data and answers.
    pub(super) fn wait_until_it_answers(&self, child: &mut Child) -> Result<Connection, Failure> {
        let mut start = Instant::now();
        loop {
            let answer = Connection::open(self.port).and_then(|mut connection| {
                let reply = connection.ask(&["PING"])?;
                Ok((connection, reply.to_string()))
            });
            let error = match answer {
                Ok((_, reply)) if reply.starts_with("LOADING") => {
                    start = Instant::now();
                    io::Error::other(reply)
                }
                Ok((connection, reply)) if reply == "PONG" => return Ok(connection),
                Ok((_, reply)) => return Err(self.refused(&["PING"], &reply)),
                Err(error) => error,
            };
            // That a child cannot be asked for does not mean that it is gone.
            if let Ok(Some(_)) = child.try_wait() {
                return Err(self.ended());
            }
            if start.elapsed() > ANSWER_WITHIN {
                return Err(Failure::Silent { port: self.port, log: self.log(), error });
            }
            thread::sleep(PAUSE);
        }
    }

    /// Asks its server to end, by the protocol or, where that does not answer, by a signal.
    pub(super) fn ask_to_end(&self) {
        let asked =
            Connection::open(self.port).and_then(|mut connection| connection.send(&["SHUTDOWN"]));
        if let (Err(_), Some(pid)) = (asked, self.pid()) {
            // It may have ended just now.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
    }

    /// Waits until its process has ended.
    pub(super) fn wait_until_it_ends(
        &self,
        pid: Option<i32>,
        until: Instant,
    ) -> Result<(), Failure> {
        while self.is_running() || pid.is_some_and(is_alive) {
            if Instant::now() > until {
                return Err(Failure::StillRuns { port: self.port, pid: pid.unwrap_or(0) });
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn ended(&self) -> Failure {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let said = lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n");
        Failure::Ended { port: self.port, log: self.log(), said }
    }

    /// Its server answered something else than was expected.
    pub(super) fn refused(&self, request: &[&str], reply: &str) -> Failure {
        Failure::Refused { port: self.port, request: request.join(" "), reply: reply.to_owned() }
    }

    /// The connection to its server failed.
    pub(super) fn silent(&self) -> impl FnOnce(io::Error) -> Failure {
        let (port, log) = (self.port, self.log());
        move |error| Failure::Silent { port, log, error }
    }
}

/// Whether a process exists.
fn is_alive(pid: i32) -> bool {
    !matches!(kill(Pid::from_raw(pid), None), Err(Errno::ESRCH))
}

/// A path as a configuration file takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_nodes_are_found() {
        let dir = tempfile::tempdir().expect("dir");
        assert!(found_in(&dir.path().join("absent")).expect("nothing").is_empty());
        for port in [7001, 7000] {
            Node::new(port, dir.path()).prepare().expect("prepared");
        }
        fs::create_dir(dir.path().join("7002")).expect("no node");
        fs::create_dir(dir.path().join("notes")).expect("no node");
        let nodes = found_in(dir.path()).expect("nodes");
        assert_eq!(nodes.iter().map(|node| node.port).collect::<Vec<_>>(), [7000, 7001]);
        let text = fs::read_to_string(nodes[0].dir.join(CONFIG)).expect("written");
        assert!(text.contains("\nport 7000\n"), "{text}");
        assert!(!nodes[0].is_running());
    }

    #[test]
    fn a_lock_tells_that_a_node_runs() {
        let dir = tempfile::tempdir().expect("dir");
        let node = Node::new(7000, dir.path());
        node.prepare().expect("prepared");
        let file = File::create(node.dir.join("nodes.conf")).expect("a file");
        assert!(!node.is_running());
        file.lock().expect("locked");
        assert!(node.is_running());
        assert!(node.wait_until_it_ends(None, Instant::now()).is_err());
    }

    #[test]
    fn paths_survive_the_configuration_file() {
        assert_eq!(quoted(Path::new("/a b/\"c\"\\")), "\"/a b/\\\"c\\\"\\\\\"");
    }
}
