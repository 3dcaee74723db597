//! A connection for questions one at a time: configuration, cluster nodes.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use dunlin_client::Session;
use dunlin_resp::Value;

use crate::failure::{Failure, describe};
use crate::options::Target;

/// Where a server is, as the user says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

/// Where a server is, as the system says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Endpoint {
    /// The one of the command line; a socket goes before a host.
    pub(crate) fn new(target: &Target) -> Self {
        match &target.socket {
            Some(path) => Self::Unix(path.clone()),
            None => Self::Tcp { host: target.host.clone(), port: target.port },
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// What can be read from and written to.
trait Transport: Read + Write {}

impl<T: Read + Write> Transport for T {}

pub(crate) struct Connection {
    stream: Box<dyn Transport>,
    session: Session,
    peer: Peer,
    endpoint: Endpoint,
}

impl Connection {
    /// Connects, and authenticates if there is a password.
    ///
    /// # Errors
    /// [`Failure::Unreachable`]; [`Failure::Refused`] and [`Failure::NoReply`] by AUTH.
    pub(crate) fn open(endpoint: &Endpoint, target: &Target) -> Result<Self, Failure> {
        let (mut stream, peer) = connect(endpoint).map_err(|error| Failure::Unreachable {
            server: endpoint.to_string(),
            why: describe(&error),
        })?;
        if let Some(tls) = &target.tls {
            let secured = tls.connect(stream);
            stream = Box::new(secured.map_err(|error| Failure::tls(endpoint, error))?);
        }
        let endpoint = endpoint.clone();
        let mut connection = Self { stream, session: Session::new(), peer, endpoint };
        if let Some(words) = authentication(target)
            && let Value::Error(text) = connection.ask(&words)?
        {
            return Err(connection.refused(&text));
        }
        Ok(connection)
    }

    /// The other end.
    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The failure of a server that answers with an error.
    pub(crate) fn refused(&self, text: &[u8]) -> Failure {
        let text = String::from_utf8_lossy(text).into_owned();
        Failure::Refused { server: self.endpoint.to_string(), text }
    }

    /// Asks, and waits for the reply; an error of the command is a reply, too.
    ///
    /// # Errors
    /// [`Failure::NoReply`]
    pub(crate) fn ask(&mut self, words: &[&[u8]]) -> Result<Value, Failure> {
        let reply = self.session.exchange(&mut self.stream, words);
        reply.map_err(|_| Failure::NoReply { server: self.endpoint.to_string() })
    }
}

/// The request that lets us in, if there is a password.
pub(crate) fn authentication(target: &Target) -> Option<Vec<&[u8]>> {
    let password = target.password.as_deref()?;
    Some(match target.user.as_deref() {
        Some(user) => vec![b"AUTH", user, password],
        None => vec![b"AUTH", password],
    })
}

fn connect(endpoint: &Endpoint) -> io::Result<(Box<dyn Transport>, Peer)> {
    Ok(match endpoint {
        Endpoint::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port))?;
            stream.set_nodelay(true)?;
            let peer = Peer::Tcp(stream.peer_addr()?);
            (Box::new(stream), peer)
        }
        Endpoint::Unix(path) => (Box::new(UnixStream::connect(path)?), Peer::Unix(path.clone())),
    })
}
