//! Who is in the cluster, and who follows whom: CLUSTER MEET, FORGET, REPLICATE.

use std::net::IpAddr;

use dunlin_stdx::time::Now;

use crate::address::{Address, BUS_PORT_OFFSET};
use crate::cluster::Cluster;
use crate::error::ClusterError;
use crate::facts::Facts;
use crate::flags::NodeFlags;
use crate::forget::FORGOTTEN_SECONDS;
use crate::id::NodeId;

impl Cluster {
    /// CLUSTER MEET: makes the node at this address know this one, and the other way round.
    ///
    /// # Errors
    /// [`ClusterError::InvalidAddress`] unless `ip` is a numeric address and the ports are some;
    /// [`ClusterError::TooManyNodes`].
    pub fn meet(
        &mut self,
        now: Now,
        ip: &str,
        port: u16,
        bus_port: Option<u16>,
    ) -> Result<(), ClusterError> {
        self.turn.now = now;
        let invalid = || ClusterError::InvalidAddress(ip.to_owned(), port.to_string());
        let numeric: IpAddr = ip.parse().map_err(|_| invalid())?;
        let bus_port = bus_port.or_else(|| port.checked_add(BUS_PORT_OFFSET)).unwrap_or(0);
        if port == 0 || bus_port == 0 {
            return Err(invalid());
        }
        let (port, tls_port) = if self.config.tls_cluster { (0, port) } else { (port, 0) };
        let address = Address { ip: numeric.to_string(), port, tls_port, bus_port };
        let flags = NodeFlags::HANDSHAKE | NodeFlags::MEET;
        if self.begin_handshake(address, flags) { Ok(()) } else { Err(ClusterError::TooManyNodes) }
    }

    /// CLUSTER FORGET: removes a node, and does not learn of it again for a minute. A node that is
    /// forgotten already is no error.
    ///
    /// # Errors
    /// [`ClusterError::UnknownNode`], [`ClusterError::ForgetsMyself`],
    /// [`ClusterError::ForgetsMyPrimary`].
    pub fn forget(&mut self, now: Now, id: &[u8]) -> Result<(), ClusterError> {
        self.turn.now = now;
        let at = now.monotonic;
        let key = match self.named(id) {
            Ok(key) => key,
            Err(error) => {
                let is_forgotten =
                    NodeId::parse(id).is_some_and(|id| self.forgotten.contains(&id, at));
                return if is_forgotten { Ok(()) } else { Err(error) };
            }
        };
        let id = self.nodes.get(key).id;
        if key == self.nodes.me() {
            return Err(ClusterError::ForgetsMyself);
        }
        if self.myself().primary == Some(id) {
            return Err(ClusterError::ForgetsMyPrimary);
        }
        self.forgotten.insert(id, FORGOTTEN_SECONDS, at);
        self.remove_node(key);
        // Others learn of it with the next messages, which are due now.
        self.tell_all(false);
        self.save();
        self.todo.state = true;
        Ok(())
    }

    /// CLUSTER REPLICATE: this node is a replica of that one.
    ///
    /// # Errors
    /// [`ClusterError::UnknownNode`], [`ClusterError::ReplicatesMyself`],
    /// [`ClusterError::ReplicatesReplica`], [`ClusterError::ReplicateNotEmpty`].
    pub fn replicate(
        &mut self,
        now: Now,
        facts: &Facts<'_>,
        id: &[u8],
    ) -> Result<(), ClusterError> {
        self.begin(now, facts);
        let key = self.named(id)?;
        if key == self.nodes.me() {
            return Err(ClusterError::ReplicatesMyself);
        }
        if !self.nodes.get(key).is_primary() {
            return Err(ClusterError::ReplicatesReplica);
        }
        let me = self.myself();
        if me.is_primary() && (me.slot_count > 0 || !facts.keys.is_empty()) {
            return Err(ClusterError::ReplicateNotEmpty);
        }
        self.become_replica_of(key);
        // Differs: Redis lets the others find out by its next PING, half a node timeout later.
        self.tell_all(false);
        Ok(())
    }
}
