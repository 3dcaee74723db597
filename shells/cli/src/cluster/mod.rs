//! The cluster manager: `--cluster`, and what `redis-trib.rb` shares with it.
//!
//! A subcommand asks the nodes ([`members`]), has the pure crate plan, shows the plan
//! ([`console`]), and carries it out. What differs between the two programs is their wording
//! ([`Dialect`]).

mod add_node;
mod backup;
mod call;
mod check;
mod confirm;
mod console;
mod create;
mod del_node;
mod fix;
mod help;
mod import;
mod join;
mod json;
mod members;
mod mover;
mod preflight;
mod progress;
mod rebalance;
mod reshard;
mod set_timeout;
mod teller;

use std::process::ExitCode;

use dunlin_manager::{Credentials, Dialect, MoveOptions, parse_address};
use dunlin_tls::Tls;

use crate::connection::{Address, Target};
use crate::format::Format;
use crate::options::{ClusterCommand, Options};

pub(crate) use console::Console;

/// A subcommand that has failed and has said why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed;

/// How a subcommand ends.
pub(crate) type Outcome = Result<(), Failed>;

/// Keys of one MIGRATE when nobody says how many: of a server that does nothing else meanwhile, and
/// of one that serves its clients during a transfer. Of a hundred keys a client notices little (99 % of
/// its requests within 0.3 ms, of four hundred 3 ms) and they move at a third of a million a second.
const BATCH: usize = 10;
const BATCH_OF_DUNLIN: usize = 100;

/// What every subcommand works with.
pub(crate) struct Manager<'a> {
    /// Where it says things and asks questions.
    pub(crate) console: Console,
    /// The subcommand with its options.
    pub(crate) command: &'a ClusterCommand,
    /// For nodes: as whom.
    pub(crate) user: Option<Vec<u8>>,
    /// For nodes: with which password.
    pub(crate) password: Option<Vec<u8>>,
    /// For nodes: how connections are encrypted.
    pub(crate) tls: Option<Tls>,
    /// Whether to say more.
    pub(crate) verbose: bool,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// How many arguments a subcommand wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arity {
    Exactly(usize),
    AtLeast(usize),
}

impl Arity {
    pub(crate) fn allows(self, count: usize) -> bool {
        match self {
            Self::Exactly(wanted) => count == wanted,
            Self::AtLeast(least) => count >= least,
        }
    }
}

type Run = fn(&Manager<'_>) -> Outcome;

/// What a subcommand wants, and what it does.
pub(crate) fn subcommand(name: &str) -> Option<(Arity, Run)> {
    Some(match name {
        "create" => (Arity::AtLeast(2), create::run as Run),
        "check" => (Arity::AtLeast(1), check::run),
        "info" => (Arity::AtLeast(1), check::run_info),
        "fix" => (Arity::AtLeast(1), check::run_fix),
        "reshard" => (Arity::AtLeast(1), reshard::run),
        "rebalance" => (Arity::AtLeast(1), rebalance::run),
        "add-node" => (Arity::Exactly(2), add_node::run),
        "del-node" => (Arity::Exactly(2), del_node::run),
        "call" => (Arity::AtLeast(2), call::run),
        "set-timeout" => (Arity::Exactly(2), set_timeout::run),
        "import" => (Arity::Exactly(1), import::run),
        "backup" => (Arity::Exactly(2), backup::run),
        "help" => (Arity::Exactly(0), help::run),
        _ => return None,
    })
}

/// Runs a command of the manager as redis-cli.
pub(crate) fn run(command: &ClusterCommand, options: &Options) -> ExitCode {
    let Some((arity, run)) = subcommand(&command.name) else {
        eprintln!("Unknown --cluster subcommand");
        return ExitCode::FAILURE;
    };
    // redis-cli does not count the arguments of what wants none.
    if arity != Arity::Exactly(0) && !arity.allows(command.arguments.len()) {
        eprintln!("[ERR] Wrong number of arguments for specified --cluster sub command");
        return ExitCode::FAILURE;
    }
    let manager = Manager {
        console: Console::new(Dialect::Cli, options.output.format == Format::Json),
        command,
        user: options.server.user.clone(),
        password: options.server.password.clone(),
        tls: options.server.tls.clone(),
        verbose: options.verbose,
    };
    match run(&manager) {
        // It tells what there is, and fails, as redis-cli's does.
        Ok(()) if command.name != "help" => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

impl Manager<'_> {
    /// An argument as text.
    pub(crate) fn argument(&self, index: usize) -> String {
        let word = self.command.arguments.get(index);
        word.map(|word| String::from_utf8_lossy(word).into_owned()).unwrap_or_default()
    }

    /// The node that arguments from `index` on name, as `host:port` or as two words.
    pub(crate) fn host_from(&self, index: usize) -> Result<Host, Failed> {
        let (first, rest) = (self.argument(index), self.command.arguments.len() - index);
        let named = if rest == 1 || self.console.dialect == Dialect::Trib {
            parse_host(&first)
        } else {
            let port = crate::number::leading_integer(self.argument(index + 1).as_bytes());
            u16::try_from(port).ok().map(|port| Host { host: first.clone(), port })
        };
        named.filter(|host| host.port != 0 && !host.host.is_empty()).ok_or_else(|| {
            self.refuse_host(&first);
            Failed
        })
    }

    /// The node that one argument names.
    pub(crate) fn host_at(&self, index: usize) -> Result<Host, Failed> {
        let word = self.argument(index);
        parse_host(&word).filter(|host| host.port != 0 && !host.host.is_empty()).ok_or_else(|| {
            self.refuse_host(&word);
            Failed
        })
    }

    fn refuse_host(&self, word: &str) {
        match self.console.dialect {
            Dialect::Cli => eprintln!(
                "[ERR] Invalid arguments: you need to pass either a valid address (ie. 120.0.0.1:7000) \
                 or space separated IP and port (ie. 120.0.0.1 7000)"
            ),
            Dialect::Trib => {
                self.console
                    .plain(&format!("Invalid IP or Port (given as {word}) - use IP:Port format"));
            }
        }
    }

    /// How to connect to a node.
    pub(crate) fn target(&self, host: &Host) -> Target {
        let mut target = Target::new(Address::Tcp(host.host.clone(), host.port));
        target.user.clone_from(&self.user);
        target.password.clone_from(&self.password);
        target.tls.clone_from(&self.tls);
        target
    }

    /// How keys move between nodes of which `others` more are told.
    pub(crate) fn move_options(&self, others: usize, all_dunlin: bool) -> MoveOptions {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let given = self.command.pipeline.and_then(|count| usize::try_from(count).ok());
        let usual = if all_dunlin { BATCH_OF_DUNLIN } else { BATCH };
        MoveOptions {
            batch: given.filter(|count| *count > 0).unwrap_or(usual),
            timeout_ms: u64::try_from(self.command.timeout_ms).unwrap_or(60_000),
            replace: self.command.replace,
            is_fix: self.command.name == "fix",
            dialect: self.console.dialect,
            is_cold: false,
            credentials: self.password.as_ref().map(|password| Credentials {
                user: self.user.as_ref().map(text),
                password: text(password),
            }),
            others,
        }
    }
}

fn parse_host(word: &str) -> Option<Host> {
    let (host, port, _) = parse_address(word)?;
    Some(Host { host: host.to_owned(), port })
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_fit() {
        for (name, count, fits) in [
            ("create", 1, false),
            ("create", 2, true),
            ("create", 9, true),
            ("check", 0, false),
            ("check", 2, true),
            ("add-node", 1, false),
            ("add-node", 2, true),
            ("add-node", 3, false),
        ] {
            let (arity, _) = subcommand(name).expect("a subcommand");
            assert_eq!(arity.allows(count), fits, "{name} {count}");
        }
        assert!(subcommand("Check").is_none());
    }

    #[test]
    fn hosts() {
        let host = |text| parse_host(text).map(|host| host.to_string());
        assert_eq!(host("127.0.0.1:7000"), Some("127.0.0.1:7000".to_owned()));
        assert_eq!(host("::1:7000@17000"), Some("::1:7000".to_owned()));
        assert_eq!((host("127.0.0.1"), host("h:x"), host("h:70000")), (None, None, None));
    }
}
