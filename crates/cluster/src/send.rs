//! Messages that this node sends.

use bytes::Bytes;

use crate::action::LinkId;
use crate::bus::{
    Body, Claim, Extension, Gossip, GossipEntry, Header, Message, MessageKind, Publication,
};
use crate::cluster::Cluster;
use crate::config::Pace;
use crate::flags::NodeFlags;
use crate::nodes::{NodeKey, NodeKeySet};

/// A PING, PONG or MEET tells of at least so many nodes, if there are as many.
const GOSSIP_MIN: usize = 3;

/// And of a tenth of all: a node that is suspected by a primary is then told to a majority well within
/// two timeouts, since each pair of nodes exchanges at least four messages in that time.
const GOSSIP_FRACTION: usize = 10;

impl Cluster {
    /// What this node says of itself.
    fn header(&self) -> Header {
        let me = self.myself();
        let shown = self.nodes.primary_of(self.nodes.me()).map_or(me, |key| self.nodes.get(key));
        let (port, secondary_port) = self.ports_on_the_bus(me.address.port, me.address.tls_port);
        Header {
            sender: me.id,
            flags: me.flags,
            primary: me.primary,
            current_epoch: self.epochs.current,
            config_epoch: shown.config_epoch,
            offset: self.turn.offset,
            slots: shown.slots.clone(),
            ip: self.config.announce_ip.as_deref().unwrap_or_default().into(),
            port,
            secondary_port,
            bus_port: me.address.bus_port,
            is_ok: self.is_ok(),
            is_paused: self.manual.hands_over(),
            forces_vote: false,
        }
    }

    /// The first and the other port of clients, as the bus has them.
    fn ports_on_the_bus(&self, port: u16, tls_port: u16) -> (u16, u16) {
        if self.config.tls_cluster { (tls_port, port) } else { (port, tls_port) }
    }

    fn post(&mut self, link: LinkId, kind: MessageKind, bytes: Bytes) {
        if self.links.get(link).is_some_and(|link| self.is_open(link)) {
            self.stats.sent[kind as usize] += 1;
            self.outbox.send(link, bytes);
        }
    }

    /// Sends on the link that this node has opened to another; nothing if there is none.
    pub(crate) fn send_to(&mut self, key: NodeKey, body: Body) {
        if let Some(link) = self.nodes.get(key).contact.outbound {
            self.send_on(link, body);
        }
    }

    fn send_on(&mut self, link: LinkId, body: Body) {
        let kind = body.kind();
        let bytes = Message { header: self.header(), body }.encode();
        self.post(link, kind, bytes);
    }

    /// Sends the same bytes to all nodes of whom it holds.
    fn broadcast(&mut self, header: Header, body: Body, to: impl Fn(&crate::node::Node) -> bool) {
        let kind = body.kind();
        let links: Vec<LinkId> = self
            .nodes
            .iter()
            .filter(|node| !node.is_in_handshake() && !node.is_myself() && to(node))
            .filter_map(|node| node.contact.outbound)
            .collect();
        if links.is_empty() {
            return;
        }
        let bytes = Message { header, body }.encode();
        for link in links {
            self.post(link, kind, bytes.clone());
        }
    }

    /// PING, or MEET for a node that is to know this one.
    pub(crate) fn greet(&mut self, key: NodeKey) {
        let gossip = self.gossip_for(Some(key));
        let is_meet = self.nodes.get(key).flags.contains(NodeFlags::MEET);
        let at = self.at();
        let contact = &mut self.nodes.get_mut(key).contact;
        (contact.ping_sent, contact.greeted) = (Some(at), Some(at));
        self.send_to(key, if is_meet { Body::Meet(gossip) } else { Body::Ping(gossip) });
    }

    /// Answers on the link that the question came on.
    pub(crate) fn answer(&mut self, link: LinkId) {
        let to = self.links.get(link).and_then(|link| link.node);
        let gossip = self.gossip_for(to);
        self.send_on(link, Body::Pong(gossip));
    }

    /// Tells one node news.
    pub(crate) fn tell(&mut self, key: NodeKey) {
        let gossip = self.gossip_for(Some(key));
        self.send_to(key, Body::Pong(gossip));
    }

    /// Tells one node that another does not answer, and little else.
    pub(crate) fn tell_suspicion(&mut self, to: NodeKey, suspect: NodeKey) {
        let mut told = self.draw_for(Some(to), GOSSIP_MIN);
        told.push(suspect);
        let gossip = self.gossip_about(told);
        self.send_to(to, Body::Pong(gossip));
    }

    /// Tells everybody news, or the own shard only.
    pub(crate) fn tell_all(&mut self, own_shard_only: bool) {
        let shard = self.myself().shard_id;
        let peers: Vec<NodeKey> = self.nodes.keys();
        for key in peers {
            let node = self.nodes.get(key);
            if node.is_myself() || node.is_in_handshake() {
                continue;
            }
            if !own_shard_only || (node.is_replica() && node.shard_id == shard) {
                self.tell(key);
            }
        }
    }

    /// Tells the replicas of this node's primary its offset; also that the primary has failed, so that
    /// none of them hears of it later than this one by more than a message takes.
    pub(crate) fn tell_siblings(&mut self) {
        let failed = self.nodes.primary_of(self.nodes.me()).map(|key| self.nodes.get(key));
        let failed = failed.filter(|primary| primary.is_failed()).map(|primary| primary.id);
        if let Some(failed) = failed.filter(|_| self.config.pace == Pace::Dunlin) {
            let primary = self.myself().primary;
            let is_sibling = |node: &crate::node::Node| node.primary == primary;
            self.broadcast(self.header(), Body::Fail(failed), is_sibling);
        }
        self.tell_all(true);
    }

    /// Tells everybody that a node has failed.
    pub(crate) fn broadcast_failure(&mut self, failed: crate::id::NodeId) {
        self.broadcast(self.header(), Body::Fail(failed), |_| true);
    }

    /// Asks everybody for a vote. That the primary has failed goes ahead on the same links, so that no
    /// voter has still to hear of it.
    pub(crate) fn ask_for_votes(&mut self, forces_vote: bool) {
        if let Some(failed) = self.nodes.primary_of(self.nodes.me()) {
            let failed = self.nodes.get(failed);
            if failed.is_failed() && self.config.pace == Pace::Dunlin {
                self.broadcast_failure(failed.id);
            }
        }
        let header = Header { forces_vote, ..self.header() };
        self.broadcast(header, Body::AuthRequest, |_| true);
    }

    /// Tells a node who owns slots that it claims.
    pub(crate) fn send_update(&mut self, to: NodeKey, owner: NodeKey) {
        let owner = self.nodes.get(owner);
        let slots = owner.slots.clone() - self.nodes.unclaimed();
        let claim = Claim { id: owner.id, config_epoch: owner.config_epoch, slots };
        self.send_to(to, Body::Update(claim));
    }

    /// PUBLISH to all nodes; SPUBLISH to those of the own shard.
    pub(crate) fn send_publication(&mut self, channel: &[u8], message: &[u8], sharded: bool) {
        let publication = Publication {
            channel: Bytes::copy_from_slice(channel),
            message: Bytes::copy_from_slice(message),
        };
        let shard = self.myself().shard_id;
        if sharded {
            let body = Body::PublishShard(publication);
            self.broadcast(self.header(), body, |node| node.shard_id == shard);
        } else {
            self.broadcast(self.header(), Body::Publish(publication), |_| true);
        }
    }

    /// What is told to a node about others: some that are drawn, then all that are suspected.
    fn gossip_for(&mut self, to: Option<NodeKey>) -> Gossip {
        let wanted = GOSSIP_MIN.max(self.nodes.len() / GOSSIP_FRACTION);
        let mut told = self.draw_for(to, wanted);
        let is_told = |key: &NodeKey| !self.nodes.get(*key).is_in_handshake();
        told.extend(self.nodes.suspects().filter(is_told));
        self.gossip_about(told)
    }

    fn gossip_about(&mut self, told: Vec<NodeKey>) -> Gossip {
        let entries = told.into_iter().map(|key| self.entry(key)).collect();
        Gossip { entries, extensions: Some(self.extensions()) }
    }

    /// Draws so many nodes to tell of, or fewer if most are not worth it.
    fn draw_for(&mut self, to: Option<NodeKey>, wanted: usize) -> Vec<NodeKey> {
        let wanted = wanted.min(self.nodes.len().saturating_sub(2));
        let mut told: Vec<NodeKey> = Vec::with_capacity(wanted);
        let mut is_told = NodeKeySet::new();
        let mut tries = wanted * 3;
        while told.len() < wanted && tries > 0 {
            tries -= 1;
            let key = self.nodes.draw(&mut self.rng);
            if Some(key) != to && self.is_worth_telling(key) && is_told.insert(key) {
                told.push(key);
            }
        }
        told
    }

    fn is_worth_telling(&self, key: NodeKey) -> bool {
        let node = self.nodes.get(key);
        let never = NodeFlags::MYSELF | NodeFlags::HANDSHAKE | NodeFlags::NOADDR | NodeFlags::PFAIL;
        !node.flags.intersects(never) && (node.is_linked() || node.slot_count > 0)
    }

    fn entry(&self, key: NodeKey) -> GossipEntry {
        let node = self.nodes.get(key);
        let seconds = |at| u32::try_from(self.unix_ms(at) / 1000).unwrap_or(0);
        let (port, secondary_port) =
            self.ports_on_the_bus(node.address.port, node.address.tls_port);
        GossipEntry {
            id: node.id,
            ping_sent_s: seconds(node.contact.ping_sent),
            pong_received_s: seconds(node.contact.pong_received),
            ip: node.address.ip.as_str().into(),
            port,
            bus_port: node.address.bus_port,
            flags: node.flags,
            secondary_port,
        }
    }

    fn extensions(&mut self) -> Vec<Extension> {
        let at = self.at();
        let me = self.nodes.myself();
        let mut extensions = Vec::new();
        if !me.hostname.is_empty() {
            extensions.push(Extension::Hostname(me.hostname.clone()));
        }
        if !me.human_name.is_empty() {
            extensions.push(Extension::HumanName(me.human_name.clone()));
        }
        extensions.extend(
            self.forgotten.iter(at).map(|(id, seconds)| Extension::Forgotten { id, seconds }),
        );
        extensions.push(Extension::ShardId(me.shard_id));
        extensions
    }
}
