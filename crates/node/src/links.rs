//! Connections that are no clients: links to the other nodes of the cluster, and to the targets of
//! MIGRATE.
//!
//! A link has a place in a slab, named by a [`LinkToken`], with an output of its own; what arrives is
//! taken at once, so that all links are read into one buffer. Whoever moves
//! bytes treats it as a client's connection, through calls of other names. A place is free again
//! when whoever moves bytes has been told to close it, or has told that it is closed.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use dunlin_cluster::{BusRequest, LinkId};
use dunlin_migrate::{Action as MigrationAction, LinkId as TargetId};
use dunlin_resp::Output;
use slab::Slab;

use crate::Node;
use crate::node::Action;
use crate::outgoing::Outgoing;

/// Room for one read.
const INPUT_BYTES: usize = 16 * 1024;

/// Names a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkToken(pub usize);

/// A link that the node wants to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRequest {
    /// What it is called.
    pub token: LinkToken,
    /// Numeric address, or the host name of a target of MIGRATE.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// What whoever uses a link calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Name {
    /// The cluster.
    Bus(LinkId),
    /// MIGRATE.
    Target(TargetId),
}

/// One link.
struct Link {
    name: Name,
    output: Output,
    /// It is to be closed, and nobody is interested in it any more.
    is_closing: bool,
    /// It is among those with output.
    is_named: bool,
}

/// All links.
#[derive(Default)]
pub(crate) struct Links {
    slab: Slab<Link>,
    by_name: HashMap<Name, usize>,
    /// What has just been read from one of them.
    input: Vec<u8>,
    with_output: Vec<LinkToken>,
    closing: VecDeque<LinkToken>,
    wanted: VecDeque<LinkRequest>,
    sent_bytes: u64,
}

impl Links {
    fn open(&mut self, name: Name) -> LinkToken {
        let link = Link { name, output: Output::default(), is_closing: false, is_named: false };
        let place = self.slab.insert(link);
        self.by_name.insert(name, place);
        LinkToken(place)
    }

    /// Opens a link over which this node connects.
    fn want(&mut self, name: Name, host: String, port: u16) {
        let token = self.open(name);
        self.wanted.push_back(LinkRequest { token, host, port });
    }

    fn send(&mut self, name: Name, bytes: Bytes) -> usize {
        let Some(&place) = self.by_name.get(&name) else { return 0 };
        let link = &mut self.slab[place];
        link.output.push_shared(bytes);
        if !std::mem::replace(&mut link.is_named, true) {
            self.with_output.push(LinkToken(place));
        }
        link.output.len()
    }

    fn close(&mut self, name: Name) {
        let Some(place) = self.by_name.remove(&name) else { return };
        self.slab[place].is_closing = true;
        self.closing.push_back(LinkToken(place));
    }

    /// The link's place is free; what it was called, unless that is forgotten already.
    fn remove(&mut self, token: LinkToken) -> Option<Name> {
        let link = self.slab.try_remove(token.0)?;
        self.closing.retain(|one| *one != token);
        self.wanted.retain(|one| one.token != token);
        (!link.is_closing).then(|| {
            self.by_name.remove(&link.name);
            link.name
        })
    }
}

impl Node {
    /// A peer has connected to the port of the bus. `None` without a cluster: the connection is not
    /// taken.
    pub fn accept_link(&mut self, peer_ip: &str, local_ip: &str) -> Option<LinkToken> {
        let id = self.engine.cluster_accepted(peer_ip, local_ip)?;
        let token = self.links.open(Name::Bus(id));
        self.move_requests();
        Some(token)
    }

    /// The next link that the node wants. To be asked after [`Node::next_action`].
    pub fn next_link(&mut self) -> Option<LinkRequest> {
        self.links.wanted.pop_front()
    }

    /// A link that the node wanted has been made; this address has answered.
    pub fn handle_link_connected(&mut self, token: LinkToken, peer_ip: &str) {
        match self.name_of(token) {
            Some(Name::Bus(id)) => self.engine.cluster_connected(id, peer_ip),
            Some(Name::Target(id)) => self.engine.migration_connected(id),
            None => {}
        }
        self.move_requests();
    }

    /// A link that the node wanted has not come about.
    pub fn handle_link_failed(&mut self, token: LinkToken, reason: &str) {
        match self.links.remove(token) {
            Some(Name::Bus(id)) => self.engine.cluster_connect_failed(id, reason),
            Some(Name::Target(id)) => self.engine.migration_connect_failed(id),
            None => {}
        }
        self.move_requests();
    }

    /// The buffer to read into, with room behind its end; `None` for a link that is to be closed.
    pub fn link_input(&mut self, token: LinkToken) -> Option<&mut Vec<u8>> {
        self.name_of(token)?;
        self.links.input.clear();
        self.links.input.reserve(INPUT_BYTES);
        Some(&mut self.links.input)
    }

    /// Bytes were added to the buffer that [`Node::link_input`] lent.
    pub fn handle_link_input(&mut self, token: LinkToken) {
        match self.name_of(token) {
            Some(Name::Bus(id)) => self.engine.cluster_received(id, &self.links.input),
            Some(Name::Target(id)) => self.engine.migration_received(id, &self.links.input),
            None => {}
        }
        self.move_requests();
    }

    /// A link is gone.
    pub fn handle_link_end(&mut self, token: LinkToken) {
        match self.links.remove(token) {
            Some(Name::Bus(id)) => self.engine.cluster_closed(id),
            Some(Name::Target(id)) => self.engine.migration_closed(id),
            None => {}
        }
        self.move_requests();
    }

    /// The next link that got output since it was last named here. To be asked when
    /// [`Node::next_with_output`] gives nothing any more.
    pub fn next_link_with_output(&mut self) -> Option<LinkToken> {
        let token = self.links.with_output.pop()?;
        if let Some(link) = self.links.slab.get_mut(token.0) {
            link.is_named = false;
        }
        Some(token)
    }

    /// The output of a link, to be written and then advanced.
    pub fn link_output(&mut self, token: LinkToken) -> Option<Outgoing<'_>> {
        let link = self.links.slab.get_mut(token.0)?;
        let sent_bytes = &mut self.links.sent_bytes;
        Some(Outgoing { output: &mut link.output, sent_bytes, sendable: None })
    }

    /// The output of a link has all been written.
    pub fn link_drained(&mut self, token: LinkToken) {
        match self.name_of(token) {
            Some(Name::Bus(id)) => self.engine.cluster_unsent(id, 0),
            Some(Name::Target(id)) => self.engine.migration_drained(id),
            None => {}
        }
    }

    /// Whether a link leads to another node of the cluster.
    #[must_use]
    pub fn is_bus_link(&self, token: LinkToken) -> bool {
        self.links.slab.get(token.0).is_some_and(|link| matches!(link.name, Name::Bus(_)))
    }

    fn name_of(&self, token: LinkToken) -> Option<Name> {
        let link = self.links.slab.get(token.0)?;
        (!link.is_closing).then_some(link.name)
    }

    /// The next link that is to be closed; the node has forgotten it.
    pub(crate) fn next_closing_link(&mut self) -> Option<Action> {
        let token = self.links.closing.pop_front()?;
        self.links.slab.try_remove(token.0);
        self.links.wanted.retain(|one| one.token != token);
        Some(Action::CloseLink(token))
    }

    /// Goes on with migrations, if there are any.
    #[inline]
    pub(crate) fn advance_migrations(&mut self) {
        if !self.engine.migrations.is_empty() {
            self.engine.advance_migrations();
            self.move_requests();
        }
    }

    /// Does with links what the engine wants.
    pub(crate) fn move_requests(&mut self) {
        while let Some(action) = self.engine.next_migration_action() {
            match action {
                MigrationAction::Connect { link, host, port } => {
                    self.links.want(Name::Target(link), host, port);
                }
                MigrationAction::Send { link, bytes } => {
                    self.links.send(Name::Target(link), bytes);
                }
                MigrationAction::Close { link } => self.links.close(Name::Target(link)),
            }
        }
        while let Some(request) = self.engine.next_bus_request() {
            match request {
                BusRequest::Connect { link, ip: host, port } => {
                    self.links.want(Name::Bus(link), host, port);
                }
                BusRequest::Send { link, bytes } => {
                    let unsent_bytes = self.links.send(Name::Bus(link), bytes);
                    self.engine.cluster_unsent(link, unsent_bytes);
                }
                BusRequest::Close { link } => self.links.close(Name::Bus(link)),
            }
        }
    }
}
