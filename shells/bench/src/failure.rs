//! Why a benchmark cannot begin or go on: the texts on standard error.

use std::fmt;
use std::io;

use dunlin_tls::TlsError;

/// Why there is no result. The exit code is 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection.
    Unreachable { server: String, why: String },
    /// What the options say about TLS cannot be done.
    Tls(String),
    /// A connection that ended or that failed before the load began.
    NoReply { server: String },
    /// A server that does not let us in.
    Refused { server: String, text: String },
    /// Asked for its cluster, the server answers with an error.
    NoCluster { server: String, text: String },
    /// Its answer cannot be read.
    UnreadableCluster { server: String, why: &'static str },
    /// Fewer than two primaries hold slots.
    SmallCluster { nodes: usize },
    /// The slots have moved, and where to cannot be found out.
    Slots(String),
    /// An error as reply to a request.
    ErrorReply { server: Option<String>, text: String },
    /// A connection under load failed.
    Broken(String),
    /// What the system does not give: threads, event loops, standard input.
    System { what: &'static str, why: String },
}

impl Failure {
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::System { what, why: describe(&error) }
    }

    /// A server with which there is no TLS.
    pub(crate) fn tls(server: impl fmt::Display, error: TlsError) -> Self {
        match error {
            TlsError::Settings(why) => Self::Tls(why),
            TlsError::Handshake(why) => Self::Unreachable { server: server.to_string(), why },
        }
    }

    pub(crate) fn input(error: io::Error) -> Self {
        Self::system("cannot read standard input")(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NO_CLUSTER: &str = "Failed to fetch cluster configuration from";
        match self {
            Self::Unreachable { server, why } => {
                write!(f, "Could not connect to Redis at {server}: {why}")
            }
            Self::Tls(why) => write!(f, "Could not negotiate a TLS connection: {why}"),
            Self::NoReply { server } => write!(f, "ERROR: failed to fetch reply from {server}"),
            Self::Refused { server, text } => {
                write!(f, "Node {server} replied with error:\n{text}")
            }
            Self::NoCluster { server, text } => write!(
                f,
                "Cluster node {server} replied with error:\n{text}\n{NO_CLUSTER} {server}"
            ),
            Self::UnreadableCluster { server, why } => {
                write!(f, "Invalid CLUSTER NODES reply: {why}.\n{NO_CLUSTER} {server}")
            }
            Self::SmallCluster { nodes } => write!(f, "Invalid cluster: {nodes} node(s)."),
            Self::Slots(why) => write!(f, "Failed to update cluster slots configuration{why}"),
            Self::ErrorReply { server: Some(server), text } => {
                write!(f, "Error from server {server}: {text}")
            }
            Self::ErrorReply { server: None, text } => write!(f, "Error from server: {text}"),
            Self::Broken(why) => write!(f, "Error: {why}"),
            Self::System { what, why } => write!(f, "{what}: {why}"),
        }
    }
}

/// What the system said, as `strerror` has it: without Rust's number behind.
pub(crate) fn describe(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_owned(),
        None => {
            let text = error.to_string();
            let lookup = "failed to lookup address information: ";
            text.strip_prefix(lookup).unwrap_or(&text).to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_are_told_as_elsewhere() {
        let refused = nix::errno::Errno::ECONNREFUSED as i32;
        assert_eq!(describe(&io::Error::from_raw_os_error(refused)), "Connection refused");
        let lookup = "failed to lookup address information: Name or service not known";
        assert_eq!(describe(&io::Error::other(lookup)), "Name or service not known");
    }

    #[test]
    fn texts() {
        let server = "h:1".to_owned();
        let text = "NOAUTH".to_owned();
        let failure = Failure::NoCluster { server: server.clone(), text: text.clone() };
        assert_eq!(
            failure.to_string(),
            "Cluster node h:1 replied with error:\nNOAUTH\nFailed to fetch cluster configuration from h:1"
        );
        let failure = Failure::ErrorReply { server: Some(server), text };
        assert_eq!(failure.to_string(), "Error from server h:1: NOAUTH");
    }
}
