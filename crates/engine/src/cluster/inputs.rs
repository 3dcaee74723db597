//! What happens on the bus, and by the clock.

use dunlin_cluster::{BusRequest, Cluster, Facts, LinkId};
use dunlin_commands::cluster::{KeysBySlot, facts};
use dunlin_stdx::time::Now;

use crate::engine::Engine;

impl Engine {
    /// A peer has connected to the bus; `None` without a cluster, and while a primary loads its data.
    pub fn cluster_accepted(&mut self, peer_ip: &str, local_ip: &str) -> Option<LinkId> {
        if self.is_out_of_cluster() {
            return None;
        }
        let now = self.now;
        let link = self.cluster.as_mut()?.accepted(now, peer_ip, local_ip);
        self.act_for_cluster();
        Some(link)
    }

    /// A link that was asked for is there; this address has answered.
    pub fn cluster_connected(&mut self, link: LinkId, peer_ip: &str) {
        self.with_cluster(|cluster, now, facts| cluster.connected(now, facts, link, peer_ip));
    }

    /// A link that was asked for has not come about.
    pub fn cluster_connect_failed(&mut self, link: LinkId, reason: &str) {
        self.with_cluster(|cluster, now, _| cluster.connect_failed(now, link, reason));
    }

    /// A link has ended.
    pub fn cluster_closed(&mut self, link: LinkId) {
        self.with_cluster(|cluster, now, _| cluster.closed(now, link));
    }

    /// Bytes have come on a link.
    pub fn cluster_received(&mut self, link: LinkId, bytes: &[u8]) {
        self.with_cluster(|cluster, now, facts| cluster.received(now, facts, link, bytes));
    }

    /// So many bytes of a link could not be sent yet.
    pub fn cluster_unsent(&mut self, link: LinkId, bytes: usize) {
        if let Some(cluster) = &mut self.cluster {
            cluster.unsent(link, bytes);
        }
    }

    /// Periodic work of the cluster, ten times a second.
    pub fn run_cluster_cron(&mut self) {
        if self.is_out_of_cluster() {
            return;
        }
        self.end_cluster_pause_if_due();
        self.with_cluster(Cluster::run_cron);
    }

    /// A primary that loads its data keeps still: it cannot serve, so a replica may take over, and what
    /// it hears of slots must not meet half of its data.
    fn is_out_of_cluster(&self) -> bool {
        self.is_loading() && !self.replication.is_replica()
    }

    /// At the end of a turn, before anything is sent: what has changed is looked at and saved.
    #[inline]
    pub fn settle_cluster(&mut self) {
        if let Some(cluster) = &self.cluster
            && (cluster.needs_before_sleep() || cluster.has_actions())
        {
            self.settle_cluster_now();
        }
    }

    fn settle_cluster_now(&mut self) {
        self.with_cluster(Cluster::before_sleep);
    }

    /// The server is about to end.
    pub(crate) fn end_cluster(&mut self) {
        self.with_cluster(|cluster, now, facts| {
            cluster.ending(now);
            cluster.before_sleep(now, facts);
        });
    }

    /// The data set has been loaded.
    pub(crate) fn tell_cluster_loaded(&mut self) {
        self.with_cluster(Cluster::loaded);
    }

    /// The next thing to be done on the bus.
    pub fn next_bus_request(&mut self) -> Option<BusRequest> {
        self.cluster_work.requests.pop_front()
    }

    /// Whether nodes.conf could not be kept: the process must end.
    #[must_use]
    pub const fn is_cluster_lost(&self) -> bool {
        self.cluster_work.is_lost
    }

    /// Tells the cluster something, with how the server stands, and does what follows.
    fn with_cluster(&mut self, tell: impl FnOnce(&mut Cluster, Now, &Facts<'_>)) {
        if self.cluster.is_none() {
            return;
        }
        // The offset that is told to others has been handed to replicas.
        self.flush_stream();
        let keys = KeysBySlot(&self.keyspace);
        let facts = facts(&keys, &self.replication);
        if let Some(cluster) = &mut self.cluster {
            tell(cluster, self.now, &facts);
        }
        self.act_for_cluster();
    }
}
