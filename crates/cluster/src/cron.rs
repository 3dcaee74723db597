//! What is done every 100 ms.

use dunlin_stdx::time::{Monotonic, Now};

use crate::action::{Action, BusRequest};
use crate::cluster::Cluster;
use crate::facts::Facts;
use crate::flags::NodeFlags;
use crate::links::Link;
use crate::nodes::NodeKey;
use crate::reach::AloneSince;

/// Every tenth run, one of so many drawn nodes is sent a PING.
const DRAWN: usize = 5;

/// A node in handshake is given up after this time at least, in microseconds.
const HANDSHAKE_US_MIN: u64 = 1_000_000;

/// What the runs leave behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cron {
    runs: u64,
    last: Option<Monotonic>,
    /// Whether the last run has looked for primaries without replicas.
    pub(crate) watches_orphans: bool,
    /// Whether the log has had its line about bad peers since the last run.
    pub(crate) has_complained: bool,
    /// Since when no node can be reached.
    pub(crate) alone_since: AloneSince,
}

impl Cluster {
    /// What is done every 100 ms.
    pub fn run_cron(&mut self, now: Now, facts: &Facts<'_>) {
        self.begin(now, facts);
        self.cron.runs += 1;
        self.cron.has_complained = false;
        // After a long pause what has arrived is still to be read: nobody is accused before.
        let was_late =
            self.cron.last.is_some_and(|last| now.monotonic.since_us(last) > self.timeout_us() / 2);
        self.cron.last = Some(now.monotonic);
        if std::mem::take(&mut self.todo.save_soon) {
            self.save_to_disk();
        }
        self.keep_links();
        self.time_out_probes();
        self.meet_seeds_if_alone();
        if self.cron.runs.is_multiple_of(10) {
            self.ping_a_drawn_node();
        }
        for key in self.nodes.keys() {
            self.watch(key, was_late);
        }
        self.watch_orphans();
        self.follow_primary();
        self.check_manual_failover();
        if self.myself().is_replica() {
            self.follow_grand_primary();
            self.run_failover();
            self.migrate_to_orphan();
        }
        self.update_state();
    }

    /// Opens links that are missing, closes those whose peers do not read, gives up handshakes.
    fn keep_links(&mut self) {
        let limit = self.config.link_sendbuf_limit_bytes;
        let is_slow = |link: &Link| link.unsent_bytes as u64 > limit;
        let slow: Vec<_> = match limit {
            0 => Vec::new(),
            _ => self.links.iter().filter(|(_, link)| is_slow(link)).map(|(id, _)| id).collect(),
        };
        for link in slow {
            self.stats.send_limit_exceeded += 1;
            self.close(link);
        }
        let handshake_us = self.timeout_us().max(HANDSHAKE_US_MIN);
        for key in self.nodes.keys() {
            let node = self.nodes.get(key);
            if node.flags.intersects(NodeFlags::MYSELF | NodeFlags::NOADDR) {
                continue;
            }
            if node.is_in_handshake() && self.at().since_us(node.created) > handshake_us {
                self.tell_of_lost_handshake(key);
                self.remove_node(key);
            } else if node.contact.outbound.is_none() {
                self.connect(key);
            }
        }
    }

    fn connect(&mut self, key: NodeKey) {
        let link = self.links.open(key, self.turn.now);
        let node = self.nodes.get_mut(key);
        (node.contact.outbound, node.contact.is_open) = (Some(link), false);
        let port = node.address.bus_port;
        let ip = self.host_to_try(key);
        self.outbox.push(Action::Bus(BusRequest::Connect { link, ip, port }));
    }

    /// The one of a few that has been silent for longest.
    fn ping_a_drawn_node(&mut self) {
        let mut oldest: Option<(Option<Monotonic>, NodeKey)> = None;
        for _ in 0..DRAWN {
            let key = self.nodes.draw(&mut self.rng);
            let node = self.nodes.get(key);
            let is_out = node.flags.intersects(NodeFlags::MYSELF | NodeFlags::HANDSHAKE)
                || node.contact.ping_sent.is_some()
                || !node.is_connected();
            let pong = node.contact.pong_received;
            if !is_out && oldest.is_none_or(|(other, _)| pong < other) {
                oldest = Some((pong, key));
            }
        }
        if let Some((_, key)) = oldest {
            self.greet(key);
        }
    }

    /// A connection that does not come about in half the node timeout is tried anew, and the time runs
    /// against the node since it was first tried.
    fn give_up_connecting(&mut self, key: NodeKey) {
        let contact = &self.nodes.get(key).contact;
        let Some(id) = contact.outbound.filter(|_| !contact.is_open) else { return };
        let Some(link) = self.links.get(id) else { return };
        let tried = link.created.monotonic;
        if self.at().since_us(tried) > self.timeout_us() / 2 {
            self.nodes.get_mut(key).contact.ping_sent.get_or_insert(tried);
            self.note_failed_attempt(key, "Connection timed out");
            self.close(id);
        }
    }

    /// Sees to it that a node answers.
    fn watch(&mut self, key: NodeKey, was_late: bool) {
        let Some(node) = self.nodes.try_get(key) else { return };
        if node.flags.intersects(NodeFlags::MYSELF | NodeFlags::HANDSHAKE) {
            return;
        }
        let (at, timeout) = (self.at(), self.timeout_us());
        self.give_up_connecting(key);
        let contact = self.nodes.get(key).contact;
        let silent_us =
            |since: Option<Monotonic>| since.map_or(u64::MAX, |since| at.since_us(since));
        let pending_us = contact.ping_sent.map(|sent| at.since_us(sent));
        if let (Some(id), Some(pending)) = (contact.outbound, pending_us)
            && let Some(link) = self.links.get(id)
            && at.since_us(link.created.monotonic) > timeout
            && pending > timeout / 2
            && silent_us(contact.data_received) > timeout / 2
        {
            // Maybe it is the connection that does not work.
            self.close(id);
        }
        let interval_us = self.ping_interval_us();
        if self.nodes.get(key).is_connected() {
            let is_due = pending_us.is_none() && silent_us(contact.pong_received) > interval_us;
            if is_due || self.manual.is_handing_over_to(&self.nodes.get(key).id) {
                return self.greet(key);
            }
        }
        // Whatever has come lately counts for it, be it no PONG.
        let waits_us = pending_us.map(|pending| pending.min(silent_us(contact.data_received)));
        if !was_late && waits_us.is_some_and(|waits| waits > timeout) {
            self.suspect(key);
        }
    }
}
