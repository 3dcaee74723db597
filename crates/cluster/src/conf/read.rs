//! Reads nodes.conf.

use std::collections::{BTreeMap, HashSet};

use dunlin_slots::{SLOTS, SlotRange, SlotSet};

use super::{Conf, ConfNode, OpenSlot};
use crate::address::{Address, BUS_PORT_OFFSET};
use crate::bus::{is_address, is_hostname, is_human_name};
use crate::cluster::StartError;
use crate::flags::NodeFlags;
use crate::id::NodeId;
use crate::nodes::NODES_MAX;

/// What is wrong with a line.
type Reason = &'static str;

impl Conf {
    /// Reads the text of a file; `None` if it is empty, which means a new node. `is_tls_first` tells
    /// which port comes first where a line does not.
    ///
    /// # Errors
    /// [`StartError`] if it is not a whole nodes.conf.
    pub fn parse(text: &[u8], is_tls_first: bool) -> Result<Option<Self>, StartError> {
        let whole = |reason| StartError { line: 0, reason };
        if text.is_empty() {
            return Ok(None);
        }
        let text = str::from_utf8(text).map_err(|_| whole("it is not text"))?;
        let text = text.strip_suffix('\n').ok_or(whole("its last line does not end"))?;
        let mut conf = Self::default();
        let mut has_vars = false;
        for (index, line) in text.split('\n').enumerate() {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let done = match words.first() {
                None => Ok(()),
                Some(&"vars") => {
                    has_vars = true;
                    conf.read_vars(&words[1..])
                }
                Some(_) => read_node(&words, is_tls_first).map(|node| conf.nodes.extend(node)),
            };
            done.map_err(|reason| StartError { line: index + 1, reason })?;
        }
        if !has_vars {
            return Err(whole("its line of epochs is missing"));
        }
        conf.check().map_err(whole)?;
        Ok(Some(conf))
    }

    fn read_vars(&mut self, words: &[&str]) -> Result<(), Reason> {
        let (pairs, []) = words.as_chunks::<2>() else { return Err("a variable without a value") };
        for [name, value] in pairs {
            let target = match *name {
                "currentEpoch" => &mut self.current_epoch,
                "lastVoteEpoch" => &mut self.last_vote_epoch,
                _ => continue,
            };
            *target = value.parse().map_err(|_| "an epoch is no number")?;
        }
        Ok(())
    }

    /// What must hold of all lines together.
    fn check(&self) -> Result<(), Reason> {
        let is_myself = |node: &&ConfNode| node.flags.contains(NodeFlags::MYSELF);
        if self.nodes.iter().filter(is_myself).count() != 1 {
            return Err("not exactly one node is this one");
        }
        if self.nodes.len() > NODES_MAX {
            return Err("too many nodes");
        }
        let ids: HashSet<NodeId> = self.nodes.iter().map(|node| node.id).collect();
        if ids.len() < self.nodes.len() {
            return Err("a node is there twice");
        }
        let mut owned = SlotSet::new();
        for node in &self.nodes {
            if owned.intersects(&node.slots) {
                return Err("a slot has two owners");
            }
            owned = owned | &node.slots;
        }
        Ok(())
    }
}

/// A node's line; `None` for one in handshake, which is not worth remembering.
fn read_node(words: &[&str], is_tls_first: bool) -> Result<Option<ConfNode>, Reason> {
    let [id, address, flags, primary, ping, pong, epoch, link, slots @ ..] = words else {
        return Err("a line is too short");
    };
    let mut node = read_address(address, is_tls_first)?;
    node.id = read_id(id)?;
    node.flags = NodeFlags::parse(flags).ok_or("a flag is not known")?;
    node.primary = if *primary == "-" { None } else { Some(read_id(primary)?) };
    node.ping_sent_ms = ping.parse().map_err(|_| "a time is no number")?;
    node.pong_received_ms = pong.parse().map_err(|_| "a time is no number")?;
    node.config_epoch = epoch.parse().map_err(|_| "an epoch is no number")?;
    node.is_connected = match *link {
        "connected" => true,
        "disconnected" => false,
        _ => return Err("a link is neither connected nor disconnected"),
    };
    if node.flags.contains(NodeFlags::PRIMARY) == node.flags.contains(NodeFlags::REPLICA)
        && !node.flags.intersects(NodeFlags::HANDSHAKE | NodeFlags::NOADDR)
    {
        return Err("a node is neither primary nor replica");
    }
    for word in slots {
        read_slots(word, &mut node)?;
    }
    Ok((!node.flags.contains(NodeFlags::HANDSHAKE)).then_some(node))
}

fn read_id(word: &str) -> Result<NodeId, Reason> {
    NodeId::parse(word.as_bytes()).ok_or("an id is not forty digits")
}

fn read_port(word: &str) -> Result<u16, Reason> {
    word.parse().map_err(|_| "a port is no number")
}

/// `ip:port@bus,hostname,name=value,...`
fn read_address(word: &str, is_tls_first: bool) -> Result<ConfNode, Reason> {
    let mut parts = word.split(',');
    let address = parts.next().unwrap_or_default();
    let (ip, ports) = address.rsplit_once(':').ok_or("an address without a port")?;
    let (port, bus_port) = match ports.split_once('@') {
        Some((port, bus_port)) => (read_port(port)?, read_port(bus_port)?),
        None => {
            let port = read_port(ports)?;
            (port, port.saturating_add(BUS_PORT_OFFSET))
        }
    };
    let hostname = parts.next().unwrap_or_default();
    if !is_address(ip) || !is_hostname(hostname) {
        return Err("an address is none");
    }
    let mut node = ConfNode {
        id: NodeId::parse(&[b'0'; 40]).ok_or("zeros are an id")?,
        address: Address { ip: ip.to_owned(), port: 0, tls_port: 0, bus_port },
        is_tls_first,
        hostname: hostname.to_owned(),
        human_name: String::new(),
        shard_id: None,
        flags: NodeFlags::empty(),
        primary: None,
        ping_sent_ms: 0,
        pong_received_ms: 0,
        config_epoch: 0,
        is_connected: false,
        slots: SlotSet::new(),
        open: BTreeMap::new(),
    };
    let mut secondary = 0;
    for part in parts {
        let (name, value) = part.split_once('=').ok_or("a field without a value")?;
        match name {
            "tls-port" => (secondary, node.is_tls_first) = (read_port(value)?, false),
            "tcp-port" => (secondary, node.is_tls_first) = (read_port(value)?, true),
            "nodename" if is_human_name(value) => node.human_name = value.to_owned(),
            "shard-id" => node.shard_id = Some(read_id(value)?),
            _ => return Err("a field is not known"),
        }
    }
    let (port, tls_port) = if node.is_tls_first { (secondary, port) } else { (port, secondary) };
    (node.address.port, node.address.tls_port) = (port, tls_port);
    Ok(node)
}

/// `5`, `0-100`, `[5->-id]`, `[5-<-id]`.
fn read_slots(word: &str, node: &mut ConfNode) -> Result<(), Reason> {
    let Some(open) = word.strip_prefix('[') else {
        let range: SlotRange = word.parse().map_err(|_| "a slot is none")?;
        node.slots.insert_range(range);
        return Ok(());
    };
    let open = open.strip_suffix(']').ok_or("an open slot does not end")?;
    let (slot, open) = match (open.split_once("->-"), open.split_once("-<-")) {
        (Some((slot, id)), _) => (slot, OpenSlot::Migrating(read_id(id)?)),
        (_, Some((slot, id))) => (slot, OpenSlot::Importing(read_id(id)?)),
        _ => return Err("an open slot has no direction"),
    };
    let slot: u16 = slot.parse().map_err(|_| "a slot is none")?;
    if slot >= SLOTS {
        return Err("a slot is none");
    }
    node.open.insert(slot, open);
    Ok(())
}
