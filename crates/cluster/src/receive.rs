//! What a message of a peer changes.
//!
//! Only greetings are taken from a node that is not known; they make it known, or are answered.

use dunlin_stdx::time::Monotonic;

use crate::action::{Action, LinkId, Severity};
use crate::address::Address;
use crate::bus::{Body, Extension, Header, Message, MessageKind, Refusal};
use crate::cluster::Cluster;
use crate::flags::NodeFlags;
use crate::id::NodeId;
use crate::node::Node;
use crate::nodes::NodeKey;
use crate::reach::{OwnAddress, seen_from_here};

/// Epochs above are no epochs: a peer that sends one would end all elections.
const EPOCH_MAX: u64 = u64::MAX / 2;

impl Cluster {
    /// A whole message has come.
    pub(crate) fn handle_message(&mut self, link: LinkId, message: Message) {
        let Message { header, body } = message;
        let kind = body.kind();
        if header.current_epoch > EPOCH_MAX || header.config_epoch > EPOCH_MAX {
            return self.refuse_from(kind, Refusal::Epoch);
        }
        self.stats.received[kind as usize] += 1;
        if self.dropped == Some(kind) {
            self.outbox.warning("Dropping packet that matches debug drop filter".to_owned());
            return;
        }
        match body {
            Body::Ping(gossip) | Body::Pong(gossip) | Body::Meet(gossip) => {
                let Some(sender) = self.greeted(link, kind, &header) else { return };
                if !self.is_outdated(sender, &header) {
                    self.hear_role(sender, &header);
                    self.hear_claims(sender, &header);
                    self.resolve_collision(sender);
                }
                self.hear_gossip(sender, &gossip.entries);
                self.hear_extensions(sender, gossip.extensions.unwrap_or_default());
            }
            body => match self.known_sender(&header) {
                Some(sender) => {
                    self.hear_header(link, sender, &header);
                    self.handle_body(sender, &header, body);
                }
                None => self.stats.refused[Refusal::UnknownSender as usize] += 1,
            },
        }
    }

    fn refuse_from(&mut self, kind: MessageKind, refusal: Refusal) {
        let refused =
            crate::bus::Refused { refusal, kind: Some(kind), len_bytes: 0, expected_bytes: None };
        self.refuse(refused);
    }

    /// The node that sends, unless it is not known, or this one.
    fn known_sender(&self, header: &Header) -> Option<NodeKey> {
        let key = self.nodes.find(&header.sender)?;
        (key != self.nodes.me() && !self.nodes.get(key).is_in_handshake()).then_some(key)
    }

    fn handle_body(&mut self, sender: NodeKey, header: &Header, body: Body) {
        match body {
            Body::Fail(failed) => self.hear_failure(sender, &failed),
            Body::Publish(publication) | Body::PublishShard(publication)
                if publication.channel.is_empty() && publication.message.is_empty() => {}
            Body::Publish(publication) => self.outbox.push(Action::Publish {
                channel: publication.channel,
                message: publication.message,
                sharded: false,
            }),
            Body::PublishShard(publication) => self.outbox.push(Action::Publish {
                channel: publication.channel,
                message: publication.message,
                sharded: true,
            }),
            Body::AuthRequest => {
                self.hear_candidate(sender);
                self.vote(sender, header);
            }
            Body::AuthAck => self.count_vote(sender, header),
            Body::Update(claim) => self.hear_update(&claim),
            Body::ManualFailoverStart => self.begin_hand_over(sender),
            Body::Module(_) | Body::Ping(_) | Body::Pong(_) | Body::Meet(_) => {}
        }
    }

    /// What a header of a known node tells, whatever follows it.
    fn hear_header(&mut self, link: LinkId, sender: NodeKey, header: &Header) {
        let at = self.at();
        if let Some(open) = self.links.get_mut(link)
            && open.is_inbound
            && open.node != Some(sender)
        {
            let before = open.node.replace(sender);
            if let Some(before) = before
                && self.nodes.get(before).contact.inbound == Some(link)
            {
                self.nodes.get_mut(before).contact.inbound = None;
            }
            // A node has one link to another: the newer one.
            if let Some(older) = self.nodes.get_mut(sender).contact.inbound.replace(link) {
                self.close(older);
            }
        }
        let node = self.nodes.get_mut(sender);
        node.contact.data_received = Some(at);
        (node.offset, node.offset_at) = (header.offset, Some(at));
        if header.config_epoch > node.config_epoch {
            node.config_epoch = header.config_epoch;
            // A replica's is not in nodes.conf: there it is its primary's.
            if node.is_primary() {
                self.save_soon();
            }
        }
        if header.current_epoch > self.epochs.current {
            self.epochs.current = header.current_epoch;
            self.save();
        }
        self.hear_paused_offset(sender, header);
    }

    /// PING, PONG and MEET: makes nodes known, answers. The sender, if the rest of the message is to
    /// be believed.
    fn greeted(&mut self, link: LinkId, kind: MessageKind, header: &Header) -> Option<NodeKey> {
        let open = self.links.get(link)?;
        let (is_inbound, target) = (open.is_inbound, open.node);
        let (peer_ip, local_ip) = (open.peer_ip.clone(), open.local_ip.clone());
        let outbound_to = target.filter(|_| !is_inbound);
        let is_question = kind != MessageKind::Pong;
        if is_question && is_inbound {
            self.learn_own_address(kind, &local_ip);
        }
        let mut sender = self.known_sender(header);
        let is_me = header.sender == self.myself().id;
        if let Some(to) = outbound_to {
            if self.nodes.get(to).is_in_handshake() {
                sender = self.end_handshake(to, sender, header, is_me)?.into();
            } else if self.nodes.get(to).id != header.sender {
                self.lose_address(to, link);
                return None;
            }
        }
        if let Some(sender) = sender {
            self.hear_header(link, sender, header);
        } else if kind == MessageKind::Meet && !is_me {
            let address = self.address_of(header, &peer_ip);
            self.begin_handshake(address, NodeFlags::HANDSHAKE);
        }
        if is_question {
            self.answer(link);
        }
        let sender = sender?;
        let node = self.nodes.get_mut(sender);
        node.flags.set(NodeFlags::NOFAILOVER, header.flags.contains(NodeFlags::NOFAILOVER));
        if kind == MessageKind::Ping && is_inbound {
            let address = self.address_of(header, &peer_ip);
            self.hear_address(sender, address);
        }
        if kind == MessageKind::Pong && outbound_to.is_some() {
            let at = self.at();
            let contact = &mut self.nodes.get_mut(sender).contact;
            (contact.pong_received, contact.ping_sent) = (Some(at), None);
            contact.note_round_trip(at);
            self.found_by_name(sender, &peer_ip);
            self.note_reached(sender);
            self.mark_reachable(sender);
        }
        Some(sender)
    }

    /// The address of the end that a peer has reached is this node's, if it does not announce one.
    fn learn_own_address(&mut self, kind: MessageKind, local_ip: &str) {
        if self.config.announce_ip.is_some() || local_ip.is_empty() {
            return;
        }
        let own = &self.myself().address.ip;
        if own == local_ip {
            self.own_address = OwnAddress::Confirmed;
            return;
        }
        let is_open = kind == MessageKind::Meet || own.is_empty();
        if !is_open && !self.is_own_address_outdated() {
            return;
        }
        self.outbox.warning(format!("IP address for this node updated to {local_ip}"));
        self.nodes.myself_mut().address.ip = local_ip.to_owned();
        self.save();
    }

    /// Where the sender of a header is reached.
    fn address_of(&self, header: &Header, peer_ip: &str) -> Address {
        let ip = if header.ip.is_empty() { peer_ip } else { header.ip.as_str() };
        let ip = seen_from_here(ip, peer_ip);
        self.bus_address(ip, header.port, header.secondary_port, header.bus_port)
    }

    /// An address as the bus has it.
    pub(crate) fn bus_address(&self, ip: &str, first: u16, second: u16, bus_port: u16) -> Address {
        let (port, tls_port) =
            if self.config.tls_cluster { (second, first) } else { (first, second) };
        Address { ip: ip.to_owned(), port, tls_port, bus_port }
    }

    /// A node in handshake has told its id: it is that node now, or is known already.
    fn end_handshake(
        &mut self,
        handshake: NodeKey,
        known: Option<NodeKey>,
        header: &Header,
        is_me: bool,
    ) -> Option<NodeKey> {
        if is_me {
            // It is this node that was met.
            self.remove_node(handshake);
            return None;
        }
        if let Some(known) = known {
            let address = self.nodes.get(handshake).address.clone();
            let text = format!(
                "Handshake: we already know node {}, updating the address if needed.",
                self.nodes.get(known).label()
            );
            self.outbox.log(Severity::Verbose, text);
            self.hear_address(known, address);
            self.remove_node(handshake);
            return None;
        }
        if self.nodes.find(&header.sender).is_some() {
            // The id that another handshake was given by chance.
            self.remove_node(handshake);
            return None;
        }
        self.nodes.rename(handshake, header.sender);
        let text = format!("Handshake with node {} completed.", header.sender);
        self.outbox.log(Severity::Debug, text);
        self.nodes.get_mut(handshake).flags.remove(NodeFlags::HANDSHAKE | NodeFlags::MEET);
        match header.primary {
            Some(_) => self.nodes.make_replica(handshake),
            None => self.nodes.make_primary(handshake),
        }
        self.save();
        self.todo.state = true;
        Some(handshake)
    }

    /// A node answers at the address of another one: nobody knows where that is.
    fn lose_address(&mut self, key: NodeKey, link: LinkId) {
        let at = self.at();
        let node = self.nodes.get_mut(key);
        let text = format!(
            "PONG contains mismatching sender ID. About node {} in particular.",
            node.label()
        );
        node.flags.insert(NodeFlags::NOADDR);
        node.address = Address::default();
        // From here on it is silent, until somebody finds it.
        node.contact.ping_sent.get_or_insert(at);
        self.outbox.log(Severity::Debug, text);
        self.close(link);
        self.save();
    }

    /// A node in handshake, unless one with this address is there, or there are too many.
    pub(crate) fn begin_handshake(&mut self, address: Address, flags: NodeFlags) -> bool {
        let at: Monotonic = self.at();
        let handshakes = self.nodes.iter().filter(|node| node.is_in_handshake());
        let mut count = 0;
        for node in handshakes {
            count += 1;
            if node.address.ip == address.ip && node.address.bus_port == address.bus_port {
                return true;
            }
        }
        if count >= HANDSHAKES_MAX || address.ip.is_empty() || address.bus_port == 0 {
            return false;
        }
        let (id, shard) = (NodeId::random(&mut self.rng), NodeId::random(&mut self.rng));
        let node = Node { address, ..Node::new(id, shard, flags, at) };
        self.nodes.insert(node).is_some()
    }

    /// A node is reached elsewhere.
    pub(crate) fn hear_address(&mut self, key: NodeKey, address: Address) {
        let node = self.nodes.get(key);
        if key == self.nodes.me() || node.address == address || address.ip.is_empty() {
            return;
        }
        let (id, outbound) = (node.id, node.contact.outbound);
        let text = format!("Address updated for node {id}, now {}:{}", address.ip, address.port);
        self.outbox.warning(text);
        let node = self.nodes.get_mut(key);
        node.address = address;
        node.flags.remove(NodeFlags::NOADDR);
        if let Some(outbound) = outbound {
            self.close(outbound);
        }
        self.follow_primary();
        self.save();
    }

    fn hear_extensions(&mut self, sender: NodeKey, extensions: Vec<Extension>) {
        let (mut hostname, mut human_name) = (String::new(), String::new());
        let mut shard =
            self.nodes.primary_of(sender).map(|primary| self.nodes.get(primary).shard_id);
        let mut forgotten = Vec::new();
        for extension in extensions {
            match extension {
                Extension::Hostname(name) => hostname = name,
                Extension::HumanName(name) => human_name = name,
                Extension::ShardId(id) => shard = Some(id),
                Extension::Forgotten { id, seconds } => forgotten.push((id, seconds)),
                Extension::Unknown(kind) => {
                    let text = format!("Received unknown extension type {kind}");
                    self.outbox.log(Severity::Debug, text);
                }
            }
        }
        let node = self.nodes.get_mut(sender);
        let shard = shard.unwrap_or(node.shard_id);
        let is_new =
            node.hostname != hostname || node.human_name != human_name || node.shard_id != shard;
        (node.hostname, node.human_name, node.shard_id) = (hostname, human_name, shard);
        let id = node.id;
        let me = self.nodes.myself_mut();
        let follows = me.primary == Some(id) && me.shard_id != shard;
        if follows {
            me.shard_id = shard;
        }
        if follows {
            self.save();
        } else if is_new {
            self.save_soon();
        }
        for (id, seconds) in forgotten {
            self.forget_with(id, seconds);
        }
    }
}

/// How many nodes may be in handshake at a time.
const HANDSHAKES_MAX: usize = 512;
