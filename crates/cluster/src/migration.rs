//! Replicas that migrate: a primary whose replicas are all gone gets one from where there are many.
//!
//! Source: redis.io, "Redis cluster specification", replica migration.

use crate::cluster::Cluster;
use crate::flags::NodeFlags;
use crate::node::Node;

/// How long a primary must have been without replicas, in microseconds: a failover may be on.
const ORPHANED_US: u64 = 5_000_000;

impl Cluster {
    fn good_replicas(&self, primary: &Node) -> usize {
        let works = |replica: &&Node| !replica.is_failed();
        primary.replicas.iter().filter_map(|id| self.node(id)).filter(works).count()
    }

    /// Whether a primary that had replicas has none that works.
    fn is_orphaned(&self, node: &Node) -> bool {
        node.is_voting()
            && !node.is_failed()
            && node.flags.contains(NodeFlags::MIGRATE_TO)
            && self.good_replicas(node) == 0
    }

    /// Notes since when primaries are orphaned, for a replica that may migrate: one of several.
    pub(crate) fn watch_orphans(&mut self) {
        let at = self.at();
        let primary = self.nodes.primary_of(self.nodes.me()).map(|key| self.nodes.get(key));
        let may_leave = primary.is_some_and(|primary| primary.replicas.len() > 1);
        if !may_leave && !self.cron.watches_orphans {
            return;
        }
        self.cron.watches_orphans = may_leave;
        for key in self.nodes.keys() {
            let is_orphaned = may_leave && self.is_orphaned(self.nodes.get(key));
            let node = self.nodes.get_mut(key);
            node.orphaned_since = is_orphaned.then(|| node.orphaned_since.unwrap_or(at));
        }
    }

    /// Becomes the replica of an orphaned primary, if this is the one to go.
    pub(crate) fn migrate_to_orphan(&mut self) {
        if !self.is_ok() || !self.config.allow_replica_migration {
            return;
        }
        let Some(mine) = self.nodes.primary_of(self.nodes.me()) else { return };
        let here = self.good_replicas(self.nodes.get(mine));
        if here < 2 || here <= self.config.migration_barrier as usize {
            return;
        }
        let primaries = || self.nodes.iter().filter(|node| node.is_voting());
        if primaries().map(|node| self.good_replicas(node)).max().unwrap_or(0) > here {
            return;
        }
        let candidate = primaries()
            .filter(|node| self.good_replicas(node) == here)
            .flat_map(|node| node.replicas.iter())
            .filter(|id| self.node(id).is_some_and(|replica| !replica.is_failed()))
            .min();
        if candidate != Some(&self.myself().id) {
            return;
        }
        let at = self.at();
        let is_due = |node: &&Node| {
            node.orphaned_since.is_some_and(|since| at.since_us(since) > ORPHANED_US)
        };
        let Some(target) = primaries().find(is_due).map(|node| node.id) else { return };
        self.outbox.notice(format!("Migrating to orphaned master {target}"));
        if let Some(key) = self.nodes.find(&target) {
            self.become_replica_of(key);
        }
    }
}
