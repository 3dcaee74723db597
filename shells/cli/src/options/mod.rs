//! What the words of a command line ask for.

mod cluster;
mod parse;
mod usage;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use dunlin_tls::Tls;

use crate::connection::{Address, Target, Wanted};
use crate::format::Format;

pub(crate) use cluster::ClusterCommand;
pub(crate) use parse::{parse, unquoted};
pub(crate) use usage::usage;

/// What counts besides the words.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// Replies are for a person: standard output is a terminal, or `FAKETTY` is set.
    pub(crate) is_terminal: bool,
    /// `REDISCLI_AUTH`
    pub(crate) password: Option<Vec<u8>>,
    /// `REDISCLI_CLUSTER_YES=1`
    pub(crate) cluster_yes: bool,
    /// How the program was called, for hints on its use.
    pub(crate) title: String,
}

impl Environment {
    /// Whether a person reads standard output, or it is to be as if one did.
    pub(crate) fn stdout_is_terminal() -> bool {
        io::stdout().is_terminal() || std::env::var_os("FAKETTY").is_some()
    }
}

/// Why nothing runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// `--help`
    Help,
    /// `--version`
    Version,
    /// What is wrong, for standard error.
    Misuse(String),
    /// The usage belongs on standard error.
    Usage,
}

/// Everything that was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// How to reach the server.
    pub(crate) server: ServerOptions,
    /// How replies are shown.
    pub(crate) output: OutputOptions,
    /// Where arguments come from.
    pub(crate) input: InputOptions,
    /// `-r`: how often the command runs; negative is for ever.
    pub(crate) repeat: i64,
    /// `-i`; zero is the mode's own.
    pub(crate) interval: Duration,
    /// `-c`: follow redirections.
    pub(crate) follow_redirections: bool,
    /// The mode to run in instead of running a command: of several, the least.
    pub(crate) mode: Option<Mode>,
    /// What SCAN is told by the modes that use it.
    pub(crate) scan: ScanOptions,
    /// `--eval`
    pub(crate) eval: Option<Eval>,
    /// `--cluster`
    pub(crate) cluster: Option<ClusterCommand>,
    /// `--verbose`
    pub(crate) verbose: bool,
    /// The version of Redis that this client is of.
    pub(crate) version: String,
    /// The command; without one the client is interactive.
    pub(crate) command: Vec<Vec<u8>>,
    /// What is to be told on standard error before anything else.
    pub(crate) warnings: Vec<String>,
}

/// How to reach the server.
#[derive(Clone, Debug)]
pub(crate) struct ServerOptions {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) socket: Option<PathBuf>,
    pub(crate) user: Option<Vec<u8>>,
    pub(crate) password: Option<Vec<u8>>,
    /// `--askpass`: read the password from the terminal.
    pub(crate) ask_password: bool,
    pub(crate) db: i32,
    pub(crate) protocol: Wanted,
    /// `--tls` and what belongs to it.
    pub(crate) tls: Option<Tls>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 6379,
            socket: None,
            user: None,
            password: None,
            ask_password: false,
            db: 0,
            protocol: Wanted::Resp2,
            tls: None,
        }
    }
}

impl ServerOptions {
    /// The server that is meant.
    pub(crate) fn target(&self) -> Target {
        let address = match &self.socket {
            Some(path) => Address::Unix(path.clone()),
            None => Address::Tcp(self.host.clone(), self.port),
        };
        Target {
            address,
            user: self.user.clone(),
            password: self.password.clone(),
            db: self.db,
            protocol: self.protocol,
            tls: self.tls.clone(),
        }
    }
}

/// How replies are shown.
#[derive(Clone, Debug)]
pub(crate) struct OutputOptions {
    pub(crate) format: Format,
    /// `-d`: between the elements of a raw reply.
    pub(crate) element_delimiter: Vec<u8>,
    /// `-D`: after a raw reply.
    pub(crate) reply_delimiter: Vec<u8>,
    /// `--show-pushes`
    pub(crate) pushes: bool,
    /// `-e`: an error reply ends the program with 1.
    pub(crate) error_is_failure: bool,
}

impl Default for OutputOptions {
    fn default() -> Self {
        Self {
            format: Format::Raw,
            element_delimiter: b"\n".to_vec(),
            reply_delimiter: b"\n".to_vec(),
            pushes: false,
            error_is_failure: false,
        }
    }
}

/// Where arguments come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputOptions {
    /// `--quoted-input`: arguments may be quoted strings.
    pub(crate) quoted: bool,
    /// `-x`: standard input is one more argument.
    pub(crate) last_from_stdin: bool,
    /// `-X`: standard input is the argument that equals this tag.
    pub(crate) tag_from_stdin: Option<Vec<u8>>,
}

/// What SCAN is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScanOptions {
    /// `--pattern`
    pub(crate) pattern: Option<Vec<u8>>,
    /// `--count`
    pub(crate) count: i64,
}

/// `--eval`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Eval {
    pub(crate) file: PathBuf,
    pub(crate) debug: Option<Debugger>,
}

/// How a script is debugged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Debugger {
    /// In a copy of the server's data, which is dropped.
    Forked,
    /// In the server, which does nothing else meanwhile.
    Sync,
}

/// A way to run other than running a command, in the order in which one excludes another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// `--latency`, `--latency-history`
    Latency(LatencyReport),
    /// `--latency-dist`; in colours, unless `--mono`
    LatencyDistribution(Palette),
    /// `--replica`
    Replica,
    /// `--rdb`
    Rdb(PathBuf),
    /// `--functions-rdb`
    FunctionsRdb(PathBuf),
    /// `--pipe`, with how long to wait for the last reply, zero for ever
    Pipe(Duration),
    /// `--bigkeys`
    BigKeys,
    /// `--memkeys`, with how many elements of a key the server samples
    MemKeys(Option<i64>),
    /// `--hotkeys`
    HotKeys,
    /// `--stat`
    Stat,
    /// `--scan`
    Scan,
    /// `--lru-test`, with the number of keys
    LruTest(i64),
    /// `--intrinsic-latency`
    IntrinsicLatency(Duration),
    /// `--test_hint`: show the hint for a line
    Hint(Vec<u8>),
    /// `--test_hint_file`: compare hints with a file of lines and hints
    HintFile(PathBuf),
}

/// What `--latency` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LatencyReport {
    /// The figures since the start.
    Current,
    /// A line for each span of time.
    History,
}

/// Which symbols `--latency-dist` is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Palette {
    Colours,
    Grey,
}
