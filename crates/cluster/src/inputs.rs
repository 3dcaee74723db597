//! What happens to links, and what follows at the end of a turn.

use dunlin_stdx::time::Now;

use crate::action::{Action, BusRequest, LinkId, Severity};
use crate::bus::{FRAME_BYTES_MAX, Message, Refusal, Refused, STRANGER_FRAME_BYTES_MAX};
use crate::cluster::Cluster;
use crate::facts::Facts;
use crate::flags::NodeFlags;
use crate::links::Link;

impl Cluster {
    /// A peer has connected to the port of the bus; `peer_ip` is where it comes from, `local_ip` the
    /// address of this end.
    pub fn accepted(&mut self, now: Now, peer_ip: &str, local_ip: &str) -> LinkId {
        self.turn.now = now;
        let link = self.links.accept(now, peer_ip, local_ip);
        if let Some(surplus) = self.links.surplus_stranger() {
            self.close(surplus);
        }
        link
    }

    /// A connection that [`BusRequest::Connect`] asked for is there; `peer_ip` is the address that has
    /// answered.
    pub fn connected(&mut self, now: Now, facts: &Facts<'_>, link: LinkId, peer_ip: &str) {
        self.begin(now, facts);
        let Some(open) = self.links.get_mut(link) else { return };
        peer_ip.clone_into(&mut open.peer_ip);
        let Some(key) = open.node else { return self.end_probe(link, Ok(())) };
        self.resolve_handshake(key, peer_ip);
        // The clock of a failure that is being detected goes on.
        let contact = &mut self.nodes.get_mut(key).contact;
        contact.is_open |= contact.outbound == Some(link);
        let pending = contact.ping_sent;
        self.greet(key);
        let node = self.nodes.get_mut(key);
        node.contact.ping_sent = pending.or(node.contact.ping_sent);
        node.flags.remove(NodeFlags::MEET);
    }

    /// A connection that [`BusRequest::Connect`] asked for could not be made, for this reason.
    pub fn connect_failed(&mut self, now: Now, link: LinkId, reason: &str) {
        self.turn.now = now;
        if let Some(key) = self.links.get(link).and_then(|link| link.node) {
            self.note_failed_attempt(key, reason);
            if self.nodes.get(key).is_in_handshake() {
                self.tell_why_unreachable(key);
            }
            let node = self.nodes.get(key);
            let (id, address) = (node.id, node.address.clone());
            let text =
                format!("Connection with Node {id} at {}:{} failed", address.ip, address.bus_port);
            self.outbox.log(Severity::Verbose, text);
        }
        self.end_probe(link, Err(reason));
        self.unlink(link);
    }

    /// A link has ended: the peer closed it, or reading or writing failed.
    pub fn closed(&mut self, now: Now, link: LinkId) {
        self.turn.now = now;
        self.unlink(link);
    }

    /// So many bytes of a link could not be written yet. To be told whenever that has changed.
    pub fn unsent(&mut self, link: LinkId, bytes: usize) {
        if let Some(link) = self.links.get_mut(link) {
            (link.unsent_bytes, link.handed_bytes) = (bytes, 0);
        }
    }

    /// Whether a link is open, and not still to be.
    pub(crate) fn is_open(&self, link: &Link) -> bool {
        // The one that this node opens to another is the only one of its kind.
        link.is_inbound || link.node.is_some_and(|key| self.nodes.get(key).is_connected())
    }

    /// Forgets a link that has ended. Without a link to a node that should answer, the time runs
    /// against it.
    fn unlink(&mut self, id: LinkId) {
        let at = self.at();
        let Some(key) = self.links.remove(id).and_then(|link| link.node) else { return };
        let contact = &mut self.nodes.get_mut(key).contact;
        if contact.outbound == Some(id) {
            contact.outbound = None;
            contact.ping_sent.get_or_insert(at);
        }
        if contact.inbound == Some(id) {
            contact.inbound = None;
        }
    }

    /// Closes a link.
    pub(crate) fn close(&mut self, id: LinkId) {
        let Some(link) = self.links.remove(id) else { return };
        self.outbox.push(Action::Bus(BusRequest::Close { link: id }));
        let Some(key) = link.node else { return };
        let contact = &mut self.nodes.get_mut(key).contact;
        for end in [&mut contact.outbound, &mut contact.inbound] {
            if *end == Some(id) {
                *end = None;
            }
        }
    }

    /// Bytes have come on a link.
    pub fn received(&mut self, now: Now, facts: &Facts<'_>, link: LinkId, bytes: &[u8]) {
        self.begin(now, facts);
        let mut input = bytes;
        while let Some(open) = self.links.get_mut(link) {
            let limit =
                if open.node.is_some() { FRAME_BYTES_MAX } else { STRANGER_FRAME_BYTES_MAX };
            let next = open.reader.next(&mut input, limit);
            // A part of a long message is a sign of life. What comes on a link of this node is one
            // when its sender is known.
            if let Some(key) = open.node.filter(|_| open.is_inbound) {
                self.nodes.get_mut(key).contact.data_received = Some(now.monotonic);
            }
            match next {
                Ok(Some(frame)) => match Message::decode(&frame) {
                    Ok(message) => self.handle_message(link, message),
                    Err(refused) => self.refuse(refused),
                },
                Ok(None) => return,
                Err(refusal) => return self.hang_up(link, refusal),
            }
        }
    }

    /// A message is refused; the link stays.
    pub(crate) fn refuse(&mut self, refused: Refused) {
        if let Some(kind) = refused.kind {
            self.stats.received[kind as usize] += 1;
        }
        self.stats.refused[refused.refusal as usize] += 1;
        self.complain(refused.to_string());
    }

    /// Something else than the bus is spoken on a link.
    fn hang_up(&mut self, link: LinkId, refusal: Refusal) {
        self.stats.refused[refusal as usize] += 1;
        let peer = self.links.get(link).map_or("", |link| &link.peer_ip);
        self.complain(format!(
            "Bad message length or signature received on the Cluster bus from {peer}"
        ));
        self.close(link);
    }

    /// A line about what a peer does wrong: one per run of the cron, so that no peer fills the log.
    fn complain(&mut self, text: String) {
        if !std::mem::replace(&mut self.cron.has_complained, true) {
            self.outbox.warning(text);
        }
    }

    /// What is done at the end of every turn, before the server sleeps: what has changed is looked at,
    /// and saved before anything is sent.
    pub fn before_sleep(&mut self, now: Now, facts: &Facts<'_>) {
        self.begin(now, facts);
        self.check_manual_failover_offset();
        if std::mem::take(&mut self.todo.failover) {
            self.run_failover();
        }
        if std::mem::take(&mut self.todo.state) {
            self.update_state();
        }
        if std::mem::take(&mut self.todo.tell) {
            self.tell_all(false);
        }
        if std::mem::take(&mut self.todo.save) {
            self.version += 1;
            self.todo.save_soon = false;
            let fsync = std::mem::take(&mut self.todo.fsync);
            let text = self.conf();
            self.outbox.push(Action::SaveConf { text, fsync });
        }
    }

    /// The server is about to end: what would be saved soon is saved at the end of this turn.
    pub fn ending(&mut self, now: Now) {
        self.turn.now = now;
        if self.todo.save_soon {
            self.save_to_disk();
        }
    }

    /// Whether [`Self::before_sleep`] has anything to do. O(1).
    #[must_use]
    #[inline]
    pub const fn needs_before_sleep(&self) -> bool {
        self.todo.save
            || self.todo.state
            || self.todo.failover
            || self.todo.tell
            || self.manual.catches_up()
    }

    /// Whether [`Self::poll_action`] gives anything. O(1).
    #[must_use]
    #[inline]
    pub fn has_actions(&self) -> bool {
        self.outbox.has_actions() || (!self.todo.save && self.outbox.has_messages())
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        if let Some(action) = self.outbox.next_action() {
            return Some(action);
        }
        while !self.todo.save {
            let (link, bytes) = self.outbox.next_message()?;
            if let Some(open) = self.links.get_mut(link) {
                open.handed_bytes += bytes.len();
                return Some(Action::Bus(BusRequest::Send { link, bytes }));
            }
        }
        None
    }
}
