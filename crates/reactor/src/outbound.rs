//! Connections that the service opens.
//!
//! ```text
//! next_connect --> Resolving --> Connecting --> (a connection like any other)
//!                      |           |    ^
//!                      |           +----+ next address
//!                      v           v
//!                      +--------> Failed --> handle_end
//! ```
//!
//! Each stage ends by itself or with [`Action::Close`]. There is no time limit here: whoever asked
//! knows how long it wants to wait. A failure is told at the beginning of the next turn even if it is
//! known at once, so that a service which tries again cannot keep a turn from ending.
//!
//! [`Action::Close`]: crate::Action::Close

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use socket2::Socket;

use crate::resolve::{Addresses, Lookup, Resolvers};
use crate::stream::{self, TcpOptions};
use crate::{ConnectionId, Waker};

/// A connection that the service wants to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    /// The name it will have; in use from now on, until [`crate::Service::handle_end`] or
    /// [`crate::Action::Close`].
    pub id: ConnectionId,
    /// Numeric address or host name.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Numeric address or host name to connect from; empty lets the system choose. If that fails,
    /// the connection is made without.
    pub source: String,
    /// Send at once what is written, instead of gathering more (`TCP_NODELAY`).
    pub nodelay: bool,
    /// TCP keepalive period, `None` to leave it off.
    pub keepalive: Option<Duration>,
}

/// What is known of a connection when it has been made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// Number of the file descriptor, for listings only.
    pub fd: i32,
    /// This end.
    pub local: SocketAddr,
    /// The other end: the address that answered.
    pub peer: SocketAddr,
}

/// A connection that has just been made; its socket is registered already.
pub(crate) struct Established {
    pub(crate) socket: Socket,
    pub(crate) connected: Connected,
}

/// How far a connection has come.
enum Stage {
    /// Its name is being looked up.
    Resolving,
    /// An event will tell whether this became a connection.
    Connecting(Socket),
    /// No address is left; the service is told in the next turn.
    Failed(io::Error),
}

struct Attempt {
    /// Tells its lookup from that of an earlier attempt with the same id.
    serial: u64,
    options: TcpOptions,
    addresses: Addresses,
    stage: Stage,
}

/// All connections that are being made.
pub(crate) struct Outbound {
    registry: Registry,
    resolvers: Resolvers,
    attempts: HashMap<ConnectionId, Attempt>,
    /// Those that have failed and have not been told yet, or were closed since.
    failed: Vec<ConnectionId>,
    last_serial: u64,
}

impl Outbound {
    pub(crate) fn new(registry: Registry, waker: Waker) -> Self {
        Self {
            registry,
            resolvers: Resolvers::new(waker),
            attempts: HashMap::new(),
            failed: Vec::new(),
            last_serial: 0,
        }
    }

    #[cfg(test)]
    pub(crate) const fn resolvers_mut(&mut self) -> &mut Resolvers {
        &mut self.resolvers
    }

    /// Begins to connect.
    pub(crate) fn begin(&mut self, wanted: Connect) {
        let Connect { id, host, port, source, nodelay, keepalive } = wanted;
        self.last_serial += 1;
        let attempt = Attempt {
            serial: self.last_serial,
            options: TcpOptions { nodelay, keepalive },
            addresses: Addresses::default(),
            stage: Stage::Resolving,
        };
        let before = self.attempts.insert(id, attempt);
        debug_assert!(before.is_none(), "the service reused an id that is in use");
        let lookup = Lookup::new(self.last_serial, host, port, source);
        if let Some(addresses) = lookup.numeric() {
            self.resolved(id, Ok(addresses));
        } else if let Err(error) = self.resolvers.begin(lookup) {
            self.resolved(id, Err(error));
        }
    }

    /// Goes on with those whose names have been looked up.
    #[cold]
    pub(crate) fn take_resolved(&mut self) {
        for lookup in self.resolvers.take_done() {
            let serial = lookup.serial;
            let id = self.attempts.iter().find(|(_, attempt)| attempt.serial == serial);
            let Some(id) = id.map(|(id, _)| *id) else { continue };
            self.resolved(id, lookup.into_addresses());
        }
    }

    fn resolved(&mut self, id: ConnectionId, found: io::Result<Addresses>) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        match found {
            Ok(addresses) => {
                attempt.addresses = addresses;
                self.try_next(id, io::ErrorKind::AddrNotAvailable.into());
            }
            Err(error) => self.fail(id, error),
        }
    }

    /// Tries addresses until one does not fail at once; `error` is what the last one failed with.
    fn try_next(&mut self, id: ConnectionId, mut error: io::Error) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        while let Some(target) = attempt.addresses.targets.pop_front() {
            let begun = stream::connect(target, &attempt.addresses.sources, attempt.options);
            match begun.and_then(|socket| register(&self.registry, id, socket)) {
                // An event follows even if it is connected already.
                Ok(socket) => {
                    attempt.stage = Stage::Connecting(socket);
                    return;
                }
                Err(failure) => error = failure,
            }
        }
        self.fail(id, error);
    }

    fn fail(&mut self, id: ConnectionId, error: io::Error) {
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.stage = Stage::Failed(error);
            self.failed.push(id);
        }
    }

    /// An event came for this id: the connection, if it has been made.
    #[cold]
    pub(crate) fn settle(&mut self, id: ConnectionId) -> Option<Established> {
        let attempt = self.attempts.get(&id)?;
        let Stage::Connecting(socket) = &attempt.stage else { return None };
        match outcome(socket) {
            Outcome::Pending => None,
            Outcome::Failed(error) => {
                self.try_next(id, error);
                None
            }
            Outcome::Made { local, peer } => {
                let Stage::Connecting(socket) = self.attempts.remove(&id)?.stage else {
                    return None;
                };
                let connected = Connected { fd: socket.as_raw_fd(), local, peer };
                Some(Established { socket, connected })
            }
        }
    }

    /// Gives up an attempt; tells whether there was one.
    #[cold]
    pub(crate) fn remove(&mut self, id: ConnectionId) -> bool {
        let Some(attempt) = self.attempts.remove(&id) else { return false };
        if matches!(attempt.stage, Stage::Resolving) {
            self.resolvers.cancel(attempt.serial);
        }
        true
    }

    /// Whether there is a failure to tell.
    pub(crate) const fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }

    /// The next failure to tell; its id is free.
    pub(crate) fn next_failed(&mut self) -> Option<(ConnectionId, io::Error)> {
        while let Some(id) = self.failed.pop() {
            match self.attempts.remove(&id) {
                Some(Attempt { stage: Stage::Failed(error), .. }) => return Some((id, error)),
                // Closed before it was told, and begun anew.
                Some(another) => drop(self.attempts.insert(id, another)),
                None => {}
            }
        }
        None
    }
}

/// Asks for events of a socket, those that a connection needs later included.
fn register(registry: &Registry, id: ConnectionId, socket: Socket) -> io::Result<Socket> {
    let both = Interest::READABLE | Interest::WRITABLE;
    registry.register(&mut SourceFd(&socket.as_raw_fd()), Token(id.0 as usize), both)?;
    Ok(socket)
}

enum Outcome {
    Pending,
    Made { local: SocketAddr, peer: SocketAddr },
    Failed(io::Error),
}

/// What became of a socket that was told to connect.
fn outcome(socket: &Socket) -> Outcome {
    match socket.take_error() {
        Ok(None) => {}
        Ok(Some(error)) | Err(error) => return Outcome::Failed(error),
    }
    let peer = match socket.peer_addr() {
        Ok(peer) => peer,
        Err(error) if error.kind() == io::ErrorKind::NotConnected => return Outcome::Pending,
        Err(error) => return Outcome::Failed(error),
    };
    let local = match socket.local_addr() {
        Ok(local) => local,
        Err(error) => return Outcome::Failed(error),
    };
    match (local.as_socket(), peer.as_socket()) {
        // Nobody listens, and the system chose as our port the very one that we wanted to reach.
        (Some(local), Some(peer)) if local == peer => {
            Outcome::Failed(io::Error::from_raw_os_error(libc::ECONNREFUSED))
        }
        (Some(local), Some(peer)) => Outcome::Made { local, peer },
        _ => Outcome::Failed(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A port that nobody listens on may be chosen as our own, and TCP then connects a socket to
    /// itself.
    #[test]
    fn a_socket_that_reaches_itself_is_refused() {
        let socket = Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.expect("socket");
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("bind");
        assert!(matches!(outcome(&socket), Outcome::Pending));
        let own = socket.local_addr().expect("address");
        socket.connect(&own).expect("connects to itself");
        let Outcome::Failed(error) = outcome(&socket) else { panic!("it is no connection") };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
