//! Nodes that cannot be reached, and what is tried then.
//!
//! - Why a link does not come about is remembered for each node and said once in the log, so that
//!   "Waiting for the cluster to join" has a reason.
//! - A node that announces a hostname is looked for under it every second time, because addresses
//!   change when machines or containers move. When all other nodes are out of reach, the seeds of the
//!   configuration are met anew.
//! - An address of the loopback interface that comes from another machine means that machine.
//!
//! Differs: Redis does none of this.

use std::net::IpAddr;

use dunlin_stdx::time::Monotonic;

use crate::address::{Address, BUS_PORT_OFFSET};
use crate::cluster::Cluster;
use crate::flags::NodeFlags;
use crate::nodes::NodeKey;

/// What is known of attempts to reach a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attempts {
    /// Attempts since it last answered.
    pub(crate) failed: u32,
    /// Why the last one failed.
    pub(crate) reason: Option<String>,
    /// Whether the log says so.
    is_told: bool,
}

/// A node that cannot be reached, for CLUSTER INFO.
#[derive(Clone, Copy, Debug)]
pub struct Unreachable<'a> {
    /// The node.
    pub node: &'a crate::node::Node,
    /// Why.
    pub reason: &'a str,
}

/// Whether this node's own address, as its nodes.conf had it, is still right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OwnAddress {
    /// Nobody has come to it, nor to another one.
    #[default]
    Unknown,
    /// Somebody has come to it.
    Confirmed,
    /// Everybody since then has come to another one.
    Doubted { since: Monotonic },
}

impl Cluster {
    /// A peer has come to another address than the one that is announced. Machines may have several;
    /// but if nobody comes to the announced one for the node timeout, it is not there any more.
    pub(crate) fn is_own_address_outdated(&mut self) -> bool {
        let at = self.at();
        match self.own_address {
            OwnAddress::Confirmed => false,
            OwnAddress::Unknown => {
                self.own_address = OwnAddress::Doubted { since: at };
                false
            }
            OwnAddress::Doubted { since } => at.since_us(since) > self.timeout_us(),
        }
    }

    /// What to connect to: the address of a node, or its hostname in every second attempt. By name it
    /// is met, so that it learns its own address, too.
    pub(crate) fn host_to_try(&mut self, key: NodeKey) -> String {
        let node = self.nodes.get_mut(key);
        let by_name = node.attempts.failed % 2 == 1 && !node.hostname.is_empty();
        if !by_name {
            return node.address.ip.clone();
        }
        node.flags.insert(NodeFlags::MEET);
        node.hostname.clone()
    }

    /// A seed that was given by name has this address.
    pub(crate) fn resolve_handshake(&mut self, key: NodeKey, peer_ip: &str) {
        let node = self.nodes.get_mut(key);
        let is_name = node.address.ip.parse::<IpAddr>().is_err();
        if node.is_in_handshake() && is_name && !peer_ip.is_empty() {
            peer_ip.clone_into(&mut node.address.ip);
        }
    }

    /// A node was looked for under its name and has answered: that is its address.
    pub(crate) fn found_by_name(&mut self, key: NodeKey, peer_ip: &str) {
        let node = self.nodes.get(key);
        if peer_ip.is_empty()
            || node.address.ip == peer_ip
            || node.attempts.failed.is_multiple_of(2)
        {
            return;
        }
        if !node.hostname.is_empty() {
            let address = Address { ip: peer_ip.to_owned(), ..node.address.clone() };
            self.hear_address(key, address);
        }
    }

    /// An attempt to reach a node has failed.
    pub(crate) fn note_failed_attempt(&mut self, key: NodeKey, reason: &str) {
        let node = self.nodes.get_mut(key);
        node.attempts.failed = node.attempts.failed.saturating_add(1);
        node.attempts.reason = Some(reason.to_owned());
    }

    /// A node has answered.
    pub(crate) fn note_reached(&mut self, key: NodeKey) {
        let node = self.nodes.get_mut(key);
        if node.attempts != Attempts::default() {
            node.attempts = Attempts::default();
        }
    }

    /// Says once why a node cannot be reached.
    pub(crate) fn tell_why_unreachable(&mut self, key: NodeKey) {
        let node = self.nodes.get(key);
        let Address { ip, port, bus_port, .. } = &node.address;
        let Some(reason) = node.attempts.reason.as_ref().filter(|_| !node.attempts.is_told) else {
            return;
        };
        let hint = match node.is_in_handshake() {
            true => ". It cannot join: its bus port must be open for this host",
            false => "",
        };
        let text =
            format!("Cannot reach node {ip}:{port} on its bus port {bus_port}: {reason}{hint}");
        self.outbox.warning(text);
        self.nodes.get_mut(key).attempts.is_told = true;
    }

    /// A handshake has lasted too long.
    pub(crate) fn tell_of_lost_handshake(&mut self, key: NodeKey) {
        let node = self.nodes.get(key);
        let Address { ip, port, bus_port, .. } = &node.address;
        let reason = match &node.attempts.reason {
            Some(reason) => reason.clone(),
            None if node.contact.outbound.is_some() => {
                "connected, but no answer: is it a node of a cluster, and not loading?".to_owned()
            }
            None => "no answer".to_owned(),
        };
        self.outbox.warning(format!(
            "Giving up the handshake with {ip}:{port} (bus port {bus_port}): {reason}"
        ));
    }

    /// Nodes that cannot be reached, and why. O(nodes).
    pub fn unreachable(&self) -> impl Iterator<Item = Unreachable<'_>> {
        self.nodes.iter().filter_map(|node| {
            let reason = node.attempts.reason.as_deref()?;
            Some(Unreachable { node, reason })
        })
    }

    /// When nobody can be reached, the seeds are met anew: all addresses may have changed.
    pub(crate) fn meet_seeds_if_alone(&mut self) {
        let at = self.at();
        let reached = |node: &crate::node::Node| {
            !node.is_myself()
                && node
                    .contact
                    .data_received
                    .is_some_and(|last| at.since_us(last) <= self.timeout_us())
        };
        let knows_others =
            self.nodes.iter().any(|node| !node.is_myself() && !node.is_in_handshake());
        if self.config.seeds.is_empty() || !knows_others || self.nodes.iter().any(reached) {
            self.cron.alone_since = None;
            return;
        }
        let since = *self.cron.alone_since.get_or_insert(at);
        if at.since_us(since) <= self.timeout_us() {
            return;
        }
        self.cron.alone_since = Some(at);
        for seed in self.config.seeds.clone() {
            let Some(address) = self.seed_address(&seed) else { continue };
            self.outbox.notice(format!("No node can be reached: trying the seed {seed}"));
            self.begin_handshake(address, NodeFlags::HANDSHAKE | NodeFlags::MEET);
        }
    }

    /// `host:port` or `host:port@bus-port`.
    fn seed_address(&self, seed: &str) -> Option<Address> {
        let (ip, ports) = seed.rsplit_once(':')?;
        let (port, bus_port) = ports.split_once('@').unwrap_or((ports, ""));
        let port: u16 = port.parse().ok()?;
        let bus_port = match bus_port {
            "" => port.checked_add(BUS_PORT_OFFSET)?,
            bus_port => bus_port.parse().ok()?,
        };
        let ip = ip.trim_start_matches('[').trim_end_matches(']');
        Some(self.bus_address(ip, port, 0, bus_port))
    }
}

/// An address as another machine has it: its loopback is that machine.
pub(crate) fn seen_from_here<'a>(ip: &'a str, speaker_ip: &'a str) -> &'a str {
    let is_loopback = |ip: &str| ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let speaks_from_afar = !speaker_ip.is_empty() && !is_loopback(speaker_ip);
    if is_loopback(ip) && speaks_from_afar { speaker_ip } else { ip }
}

/// Since when nobody can be reached.
pub(crate) type AloneSince = Option<Monotonic>;

#[cfg(test)]
mod tests {
    use super::seen_from_here;

    #[test]
    fn the_loopback_of_another_machine_is_that_machine() {
        for (ip, speaker, here) in [
            ("127.0.0.1", "10.0.0.2", "10.0.0.2"),
            ("::1", "fd00::2", "fd00::2"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
            ("127.0.0.2", "::1", "127.0.0.2"),
            ("10.0.0.3", "10.0.0.2", "10.0.0.3"),
            ("127.0.0.1", "", "127.0.0.1"),
        ] {
            assert_eq!(seen_from_here(ip, speaker), here, "{ip} from {speaker}");
        }
    }
}
