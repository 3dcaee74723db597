//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints.
pub(super) const HELP: &str = "\
Usage: dunlin cluster up   [--nodes N] [--replicas N] [--port P] [--dir DIR] [--json]
       dunlin cluster down [--dir DIR] [--json]

up starts a cluster on this machine, or starts again what DIR holds; down stops it.

  --nodes N      how many nodes (default 6)
  --replicas N   how many replicas each primary has (default 1)
  --port P       the first node's port; the others follow, bus ports are 10000 higher (default 7000)
  --dir DIR      where each node has a directory with its redis.conf, data and log
                 (default dunlin-cluster)
  --json         print the result as JSON
";

const DIRECTORY: &str = "dunlin-cluster";
const NODES: u16 = 6;
const REPLICAS: u16 = 1;
const PORT: u16 = 7000;
/// Bus ports are so much higher.
pub(super) const BUS_PORT_OFFSET: u16 = 10_000;
/// More nodes than one machine is good for.
const NODES_MAX: u16 = 1000;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Up(Up),
    Down(Down),
    Help,
}

/// What `up` is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Up {
    /// As given; a directory that holds a cluster knows its own.
    pub(super) nodes: Option<u16>,
    pub(super) replicas: u16,
    /// As given, like `nodes`.
    pub(super) port: Option<u16>,
    pub(super) dir: PathBuf,
    pub(super) is_json: bool,
}

impl Up {
    /// How many nodes a new cluster gets.
    pub(super) fn new_nodes(&self) -> u16 {
        self.nodes.unwrap_or(NODES)
    }

    /// The first port of a new cluster.
    pub(super) fn new_port(&self) -> u16 {
        self.port.unwrap_or(PORT)
    }

    /// What cannot be made of it.
    fn objection(&self) -> Option<String> {
        let (nodes, replicas, port) = (self.new_nodes(), self.replicas, self.new_port());
        if nodes == 0 || nodes > NODES_MAX {
            return Some(format!("--nodes must be 1 to {NODES_MAX}"));
        }
        if replicas >= nodes {
            return Some(format!(
                "{nodes} nodes cannot be a primary with {replicas} replicas: give more --nodes or \
                 fewer --replicas"
            ));
        }
        let highest = u32::from(port) + u32::from(nodes - 1) + u32::from(BUS_PORT_OFFSET);
        if port == 0 || highest > u32::from(u16::MAX) {
            let port_max = u16::MAX - BUS_PORT_OFFSET - (nodes - 1);
            return Some(format!(
                "--port must be 1 to {port_max} for {nodes} nodes: bus ports are {BUS_PORT_OFFSET} \
                 higher and end at 65535"
            ));
        }
        None
    }
}

/// What `down` is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Down {
    pub(super) dir: PathBuf,
    pub(super) is_json: bool,
}

/// Reads the words behind `dunlin cluster`.
///
/// # Errors
/// A sentence about what is wrong.
pub(super) fn parse(words: &[OsString]) -> Result<Action, String> {
    let mut words = words.iter();
    let action = words.next().ok_or("up or down?")?.to_string_lossy();
    if !["up", "down"].contains(&&*action) {
        let is_help = ["help", "--help", "-h"].contains(&&*action);
        return if is_help {
            Ok(Action::Help)
        } else {
            Err(format!("neither up nor down: '{action}'"))
        };
    }
    let is_up = action == "up";
    let mut up =
        Up { nodes: None, replicas: REPLICAS, port: None, dir: DIRECTORY.into(), is_json: false };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{} needs a value", word.display()));
        match word.to_string_lossy().as_ref() {
            "--nodes" if is_up => up.nodes = Some(number("--nodes", value()?)?),
            "--replicas" if is_up => up.replicas = number("--replicas", value()?)?,
            "--port" if is_up => up.port = Some(number("--port", value()?)?),
            "--dir" => up.dir = value()?.into(),
            "--json" => up.is_json = true,
            "--help" | "-h" => return Ok(Action::Help),
            other => return Err(format!("'{action}' does not know '{other}'")),
        }
    }
    if !is_up {
        return Ok(Action::Down(Down { dir: up.dir, is_json: up.is_json }));
    }
    up.objection().map_or(Ok(Action::Up(up)), Err)
}

fn number(option: &str, word: &OsString) -> Result<u16, String> {
    let number = word.to_str().and_then(|word| word.parse().ok());
    number.ok_or_else(|| format!("{option} must be a number below 65536, not '{}'", word.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Action, String> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn defaults_and_options() {
        let up = Up { nodes: None, replicas: 1, port: None, dir: DIRECTORY.into(), is_json: false };
        assert_eq!((up.new_nodes(), up.new_port()), (6, 7000));
        assert_eq!(parsed("up"), Ok(Action::Up(up)));
        let up = Up { nodes: Some(9), replicas: 2, port: Some(80), dir: "x".into(), is_json: true };
        let line = "up --nodes 9 --replicas 2 --port 80 --dir x --json";
        assert_eq!(parsed(line), Ok(Action::Up(up)));
        let down = Down { dir: "x".into(), is_json: false };
        assert_eq!(parsed("down --dir x"), Ok(Action::Down(down)));
        assert_eq!(parsed("up --help"), Ok(Action::Help));
    }

    #[test]
    fn objections() {
        for (line, expected) in [
            ("", "up or down?"),
            ("sideways", "neither up nor down: 'sideways'"),
            ("up --nodes", "--nodes needs a value"),
            ("up --nodes many", "--nodes must be a number below 65536, not 'many'"),
            ("up --nodes 0", "--nodes must be 1 to 1000"),
            ("down --nodes 3", "'down' does not know '--nodes'"),
        ] {
            assert_eq!(parsed(line), Err(expected.to_owned()), "{line}");
        }
        for (line, part) in [
            ("up --nodes 2 --replicas 2", "2 nodes cannot be a primary with 2 replicas"),
            ("up --port 55531", "--port must be 1 to 55530 for 6 nodes"),
            ("up --port 0", "--port must be 1 to 55530"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(part), "{error}");
        }
        assert!(parsed("up --port 55530").is_ok());
    }
}
