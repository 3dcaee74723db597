//! What can go wrong, in words for whoever typed the command.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why there is no cluster, or why it still runs.
#[derive(Debug)]
pub(super) enum Failure {
    /// The directory's nodes run.
    AlreadyRuns { dir: PathBuf, ports: Vec<u16> },
    /// The directory holds a cluster of another shape than what was asked for.
    OtherShape { dir: PathBuf, ports: Vec<u16> },
    /// The directory holds nodes that neither are a cluster nor stand alone.
    HalfMade { dir: PathBuf },
    /// The directory holds no cluster.
    NoCluster { dir: PathBuf },
    /// Somebody else listens.
    PortTaken { port: u16, error: io::Error },
    /// The server ended before it could be reached.
    Ended { port: u16, log: PathBuf, said: String },
    /// The server does not answer.
    Silent { port: u16, log: PathBuf, error: io::Error },
    /// The server answered something else than was expected.
    Refused { port: u16, request: String, reply: String },
    /// It does not come about.
    TooLong { what: &'static str, waited: Duration, hint: String },
    /// A process that does not end.
    StillRuns { port: u16, pid: i32 },
    /// A file or directory.
    File { path: PathBuf, error: io::Error },
    /// What was to be printed could not be.
    Output(io::Error),
}

impl Failure {
    /// For `map_err` of calls about a path.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { path, error }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRuns { dir, ports } => write!(
                f,
                "the cluster in {0} runs already ({1}); stop it with: dunlin cluster down --dir {0}",
                dir.display(),
                listed(ports)
            ),
            Self::OtherShape { dir, ports } => write!(
                f,
                "{} holds a cluster of {} nodes ({}): start it without --nodes and --port, or give \
                 another --dir",
                dir.display(),
                ports.len(),
                listed(ports)
            ),
            Self::HalfMade { dir } => write!(
                f,
                "the nodes in {} were never made into one cluster; remove the directory and try again",
                dir.display()
            ),
            Self::NoCluster { dir } => write!(f, "there is no cluster in {}", dir.display()),
            Self::PortTaken { port, error } => {
                write!(f, "port {port} cannot be used ({error}); choose others with --port")
            }
            Self::Ended { port, log, said } => write!(
                f,
                "the server of port {port} ended at its start; {} says:\n{said}",
                log.display()
            ),
            Self::Silent { port, log, error } => write!(
                f,
                "the server of port {port} does not answer ({error}); see {}",
                log.display()
            ),
            Self::Refused { port, request, reply } => {
                write!(f, "the server of port {port} answered {request} with: {reply}")
            }
            Self::TooLong { what, waited, hint } => {
                write!(f, "waited {} s in vain for {what}{hint}", waited.as_secs())
            }
            Self::StillRuns { port, pid } => {
                write!(f, "the server of port {port} (process {pid}) has not ended yet")
            }
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Output(error) => write!(f, "cannot print: {error}"),
        }
    }
}

fn listed(ports: &[u16]) -> String {
    match ports {
        [] => "no ports".to_owned(),
        [port] => format!("port {port}"),
        ports => {
            let words: Vec<String> = ports.iter().map(u16::to_string).collect();
            format!("ports {}", words.join(", "))
        }
    }
}
