//! Connections that this node opens: their sessions, and what whoever moves bytes is asked to do.

use std::collections::VecDeque;

use dunlin_config::LogLevel;
use dunlin_session::{ClientId, Peer, SessionFlags, Token};

use crate::Node;

/// A connection that the node wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// Its session, which is open already: [`crate::Action::Close`] may name it before it is known
    /// whether the connection came about.
    pub token: Token,
    /// Numeric address or host name.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Requests that were not handed out yet, with the sessions they were made for.
#[derive(Default)]
pub(crate) struct Outbound(VecDeque<(ClientId, ConnectRequest)>);

impl Node {
    /// Opens a session of a connection to the primary at this address and asks for the connection.
    /// What is written to it before it is connected is sent then.
    pub fn connect_to(&mut self, host: &str, port: u16) -> Token {
        let peer = Peer { address: format!("{host}:{port}").into(), ..Peer::default() };
        let now = self.engine.now();
        let token = self.engine.sessions.open(peer, now);
        if let Some(session) = self.engine.sessions.get_mut(token) {
            session.flags = SessionFlags::PRIMARY | SessionFlags::AUTHENTICATED;
            let request = ConnectRequest { token, host: host.to_owned(), port };
            self.outbound.0.push_back((session.id, request));
        }
        self.engine.sessions.account(token);
        token
    }

    /// The next connection that the node wants. To be asked after [`Node::next_action`], which may
    /// close what had the token before.
    pub fn next_connect(&mut self) -> Option<ConnectRequest> {
        if let Some((host, port)) = self.engine.wants_primary() {
            let token = self.connect_to(&host, port);
            self.engine.connecting_to_primary(token);
        }
        loop {
            let (id, request) = self.outbound.0.pop_front()?;
            // The session may have ended in the same turn.
            if self.engine.sessions.token_of(id) == Some(request.token) {
                return Some(request);
            }
        }
    }

    /// A connection that the node wanted has been made; `peer` is what answered.
    pub fn handle_connected(&mut self, token: Token, peer: Peer) {
        let now = self.engine.now();
        let Some(session) = self.engine.sessions.get_mut(token) else { return };
        session.peer = peer;
        session.last_interaction = now.monotonic;
        self.engine.sessions.account(token);
        if self.engine.is_primary_link(token) {
            self.engine.primary_connected();
        }
    }

    /// A connection that the node wanted has not come about: its session ends.
    pub fn handle_connect_failed(&mut self, token: Token, reason: &str) {
        if let Some(session) = self.engine.sessions.get(token) {
            let line = format!("Connecting to {}: {reason}", session.peer.address);
            self.engine.host.log(LogLevel::Verbose, &line);
        }
        if self.engine.is_primary_link(token) {
            self.engine.link_lost(Some(reason));
        }
        self.handle_end(token);
    }
}
