//! Connections of the bus.

use std::collections::{BTreeMap, VecDeque};

use dunlin_stdx::time::Now;

use crate::action::LinkId;
use crate::bus::FrameReader;
use crate::nodes::NodeKey;

/// How many links may be open whose peer is not known: when there is one more, the oldest is closed.
pub(crate) const STRANGERS_MAX: usize = 1024;

/// A connection of the bus.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) reader: FrameReader,
    /// Whom it leads to: known from the start on a link that this node opens, and from the first
    /// message of a known sender on one that it accepts.
    pub(crate) node: Option<NodeKey>,
    pub(crate) is_inbound: bool,
    pub(crate) created: Now,
    pub(crate) peer_ip: String,
    pub(crate) local_ip: String,
    pub(crate) unsent_bytes: usize,
    /// Bytes that have been handed out to be sent since the server last said what is unsent.
    pub(crate) handed_bytes: usize,
}

/// All connections of the bus.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    by_id: BTreeMap<LinkId, Link>,
    /// Accepted ones that were not known when they came, oldest first; some of them are by now.
    strangers: VecDeque<LinkId>,
    last_id: u64,
}

impl Links {
    pub(crate) fn get(&self, id: LinkId) -> Option<&Link> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.by_id.get_mut(&id)
    }

    pub(crate) fn remove(&mut self, id: LinkId) -> Option<Link> {
        self.by_id.remove(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (LinkId, &Link)> {
        self.by_id.iter().map(|(id, link)| (*id, link))
    }

    /// A link to a node, which is to be opened.
    pub(crate) fn open(&mut self, node: NodeKey, now: Now) -> LinkId {
        self.add(Some(node), false, now, "", "")
    }

    /// A link that is only tried.
    pub(crate) fn open_to_nobody(&mut self, now: Now) -> LinkId {
        self.add(None, false, now, "", "")
    }

    /// A link that a peer has opened.
    pub(crate) fn accept(&mut self, now: Now, peer_ip: &str, local_ip: &str) -> LinkId {
        let id = self.add(None, true, now, peer_ip, local_ip);
        self.strangers.push_back(id);
        id
    }

    /// The oldest link of a stranger, if there are too many.
    pub(crate) fn surplus_stranger(&mut self) -> Option<LinkId> {
        if self.strangers.len() <= STRANGERS_MAX {
            return None;
        }
        let by_id = &self.by_id;
        self.strangers.retain(|id| by_id.get(id).is_some_and(|link| link.node.is_none()));
        (self.strangers.len() > STRANGERS_MAX).then(|| self.strangers.pop_front()).flatten()
    }

    fn add(
        &mut self,
        node: Option<NodeKey>,
        is_inbound: bool,
        now: Now,
        peer_ip: &str,
        local_ip: &str,
    ) -> LinkId {
        self.last_id += 1;
        let id = LinkId(self.last_id);
        let link = Link {
            reader: FrameReader::new(),
            node,
            is_inbound,
            created: now,
            peer_ip: peer_ip.to_owned(),
            local_ip: local_ip.to_owned(),
            unsent_bytes: 0,
            handed_bytes: 0,
        };
        self.by_id.insert(id, link);
        id
    }
}
