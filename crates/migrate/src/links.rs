//! Connections: made when they are needed, kept for a while, replaced when they break.

use dunlin_stdx::time::Monotonic;

use crate::action::{Action, LinkId};
use crate::link::Link;
use crate::migrations::Migrations;
use crate::request::TransferId;
use crate::transfer::Transfer;

/// Connections that are kept at most, as in Redis.
pub const LINKS_MAX: usize = 64;

/// How long a connection is kept that nobody uses, as in Redis.
pub const IDLE_US: u64 = 10_000_000;

impl Migrations {
    /// Gives a transfer a link: one that is kept, or a new one.
    pub(crate) fn connect(
        &mut self,
        id: TransferId,
        mut transfer: Transfer,
        port: u16,
        now: Monotonic,
    ) {
        let host = &transfer.request.host;
        let kept = self.links.iter_mut().find(|(_, link)| link.is_idle_to(host, port));
        let Some((&link_id, link)) = kept else { return self.reconnect(id, transfer, port, now) };
        link.user = Some(id);
        transfer.link = link_id;
        self.keep(id, transfer, now);
        self.introduce(id);
    }

    /// Gives a transfer a new link.
    pub(crate) fn reconnect(
        &mut self,
        id: TransferId,
        mut transfer: Transfer,
        port: u16,
        now: Monotonic,
    ) {
        if self.links.len() >= LINKS_MAX {
            self.close_longest_idle();
        }
        self.last_link += 1;
        let link = LinkId(self.last_link);
        transfer.link = link;
        let host = transfer.request.host.clone();
        self.links.insert(link, Link::new(host.clone(), port, id, now));
        self.actions.push_back(Action::Connect { link, host, port });
        self.keep(id, transfer, now);
    }

    /// A transfer has a connection: it introduces itself, and payloads may be made.
    pub(crate) fn introduce(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        // What is selected is known again when the transfer has ended well.
        let selected = self.links.get_mut(&transfer.link).and_then(|link| link.db.take());
        transfer.introduce(selected);
        self.ready.push_back(id);
    }

    /// A transfer has no use for its link any more: it is kept, if there is none like it.
    pub(crate) fn park(&mut self, id: LinkId, db: Option<i64>, now: Monotonic) {
        let Some(link) = self.links.get(&id) else { return };
        let has_like = self.links.values().any(|other| other.is_idle_to(&link.host, link.port));
        if has_like || self.links.len() > LINKS_MAX {
            self.close(id);
        } else if let Some(link) = self.links.get_mut(&id) {
            (link.user, link.db, link.last_used) = (None, db, now);
        }
    }

    /// Closes a link. Its transfer is the caller's business.
    pub(crate) fn close(&mut self, link: LinkId) {
        if self.links.remove(&link).is_some() {
            self.actions.push_back(Action::Close { link });
        }
    }

    fn close_longest_idle(&mut self) {
        let idle = self.links.iter().filter(|(_, link)| link.user.is_none());
        let longest = idle.min_by_key(|(_, link)| link.last_used).map(|(id, _)| *id);
        longest.into_iter().for_each(|id| self.close(id));
    }

    /// Closes connections that nobody has used for [`IDLE_US`].
    pub fn close_idle(&mut self, now: Monotonic) {
        let is_old = |link: &Link| link.user.is_none() && now.since_us(link.last_used) > IDLE_US;
        let old: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| is_old(link)).map(|(id, _)| *id).collect();
        old.into_iter().for_each(|id| self.close(id));
    }
}
