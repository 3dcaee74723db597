//! The commands of README.md do what it says.

use std::fs;
use std::path::Path;
use std::process::Command;

use dunlin_testkit::Server;
use dunlin_testkit::server::is_dunlin;

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
        } else if let Some(words) = command.strip_prefix("redis-cli ") {
            let line = format!("redis-cli -p {} {words}", server.port());
            let done = Command::new("bash").args(["-c", &line]).output().expect("a shell");
            assert!(done.status.success(), "{command}: {done:?}");
            played += 1;
        } else {
            assert_eq!(command, "./test", "a command that nobody tests");
        }
    }
    assert!(played >= 4, "README.md has lost its commands");
    assert_eq!(server.client().show("GET greeting"), "hello");
}
