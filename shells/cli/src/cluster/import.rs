//! `import`: the keys of a lone server go to a cluster.

use dunlin_manager::Tone;
use dunlin_resp::Value;
use dunlin_slots::key_slot;

use super::check::{Listing, inspect, judge};
use super::members::{Members, number_of, text};
use super::{Failed, Manager, Outcome, parse_host};
use crate::connection::{Address, ConnectError, Connection, Target};
use crate::terminal::ask_password;

/// Keys that are asked for at once, and moved before the next.
const SCAN_COUNT: &str = "1000";
/// MIGRATEs under way at once.
const AT_ONCE: usize = 50;

/// `import host:port --cluster-from source`
pub(super) fn run(manager: &Manager<'_>) -> Outcome {
    let console = &manager.console;
    // It is asked for before anything is looked at, as redis-cli asks.
    let password = match manager.command.from_ask_password {
        true => ask_password("Please input import source node password: "),
        false => manager.command.from_password.clone(),
    };
    let host = manager.host_at(0)?;
    let Some(from) = &manager.command.from else {
        match console.is_trib() {
            true => console.plain("Option '--from' is required for subcommand 'import'"),
            false => {
                console.aside("[ERR] Option '--cluster-from' is required for subcommand 'import'.");
            }
        }
        return Err(Failed);
    };
    let Some(source) = parse_host(from).filter(|source| source.port != 0) else {
        console.aside(
            "[ERR] Invalid --cluster-from host. You need to pass a valid address (ie. 120.0.0.1:7000).",
        );
        return Err(Failed);
    };
    // redis-trib looks for the cluster's address where none stands.
    let cluster = if console.is_trib() { String::new() } else { host.to_string() };
    console.info(&format!(">>> Importing data from {source} to cluster {cluster}"));
    let mut members = Members::load(manager, &host)?;
    let found = inspect(manager, &mut members, Listing::Full)?;
    judge(manager, &found)?;
    if console.is_trib() {
        console.info(">>> Connecting to the source Redis instance");
    }
    // The source is asked without TLS, as by redis-cli.
    let mut target = Target::new(Address::Tcp(source.host.clone(), source.port));
    target.user.clone_from(&manager.command.from_user);
    target.password = password;
    let link = Connection::open(&target).map_err(|error| {
        let end = if matches!(error, ConnectError::Unreachable(..)) { "." } else { "" };
        console.aside(&format!("{error}{end}"));
        Failed
    })?;
    let mut import = Import { manager, members: &members, link, source: source.to_string() };
    let done = import.require_lone_server().and_then(|()| import.move_all());
    done.map_err(|error| {
        if let Some(error) = error {
            console.error(&format!("Source {source} replied with error:\n{error}"));
        }
        Failed
    })
}

struct Import<'a, 'b> {
    manager: &'a Manager<'b>,
    members: &'a Members,
    link: Connection,
    source: String,
}

/// What the source said; `None` if it has been told.
type Refusal = Option<String>;

impl Import<'_, '_> {
    fn ask(&mut self, words: &[&[u8]]) -> Result<Value, Refusal> {
        match self.link.ask(words) {
            Ok(Value::Error(text)) => Err(Some(String::from_utf8_lossy(&text).into_owned())),
            Ok(value) => Ok(value),
            Err(broken) => Err(Some(broken.to_string())),
        }
    }

    /// A node of a cluster would redirect.
    fn require_lone_server(&mut self) -> Result<(), Refusal> {
        let info = self.ask(&[b"INFO"])?;
        if number_of(text(&info).unwrap_or_default(), "cluster_enabled") == 0 {
            return Ok(());
        }
        let text = "[ERR] The source node should not be a cluster node.";
        self.manager.console.error(text);
        Err(None)
    }

    fn move_all(&mut self) -> Result<(), Refusal> {
        let size = self.ask(&[b"DBSIZE"])?.integer().unwrap_or(0);
        self.manager.console.warn(&format!("*** Importing {size} keys from DB 0"));
        let mut cursor = b"0".to_vec();
        loop {
            let reply = self.ask(&[b"SCAN", &cursor, b"COUNT", SCAN_COUNT.as_bytes()])?;
            let Some([next, keys]) = reply.items() else { return Err(Some("no SCAN".to_owned())) };
            let keys: Vec<&[u8]> =
                keys.items().unwrap_or_default().iter().filter_map(Value::bytes).collect();
            for some in keys.chunks(AT_ONCE) {
                self.migrate(some)?;
            }
            cursor = next.bytes().unwrap_or(b"0").to_vec();
            if cursor == b"0" {
                return Ok(());
            }
        }
    }

    /// Moves keys, each to the node of its slot.
    fn migrate(&mut self, keys: &[&[u8]]) -> Result<(), Refusal> {
        let timeout = self.manager.command.timeout_ms.to_string();
        let mut targets = Vec::new();
        for key in keys {
            let node = self.owner(key_slot(key)).ok_or(None)?;
            let host = self.members.host(node);
            let port = host.port.to_string();
            let mut words: Vec<&[u8]> = vec![
                b"MIGRATE",
                host.host.as_bytes(),
                port.as_bytes(),
                key,
                b"0",
                timeout.as_bytes(),
            ];
            match (&self.manager.user, &self.manager.password) {
                (Some(user), Some(password)) => words.extend([&b"AUTH2"[..], user, password]),
                (None, Some(password)) => words.extend([&b"AUTH"[..], password]),
                (_, None) => {}
            }
            if self.manager.command.copy {
                words.push(b"COPY");
            }
            if self.manager.command.replace {
                words.push(b"REPLACE");
            }
            self.link.queue(&words);
            targets.push(host);
        }
        self.link.flush().map_err(|broken| Some(broken.to_string()))?;
        for (key, target) in keys.iter().zip(targets) {
            let console = &self.manager.console;
            console.write(&format!("Migrating {} to {target}: ", String::from_utf8_lossy(key)));
            match self.link.receive() {
                Ok(Value::Error(text)) => {
                    let text = String::from_utf8_lossy(&text);
                    if console.is_trib() {
                        console.plain(&text);
                        continue;
                    }
                    let source = &self.source;
                    console.error(&format!("Source {source} replied with error:\n{text}"));
                    return Err(None);
                }
                Ok(_) => console.say(Tone::Good, "OK"),
                Err(broken) => return Err(Some(broken.to_string())),
            }
        }
        Ok(())
    }

    fn owner(&self, slot: u16) -> Option<usize> {
        let view = &self.members.view;
        view.primaries().find(|node| view.nodes[*node].slots.contains(slot))
    }
}
