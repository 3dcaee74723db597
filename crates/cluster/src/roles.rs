//! What this node is: a primary, or whose replica.

use crate::action::Action;
use crate::cluster::Cluster;
use crate::flags::NodeFlags;
use crate::nodes::NodeKey;

impl Cluster {
    /// This node is a replica of that one from now on.
    pub(crate) fn become_replica_of(&mut self, primary: NodeKey) {
        let me = self.nodes.me();
        for slot in self.myself().slots.clone().iter() {
            self.nodes.assign(slot, None);
        }
        let (id, shard) = (self.nodes.get(primary).id, self.nodes.get(primary).shard_id);
        // Its own replicas follow when they see that it is none of theirs any more.
        self.nodes.set_primary(me, Some(id));
        self.nodes.make_replica(me);
        self.nodes.myself_mut().shard_id = shard;
        self.open.clear();
        self.end_manual_failover();
        self.election.forget();
        self.follow_primary();
        self.save();
        self.todo.state = true;
    }

    /// A replica whose primary has become a replica itself follows that one's primary; whether it does.
    pub(crate) fn follow_grand_primary(&mut self) -> bool {
        let me = self.nodes.me();
        let primary = self.nodes.primary_of(me);
        let grand = primary.and_then(|primary| self.nodes.primary_of(primary));
        let Some(grand) = grand.filter(|grand| *grand != me) else { return false };
        let label = self.nodes.get(grand).label();
        self.outbox.notice(format!(
            "I'm a sub-replica! Reconfiguring myself as a replica of grandmaster {label}"
        ));
        self.become_replica_of(grand);
        self.save_to_disk();
        true
    }

    /// This node is a primary from now on.
    pub(crate) fn become_primary(&mut self) {
        let me = self.nodes.me();
        self.nodes.set_primary(me, None);
        self.nodes.make_primary(me);
        self.nodes.myself_mut().flags.insert(NodeFlags::MIGRATE_TO);
        self.end_manual_failover();
        self.election.forget();
        self.follow_primary();
        self.save();
        self.todo.state = true;
    }

    /// The server replicates from where the primary is.
    pub(crate) fn follow_primary(&mut self) {
        if self.myself().is_primary() {
            if self.following.take().is_some() {
                self.outbox.push(Action::BecomePrimary);
            }
            return;
        }
        let Some(primary) = self.nodes.primary_of(self.nodes.me()) else { return };
        let address = &self.nodes.get(primary).address;
        let port = if self.config.tls_replication { address.tls_port } else { address.port };
        if address.ip.is_empty() || port == 0 {
            return;
        }
        let target = (address.ip.clone(), port);
        if self.following.as_ref() != Some(&target) {
            let (ip, port) = target.clone();
            self.following = Some(target);
            self.outbox.push(Action::ReplicateFrom { ip, port });
        }
    }
}
