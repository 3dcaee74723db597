//! The loop's events become calls of the node, and what the node asks for becomes actions.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::time::Duration;

use dunlin_node::{
    Action as NodeAction, ConnectRequest, LinkRequest, LinkToken, Node, Outgoing, Peer, Token,
};
use dunlin_reactor::{
    Accepted, Action, Address, Admission, Connect, Connected, ConnectionId, EndReason, ListenerTag,
    OutputQueue, Refusal, Service, os_error_text,
};
use dunlin_resp::IoSlices;
use dunlin_stdx::time::{Monotonic, Now};

use crate::log::Log;
use crate::signals::{StopRequest, StopSignal};

/// Listeners for clients over TCP.
pub(crate) const TCP: ListenerTag = ListenerTag(1);

/// The listener for clients over the Unix socket.
pub(crate) const UNIX: ListenerTag = ListenerTag(2);

/// Listeners for other nodes of the cluster.
pub(crate) const BUS: ListenerTag = ListenerTag(3);

/// What is told once the data set is there.
pub(crate) type WhenReady = Box<dyn FnOnce(&Log)>;

/// A node between loop and log.
pub(crate) struct Serving {
    pub(crate) node: Node,
    pub(crate) log: Log,
    pub(crate) stop_request: StopRequest,
    /// The node's host was told to end the process.
    stops: Rc<Cell<bool>>,
    /// What is to be done when the data set is loaded.
    when_ready: Option<WhenReady>,
    /// A signal asked to stop, and the node will do so when it does periodic work.
    stop_is_pending: bool,
}

impl Serving {
    pub(crate) fn new(
        node: Node,
        log: Log,
        stop_request: StopRequest,
        stops: Rc<Cell<bool>>,
        when_ready: WhenReady,
    ) -> Self {
        Self {
            node,
            log,
            stop_request,
            stops,
            when_ready: Some(when_ready),
            stop_is_pending: false,
        }
    }

    /// Begins to load what is on disk; the loop goes on meanwhile.
    pub(crate) fn load(&mut self, now: Now) {
        self.node.begin_turn(now);
        self.node.begin_load();
        self.look_after_node();
    }

    /// TCP keepalive period of new connections, if they are to have one.
    fn keepalive(&mut self) -> Option<Duration> {
        let seconds = self.node.engine_mut().config.network.tcp_keepalive;
        (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
    }

    /// Ends the process if the node cannot go on, and tells when the data set is there.
    fn look_after_node(&mut self) {
        if self.node.is_lost() {
            // Nobody gets a reply: it could tell of what is not kept.
            std::process::exit(1);
        }
        let is_pending = self.node.engine_mut().persistence.has_pending_shutdown();
        if self.stop_is_pending && !is_pending {
            self.stop_is_pending = false;
            // Taken back, or refused: another signal asks anew. If it began, nobody asks any more.
            self.stop_request.refuse();
        }
        if self.when_ready.is_some()
            && !self.node.is_loading()
            && let Some(tell) = self.when_ready.take()
        {
            tell(&self.log);
        }
    }

    /// A link is gone, or has not come about.
    fn link_ended(&mut self, token: LinkToken, reason: &EndReason) {
        let is_bus = self.node.is_bus_link(token);
        let kind = if is_bus { "cluster node" } else { "MIGRATE target" };
        match reason {
            EndReason::ConnectFailed(error) => {
                let error = os_error_text(error);
                if !is_bus {
                    self.log.verbose(format_args!("Connection with a {kind} failed: {error}"));
                }
                return self.node.handle_link_failed(token, &error);
            }
            EndReason::ReadFailed(error) | EndReason::WriteFailed(error) => {
                let error = os_error_text(error);
                self.log.verbose(format_args!("I/O error on a {kind} link: {error}"));
            }
            EndReason::PeerClosed | EndReason::Flushed => {
                self.log.verbose(format_args!("I/O error on a {kind} link: connection closed"));
            }
        }
        self.node.handle_link_end(token);
    }

    /// A signal asks the server to stop.
    fn stop_for(&mut self, signal: StopSignal) {
        if self.node.is_loading() {
            self.log.warning("Received shutdown signal during loading, exiting now.");
            std::process::exit(0);
        }
        let process = &self.node.engine_mut().config.process;
        let options = match signal {
            StopSignal::Interrupt => process.shutdown_on_sigint,
            StopSignal::Terminate => process.shutdown_on_sigterm,
        };
        match self.node.shut_down(options) {
            Some(true) => {}
            Some(false) => self.stop_request.refuse(),
            None => self.stop_is_pending = true,
        }
    }
}

/// A client's replies as the loop wants to see them.
pub(crate) struct Replies<'a>(Outgoing<'a>);

impl OutputQueue for Replies<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        if let Some(only) = self.0.single_slice() {
            slices[0] = IoSlice::new(only);
            return 1;
        }
        let mut chunks = IoSlices::new();
        self.0.io_slices(&mut chunks);
        slices.iter_mut().zip(&chunks).map(|(slot, chunk)| *slot = *chunk).count()
    }

    fn advance(&mut self, bytes: usize) {
        self.0.advance(bytes);
    }
}

/// A connection as the node knows it. Clients have even numbers in the loop, links odd ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Client(Token),
    Link(LinkToken),
}

impl End {
    #[inline]
    const fn of(id: ConnectionId) -> Self {
        let index = (id.0 >> 1) as usize;
        if id.0 & 1 == 0 { Self::Client(Token(index)) } else { Self::Link(LinkToken(index)) }
    }

    #[inline]
    fn id(self) -> ConnectionId {
        let (index, parity) = match self {
            Self::Client(token) => (token.0, 0),
            Self::Link(token) => (token.0, 1),
        };
        // They are indices of open connections, of which there are fewer than descriptors.
        ConnectionId(u32::try_from(2 * index + parity).unwrap_or(u32::MAX))
    }
}

fn connection(token: Token) -> ConnectionId {
    End::Client(token).id()
}

/// The numeric address of a peer or of this end.
fn ip_text(address: &Address) -> String {
    match address {
        Address::Inet(address) => address.ip().to_string(),
        Address::Unix(_) => String::new(),
    }
}

/// The form of an address in CLIENT LIST.
fn address_text(address: &Address) -> Box<str> {
    match address {
        Address::Inet(address) => address.to_string().into(),
        Address::Unix(path) => format!("{}:0", path.display()).into(),
    }
}

fn peer_of(accepted: &Accepted) -> Peer {
    let (is_unix, is_local) = match &accepted.peer {
        Address::Inet(address) => (false, address.ip().is_loopback()),
        Address::Unix(_) => (true, true),
    };
    Peer {
        address: address_text(&accepted.peer),
        local_address: address_text(&accepted.local),
        fd: accepted.fd,
        is_unix,
        is_local,
    }
}

impl Service for Serving {
    type Output<'a> = Replies<'a>;

    fn begin_turn(&mut self, now: Now) {
        self.node.begin_turn(now);
    }

    fn end_turn(&mut self, turn_us: u64) {
        self.node.end_turn(turn_us);
    }

    fn accept(&mut self, accepted: Accepted) -> Result<Admission, Refusal> {
        let keepalive = self.keepalive();
        if accepted.listener == BUS {
            let (peer, local) = (ip_text(&accepted.peer), ip_text(&accepted.local));
            self.log.verbose(format_args!("Accepting cluster node connection from {peer}"));
            let link = self.node.accept_link(&peer, &local).ok_or_else(Refusal::default)?;
            return Ok(Admission { id: End::Link(link).id(), keepalive: None });
        }
        let peer = peer_of(&accepted);
        self.log.verbose(format_args!("Accepted {}", peer.address));
        match self.node.connect(peer) {
            Ok(token) => Ok(Admission { id: connection(token), keepalive }),
            Err(refusal) => Err(Refusal(refusal.0)),
        }
    }

    fn accept_failed(&mut self, _: ListenerTag, error: &io::Error) {
        self.log
            .warning(format_args!("Accepting client connection: accept: {}", os_error_text(error)));
    }

    fn connected(&mut self, id: ConnectionId, connected: &Connected) {
        let Connected { fd, local, peer } = connected;
        if let End::Link(token) = End::of(id) {
            return self.node.handle_link_connected(token, &peer.ip().to_string());
        }
        let peer = Peer {
            address: peer.to_string().into(),
            local_address: local.to_string().into(),
            fd: *fd,
            is_unix: false,
            is_local: peer.ip().is_loopback(),
        };
        if let End::Client(token) = End::of(id) {
            self.node.handle_connected(token, peer);
        }
    }

    fn input(&mut self, id: ConnectionId) -> Option<&mut Vec<u8>> {
        match End::of(id) {
            End::Client(token) => self.node.input(token),
            End::Link(token) => self.node.link_input(token),
        }
    }

    fn handle_input(&mut self, id: ConnectionId, bytes_read: usize) {
        match End::of(id) {
            End::Client(token) => self.node.handle_input(token, bytes_read),
            End::Link(token) => self.node.handle_link_input(token),
        }
    }

    fn run(&mut self) {
        self.node.run();
    }

    fn handle_end(&mut self, id: ConnectionId, reason: EndReason) {
        let log = &self.log;
        let token = match End::of(id) {
            End::Client(token) => token,
            End::Link(token) => return self.link_ended(token, &reason),
        };
        match reason {
            EndReason::ConnectFailed(error) => {
                return self.node.handle_connect_failed(token, &os_error_text(&error));
            }
            EndReason::PeerClosed => log.verbose("Client closed connection"),
            EndReason::ReadFailed(error) => {
                log.verbose(format_args!("Reading from client: {}", os_error_text(&error)));
            }
            EndReason::WriteFailed(error) => {
                log.verbose(format_args!("Error writing to client: {}", os_error_text(&error)));
            }
            EndReason::Flushed => {}
        }
        self.node.handle_end(token);
    }

    fn next_with_output(&mut self) -> Option<ConnectionId> {
        let next = self.node.next_with_output();
        self.look_after_node();
        match next {
            Some(token) => Some(connection(token)),
            None => self.node.next_link_with_output().map(|link| End::Link(link).id()),
        }
    }

    fn output(&mut self, id: ConnectionId) -> Option<Replies<'_>> {
        match End::of(id) {
            End::Client(token) => self.node.output(token),
            End::Link(token) => self.node.link_output(token),
        }
        .map(Replies)
    }

    fn output_drained(&mut self, id: ConnectionId) {
        match End::of(id) {
            End::Client(token) => self.node.output_drained(token),
            End::Link(token) => self.node.link_drained(token),
        }
    }

    fn next_action(&mut self) -> Option<Action> {
        if self.stops.take() {
            return Some(Action::Stop);
        }
        Some(match self.node.next_action()? {
            NodeAction::Close(token) => Action::Close(connection(token)),
            NodeAction::CloseAfterFlush(token) => Action::CloseAfterFlush(connection(token)),
            NodeAction::CloseLink(token) => Action::Close(End::Link(token).id()),
            NodeAction::Resume(token) => Action::Resume(connection(token)),
            NodeAction::SetNodelay(token, on) => Action::SetNodelay(connection(token), on),
        })
    }

    fn next_connect(&mut self) -> Option<Connect> {
        let (id, host, port) = match self.node.next_connect() {
            Some(ConnectRequest { token, host, port }) => (connection(token), host, port),
            None => {
                let LinkRequest { token, host, port } = self.node.next_link()?;
                (End::Link(token).id(), host, port)
            }
        };
        let keepalive = self.keepalive();
        let source = self.node.engine_mut().config.network.bind_source_addr.to_str_lossy();
        let source = source.into_owned();
        Some(Connect { id, host, port, source, nodelay: true, keepalive })
    }

    fn next_deadline(&self) -> Option<Monotonic> {
        Some(self.node.next_deadline())
    }

    fn handle_deadline(&mut self) {
        self.node.handle_deadline();
    }

    fn woken(&mut self) {
        self.node.handle_job_events();
        if let Some(signal) = self.stop_request.take() {
            self.stop_for(signal);
        }
        self.look_after_node();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_client_list_shows_them() {
        let accepted = |peer: &str| Accepted {
            fd: 9,
            peer: Address::Inet(peer.parse().expect("address")),
            local: Address::Inet("[::1]:6379".parse().expect("address")),
            listener: TCP,
        };
        let peer = peer_of(&accepted("[::1]:50000"));
        assert_eq!((&*peer.address, &*peer.local_address), ("[::1]:50000", "[::1]:6379"));
        assert!(peer.is_local && !peer.is_unix);
        assert!(peer_of(&accepted("127.4.4.4:1")).is_local);
        assert!(!peer_of(&accepted("10.0.0.1:1")).is_local);
        let path = Address::Unix("/tmp/s".into());
        let unix = Accepted { peer: path.clone(), local: path, ..accepted("[::1]:1") };
        let peer = peer_of(&unix);
        assert_eq!(&*peer.address, "/tmp/s:0");
        assert!(peer.is_unix && peer.is_local);
    }
}
