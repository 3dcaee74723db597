//! What others say about others.

use dunlin_stdx::time::Monotonic;

use crate::address::Address;
use crate::bus::GossipEntry;
use crate::cluster::Cluster;
use crate::flags::NodeFlags;
use crate::node::Node;
use crate::nodes::NodeKey;
use crate::reach::seen_from_here;

/// How far in the future a PONG may be by hearsay: clocks differ.
const FUTURE_MS_MAX: i64 = 500;

/// How much older than the interval of PINGs a voucher may be, in microseconds: PINGs are sent by a cron
/// of 100 ms, and the PONG may itself be hearsay of a clock that differs.
const VOUCHER_SLACK_US: u64 = FUTURE_MS_MAX as u64 * 1000 + 100_000;

impl Cluster {
    /// Entries of a known sender.
    pub(crate) fn hear_gossip(&mut self, sender: NodeKey, entries: &[GossipEntry]) {
        for entry in entries {
            // A node that was told to be forgotten may be the sender: it is gone then.
            if self.nodes.try_get(sender).is_none() {
                return;
            }
            match self.nodes.find(&entry.id) {
                Some(key) if key == self.nodes.me() => self.hear_of_myself(entry),
                Some(key) => self.hear_of(sender, key, entry),
                None => self.hear_of_stranger(sender, entry),
            }
        }
    }

    /// The one time of its own that a node shows: others have heard from it.
    fn hear_of_myself(&mut self, entry: &GossipEntry) {
        if let Some(pong) = self.heard_pong(entry) {
            let contact = &mut self.nodes.myself_mut().contact;
            contact.pong_received = contact.pong_received.max(Some(pong));
        }
    }

    fn hear_of(&mut self, sender: NodeKey, key: NodeKey, entry: &GossipEntry) {
        let is_failing = entry.flags.intersects(NodeFlags::FAIL | NodeFlags::PFAIL);
        if sender != key && self.nodes.get(sender).is_primary() {
            self.hear_report(key, sender, is_failing);
        }
        if !is_failing && entry.ping_sent_s == 0 && entry.pong_received_s != 0 {
            self.hear_voucher(key);
        }
        let node = self.nodes.get(key);
        if !is_failing
            && node.contact.ping_sent.is_none()
            && node.reports.is_empty()
            && let Some(pong) = self.heard_pong(entry)
        {
            let contact = &mut self.nodes.get_mut(key).contact;
            contact.pong_received = contact.pong_received.max(Some(pong));
        }
        let node = self.nodes.get(key);
        let fails_here = node.flags.intersects(NodeFlags::FAIL | NodeFlags::PFAIL);
        if (fails_here || node.flags.contains(NodeFlags::NOADDR))
            && !is_failing
            && !entry.flags.contains(NodeFlags::NOADDR)
            && !node.is_in_handshake()
        {
            let address = self.gossiped_address(sender, entry);
            self.hear_address(key, address);
        }
    }

    /// Somebody has had an answer of a node and waits for none: the answer is no older than the interval
    /// of PINGs. Neither clock is asked, as they may differ.
    fn hear_voucher(&mut self, key: NodeKey) {
        let age_us = self.ping_interval_us() + VOUCHER_SLACK_US;
        let latest = self.at().0.checked_sub(age_us).map(Monotonic);
        let contact = &mut self.nodes.get_mut(key).contact;
        contact.vouched = contact.vouched.max(latest);
    }

    /// Where a node is that another one speaks of.
    fn gossiped_address(&self, sender: NodeKey, entry: &GossipEntry) -> Address {
        let ip = seen_from_here(entry.ip.as_str(), &self.nodes.get(sender).address.ip);
        self.bus_address(ip, entry.port, entry.secondary_port, entry.bus_port)
    }

    /// When a node has last answered somebody.
    fn heard_pong(&self, entry: &GossipEntry) -> Option<Monotonic> {
        let now = self.turn.now;
        let age_ms = now.unix_ms().0 - i64::from(entry.pong_received_s) * 1000;
        if entry.pong_received_s == 0 || age_ms < -FUTURE_MS_MAX {
            return None;
        }
        let age_us = u64::try_from(age_ms).unwrap_or(0) * 1000;
        now.monotonic.0.checked_sub(age_us).map(Monotonic)
    }

    /// A node that a known one knows is known from now on.
    fn hear_of_stranger(&mut self, sender: NodeKey, entry: &GossipEntry) {
        let at = self.at();
        let is_unusable = entry.flags.intersects(NodeFlags::NOADDR | NodeFlags::HANDSHAKE)
            || entry.ip.is_empty()
            || entry.bus_port == 0;
        if is_unusable || self.forgotten.contains(&entry.id, at) {
            return;
        }
        let kept = NodeFlags::PRIMARY
            | NodeFlags::REPLICA
            | NodeFlags::FAIL
            | NodeFlags::NOFAILOVER
            | NodeFlags::MIGRATE_TO;
        let mut flags = entry.flags & kept;
        if flags.contains(NodeFlags::PRIMARY) == flags.contains(NodeFlags::REPLICA) {
            flags.remove(NodeFlags::REPLICA);
            flags.insert(NodeFlags::PRIMARY);
        }
        let shard = crate::id::NodeId::random(&mut self.rng);
        let address = self.gossiped_address(sender, entry);
        let failed_at = flags.contains(NodeFlags::FAIL).then_some(at);
        let node = Node { address, failed_at, ..Node::new(entry.id, shard, flags, at) };
        if self.nodes.insert(node).is_some() {
            self.save_soon();
        }
    }
}
