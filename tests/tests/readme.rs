//! The commands of README.md do what it says.

use std::fs;
use std::path::Path;
use std::process::Command;

use dunlin_testkit::Server;
use dunlin_testkit::port::free_ports;
use dunlin_testkit::server::{is_dunlin, program};

/// What `dunlin cluster` does, on other ports than those that README.md names.
struct LocalCluster {
    dir: tempfile::TempDir,
    first: u16,
}

impl LocalCluster {
    fn new() -> LocalCluster {
        LocalCluster { dir: tempfile::tempdir().expect("a directory"), first: free_ports(6) }
    }

    #[track_caller]
    fn play(&self, words: &str) {
        let mut command = Command::new(program());
        command.arg("cluster").args(words.split_whitespace()).current_dir(self.dir.path());
        if words.starts_with("up") {
            command.args(["--port", &self.first.to_string()]);
        }
        let done = command.output().expect("dunlin runs");
        assert!(done.status.success(), "{words}: {done:?}");
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        // Where the test has failed, it may still run.
        let down =
            Command::new(program()).args(["cluster", "down"]).current_dir(&self.dir).output();
        drop(down);
    }
}

/// The indented lines of README.md.
fn commands() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = fs::read_to_string(path).expect("README.md");
    text.lines().filter_map(|line| line.strip_prefix("    ").map(str::to_owned)).collect()
}

#[test]
fn every_command_of_the_readme_works() {
    if !is_dunlin() {
        return;
    }
    let mut played = 0;
    let server = Server::start();
    let cluster = LocalCluster::new();
    for command in commands() {
        if let Some(arguments) = command.strip_prefix("cargo run --release -- server") {
            // Building is cargo's part; starting with these options is ours.
            let builder = Server::builder().name("dunlin").without_defaults();
            let (port, dir) = (builder.port().to_string(), builder.dir().to_owned());
            fs::write(dir.join("redis.conf"), "save \"\"\n").expect("written");
            let mut words = vec!["server"];
            words.extend(arguments.split_whitespace().map(|word| match word {
                "7000" => port.as_str(),
                other => other,
            }));
            if !words.contains(&"--port") {
                words.extend(["--port", &port]);
            }
            let started = builder.args(&words).start();
            assert_eq!(started.client().show("PING"), "PONG", "{command}");
            played += 1;
        } else if let Some(words) = command.strip_prefix("cargo run --release -- cluster ") {
            cluster.play(words);
            played += 1;
        } else if let Some(words) = command.strip_prefix("redis-cli -c -p 700") {
            let (node, words) = words.split_once(' ').expect("a command");
            let port = cluster.first + node.parse::<u16>().expect("a port");
            let line = format!("redis-cli -c -p {port} {words}");
            let done = Command::new("bash").args(["-c", &line]).output().expect("a shell");
            let said = String::from_utf8_lossy(&done.stdout);
            assert!(["OK\n", "hello\n"].contains(&&*said), "{command}: {done:?}");
            played += 1;
        } else if let Some(words) = command.strip_prefix("redis-cli ") {
            let line = format!("redis-cli -p {} {words}", server.port());
            let done = Command::new("bash").args(["-c", &line]).output().expect("a shell");
            assert!(done.status.success(), "{command}: {done:?}");
            played += 1;
        } else {
            assert_eq!(command, "./test", "a command that nobody tests");
        }
    }
    assert!(played >= 8, "README.md has lost its commands");
    assert_eq!(server.client().show("GET greeting"), "hello");
}
